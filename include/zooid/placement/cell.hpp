// What is placed: cells, their anchors, and what must always hold of them.
#pragma once

#include <zooid/placement/topology.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zooid::placement {

inline constexpr unsigned cell_size_max = 9;
inline constexpr std::size_t anchors_max = 8;

/// A server that the cell works for: a volume's client, primary or replica. Weight 0 leaves it out.
struct anchor {
    server_ref server;
    double weight = 1;
    friend bool operator==(anchor const&, anchor const&) = default;
};

/// A cell, placed or not: `members` is empty or holds `size` distinct servers in ascending order.
struct cell {
    std::string key;
    unsigned size = 7; ///< odd, 1 to 9
    std::vector<anchor> anchors;
    std::vector<server_ref> members;
    friend bool operator==(cell const&, cell const&) = default;
};

inline unsigned majority_of(unsigned size) {
    return size / 2 + 1;
}
/// Fewer than a majority, and at least one: what a single rack or power domain may hold. 3 of 7.
inline unsigned spread_limit_of(unsigned size) {
    return size / 2 > 1 ? size / 2 : 1;
}

/// The hard constraints. Distinct servers, capacity and not draining always hold; the rest is listed here.
/// A member counts in a power domain only if that domain is its only feed: with two it survives the loss of
/// either, so no single domain takes it.
struct floors {
    bool rack = true;   ///< fewer than a majority in any one rack
    bool power = true;  ///< fewer than a majority fed by one power domain alone
    bool row = false;   ///< fewer than a majority in any one row
    bool colour = true; ///< all members of one colour
    std::optional<unsigned> overlap_max =
        {}; ///< servers in common with any other cell; 3 protects cells of 7
    friend bool operator==(floors const&, floors const&) = default;
};

/// One floor, by name, as it stands in explanations and conflict sets.
enum class constraint : std::uint8_t {
    distinct_servers,
    capacity,
    not_draining,
    healthy,
    one_colour,
    rack_spread,
    power_spread,
    row_spread,
    overlap,
};
/// As answers spell it: "rack_spread".
std::string_view name_of(constraint c);

/// What is broken by these members alone, as sentences; empty if nothing is. What depends on today or on
/// other cells (draining and failed servers, capacity, overlap) is told by `audit`.
std::vector<std::string> violations(topology const& t, cell const& c, floors const& f);

/// Accepts a cell whose size is odd and in range, whose anchors and members exist, whose weights are finite
/// and not negative, and whose members are none or `size` distinct ones. `invalid_argument` names the path.
result<void> validate(topology const& t, cell const& c);

/// Largest number of cells of `size` on n servers with at most t in common: C(n, t+1) / C(size, t+1).
/// Two cells that share at most t servers have no (t+1)-subset in common. Saturates.
std::uint64_t cells_max(std::uint64_t servers, unsigned size, unsigned overlap_max);

} // namespace zooid::placement

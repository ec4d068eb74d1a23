// All servers, sorted by what a decision can tell apart, with the room that is left.
//
//   class  servers of one rack, pool, feeds and rate: interchangeable for any cell that is not anchored on
//   one of them group  classes of one row that differ in their rack alone: interchangeable while those racks
//   are untouched kind   groups that differ in their row alone: interchangeable while those rows are
//   untouched
//
// A pool holds the servers that one cell may mix: those of one colour, or all if colours are no floor.
// Counts of usable servers, classes and groups are kept current at each change of load, in constant time.
#pragma once

#include "placement/view.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace zooid::placement {

/// Mixes a word into a hash (the finaliser of splitmix64 over both).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t z = (a ^ (b * 0x9E3779B97F4A7C15ull)) + 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/// What the structure of a cell depends on: 32 bytes a server, so that a large data centre stays in the
/// cache.
struct tag {
    std::uint32_t rack, row, index_of_class, feeds;
    std::array<std::uint32_t, power_feeds_max> feed;
};

struct server_class {
    std::uint32_t rack, row, pool, group;
    tag common;          ///< of each of its servers
    std::uint64_t rates; ///< hash of the rates of server, rack and row
    std::vector<std::uint32_t> servers;
    std::uint32_t usable = 0;
};
struct class_group {
    std::uint32_t row, pool, kind;
    std::vector<std::uint32_t> classes;
    std::uint32_t usable = 0; ///< classes with a usable server
};
struct group_kind {
    std::uint32_t pool;
    std::vector<std::uint32_t> groups;
    std::uint32_t usable = 0; ///< groups with a usable class
};
struct pool {
    std::vector<std::vector<std::uint32_t>> classes_by_rack;
    std::vector<std::vector<std::uint32_t>> groups_by_row;
    std::vector<std::uint32_t> kinds;
    std::vector<std::uint32_t> classes;
    std::uint64_t load = 0;
    std::uint64_t capacity = 0; ///< of eligible servers
    std::uint32_t eligible = 0; ///< servers that are neither draining nor down
};

class catalogue {
  public:
    catalogue(topology const& t, failures const& down, bool one_colour);

    site const& at(std::uint32_t server) const { return sites_[server]; }
    tag const& tag_of(std::uint32_t server) const { return tags_[server]; }
    std::uint32_t class_of(std::uint32_t server) const { return tags_[server].index_of_class; }
    std::uint64_t rate_of_feed(std::uint32_t power) const { return power_rates_[power]; }
    std::uint32_t pool_of(std::uint32_t server) const { return classes_[class_of(server)].pool; }
    std::vector<server_class> const& classes() const { return classes_; }
    std::vector<class_group> const& groups() const { return groups_; }
    std::vector<group_kind> const& kinds() const { return kinds_; }
    std::vector<pool> const& pools() const { return pools_; }
    std::size_t servers() const { return sites_.size(); }

    /// Neither draining nor down today.
    bool eligible(std::uint32_t server) const { return eligible_[server]; }
    bool up(std::uint32_t server) const { return up_[server]; }
    bool usable(std::uint32_t server) const { return eligible_[server] && load_[server] < capacity_[server]; }
    std::uint32_t load(std::uint32_t server) const { return load_[server]; }
    std::uint32_t capacity(std::uint32_t server) const { return capacity_[server]; }
    std::span<std::uint32_t const> loads() const { return load_; }
    /// True if a is less loaded than b, relative to their capacities.
    bool emptier(std::uint32_t a, std::uint32_t b) const {
        return std::uint64_t{load_[a]} * capacity_[b] < std::uint64_t{load_[b]} * capacity_[a];
    }

    void add_load(std::uint32_t server);
    void remove_load(std::uint32_t server);
    void make_ineligible(std::uint32_t server);

  private:
    void build_classes(topology const& t, bool one_colour);
    void build_groups();
    void build_kinds();
    void count_usable(std::uint32_t server, int change);

    std::vector<site> sites_;
    std::vector<tag> tags_;
    std::vector<std::uint32_t> load_, capacity_;
    std::vector<std::uint64_t> power_rates_;
    std::vector<char> eligible_, up_;
    std::vector<server_class> classes_;
    std::vector<class_group> groups_;
    std::vector<group_kind> kinds_;
    std::vector<pool> pools_;
};

} // namespace zooid::placement

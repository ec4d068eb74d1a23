// The exact probability, from one point of view: the inner loop of everything in this room.
//
// A view is what the anchors tell: their racks and rows are up, so are the links between them, and some power
// domains surely are. Members fall into three zones: in an anchor's rack (reached whenever they are up), in
// an anchor's row (behind their rack's link), elsewhere (behind their row's link too). If all anchors share a
// rack, its link may be cut and leaves zone 0 alone; if they share a row, its link may be cut and leaves
// zones 0 and 1.
//
// Power crosses the tree, so the tree is solved once for every state of the crossing domains. Domains with
// the same users are one domain that is down when all of them are; one with a single user is part of that
// user. What is left crosses: for seven members with one feed each at most three.
//
// All sums are of positive terms below the majority; nothing is subtracted that could cancel.
#pragma once

#include <zooid/placement/availability.hpp>

#include <array>
#include <span>

namespace zooid::placement {

/// What the formula asks of a server, side by side in memory; servers of one class share it. Nothing is
/// initialised: arrays of these are filled as far as they are used.
struct site {
    std::uint32_t rack, row;
    std::uint32_t feeds; ///< how many of the following
    std::array<std::uint32_t, power_feeds_max> feed;
    std::array<double, power_feeds_max> feed_rate;
    double rate;
    double rack_down; ///< the rack itself
    double rack_off;  ///< the rack or its link
    double row_down, row_off;
    double rack_link, row_link; ///< P(cut)
};
site site_of(topology const& t, server_ref s);

/// Which server, and what it is like. The site must outlive every view and computation that it goes into.
struct located {
    server_ref server;
    site const* at;
};

/// Members that are still to be chosen, taken as independent of everything else: in racks of their own in an
/// anchor's row; or, if they never fail, reached whatever is cut, which makes the result a lower bound.
struct stand_ins {
    unsigned count = 0;
    double fail = 0;
};

enum class links : std::uint8_t { matter, ignored };

class view {
  public:
    /// From these anchors, all up and connected; from the core of the network if there are none.
    explicit view(std::span<located const> anchors, links l = links::matter);

    /// P(fewer than a majority of a cell of `size` reachable). members.size() + others.count == size.
    double shortfall(std::span<located const> members, stand_ins others, unsigned size) const;

    enum class zone : std::uint8_t { anchor_rack, anchor_row, elsewhere };
    zone zone_of(site const& s) const;
    bool is_anchor(server_ref s) const;
    bool surely_up(std::uint32_t power) const;

  private:
    friend class conditioned;
    void learn_power(std::span<located const> anchors);

    template <std::size_t N>
    struct small_set {
        std::uint32_t count = 0;
        std::array<std::uint32_t, N> item;
        bool has(std::uint32_t x) const {
            for (std::uint32_t i = 0; i < count; ++i) {
                if (item[i] == x) return true;
            }
            return false;
        }
        void add(std::uint32_t x) {
            if (!has(x)) item[count++] = x;
        }
    };

    links links_;
    small_set<anchors_max> servers_, racks_, rows_;
    small_set<anchors_max * power_feeds_max> powers_;
    double rack_cut_ = 0; ///< P(the link of the only anchor rack is cut)
    double row_cut_ = 0;  ///< P(the link of the only anchor row is cut)
    /// Anchors of which only "one of my feeds is up" is known.
    std::array<site const*, anchors_max> doubtful_;
    unsigned doubtful_count_ = 0;
};

/// Members or anchors that count, resolved from the topology. It points into itself.
template <std::size_t N>
class resolved {
  public:
    resolved() = default;
    resolved(resolved const&) = delete;
    resolved& operator=(resolved const&) = delete;

    void add(topology const& t, server_ref s) {
        sites_[count_] = site_of(t, s);
        all_[count_] = {s, &sites_[count_]};
        ++count_;
    }
    std::span<located const> all() const { return {all_.data(), count_}; }

  private:
    std::size_t count_ = 0;
    std::array<site, N> sites_;
    std::array<located, N> all_;
};

} // namespace zooid::placement

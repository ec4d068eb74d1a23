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

/// A server with all that the formula asks of it, side by side in memory.
struct site {
    server_ref server;
    std::uint32_t rack = 0;
    std::uint32_t row = 0;
    std::uint32_t feeds = 0; ///< how many of the following
    std::array<std::uint32_t, power_feeds_max> feed{};
    std::array<double, power_feeds_max> feed_rate{};
    double rate = 0;
    double rack_down = 0; ///< the rack itself
    double rack_off = 0;  ///< the rack or its link
    double row_down = 0;
    double row_off = 0;
    double rack_link = 0; ///< P(cut)
    double row_link = 0;
};
site site_of(topology const& t, server_ref s);

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
    explicit view(std::span<site const> anchors, links l = links::matter);

    /// P(fewer than a majority of a cell of `size` reachable). members.size() + others.count == size.
    double shortfall(std::span<site const* const> members, stand_ins others, unsigned size) const;

    enum class zone : std::uint8_t { anchor_rack, anchor_row, elsewhere };
    zone zone_of(site const& s) const;
    bool is_anchor(site const& s) const;
    bool surely_up(std::uint32_t power) const;

    struct small_set {
        std::array<std::uint32_t, anchors_max * power_feeds_max> item{};
        std::uint32_t count = 0;
        bool has(std::uint32_t x) const;
        void add(std::uint32_t x);
    };
    small_set const& racks() const { return racks_; }
    small_set const& rows() const { return rows_; }

  private:
    friend class conditioned;
    void learn_power(std::span<site const> anchors);

    links links_;
    small_set servers_, racks_, rows_, powers_;
    double rack_cut_ = 0; ///< P(the link of the only anchor rack is cut)
    double row_cut_ = 0;  ///< P(the link of the only anchor row is cut)
    /// Anchors of which only "one of these is up" is known.
    std::array<site, anchors_max> doubtful_store_{};
    unsigned doubtful_count_ = 0;
};

/// The anchors that count, resolved.
struct viewpoint_sites {
    std::array<site, anchors_max> sites;
    std::array<double, anchors_max> weight;
    std::size_t count = 0;
    std::span<site const> all() const { return {sites.data(), count}; }
};
viewpoint_sites anchors_of(topology const& t, cell const& c);

} // namespace zooid::placement

#include "placement/reach.hpp"

namespace zooid::placement {

bool is_up(topology const& t, server_ref ref, down_set const& down) {
    auto const& s = t.servers[ref.value];
    if (down.has(element_kind::server, ref.value) || down.has(element_kind::rack, s.rack.value)) return false;
    if (down.has(element_kind::row, t.row_of(ref).value)) return false;
    return std::any_of(s.power.begin(), s.power.end(),
                       [&](power_ref p) { return !down.has(element_kind::power, p.value); });
}

namespace {

/// The side of the network that a server is on: its rack, its row or the core, whichever is the first cut off
/// above it.
element side_of(topology const& t, server_ref ref, down_set const& down) {
    auto const rack = t.servers[ref.value].rack.value;
    auto const row = t.row_of(ref).value;
    if (down.has(element_kind::rack_link, rack)) return {element_kind::rack_link, rack};
    if (down.has(element_kind::row_link, row)) return {element_kind::row_link, row};
    return {element_kind::power, 0}; // stands for the core: no link is of this kind
}

} // namespace

std::optional<unsigned> reachable(topology const& t, cell const& c, down_set const& down) {
    element side{element_kind::power, 0};
    bool first = true;
    for (auto const& a : c.anchors) {
        if (a.weight <= 0) continue;
        if (!is_up(t, a.server, down)) return {};
        auto const here = side_of(t, a.server, down);
        if (!first && here != side) return {};
        side = here, first = false;
    }
    return static_cast<unsigned>(std::count_if(c.members.begin(), c.members.end(), [&](server_ref m) {
        return is_up(t, m, down) && side_of(t, m, down) == side;
    }));
}

} // namespace zooid::placement

// Made-up data centres that look like real ones, the same for the same seed.
#pragma once

#include <zooid/placement/cell.hpp>

#include <cstdint>
#include <vector>

namespace zooid::placement {

/// What to generate; the defaults make a regular data centre of 8,000 servers.
struct data_centre {
    std::uint32_t servers = 8000; ///< 50 to 100,000 are realistic; at least 1
    std::uint32_t servers_per_rack = 40;
    std::uint32_t racks_per_row = 20;
    std::uint32_t powers = 4;  ///< domains of the whole data centre, dealt to racks in turn
    std::uint32_t feeds = 1;   ///< power domains per rack, 1 to 4
    std::uint32_t colours = 2; ///< dealt to servers in turn
    std::uint32_t capacity = 2000;
    /// Of a hundred racks, so many are odd: smaller, on another power domain, with other rates.
    std::uint32_t irregular_percent = 0;
    std::uint32_t draining_percent = 0;
    failure_rates rates = {};
};
/// Always valid. Server ids are "s0" ..., racks "r0", rows "w0", powers "p0", colours "c0".
topology generate(data_centre const& d, std::uint64_t seed);

/// How a generated volume's three anchors lie to each other.
struct volume_mix {
    std::uint32_t same_row_percent =
        80; ///< primary and replica in the client's row, in racks of their own where there are
    std::uint32_t same_rack_percent = 0; ///< all three in one rack
    unsigned size = 7;
};
/// Unplaced cells with client, primary and replica (weights 1, 0.5, 0.25), keys "v0" ...
std::vector<cell> generate_cells(topology const& t, std::uint32_t count, volume_mix const& m,
                                 std::uint64_t seed);

} // namespace zooid::placement

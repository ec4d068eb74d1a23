// Failure studies: what breaks how much, for different ways to place the same cells.
//
// Each study is a function of its parameters and a seed, and returns a plot and what it saw in words.
#pragma once

#include <zooid/placement/generate.hpp>
#include <zooid/placement/picture.hpp>

#include <zooid/base/prng.hpp>

#include <cstdint>
#include <string>

namespace zooid_blast {

using namespace zooid::placement;

struct study_options {
    std::uint64_t seed = 1;
    std::uint32_t cells = 1000; ///< of each kind
};

struct study {
    std::string name; ///< of its files
    std::string heading;
    std::string text;
    plot picture;
};

/// (a) The paper's figure 4: cell size against the share of failed servers.
study cell_sizes(study_options const& o);
/// (b) Its figure 11: one database at one place against cells placed by 20 random candidate swaps.
study aggregation_links(study_options const& o);
/// (c) The same, with what the exact solver adds.
study exact_solver(study_options const& o);
/// (d) How many volumes need their cell, and how many do not reach it, as links fail.
study load_surge(study_options const& o);

/// The heuristic of the paper, as far as it is told: random servers; then each of `candidates` random servers
/// is tried in every member's place, and the exchange that helps most is kept.
void place_by_random_swaps(topology const& t, cell& c, unsigned candidates, zooid::prng& random);

// crush.cpp
/// A CRUSH map in text of the same data centre, with a rule for each row and one for all of it.
std::string crush_map(topology const& t);
/// The data centre and cells of the comparison with CRUSH.
struct comparison {
    topology world;
    std::vector<cell> cells;                        ///< with client, primary and replica
    std::vector<std::vector<std::uint32_t>> by_row; ///< cells by their client's row, in order
};
comparison comparison_of(study_options const& o);
/// One table out of crushtool's mappings ("rule R x X [a,b,...]" lines) and the seconds that it took.
std::string compare(comparison const& c, std::string const& mappings, double seconds_rows,
                    double seconds_all);

} // namespace zooid_blast

// What zooid-place does in each of its modes, as functions on documents.
#pragma once

#include <zooid/placement/json.hpp>

#include <string>
#include <vector>

namespace zooid_place {

using namespace zooid::placement;

enum class mode { place, repair, improve, drain, what_if, audit };

struct job {
    mode what = mode::place;
    topology_document world;
    std::vector<cell> cells;
    solver_options options;
    std::vector<server_ref> drained; ///< besides those that the topology marks
    failures down;                   ///< what-if: supposed; otherwise: today's
    bool explain = false;
};

struct outcome {
    std::vector<answer> answers;
    std::vector<std::string> explanations;
    std::vector<std::vector<std::string>> violated; ///< the floors that each answer breaks
    std::string summary;                            ///< one JSON object
    std::size_t refused = 0;
};

/// Runs the job; reports progress about once a second on stderr if it takes long.
zooid::result<outcome> run(job& j);

} // namespace zooid_place

// Each deliberate bug is caught by some layer of the tests within that layer's budget; without a bug the same
// layers find nothing. The cheapest layer is asked first; which one caught which bug is printed as a table.
#include "cell/explorer/search.hpp"
#include "cell/scenario/script.hpp"
#include "support/catch.hpp"

#include <zooid/base/mutant.hpp>
#include <zooid/sim/life.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

using namespace zooid;

namespace {

constexpr std::uint64_t seeds_budget = 60;
constexpr std::uint64_t states_budget = 300'000;

/// What found the bug, in words; nothing if the layer found nothing.
using found = std::optional<std::string>;

std::string content_of(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}

found caught_by_a_scenario() {
    std::vector<std::filesystem::path> scripts;
    for (auto const& file : std::filesystem::directory_iterator(ZOOID_SOURCE_DIR "/tests/cell/scenarios"))
        scripts.push_back(file.path());
    std::sort(scripts.begin(), scripts.end());
    for (auto const& path : scripts) {
        std::string const script = content_of(path);
        auto const played = scenario::play(script);
        if (!played.failures.empty() || played.text != script) return "scenario " + path.stem().string();
    }
    return std::nullopt;
}

found caught_by_exploring() {
    explore::bounds crash, read;
    crash.crashes = 1;
    read.reads = 1;
    for (explore::bounds limits : {explore::bounds{}, crash, read}) {
        limits.states_max = states_budget;
        auto const report = explore::explore(limits, nullptr);
        if (!report.broken.empty()) {
            return "explorer, " + std::to_string(report.states) + " states, depth " +
                   std::to_string(report.depth) + ": " + report.broken;
        }
    }
    return std::nullopt;
}

bool ends_well(std::uint64_t seed, std::string const& profile) {
    return sim::live({seed, profile, {}, {}}).failures.empty();
}

// A seed counts only if its life ends well without the bug.
found caught_by_a_life(mutant m) {
    for (std::uint64_t seed = 1; seed <= seeds_budget; ++seed) {
        for (std::string const profile : {"everything", "moves"}) {
            if (ends_well(seed, profile)) continue;
            active_mutant = mutant::none;
            bool const innocent = ends_well(seed, profile);
            active_mutant = m;
            if (innocent) return "life of seed " + std::to_string(seed) + ", profile " + profile;
        }
    }
    return std::nullopt;
}

found caught(mutant m) {
    active_mutant = m;
    found by = caught_by_exploring();
    if (!by) by = caught_by_a_scenario();
    if (!by) by = caught_by_a_life(m);
    active_mutant = mutant::none;
    return by;
}

} // namespace

TEST_CASE("without a deliberate bug neither the explorer nor the scenarios find anything") {
    CHECK_FALSE(caught_by_exploring());
    CHECK_FALSE(caught_by_a_scenario());
}

TEST_CASE("each deliberate bug is caught within its budget", "[slow]") {
    for (std::size_t i = 1; i < static_cast<std::size_t>(mutant::count_); ++i) {
        auto const m = static_cast<mutant>(i);
        found const by = caught(m);
        std::cout << "| " << name_of(m) << " | " << by.value_or("NOTHING") << " |" << std::endl;
        INFO("mutant " << name_of(m));
        CHECK(by);
    }
}

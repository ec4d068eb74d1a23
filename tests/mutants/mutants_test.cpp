// Each deliberate bug is caught by some layer of the tests within that layer's budget; without a bug the same
// layers find nothing. The cheapest layer is asked first; which one caught which bug is printed as a table.
#include "cell/explorer/search.hpp"
#include "cell/scenario/script.hpp"
#include "kv/lease_rig.hpp"
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
constexpr std::uint64_t contentions_budget = 100;
constexpr std::uint64_t states_budget = 300'000;

/// What found the bug, in words; nothing if the layer found nothing.
using found = std::optional<std::string>;

std::string content_of(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}

// An expectation, an invariant or the referee has to fail: that it goes another way, or that a line of it
// cannot be played any more, is no proof that anything went wrong, nor is what was expected after that line.
found caught_by_a_scenario() {
    std::vector<std::filesystem::path> scripts;
    for (auto const& file : std::filesystem::directory_iterator(ZOOID_SOURCE_DIR "/tests/cell/scenarios"))
        scripts.push_back(file.path());
    std::sort(scripts.begin(), scripts.end());
    for (auto const& path : scripts) {
        auto const played = scenario::play(content_of(path));
        if (!played.findings.empty())
            return "scenario " + path.stem().string() + ", " + played.findings.back();
    }
    return std::nullopt;
}

found caught_by_contention() {
    for (std::uint64_t seed = 1; seed <= contentions_budget; ++seed) {
        std::string const overlap = kv::contend(seed).overlap;
        if (!overlap.empty()) return "contention for a lease, seed " + std::to_string(seed) + ": " + overlap;
    }
    return std::nullopt;
}

found caught_by_exploring() {
    explore::bounds crash, read, replacement;
    crash.crashes = 1;
    read.reads = 1;
    replacement.replacement = true;
    replacement.slots = 2;
    replacement.alpha = 1;
    // At alpha 1 a quorum knows from the beginning all that a release waits for.
    explore::bounds releases = replacement;
    releases.releases = true;
    releases.slots = 3;
    releases.alpha = 2;
    for (explore::bounds limits : {explore::bounds{}, crash, read, replacement, releases}) {
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

using layer = found (*)(mutant);
constexpr layer scenarios = [](mutant) { return caught_by_a_scenario(); };
constexpr layer contention = [](mutant) { return caught_by_contention(); };
constexpr layer explorer = [](mutant) { return caught_by_exploring(); };
constexpr layer lives = caught_by_a_life;

found ask(layer of_tests, mutant m) {
    active_mutant = m;
    found by = of_tests(m);
    active_mutant = mutant::none;
    return by;
}

/// A line of the table; demands that the bug was found.
void require_found(mutant m, found const& by) {
    std::cout << "| " << name_of(m) << " | " << by.value_or("NOTHING") << " |" << std::endl;
    INFO("mutant " << name_of(m));
    CHECK(by);
}

} // namespace

TEST_CASE("without a deliberate bug the explorer, the scenarios and the users of a lease find nothing") {
    CHECK_FALSE(caught_by_exploring());
    CHECK_FALSE(caught_by_a_scenario());
    CHECK_FALSE(caught_by_contention());
}

TEST_CASE("each deliberate bug is caught by some layer within its budget", "[slow]") {
    for (std::size_t i = 1; i < static_cast<std::size_t>(mutant::count_); ++i) {
        auto const m = static_cast<mutant>(i);
        found by;
        for (layer const next : {scenarios, contention, explorer, lives}) { // the cheapest first
            if (!by) by = ask(next, m);
        }
        require_found(m, by);
    }
}

// What the explorer is for: order, loss, duplication, crashes and a change of members.
TEST_CASE("the explorer alone catches what breaks votes, ballots, reads, changes and releases") {
    for (mutant const m :
         {mutant::acknowledge_before_durable, mutant::forget_promise_on_restart, mutant::skip_phase_one,
          mutant::reuse_slot, mutant::accept_without_raising_promise, mutant::read_without_quorum,
          mutant::skip_extension, mutant::accept_below_promise, mutant::count_one_vote_too_few,
          mutant::own_vote_at_once, mutant::commit_any_ballot, mutant::release_too_early,
          mutant::report_prefix_not_durable, mutant::retire_when_removed}) {
        require_found(m, ask(explorer, m));
    }
}

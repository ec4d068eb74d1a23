// explorer [--replicas N] [--proposers N] [--ballots N] [--commands N] [--slots N] [--crashes N] [--reads N]
//          [--alpha N] [--replacement] [--releases] [--teaching] [--resignations] [--depth N] [--states N]
//          [--room N] [--unmerged] [--quiet] [--mutant NAME]
//
// Explores every order, loss, duplication and crash within the bounds, in the real code. Ends with the
// counts, and, if something is wrong, with the shortest story that leads there and exit status 1.
#include "cell/explorer/search.hpp"

#include <zooid/base/mutant.hpp>

#include <chrono>
#include <functional>
#include <iostream>

namespace {

using zooid::explore::bounds;

bool take(bounds& limits, std::string const& name, std::uint64_t value) {
    struct option {
        char const* name;
        std::function<void(bounds&, std::uint64_t)> set;
    };
    static option const all[] = {
        {"--replicas", [](bounds& b, auto v) { b.replicas = v; }},
        {"--proposers", [](bounds& b, auto v) { b.proposers = v; }},
        {"--ballots", [](bounds& b, auto v) { b.ballots = static_cast<unsigned>(v); }},
        {"--commands", [](bounds& b, auto v) { b.commands = static_cast<unsigned>(v); }},
        {"--slots", [](bounds& b, auto v) { b.slots = static_cast<unsigned>(v); }},
        {"--crashes", [](bounds& b, auto v) { b.crashes = static_cast<unsigned>(v); }},
        {"--reads", [](bounds& b, auto v) { b.reads = static_cast<unsigned>(v); }},
        {"--alpha", [](bounds& b, auto v) { b.alpha = static_cast<std::uint8_t>(v); }},
        {"--depth", [](bounds& b, auto v) { b.depth = v; }},
        {"--states", [](bounds& b, auto v) { b.states_max = v; }},
        {"--room", [](bounds& b, auto v) { b.states_hint = v; }},
    };
    for (option const& o : all) {
        if (name == o.name) return o.set(limits, value), true;
    }
    return false;
}

/// Only the build with deliberate bugs knows any.
bool activate(std::string const& name) {
#ifdef ZOOID_MUTANTS
    for (std::size_t i = 1; i < static_cast<std::size_t>(zooid::mutant::count_); ++i) {
        if (zooid::name_of(static_cast<zooid::mutant>(i)) != name) continue;
        zooid::active_mutant = static_cast<zooid::mutant>(i);
        return true;
    }
#endif
    std::cerr << "explorer: no mutant " << name << " in this build\n";
    return false;
}

bool parse(int argc, char** argv, bounds& limits, bool& quiet) {
    for (int i = 1; i < argc; ++i) {
        std::string const word = argv[i];
        if (word == "--replacement") {
            limits.replacement = true;
        } else if (word == "--teaching") {
            limits.teaching = true;
        } else if (word == "--resignations") {
            limits.resignations = true;
        } else if (word == "--releases") {
            limits.releases = true;
        } else if (word == "--unmerged") {
            limits.unmerged = true;
        } else if (word == "--quiet") {
            quiet = true;
        } else if (word == "--mutant" && i + 1 < argc) {
            if (!activate(argv[++i])) return false;
        } else if (i + 1 >= argc || !take(limits, word, std::stoull(argv[i + 1]))) {
            std::cerr << "explorer: what is " << word << "?\n";
            return false;
        } else {
            ++i;
        }
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    bounds limits;
    bool quiet = false;
    if (!parse(argc, argv, limits, quiet)) return 2;
    auto const began = std::chrono::steady_clock::now();
    auto const found = zooid::explore::explore(limits, quiet ? nullptr : &std::cerr);
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
    for (std::string const& line : found.story)
        std::cout << "  " << line << "\n";
    std::cout << found.states << " states, " << found.moves << " moves, depth " << found.depth << ", "
              << found.places << " places, " << found.messages << " messages, " << found.steps
              << " steps of the core, " << found.states_chosen << " states with a chosen slot, "
              << found.states_released << " with a chosen release, " << found.outcomes.size() << " outcomes, "
              << took.count() << " s, " << (found.complete ? "complete" : "not complete") << "\n";
    if (!found.broken.empty()) std::cout << "BROKEN: " << found.broken << "\n";
    return found.broken.empty() ? 0 : 1;
}

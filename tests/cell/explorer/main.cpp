// explorer [--replicas N] [--proposers N] [--ballots N] [--commands N] [--slots N] [--crashes N] [--reads N]
//          [--alpha N] [--replacement] [--releases] [--teaching] [--resignations] [--depth N] [--states N]
//          [--room N] [--unmerged] [--quiet] [--mutant NAME]
//
// Explores every order, loss, duplication and crash within the bounds, in the real code. Ends with the
// counts, and, if something is wrong, with the shortest story that leads there and exit status 1. The status is
// 64 if it can't be explored as it was asked.
#include "cell/explorer/search.hpp"
#include "cell/explorer/table.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/base/mutant.hpp>

#include <charconv>
#include <chrono>
#include <functional>
#include <iostream>
#include <optional>
#include <vector>

namespace {

using zooid::explore::bounds;

constexpr int exit_usage = 64;

bool refuse(std::string const& why) {
    std::cerr << "explorer: " << why << "\n";
    return false;
}

std::optional<std::uint64_t> whole_number(std::string const& text) {
    std::uint64_t value = 0;
    char const* const end = text.data() + text.size();
    auto const [read_to, wrong] = std::from_chars(text.data(), end, value);
    if (text.empty() || wrong != std::errc{} || read_to != end) return std::nullopt;
    return value;
}

struct option {
    char const* name;
    std::uint64_t least, most;
    std::function<void(bounds&, std::uint64_t)> set;
};

// At most nine for each replica: its commands and reads are told apart by one digit (place.cpp).
std::vector<option> const& options() {
    using zooid::explore::replicas_max, zooid::explore::slots_max;
    constexpr std::uint64_t few = 9, states = 10'000'000'000, room = 1'000'000'000;
    static std::vector<option> const all{
        {"--replicas", 1, replicas_max, [](bounds& b, auto v) { b.replicas = v; }},
        {"--proposers", 1, replicas_max, [](bounds& b, auto v) { b.proposers = v; }},
        {"--ballots", 1, few, [](bounds& b, auto v) { b.ballots = static_cast<unsigned>(v); }},
        {"--commands", 0, few, [](bounds& b, auto v) { b.commands = static_cast<unsigned>(v); }},
        {"--slots", 1, slots_max, [](bounds& b, auto v) { b.slots = static_cast<unsigned>(v); }},
        {"--crashes", 0, few, [](bounds& b, auto v) { b.crashes = static_cast<unsigned>(v); }},
        {"--reads", 0, few, [](bounds& b, auto v) { b.reads = static_cast<unsigned>(v); }},
        {"--alpha", 1, zooid::limits::alpha_max,
         [](bounds& b, auto v) { b.alpha = static_cast<std::uint8_t>(v); }},
        {"--depth", 0, states, [](bounds& b, auto v) { b.depth = v; }},
        {"--states", 0, states, [](bounds& b, auto v) { b.states_max = v; }},
        {"--room", 0, room, [](bounds& b, auto v) { b.states_hint = v; }},
    };
    return all;
}

bool take(bounds& limits, std::string const& name, char const* given) {
    for (option const& o : options()) {
        if (name != o.name) continue;
        auto const value = whole_number(given ? given : "");
        if (!value || *value < o.least || *value > o.most) {
            return refuse(name + " takes a whole number from " + std::to_string(o.least) + " to " +
                          std::to_string(o.most));
        }
        o.set(limits, *value);
        return true;
    }
    return refuse("what is " + name + "?");
}

/// What no option says alone.
bool is_possible(bounds const& limits) {
    if (limits.replicas % 2 == 0) return refuse("--replicas takes an odd number");
    if (limits.proposers > limits.replicas) return refuse("--proposers: there are fewer --replicas");
    if (limits.replacement && (limits.replicas != 3 || limits.proposers < 2))
        return refuse("--replacement begins with 3 --replicas, and 2 --proposers or more");
    if (limits.releases && !limits.replacement) return refuse("--releases needs --replacement");
    return true;
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
    return refuse("no mutant " + name + " in this build");
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
        } else {
            char const* const given = ++i < argc ? argv[i] : nullptr;
            if (!take(limits, word, given)) return false;
        }
    }
    return is_possible(limits);
}

} // namespace

int main(int argc, char** argv) {
    bounds limits;
    bool quiet = false;
    if (!parse(argc, argv, limits, quiet)) return exit_usage;
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

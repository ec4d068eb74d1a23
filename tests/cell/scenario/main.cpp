// scenario_runner [--rewrite] [--mutant NAME] [--steps STEPS] FILE...
//
// Plays golden scenarios and compares their transcripts. --rewrite writes the new transcripts into the files;
// what changed is then read in the difference to the last commit. --mutant switches a deliberate bug on, in
// the build that has them: which expectations fail then, what does the referee find? --steps writes the steps
// of all replicas, of the last scenario, for tests/spec/check_trace.py.
#include "cell/scenario/script.hpp"

#include <zooid/base/mutant.hpp>
#include <zooid/sim/step_trace.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

std::string content_of(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}

/// True if the scenario passes.
bool judge(std::string const& path, std::string const& script, std::string const& steps) {
    std::ofstream lines;
    if (!steps.empty()) lines.open(steps, std::ios::binary);
    zooid::sim::step_trace trace([&](std::string const& line) { lines << line << "\n"; });
    auto const played = zooid::scenario::play(script, steps.empty() ? nullptr : &trace);
    for (std::string const& line : played.unplayable)
        std::cout << path << ": " << line << "\n";
    for (std::string const& found : played.findings)
        std::cout << path << ": " << found << "\n";
    std::string const difference = zooid::scenario::difference(script, played.text);
    if (!difference.empty()) {
        std::cout << path << ": " << difference
                  << "if that is right: build/release/tests/scenario_runner --rewrite " << path << "\n";
    }
    return played.findings.empty() && played.unplayable.empty() && difference.empty();
}

#ifdef ZOOID_MUTANTS
bool activate(std::string_view name) {
    for (std::size_t i = 1; i < static_cast<std::size_t>(zooid::mutant::count_); ++i) {
        if (name_of(static_cast<zooid::mutant>(i)) != name) continue;
        zooid::active_mutant = static_cast<zooid::mutant>(i);
        return true;
    }
    return false;
}
#else
bool activate(std::string_view) {
    return false;
}
#endif

} // namespace

int main(int argc, char** argv) {
    bool rewrite = false;
    int passed = 0, failed = 0;
    std::string steps;
    for (int i = 1; i < argc; ++i) {
        std::string const argument = argv[i];
        if (argument == "--rewrite") {
            rewrite = true;
            continue;
        }
        if (argument == "--steps" && i + 1 < argc) {
            steps = argv[++i];
            continue;
        }
        if (argument == "--mutant") {
            if (i + 1 < argc && activate(argv[++i])) continue;
            std::cout << "this build has no such deliberate bug\n";
            return 2;
        }
        if (!std::filesystem::is_regular_file(argument)) {
            std::cout << argument << ": cannot read it\n";
            ++failed;
            continue;
        }
        std::string script = content_of(argument);
        if (rewrite) {
            script = zooid::scenario::play(script).text;
            std::ofstream(argument, std::ios::binary) << script;
        }
        ++(judge(argument, script, steps) ? passed : failed);
    }
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 && passed > 0 ? 0 : 1;
}

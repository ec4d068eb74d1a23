// scenario_runner [--rewrite] FILE...
//
// Plays golden scenarios and compares their transcripts. --rewrite writes the new transcripts into the files;
// what changed is then read in the difference to the last commit.
#include "cell/scenario/script.hpp"

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
bool judge(std::string const& path, std::string const& script) {
    auto const played = zooid::scenario::play(script);
    for (std::string const& failure : played.failures)
        std::cout << path << ": " << failure << "\n";
    std::string const difference = zooid::scenario::difference(script, played.text);
    if (!difference.empty()) {
        std::cout << path << ": " << difference
                  << "if that is right: build/release/tests/scenario_runner --rewrite " << path << "\n";
    }
    return played.failures.empty() && difference.empty();
}

} // namespace

int main(int argc, char** argv) {
    bool rewrite = false;
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; ++i) {
        std::string const argument = argv[i];
        if (argument == "--rewrite") {
            rewrite = true;
            continue;
        }
        std::string script = content_of(argument);
        if (rewrite) {
            script = zooid::scenario::play(script).text;
            std::ofstream(argument, std::ios::binary) << script;
        }
        ++(judge(argument, script) ? passed : failed);
    }
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 && passed > 0 ? 0 : 1;
}

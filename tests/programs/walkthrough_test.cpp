// The README's walk-through, as it stands there. A block that opens with ```sh is run, in one shell with all
// of them, and the ```text block behind it is what it must print; "..." in a line stands for anything.
#include "programs/processes.hpp"

#include <cctype>

using namespace programs;

namespace {

struct step {
    std::string commands;
    std::vector<std::string> said;
};

std::vector<step> walkthrough() {
    std::ifstream file(ZOOID_SOURCE_DIR "/README.md");
    std::vector<step> steps;
    std::string block;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("```")) {
            block = block.empty() ? line.substr(3) : "";
            if (block == "sh") steps.emplace_back();
        } else if (block == "sh") {
            steps.back().commands += line + "\n";
        } else if (block == "text" && !steps.empty()) {
            steps.back().said.push_back(line);
        }
    }
    return steps;
}

bool matches(std::string_view line, std::string_view pattern) {
    auto const gap = pattern.find("...");
    if (gap == std::string_view::npos) return line == pattern;
    if (!line.starts_with(pattern.substr(0, gap))) return false;
    auto const rest = pattern.substr(gap + 3);
    for (auto from = gap; from <= line.size(); ++from) {
        if (matches(line.substr(from), rest)) return true;
    }
    return false;
}

std::vector<std::string> lines_of(std::string const& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::string replaced(std::string text, std::string const& what, std::string const& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

// Three neighbouring ports that nobody has: "700" in the text is their first three digits, and more.
std::string free_ports() {
    for (int base = 20000 + static_cast<int>(::getpid()) % 20000;; base += 10) {
        std::string const prefix = std::to_string(base / 10);
        bool all_free = true;
        for (int id = 1; id <= 3; ++id) {
            std::string const probe = "exec 3<>/dev/tcp/127.0.0.1/" + prefix + std::to_string(id);
            all_free &= run({"/bin/bash", "-c", probe}).code != 0;
        }
        if (all_free) return prefix;
    }
}

} // namespace

TEST_CASE("the README's walk-through does what it says") {
    auto const steps = walkthrough();
    REQUIRE(steps.size() >= 4);
    std::string const bin = fs::path(ZOOIDCTL_PATH).parent_path().string();
    std::string script =
        "set -e\ntrap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT\nexport PATH=\"" + bin + ":$PATH\"\n";
    for (step const& s : steps) {
        script += "echo '=== step'\n" +
                  replaced(s.commands, "zooidctl --config", "zooidctl --deadline 60 --config");
    }
    scratch folder;
    write_all(folder.path / "script", replaced(script, "127.0.0.1:700", "127.0.0.1:" + free_ports()));
    auto const done = run({"/bin/bash", "-c", "cd \"$0\" && exec bash script", folder.path.string()});
    INFO(script << "\n" << done.out << "\n" << done.err);
    CHECK(done.code == 0);
    std::vector<std::vector<std::string>> said;
    for (std::string const& line : lines_of(done.out)) {
        if (line == "=== step")
            said.emplace_back();
        else
            said.back().push_back(line);
    }
    REQUIRE(said.size() == steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        INFO(steps[i].commands);
        if (steps[i].said.empty()) continue;
        REQUIRE(said[i].size() == steps[i].said.size());
        for (std::size_t line = 0; line < said[i].size(); ++line) {
            INFO(said[i][line] << "\nis not\n" << steps[i].said[line]);
            CHECK(matches(said[i][line], steps[i].said[line]));
        }
    }
}

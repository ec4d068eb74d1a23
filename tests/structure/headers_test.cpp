// A host application pays for our headers in each of its files, so their weight has a budget: lines after
// preprocessing. That each compiles alone, twice in one file and without a warning, is checked by the build
// (one generated file per header, in CMakeLists.txt beside this).
#include "structure/sources.hpp"
#include "support/catch.hpp"

#include <algorithm>

namespace {

using namespace structure;

constexpr std::ptrdiff_t pure_lines_max = 80'000;
constexpr std::ptrdiff_t edge_lines_max = 130'000;

std::ptrdiff_t preprocessed_lines(std::string const& path) {
    auto const result = run("cd " + shell_word(ZOOID_SOURCE_DIR) + " && echo '#include \"" + path + "\"' | " +
                            shell_word(ZOOID_CXX) + " -std=c++20 -Iinclude -I. -x c++ -E -");
    INFO(path);
    REQUIRE(result.status == 0);
    return std::count(result.output.begin(), result.output.end(), '\n');
}

void check_budget(bool pure, std::ptrdiff_t lines_max) {
    for (auto const& file : cpp_files({"include"})) {
        auto const r = rooms().find(room_of(file.path));
        if (r == rooms().end()) continue;
        bool const light = r->second.pure && r->first != "sim"; // tests pay for sim, not host applications
        if (light != pure) continue;
        auto const lines = preprocessed_lines(file.path);
        INFO(file.path << " has " << lines << " preprocessed lines, at most " << lines_max << " are allowed");
        CHECK(lines > 0);
        CHECK(lines <= lines_max);
    }
}

} // namespace

TEST_CASE("a public header of a pure room has at most 80,000 preprocessed lines") {
    check_budget(true, pure_lines_max);
}

TEST_CASE("a public header of an edge room, or of sim, has at most 130,000 preprocessed lines") {
    check_budget(false, edge_lines_max);
}

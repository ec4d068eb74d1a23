// Rules for every committed text: its length, its format, and that it says nothing of the machine it came
// from.
#include "structure/sources.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cctype>

namespace {

using namespace structure;

constexpr std::ptrdiff_t lines_max = 600;

std::ptrdiff_t line_count(std::string const& text) {
    return std::count(text.begin(), text.end(), '\n');
}

bool may_be_long(std::string const& path) {
    return path == "LICENSE" || is_excepted("long", path);
}

// Spelt in two parts, so that this file obeys its own rule.
std::vector<std::string> const machine_folders = {"/ro"
                                                  "ot/",
                                                  "/wo"
                                                  "rk/",
                                                  "/ho"
                                                  "me/"};

std::vector<std::string> machine_path_complaints(source_file const& file) {
    std::vector<std::string> found;
    for (auto const& folder : machine_folders)
        for (auto at = file.text.find(folder); at != std::string::npos; at = file.text.find(folder, at + 1)) {
            // part of a longer path, such as src/…, is no machine path
            char const before = at == 0 ? ' ' : file.text[at - 1];
            if (std::isalnum(static_cast<unsigned char>(before)) || before == '_' || before == '.') continue;
            auto const line =
                std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
            found.push_back(file.path + ":" + std::to_string(line + 1) + ": " + folder);
        }
    return found;
}

} // namespace

TEST_CASE("no file has more than 600 lines unless it is listed with a reason") {
    REQUIRE(repository().size() > 200); // else nothing is looked at
    std::vector<std::string> complaints;
    for (auto const& file : repository())
        if (is_text(file.text) && line_count(file.text) > lines_max && !may_be_long(file.path))
            complaints.push_back(file.path + ": " + std::to_string(line_count(file.text)) + " lines");
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("every exception names a file that exists and says why") {
    REQUIRE(!exceptions().empty());
    for (auto const& e : exceptions()) {
        INFO(e.rule << " " << e.path);
        CHECK((e.rule == "long" || e.rule.starts_with("include:") || e.rule.starts_with("name:")));
        CHECK(e.reason.size() > 10);
        auto const& files = repository();
        auto const file =
            std::find_if(files.begin(), files.end(), [&](auto const& f) { return f.path == e.path; });
        REQUIRE(file != files.end());
        auto const excused = e.rule.substr(e.rule.find(':') + 1);
        CHECK((e.rule == "long" ? line_count(file->text) > lines_max
                                : file->text.find(excused) != std::string::npos));
    }
}

TEST_CASE("no committed text contains a path of the machine it was written on") {
    CHECK(machine_path_complaints({"a", "see " + machine_folders[0] + "x"}).size() == 1);
    CHECK(machine_path_complaints({"a", machine_folders[1]}).size() == 1);
    CHECK(machine_path_complaints({"a", "frame" + machine_folders[1]}).empty());
    REQUIRE(repository().size() > 200);
    std::vector<std::string> complaints;
    for (auto const& file : repository()) {
        if (!is_text(file.text)) continue;
        auto const some = machine_path_complaints(file);
        complaints.insert(complaints.end(), some.begin(), some.end());
    }
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

#ifdef ZOOID_CLANG_FORMAT
TEST_CASE("every C++ file is formatted by the repository's .clang-format") {
    std::string command =
        "cd " + shell_word(ZOOID_SOURCE_DIR) + " && " ZOOID_CLANG_FORMAT " --dry-run -Werror";
    auto const files = cpp_files({"include", "lib", "examples", "bench", "tests"});
    REQUIRE(files.size() > 200);
    for (auto const& file : files)
        command += " " + shell_word(file.path);
    auto const result = run(command + " 2>&1");
    INFO(result.output);
    CHECK(result.status == 0);
}
#endif

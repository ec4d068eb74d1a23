// The table of bug classes in tests/README.md claims what finds each, and that of traps in PROTOCOL.md what
// tells each. What they name has to exist: a scenario by its file, a test case or a claim of the code by its
// words, anything else in code type by its occurrence in the sources. A rename that forgets a table fails
// here. And a scenario that says at its head which class or trap it shows is named in that row.
#include "structure/sources.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>

namespace {

using namespace structure;

constexpr std::size_t classes = 68, traps = 22;

struct row {
    std::string number, text, found_by;
};

std::string const& file_of(std::string const& path) {
    auto const& files = repository();
    auto const found =
        std::find_if(files.begin(), files.end(), [&](source_file const& f) { return f.path == path; });
    REQUIRE(found != files.end());
    return found->text;
}

std::vector<std::string> split(std::string const& text, std::string const& separator) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (auto at = text.find(separator); at != std::string::npos; at = text.find(separator, from)) {
        parts.push_back(text.substr(from, at - from));
        from = at + separator.size();
    }
    parts.push_back(text.substr(from));
    return parts;
}

/// "| 12 | class | found by |" for every number.
std::vector<row> table() {
    std::vector<row> rows;
    for (auto const& line : split(file_of("tests/README.md"), "\n")) {
        auto const cells = split(line, " | ");
        if (cells.size() != 3 || line.size() < 3 || !std::isdigit(static_cast<unsigned char>(line[2])))
            continue;
        rows.push_back({cells[0].substr(2), cells[1], cells[2]});
    }
    return rows;
}

/// What stands between two of these marks.
std::vector<std::string> marked(std::string const& text, std::string const& mark) {
    auto const parts = split(text, mark);
    std::vector<std::string> found;
    for (std::size_t i = 1; i + 1 < parts.size(); i += 2)
        found.push_back(parts[i]);
    return found;
}

/// The sources and the specification, with the strings that a line break cut in two joined again.
std::string const& sources() {
    static std::string const all = [] {
        std::string text;
        for (auto const& file : repository()) {
            bool const code = file.path.ends_with(".cpp") || file.path.ends_with(".hpp") ||
                              file.path.ends_with(".tla") || file.path.ends_with("spec/mutants.txt");
            if (!code || file.path == "tests/structure/bug_classes_test.cpp") continue;
            text += file.text;
        }
        std::string joined;
        for (std::size_t i = 0; i < text.size(); ++i) {
            std::size_t after = i + 1;
            while (text[i] == '"' && after < text.size() &&
                   std::isspace(static_cast<unsigned char>(text[after])))
                ++after;
            if (text[i] == '"' && after > i + 1 && text[after] == '"') {
                i = after;
            } else {
                joined += text[i];
            }
        }
        return joined;
    }();
    return all;
}

bool is_scenario(std::string const& name) {
    auto const& files = repository();
    return std::any_of(files.begin(), files.end(), [&](source_file const& f) {
        return f.path == "tests/cell/scenarios/" + name + ".txt";
    });
}

bool exists(std::string const& name) {
    auto const& files = repository();
    std::string const word = name.substr(0, name.find(' '));
    return is_scenario(name) || sources().find(word) != std::string::npos ||
           std::any_of(files.begin(), files.end(), [&](source_file const& f) { return f.path == word; });
}

/// What is in quotes, in the pieces that "..." leaves.
std::vector<std::string> quoted(std::string const& text) {
    std::vector<std::string> found;
    for (std::string const& phrase : marked(text, "\"")) {
        for (std::string const& part : split(phrase, "...")) {
            auto const first = part.find_first_not_of(' ');
            if (first != std::string::npos)
                found.push_back(part.substr(first, part.find_last_not_of(' ') + 1 - first));
        }
    }
    return found;
}

std::vector<std::string> complaints_about(row const& r) {
    std::vector<std::string> found;
    for (std::string const& words : quoted(r.found_by)) {
        if (sources().find(words) == std::string::npos)
            found.push_back(r.number + ": nothing is called \"" + words + "\"");
    }
    for (std::string const& name : marked(r.found_by, "`")) {
        if (!exists(name)) found.push_back(r.number + ": there is no " + name);
    }
    // scenario `x`, scenarios `x`, `y`
    for (std::string const& clause : split(r.found_by, ";")) {
        auto const at = clause.find("scenario");
        if (at == std::string::npos) continue;
        for (std::string const& name : marked(clause.substr(at), "`")) {
            if (!is_scenario(name)) found.push_back(r.number + ": there is no scenario " + name);
        }
    }
    return found;
}

/// The traps that PROTOCOL.md tells of: "| 12 | story |".
std::map<int, std::string> told_traps() {
    std::string const& page = file_of("lib/cell/PROTOCOL.md");
    auto const from = page.find("\n## Traps\n");
    REQUIRE(from != std::string::npos);
    std::string const chapter = page.substr(from, page.find("\n## ", from + 1) - from);
    static std::regex const line("\n\\| ([0-9]+) \\| ([^\n]*)");
    std::map<int, std::string> told;
    for (std::sregex_iterator at(chapter.begin(), chapter.end(), line), end; at != end; ++at)
        told[std::stoi((*at)[1])] = (*at)[2];
    return told;
}

/// What a scenario says above its first verb, as one line.
std::string head_of(source_file const& scenario) {
    std::string head;
    for (std::string const& line : split(scenario.text, "\n")) {
        if (!line.starts_with("#")) break;
        head += line.substr(std::min<std::size_t>(line.size(), 2)) + " ";
    }
    return head;
}

/// "bug class 8", "bug classes 1, 6, 7", "traps 10 to 12", "bug classes 9 and 16"
std::set<int> numbers_after(std::string const& kind, std::string const& head) {
    static std::string const list = " ([0-9]+(?:(?:,| to| and) [0-9]+)*)";
    std::regex const claim(kind + list, std::regex::icase), part("( to)? ?([0-9]+)");
    std::set<int> found;
    for (std::sregex_iterator at(head.begin(), head.end(), claim), end; at != end; ++at) {
        std::string const numbers = (*at)[1];
        int before = 0;
        for (std::sregex_iterator n(numbers.begin(), numbers.end(), part); n != end; ++n) {
            int const number = std::stoi((*n)[2]);
            for (int i = (*n)[1].matched ? before : number; i <= number; ++i)
                found.insert(i);
            before = number;
        }
    }
    return found;
}

/// The scenarios whose heads claim what the row of that number does not name.
std::vector<std::string> unnamed_in(std::map<int, std::string> const& rows, std::string const& kind) {
    std::vector<std::string> found;
    for (source_file const& file : repository()) {
        static std::string const folder = "tests/cell/scenarios/";
        if (!file.path.starts_with(folder)) continue;
        std::string const name = file.path.substr(folder.size(), file.path.size() - folder.size() - 4);
        for (int const number : numbers_after(kind, head_of(file))) {
            auto const row = rows.find(number);
            if (row == rows.end() || row->second.find("`" + name + "`") == std::string::npos)
                found.push_back(name + " says that it shows " + std::to_string(number));
        }
    }
    return found;
}

} // namespace

TEST_CASE("the table of bug classes is complete, and every test that it names exists") {
    CHECK(complaints_about({"1", "", "scenario `nobody_wrote_this`"}).size() == 2);
    CHECK(complaints_about({"1", "", "\"no test has this name at all\""}).size() == 1);
    auto const rows = table();
    REQUIRE(rows.size() == classes);
    std::vector<std::string> complaints;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(rows[i].number == std::to_string(i + 1));
        CHECK(rows[i].found_by.size() > 10);
        auto const some = complaints_about(rows[i]);
        complaints.insert(complaints.end(), some.begin(), some.end());
    }
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("a scenario that says which bug class it shows is named in that row") {
    CHECK(numbers_after("bug class(?:es)?", "(bug classes 9 and 16), trap 3") == std::set<int>{9, 16});
    CHECK(numbers_after("bug class(?:es)?", "Bug classes 1, 27 to 29 in a") == std::set<int>{1, 27, 28, 29});
    std::map<int, std::string> rows;
    for (row const& r : table())
        rows[std::stoi(r.number)] = r.found_by;
    auto const complaints = unnamed_in(rows, "bug class(?:es)?");
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("every trap names a scenario or a test that exists, and each scenario that tells of it") {
    auto const told = told_traps();
    REQUIRE(told.size() == traps);
    std::vector<std::string> complaints = unnamed_in(told, "traps?");
    for (auto const& [number, story] : told) {
        auto const names = marked(story, "`");
        bool const played = std::any_of(names.begin(), names.end(), is_scenario);
        if (!played && quoted(story).empty()) complaints.push_back(std::to_string(number) + ": no test");
        for (std::string const& name : names) {
            if (!exists(name)) complaints.push_back(std::to_string(number) + ": there is no " + name);
        }
        for (std::string const& words : quoted(story)) {
            if (sources().find("\"" + words) == std::string::npos)
                complaints.push_back(std::to_string(number) + ": no test is called \"" + words + "\"");
        }
    }
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("every trap that is named by its number has its story in PROTOCOL.md") {
    auto const told = told_traps();
    static std::regex const name("[Tt]raps?[ \n#*/\\\\]+([0-9]+)"); // also across a line break
    std::size_t names = 0;
    for (source_file const& file : repository()) {
        bool const of_the_protocol = file.path.starts_with("lib/") || file.path.starts_with("include/") ||
                                     file.path.starts_with("tests/cell/");
        if (!of_the_protocol) continue;
        for (std::sregex_iterator at(file.text.begin(), file.text.end(), name), end; at != end;
             ++at, ++names) {
            INFO(file.path << " names trap " << (*at)[1]);
            CHECK(told.contains(std::stoi((*at)[1])));
        }
    }
    CHECK(names > 40);
}

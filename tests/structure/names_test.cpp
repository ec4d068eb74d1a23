// One name, one type: two types of the same name in one namespace are an error that nobody reports. Neither
// header knows the other, so both compile; the linker then merges their inline members and the templates over
// them, and one of the two gets the other's code.
#include "structure/sources.hpp"
#include "support/catch.hpp"

#include <map>
#include <sstream>

namespace {

using namespace structure;

bool opens_a_body(std::string const& line) {
    return line.find('{') != std::string::npos && line.find(';') > line.find('{');
}

// The type that a line at the margin begins to define, `room::part` too, or nothing. Specialisations are no
// types of their own name.
std::string type_defined(std::string const& line) {
    for (std::string const keyword :
         {"struct ", "class ", "union ", "enum class ", "enum struct ", "enum "}) {
        if (!line.starts_with(keyword) || !opens_a_body(line)) continue;
        if (line.compare(keyword.size(), 8, "alignas(") == 0) return {};
        auto const end = line.find_first_of(" {<", keyword.size());
        return line[end] == '<' ? std::string() : line.substr(keyword.size(), end - keyword.size());
    }
    return {};
}

// Types at namespace scope with their qualification, but for those in namespaces without a name, which are
// each file's own. The format of the sources is known: what is at namespace scope stands at the margin, and
// the end of a namespace says so.
std::vector<std::string> types_of(source_file const& file) {
    std::istringstream in(file.text);
    std::vector<std::string> types;
    std::string scope;
    bool is_own = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("namespace ") && opens_a_body(line)) {
            is_own = line.starts_with("namespace {");
            if (!is_own) scope = line.substr(10, line.find(" {") - 10);
        }
        if (line == "} // namespace") is_own = false;
        auto const type = type_defined(line);
        if (!type.empty() && !is_own) types.push_back(scope + "::" + type);
    }
    return types;
}

std::vector<std::string> name_complaints(std::vector<source_file> const& files) {
    std::map<std::string, std::string> seen;
    std::vector<std::string> found;
    for (auto const& file : files)
        for (auto const& type : types_of(file)) {
            auto const [first, is_new] = seen.emplace(type, file.path);
            if (!is_new) found.push_back(type + " is defined in " + first->second + " and in " + file.path);
        }
    return found;
}

} // namespace

TEST_CASE("two types of one name in one namespace are found, and no others") {
    std::string const one = "namespace zooid {\nstruct entry {\n};\n} // namespace zooid\n";
    auto const beside = [&](std::string const& other) {
        return name_complaints({{"a.hpp", one}, {"b.hpp", other}}).size();
    };
    CHECK(beside(one) == 1);
    CHECK(beside("namespace zooid {\nclass entry final : base {\n") == 1);
    CHECK(
        beside("namespace zooid {\nnamespace {\nvoid f() {\n}\n} // namespace\nenum class entry { a };\n") ==
        1);
    CHECK(beside("namespace zooid {\nstruct entry;\n") == 0);
    CHECK(beside("namespace zooid {\nstruct entry::part {\n") == 0);
    CHECK(beside("namespace zooid {\nstruct entry<int> {\n") == 0);
    CHECK(beside("namespace zooid::kv {\nstruct entry {\n") == 0);
    CHECK(beside("namespace zooid {\nclass other {\n    struct entry {\n") == 0);
    CHECK(beside("namespace zooid {\nnamespace {\nvoid f() {\n}\nstruct entry {\n};\n} // namespace\n") == 0);
}

TEST_CASE("no two files of the library define a type of the same name in the same namespace") {
    auto const files = cpp_files({"include", "lib"});
    REQUIRE(files.size() > 100); // else nothing was looked at
    auto const complaints = name_complaints(files);
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

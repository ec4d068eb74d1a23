#include "cell/scenario/script.hpp"

#include "cell/scenario/verbs.hpp"

#include <algorithm>
#include <sstream>

namespace zooid::scenario {

namespace {

constexpr char indent[] = "    ";

std::vector<std::string> lines_of(std::string const& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

bool is_verb(std::string const& line) {
    return !line.empty() && line[0] != '#' && line[0] != ' ';
}

} // namespace

outcome play(std::string const& script, step_observer* steps) {
    outcome result;
    verbs v(steps);
    int line_number = 0;
    for (std::string const& line : lines_of(script)) {
        ++line_number;
        if (line.starts_with(indent)) continue; // the transcript of an earlier run
        result.text += line + "\n";
        if (!is_verb(line)) continue;
        std::string const place = "line " + std::to_string(line_number) + ": " + line + ": ";
        try {
            v.perform(line);
        } catch (unmet const& wrong) { // of another story, if a line of this one was not played
            if (result.unplayable.empty()) result.findings.push_back(place + wrong.what());
        } catch (std::exception const& wrong) {
            result.unplayable.push_back(place + wrong.what());
        }
        for (std::string const& told : v.take_transcript())
            result.text += indent + told + "\n";
    }
    if (!v.ended()) result.unplayable.push_back("a scenario ends with `end`");
    for (std::string const& found : v.findings())
        result.findings.push_back(found);
    return result;
}

std::string difference(std::string const& expected, std::string const& actual) {
    if (expected == actual) return "";
    auto const was = lines_of(expected);
    auto const is = lines_of(actual);
    std::size_t at = 0;
    while (at < was.size() && at < is.size() && was[at] == is[at])
        ++at;
    std::string text = "the first difference is in line " + std::to_string(at + 1) + "\n";
    for (std::size_t i = at > 3 ? at - 3 : 0; i < at; ++i)
        text += "    " + was[i] + "\n";
    for (std::size_t i = at; i < std::min(at + 4, was.size()); ++i)
        text += "  - " + was[i] + "\n";
    for (std::size_t i = at; i < std::min(at + 4, is.size()); ++i)
        text += "  + " + is[i] + "\n";
    return text;
}

} // namespace zooid::scenario

#include "structure/sources.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

namespace structure {

namespace {

namespace fs = std::filesystem;

fs::path const root = ZOOID_SOURCE_DIR;

std::string content_of(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::vector<std::string> paths_known_to_git() {
    auto const listing =
        run("git -C " + shell_word(root.string()) +
            " -c core.quotePath=off ls-files --cached --others --exclude-standard 2>/dev/null");
    return listing.status == 0 ? lines_of(listing.output) : std::vector<std::string>{};
}

// An unpacked archive has no git; its build folders, if any, lie at the top.
std::vector<std::string> paths_on_disk() {
    std::vector<std::string> paths;
    for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator();
         ++entry) {
        auto const name = entry->path().filename().string();
        if (entry.depth() == 0 && (name.starts_with("build") || name == ".git" || name == ".cache"))
            entry.disable_recursion_pending();
        else if (entry->is_regular_file())
            paths.push_back(fs::relative(entry->path(), root).generic_string());
    }
    return paths;
}

std::vector<source_file> read_repository() {
    auto paths = paths_known_to_git();
    if (paths.empty()) paths = paths_on_disk();
    std::sort(paths.begin(), paths.end());
    std::vector<source_file> files;
    for (auto const& path : paths)
        if (fs::is_regular_file(root / path)) files.push_back({path, content_of(root / path)});
    return files;
}

std::vector<exception> parse_exceptions(std::string_view text) {
    std::vector<exception> found;
    for (auto const& line : lines_of(text)) {
        std::istringstream words(line);
        exception e;
        if (!(words >> e.rule) || e.rule.starts_with('#')) continue;
        words >> e.path >> std::ws;
        std::getline(words, e.reason);
        found.push_back(e);
    }
    return found;
}

bool in_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Walks over C++ text and tells code, comment and literal apart; as much of a lexer as the checks need.
class scanner {
  public:
    scanner(std::string_view text, literals what) : text_(text), what_(what), out_(text) {}

    std::string scan() {
        while (at_ < text_.size())
            step();
        return std::move(out_);
    }

  private:
    void step() {
        if (starts_with("//"))
            blank_to(text_.find('\n', at_), true);
        else if (starts_with("/*"))
            blank_to(after("*/", at_ + 2), true);
        else if (starts_with("R\"") && (at_ == 0 || !in_name(text_[at_ - 1])))
            blank_to(after(raw_end(), at_ + 2), false);
        else if (text_[at_] == '"' || (text_[at_] == '\'' && (at_ == 0 || !in_name(text_[at_ - 1]))))
            blank_to(literal_end(text_[at_]), false);
        else
            ++at_;
    }

    bool starts_with(std::string_view word) const { return text_.substr(at_).starts_with(word); }

    std::size_t after(std::string const& word, std::size_t from) const {
        auto const found = text_.find(word, from);
        return found == std::string_view::npos ? found : found + word.size();
    }

    std::string raw_end() const {
        auto const open = text_.find('(', at_);
        return ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    }

    std::size_t literal_end(char quote) const {
        for (auto i = at_ + 1; i < text_.size(); ++i) {
            if (text_[i] == '\\')
                ++i;
            else if (text_[i] == quote || text_[i] == '\n')
                return i + 1;
        }
        return text_.size();
    }

    void blank_to(std::size_t end, bool is_comment) {
        end = std::min(end, text_.size());
        if (is_comment || what_ == literals::blank)
            std::replace_if(
                out_.begin() + static_cast<std::ptrdiff_t>(at_),
                out_.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return c != '\n'; }, ' ');
        at_ = end;
    }

    std::string_view text_;
    literals what_;
    std::string out_;
    std::size_t at_ = 0;
};

} // namespace

std::vector<source_file> const& repository() {
    static auto const files = read_repository();
    return files;
}

std::vector<source_file> cpp_files(std::initializer_list<std::string_view> folders) {
    std::vector<source_file> found;
    for (auto const& file : repository())
        for (auto folder : folders)
            if (file.path.starts_with(std::string(folder) + "/") &&
                (file.path.ends_with(".hpp") || file.path.ends_with(".cpp")))
                found.push_back(file);
    return found;
}

room_table parse_rooms(std::string_view table) {
    room_table parsed;
    for (auto const& line : lines_of(table)) {
        std::istringstream words(line);
        std::string name, kind, other;
        room r;
        if (!(words >> name) || name.starts_with('#')) continue;
        words >> r.library >> kind;
        if (kind != "pure" && kind != "edge") throw std::runtime_error("rooms.txt: " + name + " is " + kind);
        r.pure = kind == "pure";
        while (words >> other)
            r.may_include.insert(other);
        r.may_include.insert(name);
        parsed[name] = r;
    }
    return parsed;
}

room_table const& rooms() {
    static auto const table = parse_rooms(content_of(root / "tests/structure/rooms.txt"));
    return table;
}

std::vector<exception> const& exceptions() {
    static auto const list = parse_exceptions(content_of(root / "tests/structure/exceptions.txt"));
    return list;
}

bool is_excepted(std::string_view rule, std::string_view path) {
    return std::any_of(exceptions().begin(), exceptions().end(),
                       [&](exception const& e) { return e.rule == rule && e.path == path; });
}

std::string room_of(std::string_view path) {
    for (std::string_view folder : {"include/zooid/", "lib/"}) {
        if (!path.starts_with(folder)) continue;
        auto const rest = path.substr(folder.size());
        auto const slash = rest.find('/');
        if (slash != std::string_view::npos) return std::string(rest.substr(0, slash));
    }
    return {};
}

bool is_public_header(std::string_view path) {
    return path.starts_with("include/") && path.ends_with(".hpp");
}

bool is_text(std::string_view content) {
    return content.find('\0') == std::string_view::npos;
}

std::string code_of(std::string_view text, literals what) {
    return scanner(text, what).scan();
}

std::vector<include_line> includes_of(source_file const& file) {
    std::vector<include_line> found;
    int number = 0;
    for (auto const& line : lines_of(code_of(file.text, literals::keep))) {
        ++number;
        auto at = line.find_first_not_of(" \t");
        if (at == std::string::npos || line[at] != '#') continue;
        at = line.find_first_not_of(" \t", at + 1);
        if (at == std::string::npos || line.compare(at, 7, "include") != 0) continue;
        auto const open = line.find_first_of("<\"", at);
        if (open == std::string::npos) continue;
        auto const close = line.find_first_of(">\"", open + 1);
        found.push_back({number, line.substr(open + 1, close - open - 1), line[open] == '"'});
    }
    return found;
}

std::vector<name_use> names_of(source_file const& file) {
    std::vector<name_use> found;
    auto const code = code_of(file.text, literals::blank);
    int line = 1;
    for (std::size_t at = 0; at < code.size();) {
        auto const begin = at;
        while (at < code.size() && (in_name(code[at]) || code.compare(at, 2, "::") == 0))
            at += in_name(code[at]) ? 1 : 2;
        if (at > begin) found.push_back({line, code.substr(begin, at - begin)});
        if (at < code.size() && code[at++] == '\n') ++line;
    }
    return found;
}

command_result run(std::string const& command) {
    command_result result;
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return result;
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        result.output.append(buffer, n);
    int const status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

std::string shell_word(std::string_view argument) {
    std::string text = "'";
    for (char c : argument)
        text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

std::string listed(std::vector<std::string> const& complaints) {
    std::string text;
    for (auto const& complaint : complaints)
        text += "\n  " + complaint;
    return text;
}

} // namespace structure

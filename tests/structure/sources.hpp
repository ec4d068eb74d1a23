// The repository as data: its files, the includes and names in them, and the table of rooms.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace structure {

struct source_file {
    std::string path; ///< below the repository's root, with '/'
    std::string text;
};

struct include_line {
    int line = 0;
    std::string target;  ///< as written, without quotes or brackets
    bool quoted = false; ///< "..." rather than <...>
};

struct name_use {
    int line = 0;
    std::string name; ///< with its qualification: std::shuffle, ::exit, steady_clock
};

struct room {
    std::string library;
    bool pure = true;
    std::set<std::string> may_include;
};

using room_table = std::map<std::string, room, std::less<>>;

struct exception {
    std::string rule;
    std::string path;
    std::string reason;
};

struct command_result {
    int status = -1; ///< 0 is success
    std::string output;
};

/// Every file that is committed or would be, texts and others; without git, every file outside build folders.
std::vector<source_file> const& repository();
/// Those of them that are C++, below one of these top-level folders.
std::vector<source_file> cpp_files(std::initializer_list<std::string_view> folders);

room_table const& rooms();
room_table parse_rooms(std::string_view table);
std::vector<exception> const& exceptions();
bool is_excepted(std::string_view rule, std::string_view path);

/// The room of a path below include/zooid/ or lib/, empty for any other.
std::string room_of(std::string_view path);
bool is_public_header(std::string_view path);
bool is_text(std::string_view content);

/// Comments become blanks; so do literals, unless they are kept. Lines stay where they were.
enum class literals { keep, blank };
std::string code_of(std::string_view text, literals what);

std::vector<include_line> includes_of(source_file const& file);
std::vector<name_use> names_of(source_file const& file);

/// Runs a shell command and collects what it prints.
command_result run(std::string const& command);
/// In single quotes, for the shell.
std::string shell_word(std::string_view argument);
/// One complaint a line, for a test's message.
std::string listed(std::vector<std::string> const& complaints);

} // namespace structure

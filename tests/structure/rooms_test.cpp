// Who includes whom, and what a pure room may not know, checked over include/ and lib/ against rooms.txt.
// Each rule is a function of one file, so that it is shown a broken one before it judges the repository.
#include "structure/sources.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>

namespace {

using namespace structure;

std::set<std::string> const impure_headers = {"barrier",    "cassert",      "condition_variable",
                                              "csignal",    "cstdio",       "ctime",
                                              "fcntl.h",    "filesystem",   "fstream",
                                              "future",     "iostream",     "latch",
                                              "mutex",      "netdb.h",      "poll.h",
                                              "print",      "pthread.h",    "random",
                                              "semaphore",  "signal.h",     "stdio.h",
                                              "stop_token", "shared_mutex", "syncstream",
                                              "thread",     "time.h",       "unistd.h"};

std::vector<std::string> const impure_folders = {
    "arpa/",  "boost/asio", "boost/beast/", "boost/filesystem", "boost/process", "boost/thread",
    "linux/", "net/",       "netinet/",     "openssl/",         "sys/"};

std::vector<std::string> const hidden_from_the_public = {
    "boost/asio.hpp", "boost/json", "boost/multiprecision", "fmt/", "nlohmann/", "openssl/", "xxhash"};

// Clocks, entropy, and whatever differs between standard libraries or prints.
std::set<std::string> const impure_names = {"std::cerr",
                                            "std::clog",
                                            "std::cout",
                                            "std::hash",
                                            "std::mt19937",
                                            "std::mt19937_64",
                                            "std::random_device",
                                            "std::sample",
                                            "std::shuffle",
                                            "clock_gettime",
                                            "float",
                                            "fprintf",
                                            "getenv",
                                            "getrandom",
                                            "gettimeofday",
                                            "printf",
                                            "puts",
                                            "std::getenv",
                                            "std::printf",
                                            "std::time",
                                            "::time",
                                            "double"};
std::vector<std::string> const impure_endings = {"system_clock", "steady_clock", "high_resolution_clock",
                                                 "_distribution"};
std::set<std::string> const ends_the_process = {"std::exit",       "std::abort", "std::terminate",
                                                "std::quick_exit", "::exit",     "::abort",
                                                "_exit",           "_Exit",      "std::_Exit"};

bool starts_with_any(std::string const& text, std::vector<std::string> const& beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](auto const& b) { return text.starts_with(b); });
}

std::string place(source_file const& file, int line) {
    return file.path + ":" + std::to_string(line);
}

// The room that an include reaches, by its public name, by its name below lib/, or relative to the file.
std::string room_reached(source_file const& file, include_line const& include) {
    if (include.target.starts_with("zooid/")) return room_of("include/" + include.target);
    auto const below_lib = room_of("lib/" + include.target);
    if (include.quoted && rooms().contains(below_lib)) return below_lib;
    if (!include.target.starts_with("..")) return {};
    auto const beside = std::filesystem::path(file.path).parent_path() / include.target;
    return room_of(beside.lexically_normal().generic_string());
}

std::vector<std::string> room_complaints(source_file const& file) {
    auto const name = room_of(file.path);
    auto const own = rooms().find(name);
    if (own == rooms().end()) return {file.path + ": no room " + name + " in rooms.txt"};
    std::vector<std::string> found;
    for (auto const& include : includes_of(file)) {
        auto const other = room_reached(file, include);
        if (!other.empty() && !own->second.may_include.contains(other))
            found.push_back(place(file, include.line) + ": " + name + " may not include " + other);
    }
    return found;
}

std::vector<std::string> pure_include_complaints(source_file const& file) {
    std::vector<std::string> found;
    for (auto const& include : includes_of(file))
        if ((impure_headers.contains(include.target) || starts_with_any(include.target, impure_folders)) &&
            !is_excepted("include:" + include.target, file.path))
            found.push_back(place(file, include.line) + ": a pure room includes " + include.target);
    return found;
}

std::vector<std::string> pure_name_complaints(source_file const& file) {
    bool const may_float = room_of(file.path) == "placement";
    std::vector<std::string> found;
    for (auto const& [line, name] : names_of(file)) {
        if (may_float && (name == "double" || name == "float")) continue;
        bool const ends = std::any_of(impure_endings.begin(), impure_endings.end(), [&](auto const& ending) {
            return (name + "::").find(ending + "::") != std::string::npos;
        });
        if ((ends || impure_names.contains(name)) && !is_excepted("name:" + name, file.path))
            found.push_back(place(file, line) + ": a pure room says " + name);
    }
    return found;
}

std::vector<std::string> process_end_complaints(source_file const& file) {
    std::vector<std::string> found;
    for (auto const& [line, name] : names_of(file))
        if (ends_the_process.contains(name))
            found.push_back(place(file, line) + ": the library says " + name);
    return found;
}

std::vector<std::string> public_header_complaints(source_file const& file) {
    std::vector<std::string> found;
    for (auto const& include : includes_of(file)) {
        if (include.quoted || rooms().contains(room_of("lib/" + include.target)))
            found.push_back(place(file, include.line) + ": an inner header, " + include.target);
        if (starts_with_any(include.target, hidden_from_the_public))
            found.push_back(place(file, include.line) + ": too heavy for a public header, " + include.target);
    }
    return found;
}

template <class Rule>
std::vector<std::string> judge(std::vector<source_file> const& files, Rule complaints_of) {
    std::vector<std::string> all;
    for (auto const& file : files) {
        auto const some = complaints_of(file);
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

std::vector<source_file> rooms_files(bool pure_only) {
    std::vector<source_file> found;
    for (auto const& file : cpp_files({"include", "lib"})) {
        auto const r = rooms().find(room_of(file.path));
        if (!pure_only || (r != rooms().end() && r->second.pure)) found.push_back(file);
    }
    return found;
}

} // namespace

TEST_CASE("a forbidden include between rooms is found however it is written") {
    CHECK(room_complaints({"lib/cell/a.cpp", "#include <zooid/kv/store.hpp>\n"}).size() == 1);
    CHECK(room_complaints({"lib/cell/a.cpp", "#  include \"kv/store.hpp\"\n"}).size() == 1);
    CHECK(room_complaints({"lib/cell/a.cpp", "#include \"../kv/store.hpp\"\n"}).size() == 1);
    CHECK(room_complaints({"include/zooid/server/a.hpp", "#include <zooid/sim/world.hpp>\n"}).size() == 1);
    CHECK(room_complaints({"lib/attic/a.cpp", ""}).size() == 1);
    CHECK(room_complaints({"lib/cell/a.cpp", "#include \"cell/b.hpp\"\n#include \"b.hpp\"\n"}).empty());
    CHECK(room_complaints({"lib/cell/a.cpp", "// #include <zooid/kv/store.hpp>\n"}).empty());
}

TEST_CASE("a pure room that knows threads, clocks, entropy, files or sockets is found") {
    for (auto header : {"thread", "mutex", "random", "iostream", "fstream", "boost/asio/any_io_executor.hpp",
                        "sys/socket.h", "openssl/rand.h"})
        CHECK(
            pure_include_complaints({"lib/cell/a.cpp", std::string("#include <") + header + ">\n"}).size() ==
            1);
    for (auto code : {"auto t = std::chrono::steady_clock::now();", "std::random_device r;", "double d;",
                      "std::uniform_int_distribution<int> d;", "std::shuffle(a, b, c);", "std::cout << 1;"}) {
        INFO(code);
        CHECK(pure_name_complaints({"lib/cell/a.cpp", code}).size() == 1);
    }
    CHECK(pure_name_complaints({"lib/placement/a.cpp", "double d;"}).empty());
    CHECK(
        pure_name_complaints({"lib/cell/a.cpp", "// a double\nauto s = \"std::cout\"; /* float */"}).empty());
    CHECK(pure_name_complaints({"lib/cell/a.cpp", "auto s = R\"(std::cout \" )\"; int n = 1'000; double d;"})
              .size() == 1);
}

TEST_CASE("a public header that drags in an inner or a heavy header is found") {
    for (auto line : {"#include \"cell/inner.hpp\"", "#include <cell/inner.hpp>", "#include <fmt/format.h>",
                      "#include <boost/json.hpp>", "#include <boost/asio.hpp>", "#include <openssl/evp.h>",
                      "#include <boost/multiprecision/cpp_int.hpp>"})
        CHECK(public_header_complaints({"include/zooid/cell/a.hpp", line}).size() == 1);
    CHECK(public_header_complaints({"include/zooid/tcp/a.hpp", "#include <boost/asio/any_io_executor.hpp>"})
              .empty());
}

TEST_CASE("the table itself lets nobody include the simulator and nobody pure include an edge") {
    for (auto const& [name, room] : rooms()) {
        INFO(name);
        CHECK((name == "sim" || !room.may_include.contains("sim")));
        for (auto const& other : room.may_include) {
            INFO(other);
            REQUIRE(rooms().contains(other));
            CHECK((!room.pure || rooms().at(other).pure));
        }
    }
}

TEST_CASE("every room includes only the rooms that the table grants it") {
    auto const files = rooms_files(false);
    REQUIRE(files.size() > 10);
    auto const complaints = judge(files, room_complaints);
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("pure rooms hold values only") {
    auto complaints = judge(rooms_files(true), pure_include_complaints);
    auto const names = judge(rooms_files(true), pure_name_complaints);
    complaints.insert(complaints.end(), names.begin(), names.end());
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("the library never ends its host's process") {
    CHECK(process_end_complaints({"lib/file/a.cpp", "std::abort();"}).size() == 1);
    auto const complaints = judge(rooms_files(false), process_end_complaints);
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("public headers include neither inner headers nor heavy libraries") {
    auto const complaints = judge(cpp_files({"include"}), public_header_complaints);
    INFO(listed(complaints));
    CHECK(complaints.empty());
}

TEST_CASE("every room's sources join the library that the table names") {
    for (auto const& file : repository()) {
        auto const name = room_of(file.path);
        if (name.empty() || file.path != "lib/" + name + "/CMakeLists.txt") continue;
        INFO(file.path);
        REQUIRE(rooms().contains(name));
        CHECK(file.text.find("zooid_room(" + rooms().at(name).library) != std::string::npos);
    }
}

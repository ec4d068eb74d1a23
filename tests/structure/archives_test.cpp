// What the compiled libraries contain: no deliberate bug, and, in the pure ones, no call to the system.
#include "structure/sources.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <sstream>

namespace {

using namespace structure;

std::vector<std::string> split(std::string const& list) {
    std::vector<std::string> words;
    std::istringstream in(list);
    for (std::string word; std::getline(in, word, '|');)
        words.push_back(word);
    return words;
}

std::string symbols_of(std::string const& archive, std::string const& options) {
    auto const result = run("nm -C " + options + " " + shell_word(archive) + " 2>/dev/null");
    REQUIRE(result.status == 0);
    return result.output;
}

// As a whole word in nm's output.
bool mentions(std::string const& symbols, std::string const& name) {
    for (auto at = symbols.find(name); at != std::string::npos; at = symbols.find(name, at + 1)) {
        auto const end = at + name.size();
        bool const begins = at > 0 && symbols[at - 1] == ' ';
        if (begins && (end == symbols.size() || std::string("\n@([").find(symbols[end]) != std::string::npos))
            return true;
    }
    return false;
}

// Boost.JSON guards its default memory resource with a mutex; it is not ours to judge.
std::string without_boost_json(std::string const& symbols) {
    std::istringstream in(symbols);
    std::string ours;
    for (std::string line; std::getline(in, line);)
        if (line.find("boost_json.cpp") == std::string::npos) ours += line + "\n";
    return ours;
}

} // namespace

TEST_CASE("a mutant that was compiled in is found in the object") {
    CHECK(mentions(symbols_of(ZOOID_MUTANT_PROBE, ""), "zooid::active_mutant"));
}

#ifndef ZOOID_MUTANTS
TEST_CASE("the libraries of a normal build contain no mutant") {
    for (auto const& archive : split(ZOOID_ARCHIVES)) {
        INFO(archive);
        CHECK_FALSE(mentions(symbols_of(archive, ""), "zooid::active_mutant"));
    }
}
#endif

TEST_CASE("the pure libraries call no clock, entropy, thread, socket or file of the system") {
    CHECK(mentions(symbols_of(split(ZOOID_PURE_ARCHIVES).front(), "--undefined-only"), "memcpy"));
    for (auto const& archive : split(ZOOID_PURE_ARCHIVES)) {
        auto const undefined = without_boost_json(symbols_of(archive, "--undefined-only --print-file-name"));
        for (auto const* name : {"pthread_create",
                                 "pthread_mutex_lock",
                                 "std::thread::_M_start_thread",
                                 "clock_gettime",
                                 "gettimeofday",
                                 "getrandom",
                                 "std::random_device::_M_getval",
                                 "std::chrono::_V2::steady_clock::now",
                                 "std::chrono::_V2::system_clock::now",
                                 "socket",
                                 "epoll_create1",
                                 "open",
                                 "open64",
                                 "fopen",
                                 "fopen64",
                                 "write",
                                 "pwrite64",
                                 "fdatasync",
                                 "printf",
                                 "puts",
                                 "std::cout",
                                 "std::cerr",
                                 "exit"}) {
            INFO(archive << " refers to " << name);
            CHECK_FALSE(mentions(undefined, name));
        }
    }
}

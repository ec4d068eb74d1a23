#include <zooid/base/check.hpp>

#include <string_view>

namespace zooid {

namespace {

// The file below include/zooid or lib: the message must not differ between build folders.
std::string_view below_root(std::string_view file) {
    for (std::string_view root : {"/lib/", "/include/", "/tests/", "/examples/", "/bench/"}) {
        auto const at = file.rfind(root);
        if (at != std::string_view::npos) return file.substr(at + 1);
    }
    return file;
}

} // namespace

void fail_check(char const* file, int line, char const* condition, std::string const& claim) {
    throw broken_invariant(std::string(below_root(file)) + ":" + std::to_string(line) + ": " + claim + " (" +
                           condition + ")");
}

void fail_check(char const* file, int line, char const* condition, char const* claim) {
    fail_check(file, line, condition, std::string(claim));
}

} // namespace zooid

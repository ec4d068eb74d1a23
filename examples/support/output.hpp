// What a program printed has arrived, or its exit code says that it has not.
#pragma once

#include <cstdio>
#include <iostream>
#include <system_error>

namespace support {

inline constexpr int exit_output = 74;

/// What `main` returns: the code of `body`, but 74 instead of 0 if standard output could not be written.
template <class Body>
int finish_output(char const* program, Body const& body) {
    int code = 0;
    bool is_written = true;
    try {
        code = body();
    } catch (std::system_error const&) { // as fmt::print reports it
        is_written = false;
    }
    std::cout.flush();
    is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good() && is_written;
    if (is_written) return code;
    std::cerr << program << ": cannot write to standard output\n";
    return code == 0 ? exit_output : code;
}

} // namespace support

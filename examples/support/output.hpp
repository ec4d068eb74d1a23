// What a program printed, or wrote into files, has arrived, or its exit code says that it has not.
#pragma once

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>

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

/// A file that may have been asked for.
class output_file {
  public:
    /// Begins it anew. No path: it was not asked for.
    output_file(char const* program, std::string path) : program_(program), path_(std::move(path)) {
        if (is_wanted()) stream_.open(path_, std::ios::binary);
    }
    bool is_wanted() const { return !path_.empty(); }
    std::ostream& stream() { return stream_; }
    /// Has nothing gone wrong? Else it says so on standard error.
    bool is_good() {
        if (!is_wanted() || stream_.flush()) return true;
        std::cerr << program_ << ": cannot write " << path_ << '\n';
        return false;
    }

  private:
    char const* program_;
    std::string path_;
    std::ofstream stream_;
};

} // namespace support

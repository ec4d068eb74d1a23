// Numbers on a command line. CLI11 takes "-1" for 2^64 - 1, "010" for 8, and lets "nan" through any range.
#pragma once

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>

namespace support {

inline constexpr std::uint64_t whole_max = std::numeric_limits<std::uint64_t>::max();

/// Accepts decimal digits, without a sign or a leading zero.
inline CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
    std::string const range = std::to_string(least) + " to " + std::to_string(most);
    auto const check = [=](std::string const& given) {
        std::uint64_t n = 0;
        char const* const end = given.data() + given.size();
        auto const [stop, wrong] = std::from_chars(given.data(), end, n);
        bool const is_plain = !given.empty() && (given == "0" || given.front() != '0');
        bool const is_good = is_plain && wrong == std::errc() && stop == end && n >= least && n <= most;
        return is_good ? std::string() : given + " is not a whole number from " + range;
    };
    return CLI::Validator(check, range);
}

/// Accepts decimal numbers that are finite.
inline CLI::Validator real_number(double least, double most) {
    std::ostringstream range;
    range << least << " to " << most;
    auto const check = [=, words = range.str()](std::string const& given) {
        double n = 0;
        char const* const end = given.data() + given.size();
        auto const [stop, wrong] = std::from_chars(given.data(), end, n);
        bool const is_good =
            wrong == std::errc() && stop == end && std::isfinite(n) && n >= least && n <= most;
        return is_good ? std::string() : given + " is not a number from " + words;
    };
    return CLI::Validator(check, range.str());
}

} // namespace support

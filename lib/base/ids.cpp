#include <zooid/base/ids.hpp>

namespace zooid {

namespace {

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool parse_half(char const* digits, std::uint64_t& out) {
    out = 0;
    for (int i = 0; i < 16; ++i) {
        int const digit = digit_of(digits[i]);
        if (digit < 0) return false;
        out = out << 4 | static_cast<std::uint64_t>(digit);
    }
    return true;
}

} // namespace

std::string to_hex(std::uint64_t value) {
    std::string text(16, '0');
    for (int i = 15; i >= 0; --i, value >>= 4)
        text[static_cast<std::size_t>(i)] = "0123456789abcdef"[value & 15];
    return text;
}

std::string to_hex(std::uint64_t high, std::uint64_t low) {
    return to_hex(high) + to_hex(low);
}

bool parse_hex(std::string const& text, std::uint64_t& high, std::uint64_t& low) {
    std::uint64_t h = 0;
    std::uint64_t l = 0;
    if (text.size() != 32 || !parse_half(text.data(), h) || !parse_half(text.data() + 16, l)) return false;
    high = h;
    low = l;
    return true;
}

} // namespace zooid

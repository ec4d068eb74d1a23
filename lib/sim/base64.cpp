#include "sim/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace zooid::sim {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

std::string to_base64(bytes_view content) {
    std::string text;
    for (std::size_t i = 0; i < content.size(); i += 3) {
        std::uint32_t group = 0;
        std::size_t const taken = std::min<std::size_t>(3, content.size() - i);
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < taken ? static_cast<unsigned char>(content[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            text += k <= taken ? alphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

std::optional<bytes> from_base64(std::string_view text) {
    bytes content;
    std::uint32_t group = 0;
    std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    for (std::size_t i = 0; i < text.size() - padding; ++i) {
        std::size_t const digit = alphabet.find(text[i]);
        if (digit == std::string_view::npos) return std::nullopt;
        group = group << 6 | static_cast<std::uint32_t>(digit);
        if (i % 4 != 0) content += static_cast<char>(group >> (6 - 2 * (i % 4)) & 0xFF);
    }
    if (to_base64(content) != text) return std::nullopt; // lengths, padding, and bits that must be zero
    return content;
}

} // namespace zooid::sim

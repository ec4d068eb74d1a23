// Base64 as RFC 4648 has it, with padding.
#pragma once

#include <zooid/base/bytes.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace zooid::sim {

std::string to_base64(bytes_view content);
/// Nothing for any text that `to_base64` would not write.
std::optional<bytes> from_base64(std::string_view text);

} // namespace zooid::sim

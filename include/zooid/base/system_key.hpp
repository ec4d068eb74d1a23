// The partition keys of the colony's own cells. Nobody else's cell may have one, and who writes into such a
// cell needs the keys of an admin: it decides which cell every other key has.
#pragma once

#include <zooid/base/bytes.hpp>

namespace zooid {

/// Part of the format: directory cells are found by it.
inline constexpr bytes_view directory_key_prefix = "directory/";

inline bool is_system_key(bytes_view key) {
    return key.starts_with(directory_key_prefix);
}

} // namespace zooid

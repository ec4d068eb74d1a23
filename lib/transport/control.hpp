// The session's own messages; numbers are the wire's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zooid::control {

inline constexpr std::uint8_t join = 1;    ///< claims: the first frame of each side
inline constexpr std::uint8_t refused = 2; ///< kind, why: a frame of yours was not delivered
inline constexpr std::uint8_t goodbye = 3; ///< reason, words: the last frame

inline constexpr std::uint8_t refused_unknown = 1;
inline constexpr std::uint8_t refused_forbidden = 2;

inline constexpr std::size_t words_bytes_max = 200;

} // namespace zooid::control

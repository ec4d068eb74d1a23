// Constants of cell version 1. They decide outcomes, so they are the same on every replica and may never
// change under a running cell; a new value is a new cell version. What may be tuned lives elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zooid::limits {

inline constexpr std::size_t key_bytes_max = 1024;
inline constexpr std::size_t value_bytes_max = 64 * 1024;
inline constexpr std::size_t conditions_and_operations_max = 128; ///< of one transaction, both together
inline constexpr std::size_t transaction_bytes_max = 256 * 1024;
inline constexpr std::size_t batch_bytes_max = 1024 * 1024; ///< one entry of a cell's log
inline constexpr std::size_t cell_state_bytes_max = 1024 * 1024;
inline constexpr std::size_t frame_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t integer_bits_max = 4096;
inline constexpr std::size_t session_entries_max = 1024;
inline constexpr std::size_t reply_kept_bytes_max = 4 * 1024;
inline constexpr std::size_t session_table_bytes_max = 1024 * 1024; ///< all kept replies of a cell together
inline constexpr std::size_t result_bytes_max =
    2 * 1024 * 1024; ///< what one transaction reads; holds a full cell

inline constexpr std::uint64_t alpha_default = 3;
inline constexpr std::uint64_t alpha_max = 16;
/// A promise or request whose round is further above ours is ignored: one changed bit must not use up rounds.
inline constexpr std::uint64_t round_jump_max = 1ull << 32;

} // namespace zooid::limits

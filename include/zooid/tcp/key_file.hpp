// Keys at rest: a small text file that nobody but its owner can read.
//
//     # comment
//     zooid-keys 1
//     colony 000102030405060708090a0b0c0d0e0f
//     client 77                           or `admin 77`: only in keys that were issued, and to whom
//     key 2 <64 hexadecimal digits>       the preferred key first
//     key 1 <64 hexadecimal digits>       at most one more, while keys are rotated
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/transport/keys.hpp>

#include <string>

namespace zooid {

/// Reads a key file. Errors, all naming the path: `not_found`; `permission_denied` if it may not be opened,
/// or if group or others have any right to it (checked on the opened file, before it is read; names the
/// mode); `invalid_argument` for what is wrong with a line, naming it, or with the whole: over 4,096 bytes,
/// no colony, no key; `io_failed`.
result<key_ring> load_key_file(std::string const& path);

/// Writes a new key file of mode 0600. `already_exists` rather than replacing one, `not_found` without its
/// folder, `permission_denied`, `io_failed` (also for a full disk: what was written of the file is left).
result<void> save_key_file(std::string const& path, key_ring const& keys);

/// A new colony: a random id and one random secret, numbered 1. `io_failed` without random bytes.
result<key_ring> make_colony_keys();

} // namespace zooid

// Checks that are always on.
//
// A check that fails has found a broken invariant or a caller's error: something that no input, message or
// disk content may cause. The code that owns a replica's step catches it and quarantines that replica alone;
// anywhere else it ends the operation. It is never used for operating errors; those are `result<T>`.
#pragma once

#include <stdexcept>
#include <string>

namespace zooid {

/// Thrown by a failed check; says what was found and where. Never crosses `replica::step` or the public
/// interface of an edge room.
class broken_invariant : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

/// Throws `broken_invariant` with the place and the claim that did not hold.
[[noreturn]] void fail_check(char const* file, int line, char const* condition, char const* claim);
[[noreturn]] void fail_check(char const* file, int line, char const* condition, std::string const& claim);

} // namespace zooid

/// Throws unless `condition` holds. `claim` states the invariant in words; it is evaluated only on failure.
#define ZOOID_CHECK(condition, claim)                                                                        \
    do {                                                                                                     \
        if (!(condition)) [[unlikely]]                                                                       \
            ::zooid::fail_check(__FILE__, __LINE__, #condition, claim);                                      \
    } while (false)

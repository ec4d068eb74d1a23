// Operating errors: what can go wrong without anybody's fault, and what a caller would do about it.
//
// An error code exists only if a caller would act differently on it. A rejected transaction is a value and
// not an error; a broken invariant is a quarantined replica (check.hpp) and not an error either.
#pragma once

#include <zooid/base/bytes.hpp>

#include <boost/outcome/std_result.hpp>
#include <boost/outcome/try.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace zooid {

enum class errc : std::uint8_t {
    invalid_argument = 1,  ///< the caller's input is malformed; the detail names what and where
    too_large,             ///< a key, value, transaction or message is over its limit
    malformed,             ///< bytes that were read are not what the format says
    unsupported_version,   ///< written by, or speaking, a version outside the range that we know
    authentication_failed, ///< wrong or missing colony key, or a frame whose MAC does not match
    overloaded,            ///< a bounded queue is full, or no descriptor is left; nothing was done, try later
    timed_out,             ///< the deadline passed before anything was proposed: it did not happen; of
                           ///< `async_stop`: the rest was cut off
    outcome_unknown,       ///< it may or may not have happened; a retry of the same request will tell
    cancelled,             ///< cancelled before anything was proposed: it did not happen
    expired,               ///< reserved: nothing here returns it (an old request has a `request_status`)
    not_here,              ///< this server has no such cell or replica
    not_proposer,          ///< this replica does not lead; `reply::proposer` may name who does
    not_found,             ///< no such cell, key or server is known
    already_exists,        ///< the key is bound, the cell is here, the file is there, the directory not empty
    conflict,              ///< computed from a configuration or generation that is no longer in force
    unreachable,           ///< no connection, or no quorum answers
    quarantined,           ///< the replica stopped alone; `explain` says why
    wrong_owner,           ///< a data directory, journal or server that is not the one expected
    in_use,                ///< an open data directory, an address listened on, a lease operation under way
    damaged,               ///< durable bytes are not what was written
    no_space,              ///< the disk is full
    io_failed,             ///< a write, flush or read failed; after a failed flush the journal is latched
    permission_denied,     ///< the operating system or a file's mode forbids it, or the keys that ask may not
    stopping,              ///< the server or client is being stopped
};

/// The name of a code as it is written in logs and JSON: "outcome_unknown".
std::string_view name_of(errc code);

/// A code and an optional detail. Frequent errors carry none and cost nothing.
class [[nodiscard]] error {
  public:
    error(errc code) : code_(code) {} // NOLINT: `return errc::overloaded;` is meant to work
    error(errc code, std::string_view detail) : code_(code), detail_(detail) {}

    errc code() const { return code_; }
    std::string_view detail() const { return detail_.view(); }
    /// "code: detail", or the code alone.
    std::string message() const;

    friend bool operator==(error const& e, errc code) { return e.code_ == code; }
    friend bool operator==(error const& a, error const& b) {
        return a.code_ == b.code_ && a.detail() == b.detail();
    }

  private:
    errc code_;
    shared_bytes detail_; // not a shared_ptr: <memory> is a quarter of the header budget
};

namespace outcome = BOOST_OUTCOME_V2_NAMESPACE;

/// A value or an error. Asking for the one that is not there throws `bad_result_access`: a caller's bug.
template <class T>
using result = outcome::std_result<T, error, outcome::policy::throw_bad_result_access<error, void>>;

} // namespace zooid

/// `ZOOID_TRY(auto x, f());` binds the value, or returns the error from the enclosing function.
#define ZOOID_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)

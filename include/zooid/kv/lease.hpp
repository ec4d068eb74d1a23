// Leases for host applications: time-bounded locks, kept in one entry of a cell. (Physalia, 2.3.)
//
// The entry says who holds and for how long; its version is the lease's number. No clock is in there. Whoever
// holds counts from before it *sent* what was committed, by its own clock. Whoever wants to break a lease
// waits, by its own clock, R times the duration from when it *heard* of the entry, and then replaces it only
// if it is unchanged:
//
//   holder    send ──────────────────┤ D by its clock
//   cell           put (number 7)
//   breaker            hears of 7 ────────────────────────────────────────┤ R x D by its clock, then
//                                                             "unchanged since 7": put
//
// No two hold at once, whatever their clocks say and however long anybody is paused, as long as no clock runs
// more than R times as fast as another: the breaker began later, and waits longer. A renewal gives the entry
// a new number, and waiting begins anew. What pauses can't be protected from is a holder that looks at its
// clock, is stopped, and acts later: never let the safety of data depend on a lease alone. Put
// `lease_agent::guard` on transactions of the same cell, and hand the fencing token of the reply to other
// resources.
//
// Values, no I/O. Thread safety: none, an agent belongs to one thread at a time. `remote_lease` runs one over
// the client.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/base/time.hpp>
#include <zooid/kv/outcome.hpp>
#include <zooid/kv/transaction.hpp>

#include <cstdint>
#include <optional>

namespace zooid::kv {

/// What an entry of a lease says.
struct lease_terms {
    bytes holder;     ///< names one run of one process and nobody else: draw it at random; 1 to 256 bytes
    duration lasts{}; ///< D: from 1 ms to one hour

    friend bool operator==(lease_terms const&, lease_terms const&) = default;
};

/// A lease as somebody found it.
struct observed_lease {
    lease_terms terms;
    version number; ///< rises with every acquisition and renewal of any lease of the cell

    friend bool operator==(observed_lease const&, observed_lease const&) = default;
};

/// The entry's content, and back. Kind 8 of `lib/kv/README.md`.
value encode_lease(lease_terms const& terms);
/// Nothing if the entry is absent: the lease is free. `malformed` if it holds something else.
result<std::optional<observed_lease>> lease_of(observation const& found);

struct lease_agent_options {
    /// R: no clock of those who use the lease runs more than so many times as fast as another. 1 to 1000.
    std::uint32_t clock_ratio_max = 3;
};

/// One user of one lease: says what to commit, when, and whether it holds.
class lease_agent {
  public:
    /// `invalid_argument` names what is wrong with the terms or the options; `too_large` a key over its
    /// limit.
    static result<lease_agent> make(bytes key, lease_terms terms, lease_agent_options options = {});

    /// The transaction that acquires or renews, to be sent now; its end goes to one of the three below.
    /// It is in vain, and harmless, before `attempt_at`.
    transaction attempt(time_point now);
    /// It was committed or rejected, as heard at `now`. Errors, and nothing changes: `malformed` if the entry
    /// is no lease, `too_large` if the cell has no room for it.
    result<void> ended(outcome const& how, time_point now);
    /// Nobody can say whether it took effect (`outcome_unknown`). A later attempt finds out.
    void ended_unknown() {}

    /// A read of the entry alone, in any read mode; its outcome goes to `observed`.
    transaction observe(time_point now);
    result<void> observed(outcome const& how, time_point now); ///< `malformed` as for `ended`

    /// Ends holding at once, and gives the transaction that frees the entry for others. If that is not
    /// committed they wait as if this one had died.
    transaction release();

    /// Does this user hold the lease at `now`? False from `until` on.
    bool holds(time_point now) const { return now < until_; }
    time_point until() const { return until_; }
    /// Of the last acquisition or renewal of this user that it knows of; zero: none.
    version number() const { return number_; }
    /// The earliest time at which an attempt can succeed, as far as is known: at once, or when whoever holds
    /// the lease has had its time.
    time_point attempt_at() const;
    /// Who was found to hold it last, if it was somebody else.
    std::optional<observed_lease> const& other() const { return other_; }

    bytes const& key() const { return key_; }
    lease_terms const& terms() const { return terms_; }

    /// Makes `t` take effect only while the entry is as this user last wrote it. Requires `number()`.
    transaction guard(transaction t) const { return std::move(t).require_unchanged(key_, number_); }

  private:
    lease_agent(bytes key, lease_terms terms, lease_agent_options options)
        : key_(std::move(key)), terms_(std::move(terms)), options_(options) {}
    result<void> found(observation const& entry, time_point now);

    bytes key_;
    lease_terms terms_;
    lease_agent_options options_;
    version expected_; ///< the entry is replaced if it is unchanged since; zero: if it is absent
    version number_;
    time_point until_ = time_point::min();
    time_point asked_at_ = time_point::min();    ///< of the attempt or read under way
    time_point other_since_ = time_point::min(); ///< when we heard first that `other_` holds
    std::optional<observed_lease> other_;
};

} // namespace zooid::kv

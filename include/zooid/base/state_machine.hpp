// What a cell replicates: the interface that a state machine of your own implements.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/base/ids.hpp>

#include <cstddef>

namespace zooid {

/// A deterministic state machine that applies the commands of one cell's log in slot order.
///
/// Every replica of the cell runs one. The same commands from the same start must give the same replies and
/// the same digest on every machine, compiler and version that claims to understand them: no clock, no
/// randomness, no floating point, no iteration over unordered containers, no memory addresses. Called from
/// one thread at a time. Throws nothing but std::bad_alloc.
class state_machine {
  public:
    virtual ~state_machine() = default;

    /// Applies one command that was chosen in `at` (several commands of a batch share a slot) and appends its
    /// reply. There is no failure: every outcome of a command that is understood is specified and is a reply.
    /// Returns false, and leaves state and reply untouched, if the command's kind or version is unknown to
    /// this software: the replica then stops and counts as failed (paper, 3.3: no partial understanding).
    [[nodiscard]] virtual bool apply(slot at, bytes_view command, bytes& reply) = 0;

    /// Answers a read-only query from the present state and appends the reply.
    virtual void query(bytes_view query, bytes& reply) const = 0;

    /// The digest of the whole state; equal states have equal digests. Asked after every slot: keep it
    /// incrementally (base/hash.hpp says how).
    virtual digest state_digest() const = 0;

    /// Appends the canonical encoding of the state: equal states have equal encodings.
    virtual void snapshot(bytes& out) const = 0;

    /// Replaces the state by one that `snapshot` wrote. On `malformed` or `unsupported_version` the state is
    /// as it was before.
    virtual result<void> restore(bytes_view snapshot) = 0;

    /// Bytes of memory that the state holds, roughly; for reports.
    virtual std::size_t memory_bytes() const = 0;
};

} // namespace zooid

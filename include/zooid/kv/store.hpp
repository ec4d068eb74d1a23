// The store: the state machine that zooid ships. One partition key's sorted keys and values.
//
// A machine holds a million replicas, so an empty store is one small object and a full one a sorted vector:
// no nodes, no buckets. Limits keep it at 1 MiB; inserting into a vector of that size is cheap enough.
#pragma once

#include <zooid/base/state_machine.hpp>
#include <zooid/kv/outcome.hpp>
#include <zooid/kv/transaction.hpp>

#include <vector>

namespace zooid::kv {

/// Commands are encoded transactions, replies encoded outcomes. Not thread-safe.
class store final : public state_machine {
  public:
    store();

    bool apply(slot at, bytes_view command, bytes& reply) override;
    /// A read-only transaction; its outcome's version is the count of commits that it saw. Bytes of an
    /// unknown kind or version are answered `malformed`.
    void query(bytes_view query, bytes& reply) const override;
    digest state_digest() const override;
    void snapshot(bytes& out) const override;
    result<void> restore(bytes_view snapshot) override;
    std::size_t memory_bytes() const override;

    /// The same as `apply` and `query`, on values. `run` takes the transaction apart.
    kv::outcome run(transaction t);
    kv::outcome ask(transaction const& t) const;

    /// How many transactions have committed.
    zooid::version version() const { return version_; }
    std::size_t size() const { return entries_.size(); }
    /// The encoded bytes of all entries: what `limits::cell_state_bytes_max` bounds.
    std::size_t state_bytes() const { return state_bytes_; }

    friend bool operator==(store const& a, store const& b) {
        return a.version_ == b.version_ && a.entries_ == b.entries_;
    }

  private:
    friend class store_change; // one transaction's writes, undone unless kept

    std::vector<observation> entries_; // sorted by key; content is never empty
    zooid::version version_;
    std::size_t state_bytes_ = 0;
    digest entries_digest_; // sum over the entries
};

/// Admission: what a proposer asks before it puts a command of this state machine into the log. Success, or
/// the errors of `decode_transaction`.
result<void> admit(bytes_view command);

} // namespace zooid::kv

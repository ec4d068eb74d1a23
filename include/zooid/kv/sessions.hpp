// Sessions: a retried request takes effect once.
//
// A client that lost a reply sends the same request again, perhaps through another proposer. The session
// machine wraps any state machine and keeps the replies of recent requests in the replicated state itself, so
// that every replica, and whoever is taught from a snapshot, answers a retry alike. The table is bounded, so
// it must forget; it may forget a reply only when no copy of the request can be applied any more. That is
// what `as_of` is for: a slot that the client was told before its first attempt. lib/kv/README.md has the
// argument.
#pragma once

#include <zooid/base/codec.hpp>
#include <zooid/base/limits.hpp>
#include <zooid/base/state_machine.hpp>
#include <zooid/base/trace.hpp>

#include <memory>
#include <vector>

namespace zooid::kv {

/// What a client sends to a cell.
struct request {
    /// The client's session; 0: none, each copy that reaches the log is applied (for those who never retry).
    client_id client;
    /// Above 0, and above that of any earlier request of the client to this cell. The same in all attempts.
    zooid::sequence sequence;
    /// The lowest sequence whose reply the client still waits for; replies below it are dropped, and a
    /// request below it is answered `expired`. At most `sequence`; 0: nothing may be dropped.
    zooid::sequence settled;
    /// A slot that this cell told the client (in any reply) before the first attempt. The same in all
    /// attempts.
    slot as_of;
    /// For the state machine inside.
    bytes command;

    friend bool operator==(request const&, request const&) = default;
};

void encode(request const& r, bytes& out); ///< appends the command
/// `unsupported_version` or `malformed`. Says nothing about the command inside.
result<request> decode_request(bytes_view command);

enum class request_status : std::uint8_t {
    applied = 1,    ///< once, now or by an earlier attempt; `body` is the reply
    reply_not_kept, ///< applied by an earlier attempt, but its reply was too large to be kept
    expired,        ///< too old, or below `settled`: this copy was not applied, an earlier one may have been
    overloaded,     ///< the table is full: not applied; later attempts may be
    malformed,      ///< not applied, and never will be: sequence 0, settled > sequence, as_of from the future
};

std::string_view name_of(request_status s);

/// What comes back.
struct request_reply {
    request_status status = request_status::applied;
    bytes body;

    friend bool operator==(request_reply const&, request_reply const&) = default;
};

void encode(request_reply const& r, bytes& out);              ///< appends
result<request_reply> decode_request_reply(bytes_view reply); ///< errors as for a request

/// Constants of the cell version; other values than these are for tests and simulations only, where all
/// replicas of a cell get the same.
struct session_limits {
    /// In slots. With one new client in every slot the table holds horizon + alpha_max + 1 entries and
    /// is not full. At 50 commits a second it is 20 seconds, at 500 it is 2: longer than a client's retries.
    std::uint64_t horizon = 1000;
    std::size_t entries_max = limits::session_entries_max;
    std::size_t reply_bytes_max = limits::reply_kept_bytes_max;
    /// All kept replies together: a snapshot of a cell, store and sessions, fits into one frame.
    std::size_t table_bytes_max = limits::session_table_bytes_max;
};

/// Commands are encoded requests, replies encoded request replies. Not thread-safe.
class session_machine final : public state_machine {
  public:
    /// `inner` is not null.
    explicit session_machine(std::unique_ptr<state_machine> inner, session_limits bounds = {});

    bool apply(slot at, bytes_view command, bytes& reply) override;
    /// Queries go straight to the machine inside: they change nothing, so they need no session.
    void query(bytes_view query, bytes& reply) const override { inner_->query(query, reply); }
    digest state_digest() const override;
    void snapshot(bytes& out) const override;
    result<void> restore(bytes_view snapshot) override;
    std::size_t memory_bytes() const override;

    state_machine const& inner() const { return *inner_; }
    /// How many replies it keeps.
    std::size_t size() const { return table_.entries.size(); }
    /// The rare points that this machine has reached.
    sometimes_set const& reached() const { return reached_; }

  private:
    struct entry {
        client_id client;
        zooid::sequence sequence;
        zooid::sequence settled;
        slot applied_at;
        bool kept = false; // false: the reply was too large, body is empty
        bytes body;
    };
    struct table {
        std::vector<entry> entries; // sorted by (client, sequence)
        slot oldest;                // no entry was applied before it; spares sweeps, not part of the state
        std::size_t kept_bytes = 0;
        digest entries_digest; // sum over the entries
    };
    struct verdict;

    verdict judge(slot at, request const& r) const;
    bool forgotten(entry const& e, slot at) const;
    void note(verdict const& v);
    void remember(slot at, request const& r, bytes_view body);
    void forget_old(slot at);
    void forget_settled(client_id client, zooid::sequence settled);
    template <class Predicate>
    void drop_if(Predicate drop);
    bool read_entry(reader& in, table& into) const;
    static digest digest_of(entry const& e);

    std::unique_ptr<state_machine> inner_;
    session_limits bounds_;
    table table_;
    sometimes_set reached_;
};

/// Admission: what a proposer asks before it puts a request for `kv::store` into the log. Success, the errors
/// of `decode_request`, or, of the command inside, those of `decode_transaction`.
result<void> admit_request(bytes_view command);

} // namespace zooid::kv

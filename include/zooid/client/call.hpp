// Calls: what somebody asks of a cell or a server, and how it ended.
//
// Every call ends exactly once. What an ending means is the point of this room:
//   a value           it took effect, or was rejected: both are the cell's own answer
//   overloaded        nothing was done: our own queues, or the cell's, were full until the deadline
//   timed_out         nothing was done: no attempt can have been proposed, or it was a read
//   cancelled         nothing was done: it was cancelled before any attempt could have been proposed
//   outcome_unknown   an attempt left and no answer tells what became of it
//   any other error   nothing was done, and trying again will not help: `not_found`, `too_large`, ...
#pragma once

#include <zooid/base/configuration.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/time.hpp>
#include <zooid/kv/outcome.hpp>
#include <zooid/kv/transaction.hpp>
#include <zooid/transport/request.hpp>

#include <string>

namespace zooid {

/// Names a call at one client; never zero, never used again.
using call_id = tagged<struct call_tag>;

/// Which cell is meant: by its id, or by its key. A call by key is bound to the cell that it finds first;
/// once an attempt may have been proposed there, it is never sent to another.
class cell_name {
  public:
    cell_name(cell_id id) : id_(id) {}             // NOLINT: commit(cell, ...) is meant to work
    cell_name(bytes key) : key_(std::move(key)) {} // NOLINT
    cell_name(char const* key) : key_(key) {}      // NOLINT

    cell_id id() const { return id_; }
    bytes const& key() const { return key_; }
    /// Neither id nor key: refused as `invalid_argument`.
    bool empty() const { return !id_ && key_.empty(); }

    friend auto operator<=>(cell_name const&, cell_name const&) = default;

  private:
    cell_id id_;
    bytes key_;
};

std::string to_string(cell_name const& name); ///< key "volume-1", or: cell <hexadecimal digits>

/// (birth, at) rises with every commit of a key, also across its births: a resource that remembers the
/// highest token that it has seen can refuse whoever acts on an older answer.
struct fencing_token {
    generation birth;
    slot at;

    friend constexpr auto operator<=>(fencing_token const&, fencing_token const&) = default;
};

/// What a transaction came to.
struct transaction_reply {
    kv::outcome outcome; ///< committed or rejected
    fencing_token token; ///< of this outcome
    cell_id cell;

    bool is_committed() const { return std::holds_alternative<kv::committed>(outcome); }
    /// Null if it was rejected.
    kv::committed const* committed() const { return std::get_if<kv::committed>(&outcome); }
    /// Null if it was committed.
    kv::rejected const* rejected() const { return std::get_if<kv::rejected>(&outcome); }

    friend bool operator==(transaction_reply const&, transaction_reply const&) = default;
};

/// Where a cell is, as one server believed.
struct cell_location {
    cell_id cell;
    generation birth;
    slot at;            ///< the slot up to which that server had applied the cell
    server_id proposer; ///< zero: unknown
    configuration members;

    friend bool operator==(cell_location const&, cell_location const&) = default;
};

/// The call as the core takes it. `op` decides which parts count.
struct call_request {
    operation op = operation::commit; ///< any but open_session and complain, which the core sends itself
    cell_name cell = cell_id{};       ///< commit, reads and locate; for admin operations carried along
    server_id server;                 ///< admin operations: whom to ask
    generation birth;                 ///< zero: any; another generation of the key ends as `conflict`
    time_point deadline = never;
    bytes payload; ///< commit: the state machine's command; reads: the query; admin: as the operation says
};

/// What came back: the reply of the first attempt that was answered. For a commit `payload` is the state
/// machine's reply, already out of its session envelope.
struct call_reply {
    cell_location where;
    bytes payload;

    friend bool operator==(call_reply const&, call_reply const&) = default;
};

struct ended_call { ///< as `client_core` tells it
    call_id call;
    result<call_reply> reply;
};

/// Calls for the transactional store. `too_large` as `kv::transaction::validate`; the reads refuse, with
/// `invalid_argument`, a transaction that would write.
result<call_request> commit_call(cell_name cell, kv::transaction const& t, time_point deadline);
result<call_request> strict_read_call(cell_name cell, kv::transaction const& t, time_point deadline);
/// A strict read that the proposer may answer from a lease, without asking its quorum: linearizable only as
/// long as the colony's clock-rate bound holds. Where leases are off it is a strict read.
result<call_request> leased_read_call(cell_name cell, kv::transaction const& t, time_point deadline);
result<call_request> prefix_read_call(cell_name cell, kv::transaction const& t, time_point deadline);
/// What the four came to. A payload that is no outcome is `outcome_unknown` for a commit.
result<transaction_reply> transaction_reply_of(operation op, result<call_reply> const& reply);

} // namespace zooid

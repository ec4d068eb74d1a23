// The client over TCP: what a host application links to use a colony.
//
//     auto client = zooid::remote_client::open(
//         {.servers = {{{1}, "10.0.0.1", 7000}}, .keys = keys}, executor);
//     auto r = co_await client.value()->commit(
//         cell, kv::transaction().require_equal("generation", g).put("primary", b),
//         {.deadline = 2s}, asio::use_awaitable);
//     if (!r) ...                          // an error: call.hpp says what each means
//     else if (r.value().is_committed()) ... // else rejected, with what the failed condition met
//
// Asynchronous calls take any completion token for the signature that they name: a callback, use_future,
// use_awaitable, deferred. The handler runs once, on its associated executor, or else on the client's, never
// inside of the call; an associated allocator holds it meanwhile. They may be made from any thread.
//
// Cancellation (terminal, partial and total alike): a call that no server can have proposed ends as
// `cancelled`, any other commit as `outcome_unknown`. It never undoes anything.
//
// The client has no threads: it runs on the executor that it is given, in a strand of its own. While it holds
// links their reads are work of that executor: `io_context::run` returns after `async_stop`, or when the
// client is destroyed.
#pragma once

#include <zooid/client/client_core.hpp>
#include <zooid/transport/keys.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zooid {

/// Where a server listens. A literal address needs no resolver (which has a thread of its own in Asio).
struct remote_server {
    server_id server;
    std::string host;
    std::uint16_t port = 0;
};

struct remote_client_options {
    std::vector<remote_server> servers; ///< one or more; cells are found by asking them
    key_ring keys;                      ///< a client's ring: issued to a principal
    client_options attempts;
    std::size_t link_queue_bytes_max = 16 << 20; ///< for each server
};

/// Options of one call. Trivially destructible on purpose: g++ 12 destroys other aggregate temporaries twice
/// in a co_await expression.
struct call_options {
    duration deadline = std::chrono::seconds(5); ///< from the call on; it ends by then
    generation birth{}; ///< zero: any; else another generation of the key is `conflict`
};

class remote_client {
  public:
    using transaction_signature = void(result<transaction_reply>);
    using location_signature = void(result<cell_location>);
    using reply_signature = void(result<call_reply>);
    using stop_signature = void();

    /// Connects to nobody yet: servers are dialled when a call needs them. `invalid_argument` names what is
    /// wrong with the options; `io_failed` if the system has no random bytes.
    static result<std::unique_ptr<remote_client>> open(remote_client_options options,
                                                       boost::asio::any_io_executor executor);
    /// Ends every call that still waits, as `cancelled` or `outcome_unknown`. The handlers run later, on
    /// their executors. May be called from any thread, also from a handler.
    ~remote_client();
    remote_client(remote_client const&) = delete;
    remote_client& operator=(remote_client const&) = delete;

    /// Runs a transaction: committed or rejected, with the fencing token.
    template <class Token>
    auto commit(cell_name cell, kv::transaction t, call_options options, Token&& token) {
        return transact(operation::commit, std::move(cell), std::move(t), options,
                        std::forward<Token>(token));
    }
    /// A linearizable read: `t` does not write. Its conditions may reject it.
    template <class Token>
    auto read(cell_name cell, kv::transaction t, call_options options, Token&& token) {
        return transact(operation::strict_read, std::move(cell), std::move(t), options,
                        std::forward<Token>(token));
    }
    /// A read that the cell's proposer may answer from a lease, without a round to its quorum. Linearizable
    /// as long as no clock of the colony runs more than `lease_options::clock_ratio_max` times as fast as
    /// another; where servers have leases off, it is a strict read.
    template <class Token>
    auto leased_read(cell_name cell, kv::transaction t, call_options options, Token&& token) {
        return transact(operation::leased_read, std::move(cell), std::move(t), options,
                        std::forward<Token>(token));
    }
    /// A read of a consistent prefix at any member: perhaps not the newest, never older than what this client
    /// has seen of the cell.
    template <class Token>
    auto prefix_read(cell_name cell, kv::transaction t, call_options options, Token&& token) {
        return transact(operation::prefix_read, std::move(cell), std::move(t), options,
                        std::forward<Token>(token));
    }
    /// Asks the servers where a cell is; `not_found` if all of them answer that they don't know it.
    template <class Token>
    auto locate(cell_name cell, call_options options, Token&& token) {
        return boost::asio::async_initiate<Token, location_signature>(
            [this](auto handler, cell_name name, call_options how) {
                start_locate(std::move(name), how, std::move(handler));
            },
            token, std::move(cell), options);
    }
    /// A command, query or admin request in its own encoding, for state machines of your own and for
    /// operators' tools. `server` counts for reserve, found, status, explain, and survey, seal, kept_state
    /// and found_fork; `cell` for the others.
    template <class Token>
    auto ask(operation op, server_id server, cell_name cell, bytes payload, call_options options,
             Token&& token) {
        return boost::asio::async_initiate<Token, reply_signature>(
            [this](auto handler, operation what, server_id whom, cell_name name, bytes content,
                   call_options how) {
                start_ask(what, whom, std::move(name), std::move(content), how, std::move(handler));
            },
            token, op, server, std::move(cell), std::move(payload), options);
    }
    /// Refuses new calls as `stopping`, lets those that wait go on for `grace`, ends the rest, closes the
    /// links; then completes.
    template <class Token>
    auto async_stop(duration grace, Token&& token) {
        return boost::asio::async_initiate<Token, stop_signature>(
            [this](auto handler, duration time) { start_stop(time, std::move(handler)); }, token, grace);
    }

    client_id id() const; ///< drawn by `open`: who its sessions belong to
    /// Counters as of the last turn; from any thread.
    client_statistics statistics() const;

    class impl;

  private:
    template <class Signature>
    using erased = boost::asio::any_completion_handler<Signature>;

    explicit remote_client(std::shared_ptr<impl> made);

    template <class Token>
    auto transact(operation op, cell_name cell, kv::transaction t, call_options options, Token&& token) {
        return boost::asio::async_initiate<Token, transaction_signature>(
            [this](auto handler, operation what, cell_name name, kv::transaction body, call_options how) {
                start_transaction(what, std::move(name), std::move(body), how, std::move(handler));
            },
            token, op, std::move(cell), std::move(t), options);
    }

    void start_transaction(operation op, cell_name cell, kv::transaction t, call_options options,
                           erased<transaction_signature> handler);
    void start_locate(cell_name cell, call_options options, erased<location_signature> handler);
    void start_ask(operation op, server_id server, cell_name cell, bytes payload, call_options options,
                   erased<reply_signature> handler);
    void start_stop(duration grace, erased<stop_signature> handler);

    std::shared_ptr<impl> impl_;
};

} // namespace zooid

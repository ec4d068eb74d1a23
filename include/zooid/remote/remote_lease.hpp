// A lease over the client: kv::lease_agent with calls, a clock and waiting. Read kv/lease.hpp first.
//
//     auto lease = remote_lease::open(client, executor, "volume-1", "lease", {random_name, 10s}).value();
//     auto number = co_await lease->async_acquire({.deadline = 1min}, asio::use_awaitable);
//     while (lease->holds()) { ...; co_await lease->async_renew({.deadline = 3s}, asio::use_awaitable); }
//     co_await lease->async_release({}, asio::use_awaitable);
//
// Nothing is renewed by itself: whoever is stuck must not go on holding. Renew when a third of the duration
// has passed. One acquisition, renewal or release at a time: another one ends as `in_use`. Observing may go
// on beside them.
//
// Asynchronous calls take any completion token for the signature that they name. The handler runs once, on
// its associated executor, or else on the one given to `open`, never inside of the call. They, and `holds`,
// may be made from any thread. Cancellation slots are ignored: a deadline ends an operation. The client
// outlives the operations that are under way; the lease need not.
#pragma once

#include <zooid/kv/lease.hpp>
#include <zooid/remote/remote_client.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <memory>
#include <optional>

namespace zooid {

class remote_lease {
  public:
    using number_signature = void(result<version>);
    using observed_signature = void(result<std::optional<kv::observed_lease>>);
    using released_signature = void(result<void>);

    /// The lease in the entry `key` of `cell`. Errors as `kv::lease_agent::make`.
    static result<std::unique_ptr<remote_lease>> open(remote_client& client,
                                                      boost::asio::any_io_executor executor, cell_name cell,
                                                      bytes key, kv::lease_terms terms,
                                                      kv::lease_agent_options options = {});
    /// Says nothing to the cell: others wait until the lease has run out.
    ~remote_lease();
    remote_lease(remote_lease const&) = delete;
    remote_lease& operator=(remote_lease const&) = delete;

    /// Takes the lease as soon as it is free or has had its time; the number of the acquisition. `timed_out`:
    /// somebody else held until the deadline; `outcome_unknown`: it may be taken, and nobody holds. Other
    /// errors as `remote_client::commit`.
    template <class Token>
    auto async_acquire(call_options options, Token&& token) {
        return start<number_signature>(&remote_lease::start_acquire, options, std::forward<Token>(token));
    }
    /// Prolongs it; the number of the renewal. `conflict`: it is not held any more, and may be somebody
    /// else's. With any other error it is held for as long as it was.
    template <class Token>
    auto async_renew(call_options options, Token&& token) {
        return start<number_signature>(&remote_lease::start_renew, options, std::forward<Token>(token));
    }
    /// `holds` is false from the call on, and others need not wait once it ends without an error. `in_use`:
    /// nothing was released, and what is under way may make `holds` true again. Any other error: others may
    /// have to wait until the lease has run out.
    template <class Token>
    auto async_release(call_options options, Token&& token) {
        return start<released_signature>(&remote_lease::start_release, options, std::forward<Token>(token));
    }
    /// Who holds it, as the cell says: a strict read. Nothing: it is free. Whoever held may have died.
    template <class Token>
    auto async_observe(call_options options, Token&& token) {
        return start<observed_signature>(&remote_lease::start_observe, options, std::forward<Token>(token));
    }

    /// By this process' clock, now.
    bool holds() const;
    /// Until it is not held any more; zero if it is not.
    duration remaining() const;

    class impl;

  private:
    template <class Signature>
    using erased = boost::asio::any_completion_handler<Signature>;

    explicit remote_lease(std::shared_ptr<impl> made);

    template <class Signature, class Token>
    auto start(void (remote_lease::*how)(call_options, erased<Signature>), call_options options,
               Token&& token) {
        return boost::asio::async_initiate<Token, Signature>(
            [this, how](auto handler, call_options o) { (this->*how)(o, std::move(handler)); }, token,
            options);
    }
    void start_acquire(call_options options, erased<number_signature> handler);
    void start_renew(call_options options, erased<number_signature> handler);
    void start_release(call_options options, erased<released_signature> handler);
    void start_observe(call_options options, erased<observed_signature> handler);

    std::shared_ptr<impl> impl_;
};

} // namespace zooid

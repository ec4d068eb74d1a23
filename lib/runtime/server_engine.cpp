#include "runtime/server_engine.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution/relationship.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>

namespace zooid {

namespace asio = boost::asio;

server_engine::server_engine(running_server_options options, server_identity const& identity,
                             opened_store store, executor const& owner, server_observer& observer)
    : options_(std::move(options)), identity_(identity), owner_(owner),
      later_(asio::prefer(asio::require(owner, asio::execution::blocking.never),
                          asio::execution::relationship.continuation)),
      observer_(observer), store_(std::move(store)), journal_(*store_.journal),
      tail_bytes_cut_(store_.content.tail_bytes_cut),
      server_(options_.tuning, identity_, options_.machines, journal_, store_.id, store_.content),
      timer_(owner), stop_timer_(owner) {
    for (journal_damage const& place : store_.content.damage)
        events_.push_back(journal_damaged{place});
    store_.content = {};
}

server_engine::~server_engine() = default;

result<void> server_engine::begin() {
    tcp_endpoint_options o;
    o.self = identity_.server;
    o.life = identity_.life;
    o.keys = options_.keys;
    o.listen = options_.listen;
    o.peers = options_.peers;
    std::vector<server_id> known;
    for (tcp_peer const& p : options_.peers)
        known.push_back(p.server);
    server_.set_peers(std::move(known));
    ZOOID_TRY(endpoint_, tcp_endpoint::open(owner_, std::move(o), *this));
    journal_.start(*this);
    if (store_.memory)
        asio::post(owner_, [weak = weak_from_this()] {
            if (auto const self = weak.lock(); self && !self->ended_) self->store_.memory->flush();
        });
    note_input();
    return outcome::success();
}

// Equals a crash: sockets close without a word, what is being written may or may not be found later.
void server_engine::abandon() {
    ended_ = true;
    timer_.cancel();
    stop_timer_.cancel();
    endpoint_.reset();
    if (on_stopped_) complete(std::move(*std::exchange(on_stopped_, std::nullopt)), errc::cancelled);
}

void server_engine::set_peer(tcp_peer const& peer) {
    if (ended_) return;
    server_.set_peers({peer.server});
    endpoint_->set_peer(peer);
}

running_server_snapshot server_engine::snapshot() const {
    return {server_.statistics(), journal_.statistics(), endpoint_->statistics(),
            commit_latency_,      journal_.latency(),    turn_inputs_};
}

// ---- stopping
// ---------------------------------------------------------------------------------------------------------

void server_engine::stop(duration deadline, stop_handler handler) {
    if (ended_ || on_stopped_) {
        return asio::post(owner_, asio::append(std::move(handler), result<void>(errc::stopping)));
    }
    stop_work_ = asio::prefer(asio::get_associated_executor(handler, owner_),
                              asio::execution::outstanding_work.tracked);
    on_stopped_ = std::move(handler);
    server_.stop(boot_time_now());
    stop_timer_.expires_after(std::max(deadline, duration::zero()));
    stop_timer_.async_wait([weak = weak_from_this()](boost::system::error_code const& cancelled) {
        auto const self = weak.lock();
        if (!cancelled && self && !self->ended_) self->end_stop(errc::timed_out);
    });
    note_input();
}

void server_engine::watch_stop() {
    if (server_.is_quiet()) end_stop(outcome::success());
}

void server_engine::end_stop(result<void> outcome) {
    ended_ = true;
    timer_.cancel();
    stop_timer_.cancel();
    endpoint_->stop();
    complete(std::move(*std::exchange(on_stopped_, std::nullopt)), std::move(outcome));
}

void server_engine::complete(stop_handler handler, result<void> outcome) {
    asio::post(owner_, asio::append(std::move(handler), std::move(outcome)));
    stop_work_ = {};
}

} // namespace zooid

#include "runtime/server_engine.hpp"

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/relationship.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

namespace zooid {

namespace asio = boost::asio;

server_engine::server_engine(running_server_options const& options, server_identity const& identity,
                             shard_place place, opened_store store, executor const& owner,
                             server_observer& observer)
    : options_(options), identity_(identity), place_(place), owner_(owner),
      later_(asio::prefer(asio::require(owner, asio::execution::blocking.never),
                          asio::execution::relationship.continuation)),
      observer_(observer), store_(std::move(store)), journal_(*store_.journal),
      tail_bytes_cut_(store_.content.tail_bytes_cut),
      server_(options_.tuning, identity_, options_.machines, journal_, store_.id, store_.content),
      timer_(owner) {
    for (journal_damage const& place_of_it : store_.content.damage)
        events_.push_back(journal_damaged{place_of_it});
    store_.content = {};
}

server_engine::~server_engine() = default;

void server_engine::share(std::shared_ptr<shard_exchange> others) {
    others_ = std::move(others);
    request_sharing::home& here = *this;
    sharing_ = std::make_unique<request_sharing>(place_, *others_, here);
    others_->attach(place_.shard, [weak = weak_from_this(), owner = owner_] {
        asio::post(owner, [weak] {
            if (auto const self = weak.lock()) self->take_handed();
        });
    });
}

result<void> server_engine::begin() {
    std::vector<server_id> known;
    for (tcp_peer const& p : options_.peers)
        known.push_back(p.server);
    server_.set_peers(std::move(known));
    ZOOID_TRY(endpoint_, tcp_endpoint::open(owner_, endpoint_options(options_, identity_, place_), *this));
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
    endpoint_.reset();
}

void server_engine::set_peer(tcp_peer const& peer) {
    if (ended_) return;
    server_.set_peers({peer.server});
    endpoint_->set_peer(peer);
}

void server_engine::adopt(tcp_socket accepted) {
    if (!ended_) endpoint_->adopt(std::move(accepted));
}

running_server_snapshot server_engine::snapshot() const {
    running_server_snapshot s;
    s.server = server_.statistics();
    s.journal = journal_.statistics();
    if (endpoint_) s.transport = endpoint_->statistics();
    s.commit_latency = commit_latency_;
    s.flush_latency = journal_.latency();
    s.turn_inputs = turn_inputs_;
    if (others_) s.between_shards = others_->statistics(place_.shard);
    return s;
}

// ---- stopping

void server_engine::stop(std::function<void()> on_quiet) {
    if (ended_) return;
    on_quiet_ = std::move(on_quiet);
    server_.stop(boot_time_now());
    note_input();
}

void server_engine::watch_stop() {
    if (server_.is_quiet()) std::exchange(on_quiet_, nullptr)();
}

// What another shard answered may be on its way to a client here.
void server_engine::end() {
    if (ended_) return;
    if (sharing_) sharing_->take_handed();
    ended_ = true;
    on_quiet_ = nullptr;
    timer_.cancel();
    endpoint_->stop();
}

} // namespace zooid

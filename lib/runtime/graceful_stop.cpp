#include "runtime/graceful_stop.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>

namespace zooid {

namespace asio = boost::asio;

void run_on_shard(shard_engines const& all, std::size_t shard, std::function<void(server_engine&)> what) {
    if (all.size() == 1) return what(*all.front());
    asio::post(all[shard]->owner(), [engine = all[shard], what = std::move(what)] { what(*engine); });
}

graceful_stop::graceful_stop(shard_engines const& shards)
    : shards_(shards), owner_(shards.front()->owner()), timer_(owner_) {}

void graceful_stop::on_owner(void (graceful_stop::*what)()) {
    if (shards_.size() == 1) return (this->*what)();
    asio::post(owner_, [self = shared_from_this(), what] { (self.get()->*what)(); });
}

void graceful_stop::begin(duration deadline, server_stop_handler handler) {
    if (begun_) return asio::post(owner_, asio::append(std::move(handler), result<void>(errc::stopping)));
    begun_ = true;
    work_ = asio::prefer(asio::get_associated_executor(handler, owner_),
                         asio::execution::outstanding_work.tracked);
    handler_ = std::move(handler);
    timer_.expires_after(std::max(deadline, duration::zero()));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code const& cancelled) {
        auto const self = weak.lock();
        if (!cancelled && self) self->end(errc::timed_out);
    });
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        run_on_shard(shards_, i, [weak = weak_from_this()](server_engine& shard) {
            shard.stop([weak] {
                if (auto const self = weak.lock()) self->on_owner(&graceful_stop::note_quiet);
            });
        });
    }
}

void graceful_stop::note_quiet() {
    if (++quiet_ == shards_.size()) end(outcome::success());
}

void graceful_stop::end(result<void> outcome) {
    if (std::exchange(ending_, true)) return;
    outcome_ = std::move(outcome);
    timer_.cancel();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        run_on_shard(shards_, i, [self = shared_from_this()](server_engine& shard) {
            shard.end();
            self->on_owner(&graceful_stop::note_ended);
        });
    }
}

void graceful_stop::note_ended() {
    if (++ended_ == shards_.size()) complete(outcome_);
}

void graceful_stop::cancel() {
    ending_ = true;
    timer_.cancel();
    complete(errc::cancelled);
}

void graceful_stop::complete(result<void> outcome) {
    if (!handler_) return;
    asio::post(owner_, asio::append(std::move(*std::exchange(handler_, std::nullopt)), std::move(outcome)));
    work_ = {};
}

} // namespace zooid

#include "remote/impl.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <ctime>
#include <set>

namespace zooid {

namespace asio = boost::asio;

namespace {

std::vector<server_id> ids_of(std::vector<remote_server> const& servers) {
    std::vector<server_id> ids;
    for (remote_server const& s : servers)
        ids.push_back(s.server);
    return ids;
}

} // namespace

time_point now_of_the_system() {
    timespec t{};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

time_point deadline_of(call_options const& options) {
    auto const now = now_of_the_system();
    return options.deadline >= never - now ? never : now + options.deadline;
}

remote_client::impl::impl(remote_client_options options, asio::any_io_executor executor,
                          client_identity identity, life_id life)
    : options_(std::move(options)), executor_(std::move(executor)),
      strand_(asio::strand<asio::any_io_executor>(executor_)), identity_(identity), life_(life),
      core_(options_.attempts, identity, ids_of(options_.servers)), timer_(strand_) {
    for (remote_server const& s : options_.servers)
        links_[s.server] = std::make_unique<link>(*this, s);
}

// ---- calls come in

void remote_client::impl::start(result<call_request> request, completion waiting) {
    if (!request) return waiting.complete(request.error());
    call_id const id{++calls_named_};
    if (auto signal = waiting.slot(); signal.is_connected()) {
        signal.assign([weak = weak_from_this(), id](asio::cancellation_type) {
            auto const self = weak.lock();
            if (self) asio::post(self->strand_, [self, id] { self->cancel(id); });
        });
    }
    std::size_t const size = request.value().payload.size() + request.value().cell.key().size() + 512;
    std::unique_lock lock(mutex_);
    if (inbox_bytes_ + size > options_.attempts.queue_bytes_max) {
        lock.unlock();
        return waiting.complete(error(errc::overloaded, "too many calls wait at this client"));
    }
    inbox_bytes_ += size;
    inbox_.push_back({id, std::move(request).value(), std::move(waiting)});
    bool const first = !std::exchange(drain_scheduled_, true);
    lock.unlock();
    if (first) asio::post(strand_, [self = shared_from_this()] { self->drain(); });
}

void remote_client::impl::drain() {
    std::vector<incoming> calls;
    {
        std::lock_guard const lock(mutex_);
        calls.swap(inbox_);
        inbox_bytes_ = 0;
        drain_scheduled_ = false;
    }
    auto const now = now_of_the_system();
    if (closing_) core_.refuse_new();
    for (incoming& c : calls) {
        waiting_.emplace(c.id, std::move(c.waiting));
        core_.start(now, c.id, std::move(c.request), output_);
    }
    carry_out();
}

void remote_client::impl::cancel(call_id id) {
    core_.cancel(now_of_the_system(), id, output_);
    carry_out();
}

// ---- the network and the clock

void remote_client::impl::on_up(server_id server) {
    core_.on_link_up(now_of_the_system(), server, output_);
    carry_out();
}

void remote_client::impl::on_reply(server_id server, bytes_view reply) {
    core_.on_reply(now_of_the_system(), server, reply, output_);
    carry_out();
}

// A connection is not destroyed from inside of its own callback.
void remote_client::impl::on_down(link& l, error const& why) {
    asio::post(strand_,
               [self = shared_from_this(), gone = std::move(l.connection)]() mutable { gone.reset(); });
    core_.on_link_down(now_of_the_system(), l.server.server, why, output_);
    carry_out();
}

void remote_client::impl::on_time() {
    armed_ = never;
    auto const now = now_of_the_system();
    if (stop_at_ && now >= *stop_at_) return close();
    core_.wake(now, output_);
    carry_out();
}

// ---- what the core asks for

void remote_client::impl::carry_out() {
    while (!output_.empty()) {
        client_output const turn = std::exchange(output_, {});
        if (!closed_) {
            for (server_id const s : turn.dials)
                dial(s);
            send(turn.requests);
        }
        finish(turn.ended);
    }
    note_turn();
    if (closed_) return;
    if (stop_at_ && core_.is_idle()) return close();
    arm();
}

void remote_client::impl::dial(server_id server) {
    link& l = *links_.at(server);
    tcp_connection_options o;
    o.address = {l.server.host, l.server.port};
    o.target = server;
    o.keys = options_.keys;
    o.life = life_;
    o.queue_bytes_max = options_.link_queue_bytes_max;
    auto opened = tcp_connection::open(strand_, std::move(o), l);
    if (opened)
        l.connection = std::move(opened).value();
    else
        core_.on_link_down(now_of_the_system(), server, opened.error(), output_);
}

void remote_client::impl::send(std::vector<outgoing_request> const& requests) {
    std::set<server_id> touched;
    for (outgoing_request const& r : requests) {
        auto const& connection = links_.at(r.to)->connection;
        if (connection && connection->send(r.payload))
            touched.insert(r.to);
        else
            core_.on_unsent(now_of_the_system(), r.to, r.payload, output_);
    }
    for (server_id const s : touched)
        links_.at(s)->connection->flush();
}

void remote_client::impl::finish(std::vector<ended_call> ended) {
    for (ended_call& e : ended) {
        auto const found = waiting_.find(e.call);
        if (found == waiting_.end()) continue;
        completion waiting = std::move(found->second);
        waiting_.erase(found);
        waiting.complete(std::move(e.reply));
    }
}

void remote_client::impl::arm() {
    auto const due = std::min(core_.deadline(), stop_at_.value_or(never));
    if (due == armed_) return;
    armed_ = due;
    if (due == never) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(std::max(duration::zero(), due - now_of_the_system()));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code const& failure) {
        if (failure) return;
        if (auto const self = weak.lock(); self && !self->closed_) self->on_time();
    });
}

void remote_client::impl::note_turn() {
    std::lock_guard const lock(mutex_);
    statistics_ = core_.statistics();
}

client_statistics remote_client::impl::statistics() const {
    std::lock_guard const lock(mutex_);
    return statistics_;
}

// ---- the end

void remote_client::impl::stop(duration grace, stop_handler handler) {
    auto shared = std::make_shared<stop_handler>(std::move(handler));
    asio::post(strand_, [self = shared_from_this(), grace, shared] {
        if (self->closed_) return complete(self->executor_, std::move(*shared));
        self->stopping_.push_back(std::move(*shared));
        self->core_.refuse_new();
        auto const at =
            now_of_the_system() + std::clamp<duration>(grace, duration::zero(), std::chrono::hours(24));
        self->stop_at_ = std::min(at, self->stop_at_.value_or(never));
        self->carry_out();
    });
}

void remote_client::impl::close_later() {
    closing_ = true;
    asio::post(strand_, [self = shared_from_this()] {
        self->close();
        self->drain(); // whoever came last is refused as stopping
    });
}

void remote_client::impl::close() {
    if (closed_) return;
    closed_ = true;
    core_.stop(now_of_the_system(), output_);
    carry_out();
    timer_.cancel();
    // Perhaps a link's callback is what led here: its connection goes in a function of its own.
    asio::post(strand_, [self = shared_from_this()] {
        self->links_.clear();
        for (stop_handler& h : std::exchange(self->stopping_, {}))
            complete(self->executor_, std::move(h));
    });
}

} // namespace zooid

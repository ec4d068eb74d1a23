#include <zooid/tcp/connection.hpp>

#include "tcp/dial.hpp"
#include "tcp/stream.hpp"

#include <zooid/tcp/hmac.hpp>

#include <boost/asio/post.hpp>

namespace zooid {

using tcp_detail::stream;

class tcp_connection::impl final : public stream::owner, public std::enable_shared_from_this<impl> {
  public:
    impl(tcp_detail::executor e, tcp_connection_options options, client_link_listener& listener)
        : executor_(std::move(e)), options_(std::move(options)), listener_(listener), timer_(executor_) {}

    void begin();
    void abandon();
    result<void> send(bytes_view request);
    void flush() {
        if (stream_) stream_->flush();
    }
    bool is_up() const { return stream_ && stream_->protocol().is_up(); }
    session_statistics statistics() const {
        return stream_ ? stream_->protocol().statistics() : session_statistics{};
    }

  private:
    void on_dialled(result<void> outcome, tcp_detail::socket connected);
    void on_event(stream& s, session_event const& e) override;
    void on_turn_end() override { flush(); }
    void down(close_reason reason, error const& why);

    tcp_detail::executor executor_;
    tcp_connection_options options_;
    client_link_listener& listener_;
    tcp_detail::timer timer_;
    std::shared_ptr<tcp_detail::dial> dial_;
    std::shared_ptr<stream> stream_;
    bool ended_ = false;
    bool flush_posted_ = false;
};

result<std::unique_ptr<tcp_connection>> tcp_connection::open(boost::asio::any_io_executor executor,
                                                             tcp_connection_options options,
                                                             client_link_listener& listener) {
    ZOOID_TRY(check(options.keys));
    if (options.keys.for_server()) {
        return error(errc::invalid_argument, "these are a colony's keys, a client needs its own");
    }
    auto made = std::make_shared<impl>(std::move(executor), std::move(options), listener);
    made->begin();
    return std::unique_ptr<tcp_connection>(new tcp_connection(std::move(made)));
}

tcp_connection::tcp_connection(std::shared_ptr<impl> made) : impl_(std::move(made)) {}
tcp_connection::~tcp_connection() {
    impl_->abandon();
}
result<void> tcp_connection::send(bytes_view request) {
    return impl_->send(request);
}
void tcp_connection::flush() {
    impl_->flush();
}
bool tcp_connection::is_up() const {
    return impl_->is_up();
}
session_statistics tcp_connection::statistics() const {
    return impl_->statistics();
}

void tcp_connection::impl::begin() {
    dial_ = std::make_shared<tcp_detail::dial>(
        executor_, options_.address,
        [weak = weak_from_this()](result<void> outcome, tcp_detail::socket connected) {
            if (auto const self = weak.lock()) self->on_dialled(std::move(outcome), std::move(connected));
        });
    timer_.expires_after(std::chrono::duration_cast<tcp_detail::timer::duration>(options_.handshake_timeout));
    timer_.async_wait([weak = weak_from_this()](tcp_detail::error_code const& cancelled) {
        auto const self = weak.lock();
        if (cancelled || !self || self->ended_ || self->stream_) return;
        self->dial_->cancel();
        std::string const where = tcp_detail::to_string(self->options_.address);
        self->down(close_reason::timed_out, error(errc::unreachable, where + ": no answer in time"));
    });
    dial_->start();
}

void tcp_connection::impl::on_dialled(result<void> outcome, tcp_detail::socket connected) {
    if (ended_) return;
    timer_.cancel();
    if (!outcome) return down(close_reason::lost, outcome.error());
    auto const own = random_bytes();
    if (!own) return down(close_reason::lost, own.error());
    session_options o;
    o.self.role = options_.keys.role;
    o.self.life = options_.life;
    o.target = options_.target;
    o.keys = &options_.keys;
    o.suite = &hmac_sha256();
    o.own_nonce = own.value();
    o.queue_bytes_max = options_.queue_bytes_max;
    stream_ = std::make_shared<stream>(std::move(connected), std::move(o), this);
    stream_->start(options_.handshake_timeout);
}

void tcp_connection::impl::on_event(stream& s, session_event const& e) {
    auto const kept_alive = shared_from_this(); // the listener may destroy the connection
    switch (e.what) {
    case session_event::type::identified: (void)s.protocol().admit({}); return;
    case session_event::type::up: return listener_.on_up(s.protocol().peer());
    case session_event::type::frame: return listener_.on_reply(e.payload);
    case session_event::type::closed: return down(s.protocol().reason(), s.protocol().failure());
    case session_event::type::peer_refused:
    case session_event::type::none: return;
    }
}

void tcp_connection::impl::down(close_reason reason, error const& why) {
    if (std::exchange(ended_, true)) return;
    listener_.on_down(reason, why);
}

result<void> tcp_connection::impl::send(bytes_view request) {
    if (!is_up()) return errc::unreachable;
    ZOOID_TRY(stream_->protocol().send(frame_kind::request, request));
    if (flush_posted_) return outcome::success();
    flush_posted_ = true;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self) return;
        self->flush_posted_ = false;
        self->flush();
    });
    return outcome::success();
}

void tcp_connection::impl::abandon() {
    ended_ = true;
    timer_.cancel();
    if (dial_) dial_->cancel();
    if (stream_) stream_->abandon();
}

} // namespace zooid

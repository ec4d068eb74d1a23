#include "tcp/stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace zooid::tcp_detail {

namespace {

// A pulse waits behind what the kernel holds unsent, so that is kept small.
constexpr int unsent_bytes_max = 256 * 1024;
// With something unacknowledged; an idle link is probed, and dead as soon.
constexpr int dead_after_ms = 10'000;
constexpr int idle_before_probe_s = 6, between_probes_s = 2, probes_unanswered = 2;
constexpr duration linger_for = std::chrono::seconds(1);

void set(socket& s, int level, int name, int value) {
    (void)::setsockopt(s.native_handle(), level, name, &value, sizeof value); // each is an optimisation only
}

std::string describe(socket const& s) {
    error_code failure;
    auto const end = s.remote_endpoint(failure);
    if (failure) return "unconnected";
    std::string const host = end.address().to_string();
    return (end.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(end.port());
}

} // namespace

void prepare_socket(socket& s) {
    error_code ignored;
    s.non_blocking(true, ignored);
    s.set_option(asio::ip::tcp::no_delay(true), ignored);
    s.set_option(asio::socket_base::keep_alive(true), ignored);
    set(s, IPPROTO_TCP, TCP_KEEPIDLE, idle_before_probe_s);
    set(s, IPPROTO_TCP, TCP_KEEPINTVL, between_probes_s);
    set(s, IPPROTO_TCP, TCP_KEEPCNT, probes_unanswered);
    set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, dead_after_ms);
    set(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes_max);
}

stream::stream(socket connected, session_options options, owner* o)
    : socket_(std::move(connected)), timer_(socket_.get_executor()), session_(options), owner_(o),
      dialled_(options.side == link_side::initiator), address_(describe(socket_)) {}

void stream::start(duration handshake_timeout) {
    arm(handshake_timeout);
    flush();
    read();
}

void stream::arm(duration timeout) {
    timer_.expires_after(std::chrono::duration_cast<timer::duration>(timeout));
    timer_.async_wait([self = shared_from_this()](error_code const& cancelled) {
        if (cancelled) return;
        if (self->lingering_) return self->abandon();
        if (!self->owner_ || self->session_.is_up()) return;
        self->session_.close(close_reason::timed_out, "no handshake in time");
        self->end({session_event::type::closed});
    });
}

void stream::read() {
    std::span<char> const space = session_.prepare();
    socket_.async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](error_code const& failure, std::size_t n) { self->on_read(failure, n); });
}

void stream::on_read(error_code const& failure, std::size_t count) {
    if (!owner_) return;
    if (failure) {
        bool const hung_up = failure == asio::error::eof;
        session_.lose(close_reason::lost, hung_up ? "the peer hung up" : failure.message());
        return end({session_event::type::closed});
    }
    ++reads_;
    session_.commit(count);
    if (!deliver()) return;
    owner_->on_turn_end();
    if (!owner_) return;
    flush(); // what the session itself has to say
    read();
}

// False when the stream has ended, by an event or by what the owner did about one.
bool stream::deliver() {
    while (session_event const e = session_.next()) {
        if (e.what == session_event::type::up) timer_.cancel();
        if (e.what == session_event::type::closed) {
            end(e);
            return false;
        }
        owner_->on_event(*this, e);
        if (!owner_) return false;
    }
    return true;
}

void stream::end(session_event const& e) {
    auto const self = shared_from_this(); // the owner may hold the last reference
    owner* const told = std::exchange(owner_, nullptr);
    flush();
    linger();
    told->on_event(*this, e);
}

void stream::flush() {
    while (!blocked_) {
        bytes_view const out = session_.output();
        if (out.empty()) return;
        error_code failure;
        std::size_t const count = socket_.write_some(asio::buffer(out.data(), out.size()), failure);
        ++writes_;
        if (failure == asio::error::would_block || failure == asio::error::try_again)
            return wait_until_writable();
        if (failure) {
            // Reading finds out in its own turn: nobody is called back inside of a flush.
            blocked_ = true;
            socket_.shutdown(socket::shutdown_both, failure);
            return;
        }
        session_.written(count);
    }
}

void stream::wait_until_writable() {
    blocked_ = true;
    socket_.async_wait(socket::wait_write, [self = shared_from_this()](error_code const& failure) {
        if (failure) return;
        self->blocked_ = false;
        if (self->owner_) self->flush();
    });
}

void stream::close(close_reason reason, std::string_view detail) {
    owner_ = nullptr;
    flush();
    session_.close(reason, detail);
    flush();
    linger();
}

// Closing a socket with unread bytes resets the connection, and the peer would never read the goodbye. So our
// half is shut and the other's bytes are thrown away until it hangs up too, or a second has passed.
void stream::linger() {
    error_code failure;
    socket_.shutdown(socket::shutdown_send, failure);
    if (failure || session_.reason() == close_reason::lost) return abandon();
    lingering_ = true;
    arm(linger_for);
    socket_.cancel(failure); // the read that is under way, whose buffer is the session's
    discard();
}

void stream::discard() {
    std::span<char> const space = session_.prepare();
    socket_.async_read_some(asio::buffer(space.data(), space.size()),
                            [self = shared_from_this()](error_code const& failure, std::size_t) {
                                if (failure) return self->abandon();
                                self->discard();
                            });
}

void stream::abandon() {
    owner_ = nullptr;
    error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
}

} // namespace zooid::tcp_detail

#include <zooid/tcp/acceptor.hpp>

#include "tcp/listen.hpp"

#include <array>
#include <set>

#include <sys/socket.h>
#include <unistd.h>

namespace zooid {

namespace asio = boost::asio;
using tcp_detail::error_code;

tcp_socket::~tcp_socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

class tcp_acceptor::impl final : public std::enable_shared_from_this<impl> {
  public:
    impl(tcp_detail::executor e, tcp_acceptor_options const& options, taker take)
        : executor_(std::move(e)), options_(options), take_(std::move(take)),
          listener_(std::make_shared<tcp_detail::port_listener>(executor_)) {}

    result<void> listen() { return listener_->open(options_.listen); }
    void start();
    void stop();
    std::uint16_t port() const { return listener_->port(); }

  private:
    /// Accepted, and nothing was said yet.
    struct caller {
        caller(tcp_detail::socket s, tcp_detail::executor const& e) : socket(std::move(s)), limit(e) {}
        tcp_detail::socket socket;
        tcp_detail::timer limit;
    };
    using caller_ptr = std::shared_ptr<caller>;

    void listen_to(tcp_detail::socket accepted);
    void hand_over(caller_ptr const& from);
    std::uint16_t choose(caller& from);

    tcp_detail::executor executor_;
    tcp_acceptor_options options_;
    taker take_;
    std::shared_ptr<tcp_detail::port_listener> listener_;
    std::set<caller_ptr> waiting_;
    std::uint16_t next_client_ = 0; ///< the shard for it
};

void tcp_acceptor::impl::start() {
    listener_->start([weak = weak_from_this()](tcp_detail::socket accepted) {
        if (auto const self = weak.lock()) self->listen_to(std::move(accepted));
    });
}

// Too many at once that say nothing, or too few descriptors: the newest one is hung up on.
void tcp_acceptor::impl::listen_to(tcp_detail::socket accepted) {
    bool const scarce =
        tcp_detail::is_reserved(accepted.native_handle(), options_.descriptors_reserved, options_.shards);
    if (scarce || waiting_.size() >= options_.waiting_max) return;
    auto const c = std::make_shared<caller>(std::move(accepted), executor_);
    waiting_.insert(c);
    auto const done = [weak = weak_from_this(), c](error_code const& failure) {
        auto const self = weak.lock();
        if (self && failure != asio::error::operation_aborted) self->hand_over(c);
    };
    c->limit.expires_after(
        std::chrono::duration_cast<tcp_detail::timer::duration>(options_.first_bytes_timeout));
    c->limit.async_wait(done);
    c->socket.async_wait(tcp_detail::socket::wait_read, done);
}

void tcp_acceptor::impl::hand_over(caller_ptr const& from) {
    if (waiting_.erase(from) == 0) return;
    from->limit.cancel();
    std::uint16_t const shard = choose(*from);
    error_code failure;
    int const descriptor = from->socket.release(failure);
    if (!failure) take_(shard, tcp_socket(descriptor));
}

// A hello is written at once, so its first bytes are here when any is. If they are not, shard 0 judges.
std::uint16_t tcp_acceptor::impl::choose(caller& from) {
    std::array<char, arrival_bytes> first{};
    auto const n = ::recv(from.socket.native_handle(), first.data(), first.size(), MSG_PEEK | MSG_DONTWAIT);
    auto const hello = look_at_hello({first.data(), n > 0 ? static_cast<std::size_t>(n) : 0});
    if (!hello) return 0;
    if (hello->is_server) return receiving_shard(*hello, options_.shards);
    auto const chosen = next_client_;
    next_client_ = static_cast<std::uint16_t>((next_client_ + 1u) % options_.shards);
    return chosen;
}

void tcp_acceptor::impl::stop() {
    listener_->close();
    error_code ignored;
    for (caller_ptr const& c : std::exchange(waiting_, {})) {
        c->limit.cancel();
        c->socket.close(ignored);
    }
}

result<std::unique_ptr<tcp_acceptor>> tcp_acceptor::open(boost::asio::any_io_executor executor,
                                                         tcp_acceptor_options const& options, taker take) {
    auto made = std::make_shared<impl>(std::move(executor), options, std::move(take));
    ZOOID_TRY(made->listen());
    return std::unique_ptr<tcp_acceptor>(new tcp_acceptor(std::move(made)));
}

tcp_acceptor::tcp_acceptor(std::shared_ptr<impl> made) : impl_(std::move(made)) {}
tcp_acceptor::~tcp_acceptor() {
    impl_->stop();
}
void tcp_acceptor::start() {
    impl_->start();
}
void tcp_acceptor::stop() {
    impl_->stop();
}
std::uint16_t tcp_acceptor::port() const {
    return impl_->port();
}

} // namespace zooid

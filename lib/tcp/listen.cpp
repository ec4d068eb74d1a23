#include "tcp/listen.hpp"

#include "tcp/dial.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

#include <sys/resource.h>

namespace zooid::tcp_detail {

namespace {

constexpr duration retry_after = std::chrono::milliseconds(100);

error listen_error(tcp_address const& at, error_code const& failure) {
    errc code = errc::io_failed;
    if (failure == asio::error::address_in_use) code = errc::in_use;
    if (failure == asio::error::access_denied) code = errc::permission_denied;
    return error(code, "cannot listen on " + to_string(at) + ": " + failure.message());
}

} // namespace

bool is_reserved(int descriptor, std::size_t reserved, std::uint16_t shards) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
    rlim_t const kept = std::min<rlim_t>(reserved + 8u * shards, limit.rlim_cur / 2);
    return static_cast<rlim_t>(descriptor) >= limit.rlim_cur - kept;
}

result<void> port_listener::open(tcp_address const& at) {
    if (at.host.empty()) return outcome::success();
    error_code failure;
    auto const address = asio::ip::make_address(at.host, failure);
    if (failure) return error(errc::invalid_argument, at.host + " is not an address to listen on");
    asio::ip::tcp::endpoint const end(address, at.port);
    acceptor_.open(end.protocol(), failure);
    if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) acceptor_.bind(end, failure);
    if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) return listen_error(at, failure);
    port_ = acceptor_.local_endpoint(failure).port();
    return outcome::success();
}

void port_listener::start(taker take) {
    take_ = std::move(take);
    if (port_ != 0) accept();
}

void port_listener::accept() {
    acceptor_.async_accept(executor_, [weak = weak_from_this()](error_code const& failure, socket accepted) {
        auto const self = weak.lock();
        if (!self || self->closed_) return;
        if (failure) return self->accept_later();
        self->take_(std::move(accepted));
        if (!self->closed_) self->accept();
    });
}

// Out of descriptors, most likely: accepting again at once would spin.
void port_listener::accept_later() {
    retry_.expires_after(std::chrono::duration_cast<timer::duration>(retry_after));
    retry_.async_wait([weak = weak_from_this()](error_code const& cancelled) {
        auto const self = weak.lock();
        if (!cancelled && self && !self->closed_) self->accept();
    });
}

void port_listener::close() {
    closed_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
}

} // namespace zooid::tcp_detail

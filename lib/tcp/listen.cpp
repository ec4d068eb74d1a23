#include "tcp/listen.hpp"

#include "tcp/dial.hpp"

#include <boost/asio/ip/address.hpp>

namespace zooid::tcp_detail {

namespace {

error listen_error(tcp_address const& at, error_code const& failure) {
    errc code = errc::io_failed;
    if (failure == asio::error::address_in_use) code = errc::in_use;
    if (failure == asio::error::access_denied) code = errc::permission_denied;
    return error(code, "cannot listen on " + to_string(at) + ": " + failure.message());
}

} // namespace

result<std::uint16_t> listen(acceptor& on, tcp_address const& at) {
    if (at.host.empty()) return std::uint16_t{0};
    error_code failure;
    auto const address = asio::ip::make_address(at.host, failure);
    if (failure) return error(errc::invalid_argument, at.host + " is not an address to listen on");
    asio::ip::tcp::endpoint const end(address, at.port);
    on.open(end.protocol(), failure);
    if (!failure) on.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) on.bind(end, failure);
    if (!failure) on.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) return listen_error(at, failure);
    return on.local_endpoint(failure).port();
}

} // namespace zooid::tcp_detail

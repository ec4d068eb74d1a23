// Listening: an address becomes an acceptor, or an error that names it.
#pragma once

#include "tcp/stream.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

namespace zooid::tcp_detail {

using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

/// The port that is listened on; 0 for an empty host, where nothing is done.
result<std::uint16_t> listen(acceptor& on, tcp_address const& at);

/// Out of descriptors, most likely: accepting again at once would spin.
inline constexpr duration accept_retry_after = std::chrono::milliseconds(100);

} // namespace zooid::tcp_detail

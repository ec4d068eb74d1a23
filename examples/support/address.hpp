// Addresses as people write them: "127.0.0.1:7001", "[::1]:7001", "host.example:7001".
#pragma once

#include <zooid/tcp/endpoint.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace support {

/// Nothing unless there is a host and a decimal port from 0 to 65535.
std::optional<zooid::tcp_address> parse_address(std::string_view text);
std::string to_string(zooid::tcp_address const& address);

} // namespace support

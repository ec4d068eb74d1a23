// Values of the store as JSON that keeps their types:
//     {"int":"123"}   {"text":"utf-8"}   {"bytes":"base64"}   true
// A bare number is an integer if it is whole and within 2^53 either way; any other must be written as
// {"int":"..."}: tools that hold numbers as doubles would change it on the way.
#pragma once

#include "support/strict_json.hpp"

#include <zooid/kv/outcome.hpp>

#include <boost/json/object.hpp>

#include <optional>

namespace support {

zooid::result<zooid::kv::value> value_of(json_node const& node, std::string_view source);
zooid::result<zooid::kv::integer> integer_of(json_node const& node, std::string_view source);
/// Bytes that are printable text are written as text.
boost::json::value json_of(zooid::kv::value const& value);
/// As `json_of`, for a key or prefix: a string, or {"bytes":"base64"}.
boost::json::value json_of_key(zooid::bytes_view key);
zooid::result<zooid::bytes> key_of(json_node const& node, std::string_view source);
/// {"key":..., "value":... or absent, "version":n}
boost::json::object json_of(zooid::kv::observation const& seen);
/// Whether `met` says something. Its key does not tell: the empty key is one like any other.
bool met_something(zooid::kv::rejected const& r);
boost::json::object json_of(zooid::kv::outcome const& outcome);

std::string to_base64(zooid::bytes_view content);
std::optional<zooid::bytes> from_base64(std::string_view text);

} // namespace support

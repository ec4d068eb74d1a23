// What a key holds, and what a transaction saw there.
#pragma once

#include <zooid/base/codec.hpp>
#include <zooid/base/ids.hpp>
#include <zooid/kv/integer.hpp>

#include <optional>
#include <variant>

namespace zooid::kv {

/// A byte string, an integer or a boolean. Values of different types are never equal.
using value = std::variant<bytes, integer, bool>;

/// A key as somebody found it: its value, or nothing if it was absent, and its version.
struct observation {
    bytes key;
    std::optional<value> content;
    /// The cell's count of committed transactions when the value was written; 0 if absent.
    zooid::version version;

    friend bool operator==(observation const&, observation const&) = default;
};

/// The bytes that `encode` appends for this entry; also what it counts towards the cell's state.
std::size_t encoded_size(observation const& seen);
void encode(writer& out, value const& content); ///< each value has one encoding
void encode(writer& out, observation const& seen);
/// Both make the reader fail on anything that `encode` would not write.
value decode_value(reader& in);
observation decode_observation(reader& in);

/// For messages and logs: 123, true, "text" (with \xNN for what is not printable), cut after 40 bytes.
std::string to_string(value const& content);

} // namespace zooid::kv

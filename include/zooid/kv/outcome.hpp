// Outcomes: what became of a transaction. Both are values; neither is an error.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/kv/value.hpp>

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace zooid::kv {

/// What one reading operation found: one entry for a read or an add, any number, in key order, for a scan.
struct operation_result {
    std::uint32_t operation = 0; ///< its index in the transaction
    std::vector<observation> entries;

    friend bool operator==(operation_result const&, operation_result const&) = default;
};

/// The transaction took effect.
struct committed {
    /// The cell's count of committed transactions, this one included. Orders the commits of a cell: of two
    /// transactions, the one with the lower version took effect first. A query reports the count that it saw.
    zooid::version version;
    /// One for each read, add and scan, in order.
    std::vector<operation_result> results;

    /// The last entry for this key in the results, or null.
    observation const* find(bytes_view key) const;

    friend bool operator==(committed const&, committed const&) = default;
};

enum class rejection : std::uint8_t {
    condition_failed = 1, ///< `index` counts conditions; `met` is what the condition met
    not_an_integer,       ///< an add met bytes or a boolean; `index` counts operations from here on
    integer_too_large,    ///< an add would leave |n| < 2^4096; `met` is the value before it
    result_too_large,     ///< reads and scans up to this operation found more than `limits::result_bytes_max`
    state_too_large,      ///< the cell would exceed `limits::cell_state_bytes_max`; `index` is 0
    over_limit,           ///< it would not validate: the proposer should have refused it
    malformed,            ///< its bytes are no transaction: the proposer should have refused it
    not_read_only,        ///< a query that would write; `index` is the first writing operation
};

std::string_view name_of(rejection why); ///< "condition_failed"

/// The transaction changed nothing.
struct rejected {
    rejection why = rejection::condition_failed;
    std::uint32_t index = 0;
    /// The value and version that the failed condition, or the failed add, met; an empty key if there is
    /// none.
    observation met;
    /// The cell's count of committed transactions that the transaction met.
    zooid::version version;

    friend bool operator==(rejected const&, rejected const&) = default;
};

using outcome = std::variant<committed, rejected>;

void encode(kv::outcome const& o, bytes& out); ///< appends the state machine's reply
/// `malformed`, or `unsupported_version`.
result<kv::outcome> decode_outcome(bytes_view reply);

} // namespace zooid::kv

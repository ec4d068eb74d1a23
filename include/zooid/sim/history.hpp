// Histories: what clients asked, when, and what they were told. The input of the linearizability checker.
//
// As JSON lines, one call a line, so that anybody can check a run with a checker of their own:
//
//   {"client": "00000000000000a1",           16 hexadecimal digits
//    "cell": "volume-17",                    the key of the cell
//    "call": "transaction",                  or "strict_read": a read-only transaction that is not in the log
//    "invoked_ns": 1000, "responded_ns": 5000,   of one clock; responded_ns is null for "unknown"
//    "if": [{"equals": {"key": "generation", "value": {"int": "7"}}},
//           {"absent": {"key": "k"}}, {"exists": {"key": "k"}},
//           {"compares": {"key": "k", "how": "<", "value": {"int": "9"}}},      < <= > >= !=
//           {"unchanged": {"key": "k", "version": 3}}],
//    "do": [{"put": {"key": "primary", "value": {"text": "b"}}}, {"erase": {"key": "k"}},
//           {"add": {"key": "k", "value": {"int": "-1"}}}, {"read": {"key": "k"}}, {"scan": {"prefix": ""}}],
//    "outcome": "committed",                 or "rejected", "unknown", "failed"
//    "version": 8,                           committed, rejected: count of commits (kv/outcome.hpp)
//    "results": [{"operation": 3, "entries": [{"key": "k", "value": null, "version": 0}]}],     committed
//    "why": "condition_failed", "index": 0, "met": {"key": ..., "value": ..., "version": ...}}   rejected
//
// A value is {"int": "123"}, {"text": "printable ASCII"}, {"bytes": "base64"}, true or false; null is an
// absent key. A key or prefix is a string of printable ASCII, or {"bytes": "base64"}. "unknown" may have
// happened, or may still happen at any later time, or never; "failed" is known not to have happened and never
// will. Bare numbers stay below 2^53.
#pragma once

#include <zooid/kv/outcome.hpp>
#include <zooid/kv/transaction.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace zooid::sim {

enum class call_kind : std::uint8_t { transaction, strict_read };

/// May have taken effect, or do so at any later time, or never.
struct unknown {
    friend bool operator==(unknown, unknown) = default;
};
/// Did not take effect and never will: refused, timed out before sending, overloaded.
struct failed {
    friend bool operator==(failed, failed) = default;
};
using ending = std::variant<kv::committed, kv::rejected, unknown, failed>;

/// One call of a client.
struct call {
    client_id client;
    std::string cell;
    call_kind kind = call_kind::transaction;
    kv::transaction asked;
    std::int64_t invoked_ns = 0;
    std::int64_t responded_ns = 0; ///< means nothing for `unknown`
    ending ended = unknown{};

    friend bool operator==(call const&, call const&) = default;
};

/// In any order.
using history = std::vector<call>;

/// One line, without its end.
std::string to_json_line(call const& c);
/// `malformed` with what is wrong and where; unknown or missing fields and values out of range are errors.
result<call> parse_json_line(std::string_view line);

/// All calls, one a line.
std::string to_json_lines(history const& h);
/// Empty lines are skipped; an error names its line, counted from 1.
result<history> parse_json_lines(std::string_view text);

} // namespace zooid::sim

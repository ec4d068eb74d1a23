// Transactions: conditions and operations on the keys of one cell, all given up front.
//
//     kv::transaction().require_equal("generation", 7).put("primary", "b").put("generation", 8)
//
// A transaction commits as a whole or changes nothing. Its conditions are met by the state before it, in
// order; then its operations take effect in order, each seeing those before it. What each of them does in
// every state is the table in lib/kv/README.md: there is no transaction that validates and cannot be applied.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/kv/value.hpp>

#include <vector>

namespace zooid::kv {

enum class comparison : std::uint8_t { less = 1, less_equal, greater, greater_equal, not_equal };

/// The key holds exactly this value (type and content).
struct equals {
    bytes key;
    value expected;
    friend bool operator==(equals const&, equals const&) = default;
};
struct absent {
    bytes key;
    friend bool operator==(absent const&, absent const&) = default;
};
struct exists {
    bytes key;
    friend bool operator==(exists const&, exists const&) = default;
};
/// The key holds an integer, and "that integer `how` operand" is true. False for an absent key and for any
/// other type, whatever `how` is.
struct compares {
    bytes key;
    comparison how;
    integer operand;
    friend bool operator==(compares const&, compares const&) = default;
};
/// The key was last written at exactly this version, as an earlier reply reported it; 0: it is absent.
struct unchanged {
    bytes key;
    zooid::version since;
    friend bool operator==(unchanged const&, unchanged const&) = default;
};
using condition = std::variant<equals, absent, exists, compares, unchanged>;

struct put {
    bytes key;
    value content;
    friend bool operator==(put const&, put const&) = default;
};
/// Erasing an absent key does nothing and is no failure.
struct erase {
    bytes key;
    friend bool operator==(erase const&, erase const&) = default;
};
/// Adds to an integer; an absent key counts as 0. Its result is the new value.
struct add {
    bytes key;
    integer amount;
    friend bool operator==(add const&, add const&) = default;
};
struct read {
    bytes key;
    friend bool operator==(read const&, read const&) = default;
};
/// All keys that begin with the prefix, in byte order; the empty prefix is every key.
struct scan {
    bytes prefix;
    friend bool operator==(scan const&, scan const&) = default;
};
using operation = std::variant<put, erase, add, read, scan>;

/// A value; not thread-safe for concurrent changes. Building never fails: `validate` tells what is too large.
class transaction {
  public:
    transaction() = default;
    transaction(std::vector<condition> conditions, std::vector<operation> operations)
        : conditions_(std::move(conditions)), operations_(std::move(operations)) {}

    // Each step appends one condition or operation; on a temporary it hands the transaction on by value.
    transaction& require(condition c) & { return conditions_.push_back(std::move(c)), *this; }
    transaction require(condition c) && { return std::move(require(std::move(c))); }
    transaction& then(operation o) & { return operations_.push_back(std::move(o)), *this; }
    transaction then(operation o) && { return std::move(then(std::move(o))); }

    transaction& require_equal(bytes key, value v) & { return require(equals{std::move(key), std::move(v)}); }
    transaction require_equal(bytes key, value v) && {
        return std::move(require_equal(std::move(key), std::move(v)));
    }
    transaction& require_absent(bytes key) & { return require(absent{std::move(key)}); }
    transaction require_absent(bytes key) && { return std::move(require_absent(std::move(key))); }
    transaction& require_exists(bytes key) & { return require(exists{std::move(key)}); }
    transaction require_exists(bytes key) && { return std::move(require_exists(std::move(key))); }
    transaction& require_compare(bytes key, comparison how, integer n) & {
        return require(compares{std::move(key), how, std::move(n)});
    }
    transaction require_compare(bytes key, comparison how, integer n) && {
        return std::move(require_compare(std::move(key), how, std::move(n)));
    }
    transaction& require_unchanged(bytes key, zooid::version v) & {
        return require(unchanged{std::move(key), v});
    }
    transaction require_unchanged(bytes key, zooid::version v) && {
        return std::move(require_unchanged(std::move(key), v));
    }

    transaction& put(bytes key, value v) & { return then(kv::put{std::move(key), std::move(v)}); }
    transaction put(bytes key, value v) && { return std::move(put(std::move(key), std::move(v))); }
    transaction& erase(bytes key) & { return then(kv::erase{std::move(key)}); }
    transaction erase(bytes key) && { return std::move(erase(std::move(key))); }
    transaction& add(bytes key, integer n) & { return then(kv::add{std::move(key), std::move(n)}); }
    transaction add(bytes key, integer n) && { return std::move(add(std::move(key), std::move(n))); }
    transaction& read(bytes key) & { return then(kv::read{std::move(key)}); }
    transaction read(bytes key) && { return std::move(read(std::move(key))); }
    transaction& scan(bytes prefix) & { return then(kv::scan{std::move(prefix)}); }
    transaction scan(bytes prefix) && { return std::move(scan(std::move(prefix))); }

    std::vector<condition> const& conditions() const { return conditions_; }
    std::vector<operation> const& operations() const { return operations_; }
    std::vector<operation>& operations() { return operations_; }

    /// True if no operation writes: it may then also run as a query (strict or prefix read).
    bool read_only() const;

    /// `too_large`, its detail naming what is over which limit ("operation 3: key of 1025 bytes, at most
    /// 1024"). What passes is applied with one of the outcomes in the table, never with a failure.
    result<void> validate() const;

    friend bool operator==(transaction const&, transaction const&) = default;

  private:
    std::vector<condition> conditions_;
    std::vector<operation> operations_;
};

/// Appends the command: kind, version, conditions, operations.
void encode(transaction const& t, bytes& out);
bytes encode(transaction const& t);

/// Reads a command from bytes that may be anything. `unsupported_version` for a kind or version that this
/// software does not know, `malformed`, or `too_large` as `validate` says it. Admission calls it before a
/// command enters the log.
result<transaction> decode_transaction(bytes_view command);

} // namespace zooid::kv

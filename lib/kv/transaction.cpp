#include <zooid/kv/transaction.hpp>

#include <zooid/base/limits.hpp>

#include "kv/transaction_size.hpp"

#include <algorithm>

namespace zooid::kv {

namespace {

/// What of a condition or operation has a limit of its own.
struct measured {
    bytes_view key;
    bytes const* content = nullptr; // integers keep their limit by themselves
};

measured measure(bytes_view key, value const& v) {
    return {key, std::get_if<bytes>(&v)};
}

struct measuring {
    measured operator()(equals const& c) const { return measure(c.key, c.expected); }
    measured operator()(put const& o) const { return measure(o.key, o.content); }
    measured operator()(scan const& o) const { return {o.prefix}; }
    template <class KeyOnly>
    measured operator()(KeyOnly const& k) const {
        return {k.key};
    }
};

error over(std::string what, std::size_t actual, std::string_view unit, std::size_t limit) {
    return error(errc::too_large,
                 what + std::to_string(actual) + std::string(unit) + ", at most " + std::to_string(limit));
}

template <class Parts>
result<void> check_parts(Parts const& parts, char const* name) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        measured const m = std::visit(measuring(), parts[i]);
        std::string const where = std::string(name) + " " + std::to_string(i);
        if (m.key.size() > limits::key_bytes_max)
            return over(where + ": key of ", m.key.size(), " bytes", limits::key_bytes_max);
        if (m.content && m.content->size() > limits::value_bytes_max)
            return over(where + ": value of ", m.content->size(), " bytes", limits::value_bytes_max);
    }
    return zooid::outcome::success();
}

} // namespace

bool transaction::read_only() const {
    return std::all_of(operations_.begin(), operations_.end(), [](operation const& o) {
        return std::holds_alternative<kv::read>(o) || std::holds_alternative<kv::scan>(o);
    });
}

result<void> transaction::validate() const {
    std::size_t const count = conditions_.size() + operations_.size();
    if (count > limits::conditions_and_operations_max)
        return over("transaction: ", count, " conditions and operations",
                    limits::conditions_and_operations_max);
    ZOOID_TRY(check_parts(conditions_, "condition"));
    ZOOID_TRY(check_parts(operations_, "operation"));
    std::size_t const size = encoded_size(*this);
    if (size > limits::transaction_bytes_max)
        return over("transaction: ", size, " bytes", limits::transaction_bytes_max);
    return zooid::outcome::success();
}

} // namespace zooid::kv

// A command: kind, version, u16 conditions, u16 operations, then each as a tag and its fields in the order in
// which transaction.hpp declares them.
#include <zooid/kv/transaction.hpp>

#include <zooid/base/check.hpp>
#include <zooid/base/limits.hpp>

#include "kv/format.hpp"
#include "kv/transaction_size.hpp"

namespace zooid::kv {

namespace {

void put_fields(writer& out, condition_tag tag, bytes_view key) {
    put_enum(out, tag);
    out.put_sized(key);
}

void put_fields(writer& out, operation_tag tag, bytes_view key) {
    put_enum(out, tag);
    out.put_sized(key);
}

struct part_writer {
    writer& out;

    void operator()(equals const& c) const {
        put_fields(out, condition_tag::equals, c.key);
        encode(out, c.expected);
    }
    void operator()(absent const& c) const { put_fields(out, condition_tag::absent, c.key); }
    void operator()(exists const& c) const { put_fields(out, condition_tag::exists, c.key); }
    void operator()(compares const& c) const {
        put_fields(out, condition_tag::compares, c.key);
        put_enum(out, c.how);
        out.put_sized(c.operand.canonical());
    }
    void operator()(unchanged const& c) const {
        put_fields(out, condition_tag::unchanged, c.key);
        out.put(c.since);
    }
    void operator()(put const& o) const {
        put_fields(out, operation_tag::put, o.key);
        encode(out, o.content);
    }
    void operator()(erase const& o) const { put_fields(out, operation_tag::erase, o.key); }
    void operator()(add const& o) const {
        put_fields(out, operation_tag::add, o.key);
        out.put_sized(o.amount.canonical());
    }
    void operator()(read const& o) const { put_fields(out, operation_tag::read, o.key); }
    void operator()(scan const& o) const { put_fields(out, operation_tag::scan, o.prefix); }
};

integer get_integer(reader& in) {
    auto n = integer::from_canonical(in.get_sized());
    if (!n) in.fail();
    return n ? std::move(*n) : integer();
}

comparison get_comparison(reader& in) {
    auto const how = in.get<std::uint8_t>();
    if (how < 1 || how > static_cast<std::uint8_t>(comparison::not_equal)) in.fail();
    return static_cast<comparison>(how);
}

// Fields are read into named locals where their order matters: arguments have none.
condition get_condition(reader& in) {
    auto const tag = static_cast<condition_tag>(in.get<std::uint8_t>());
    bytes key(in.get_sized());
    switch (tag) {
    case condition_tag::equals: return equals{std::move(key), decode_value(in)};
    case condition_tag::absent: return absent{std::move(key)};
    case condition_tag::exists: return exists{std::move(key)};
    case condition_tag::compares: {
        comparison const how = get_comparison(in);
        return compares{std::move(key), how, get_integer(in)};
    }
    case condition_tag::unchanged: return unchanged{std::move(key), in.get<version>()};
    }
    in.fail();
    return absent{};
}

operation get_operation(reader& in) {
    auto const tag = static_cast<operation_tag>(in.get<std::uint8_t>());
    bytes key(in.get_sized());
    switch (tag) {
    case operation_tag::put: return put{std::move(key), decode_value(in)};
    case operation_tag::erase: return erase{std::move(key)};
    case operation_tag::add: return add{std::move(key), get_integer(in)};
    case operation_tag::read: return read{std::move(key)};
    case operation_tag::scan: return scan{std::move(key)};
    }
    in.fail();
    return read{};
}

template <class Part>
std::vector<Part> get_parts(reader& in, std::size_t count, Part (*get)(reader&)) {
    std::vector<Part> parts;
    parts.reserve(count);
    for (std::size_t i = 0; i < count && !in.failed(); ++i)
        parts.push_back(get(in));
    return parts;
}

struct part_size {
    static std::size_t of(value const& v) {
        return encoded_size(observation{{}, v, {}}) - encoded_size(observation{});
    }
    std::size_t operator()(equals const& c) const { return 6 + c.key.size() + of(c.expected); }
    std::size_t operator()(put const& o) const { return 6 + o.key.size() + of(o.content); }
    std::size_t operator()(compares const& c) const {
        return 10 + c.key.size() + c.operand.canonical().size();
    }
    std::size_t operator()(unchanged const& c) const { return 13 + c.key.size(); }
    std::size_t operator()(add const& o) const { return 9 + o.key.size() + o.amount.canonical().size(); }
    std::size_t operator()(scan const& o) const { return 5 + o.prefix.size(); }
    template <class KeyOnly>
    std::size_t operator()(KeyOnly const& k) const {
        return 5 + k.key.size();
    }
};

} // namespace

std::size_t encoded_size(transaction const& t) {
    std::size_t size = 6;
    for (condition const& c : t.conditions())
        size += std::visit(part_size(), c);
    for (operation const& o : t.operations())
        size += std::visit(part_size(), o);
    return size;
}

void encode(transaction const& t, bytes& out) {
    ZOOID_CHECK(t.conditions().size() <= 0xFFFF && t.operations().size() <= 0xFFFF,
                "only what validates is encoded");
    writer w(out);
    put_header(w, kind::transaction);
    w.put(static_cast<std::uint16_t>(t.conditions().size()));
    w.put(static_cast<std::uint16_t>(t.operations().size()));
    for (condition const& c : t.conditions())
        std::visit(part_writer{w}, c);
    for (operation const& o : t.operations())
        std::visit(part_writer{w}, o);
}

bytes encode(transaction const& t) {
    bytes out;
    encode(t, out);
    return out;
}

result<transaction> decode_transaction(bytes_view command) {
    reader in(command);
    ZOOID_TRY(expect_header(in, kind::transaction));
    std::size_t const conditions = in.get<std::uint16_t>();
    std::size_t const operations = in.get<std::uint16_t>();
    if (in.failed()) return errc::malformed;
    if (conditions + operations > limits::conditions_and_operations_max ||
        command.size() > limits::transaction_bytes_max) {
        return errc::too_large; // before anything is allocated for it
    }
    auto read_conditions = get_parts(in, conditions, get_condition);
    auto read_operations = get_parts(in, operations, get_operation);
    if (!in.complete()) return errc::malformed;
    transaction t(std::move(read_conditions), std::move(read_operations));
    ZOOID_TRY(t.validate());
    return t;
}

} // namespace zooid::kv

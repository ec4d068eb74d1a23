#include <zooid/kv/value.hpp>

#include "kv/format.hpp"

namespace zooid::kv {

namespace {

std::size_t content_size(value const& v) {
    if (auto const* b = std::get_if<bytes>(&v)) return 4 + b->size();
    if (auto const* n = std::get_if<integer>(&v)) return 4 + n->canonical().size();
    return 0;
}

value decode_integer(reader& in) {
    auto n = integer::from_canonical(in.get_sized());
    if (!n) in.fail();
    return n ? value(std::move(*n)) : value();
}

value decode_tagged(reader& in, value_tag tag) {
    switch (tag) {
    case value_tag::bytes: return value(bytes(in.get_sized()));
    case value_tag::integer: return decode_integer(in);
    case value_tag::boolean_false: return value(false);
    case value_tag::boolean_true: return value(true);
    case value_tag::absent: break;
    }
    in.fail();
    return {};
}

std::string in_quotes(bytes_view content) {
    constexpr std::size_t shown_max = 40;
    std::string text = "\"";
    for (char const c : content.substr(0, shown_max)) {
        bool const plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
        text += plain ? std::string(1, c) : "\\x" + to_hex(static_cast<unsigned char>(c)).substr(14);
    }
    return text + (content.size() > shown_max ? "\"..." : "\"");
}

} // namespace

std::size_t encoded_size(observation const& seen) {
    return 4 + seen.key.size() + 1 + (seen.content ? content_size(*seen.content) : 0) + 8;
}

void encode(writer& out, value const& content) {
    if (auto const* b = std::get_if<bytes>(&content)) {
        put_enum(out, value_tag::bytes);
        out.put_sized(*b);
    } else if (auto const* n = std::get_if<integer>(&content)) {
        put_enum(out, value_tag::integer);
        out.put_sized(n->canonical());
    } else {
        put_enum(out, std::get<bool>(content) ? value_tag::boolean_true : value_tag::boolean_false);
    }
}

void encode(writer& out, observation const& seen) {
    out.put_sized(seen.key);
    if (seen.content) {
        encode(out, *seen.content);
    } else {
        put_enum(out, value_tag::absent);
    }
    out.put(seen.version);
}

value decode_value(reader& in) {
    return decode_tagged(in, static_cast<value_tag>(in.get<std::uint8_t>()));
}

observation decode_observation(reader& in) {
    observation seen;
    seen.key = in.get_sized();
    auto const tag = static_cast<value_tag>(in.get<std::uint8_t>());
    if (tag != value_tag::absent) seen.content = decode_tagged(in, tag);
    in.get(seen.version);
    if (!seen.content && seen.version) in.fail(); // absent is version 0
    return seen;
}

std::string to_string(value const& content) {
    if (auto const* b = std::get_if<bytes>(&content)) return in_quotes(*b);
    if (auto const* n = std::get_if<integer>(&content)) return n->to_string();
    return std::get<bool>(content) ? "true" : "false";
}

} // namespace zooid::kv

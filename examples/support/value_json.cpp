#include "support/value_json.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace support {

namespace json = boost::json;
using namespace zooid;

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::int64_t bare_max = std::int64_t{1} << 53;

// Printable ASCII only: what is shown as text reads back as the same bytes, whatever shows it.
bool is_text(bytes_view content) {
    return std::all_of(content.begin(), content.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

result<bytes> bytes_of(json_node const& node, std::string_view source) {
    auto decoded = node.what == json_node::type::string ? from_base64(node.text) : std::nullopt;
    if (!decoded) return json_error(source, node, "a string of base64 is expected");
    return std::move(*decoded);
}

} // namespace

std::string to_base64(bytes_view content) {
    std::string out;
    for (std::size_t i = 0; i < content.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < content.size() ? static_cast<unsigned char>(content[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j)
            out += i + j <= content.size() ? alphabet[group >> (18 - 6 * j) & 63u] : '=';
    }
    return out;
}

std::optional<bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    bytes out;
    std::size_t const padding = text.size() - std::min(text.find('='), text.size());
    if (padding > 2) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t real = 0;
        for (char const c : text.substr(i, 4)) {
            auto const digit = alphabet.find(c);
            if (c != '=' && digit == std::string_view::npos) return std::nullopt;
            if (c == '=' && i + real < text.size() - padding) return std::nullopt;
            if (c != '=' && i + real >= text.size() - padding) return std::nullopt;
            group = group << 6 | (c == '=' ? 0u : static_cast<std::uint32_t>(digit));
            ++real;
        }
        for (std::size_t j = 0; j < 3; ++j)
            out += static_cast<char>(group >> (16 - 8 * j) & 255u);
    }
    out.resize(out.size() - padding);
    if (to_base64(out) != text) return std::nullopt; // stray bits under the padding
    return out;
}

result<kv::integer> integer_of(json_node const& node, std::string_view source) {
    if (node.what == json_node::type::object) {
        object_reader in(node, source);
        std::string digits;
        in.require("int", digits);
        ZOOID_TRY(in.finish());
        auto const n = kv::integer::parse(digits);
        if (!n) return json_error(source, *node.find("int"), "not a decimal integer of at most 4096 bits");
        return *n;
    }
    if (node.what != json_node::type::number)
        return json_error(source, node, fmt::format("an integer is expected, not {}", name_of(node.what)));
    auto const n = kv::integer::parse(node.text);
    auto const small = n ? n->to_int64() : std::nullopt;
    if (!small || *small > bare_max || *small < -bare_max) {
        return json_error(
            source, node,
            fmt::format("{} is not a whole number within 2^53; write {{\"int\":\"...\"}}", node.text));
    }
    return *n;
}

result<kv::value> value_of(json_node const& node, std::string_view source) {
    if (node.what == json_node::type::boolean) return kv::value(node.truth);
    if (node.what == json_node::type::number || node.find("int")) {
        ZOOID_TRY(auto n, integer_of(node, source));
        return kv::value(std::move(n));
    }
    if (node.what != json_node::type::object) {
        return json_error(source, node,
                          fmt::format("a value is a boolean, a number, {{\"int\":...}}, {{\"text\":...}} or "
                                      "{{\"bytes\":...}}, not {}",
                                      name_of(node.what)));
    }
    object_reader in(node, source);
    if (json_node const* encoded = in.allow("bytes")) {
        ZOOID_TRY(in.finish());
        ZOOID_TRY(auto content, bytes_of(*encoded, source));
        return kv::value(std::move(content));
    }
    std::string text;
    in.require("text", text);
    ZOOID_TRY(in.finish());
    return kv::value(bytes(text));
}

result<bytes> key_of(json_node const& node, std::string_view source) {
    if (node.what == json_node::type::string) return node.text;
    object_reader in(node, source);
    json_node const* encoded = in.require("bytes");
    ZOOID_TRY(in.finish());
    return bytes_of(*encoded, source);
}

json::value json_of_key(bytes_view key) {
    if (is_text(key)) return json::value(json::string(key.data(), key.size()));
    return json::object{{"bytes", to_base64(key)}};
}

json::value json_of(kv::value const& value) {
    if (auto const* truth = std::get_if<bool>(&value)) return *truth;
    if (auto const* n = std::get_if<kv::integer>(&value)) return json::object{{"int", n->to_string()}};
    bytes const& content = std::get<bytes>(value);
    if (is_text(content)) return json::object{{"text", content}};
    return json::object{{"bytes", to_base64(content)}};
}

json::object json_of(kv::observation const& seen) {
    json::object out{{"key", json_of_key(seen.key)}, {"version", seen.version.value}};
    if (seen.content) out["value"] = json_of(*seen.content);
    return out;
}

bool met_something(kv::rejected const& r) {
    using kv::rejection;
    return r.why == rejection::condition_failed || r.why == rejection::not_an_integer ||
           r.why == rejection::integer_too_large;
}

json::object json_of(kv::outcome const& outcome) {
    if (auto const* r = std::get_if<kv::rejected>(&outcome)) {
        json::object out{{"outcome", "rejected"},
                         {"version", r->version.value},
                         {"why", name_of(r->why)},
                         {"index", r->index}};
        if (met_something(*r)) out["met"] = json_of(r->met);
        return out;
    }
    auto const& done = std::get<kv::committed>(outcome);
    json::array results;
    for (kv::operation_result const& r : done.results) {
        json::array entries;
        for (kv::observation const& seen : r.entries)
            entries.push_back(json_of(seen));
        results.push_back(json::object{{"operation", r.operation}, {"entries", entries}});
    }
    return {{"outcome", "committed"}, {"version", done.version.value}, {"results", results}};
}

} // namespace support

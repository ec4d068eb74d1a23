#include "support/transaction_json.hpp"

#include "support/value_json.hpp"

#include <fmt/format.h>

#include <optional>

namespace support {

using namespace zooid;

namespace {

std::optional<kv::comparison> comparison_of(std::string_view sign) {
    constexpr std::pair<std::string_view, kv::comparison> signs[] = {{"<", kv::comparison::less},
                                                                     {"<=", kv::comparison::less_equal},
                                                                     {">", kv::comparison::greater},
                                                                     {">=", kv::comparison::greater_equal},
                                                                     {"!=", kv::comparison::not_equal}};
    for (auto const& [text, meaning] : signs) {
        if (text == sign) return meaning;
    }
    return std::nullopt;
}

// Which of the kinds an object is: the one of these fields that it has. Their value is a key.
struct kind {
    std::string_view name;
    bytes key;
};

result<kind> kind_of(json_node const& node, std::string_view source, object_reader& in,
                     std::initializer_list<std::string_view> names) {
    for (std::string_view name : names) {
        if (!node.find(name)) continue;
        ZOOID_TRY(auto key, key_of(*in.allow(name), source));
        return kind{name, std::move(key)};
    }
    std::string all;
    for (std::string_view name : names)
        all += (all.empty() ? "" : ", ") + std::string(name);
    return json_error(source, node, fmt::format("one of these is expected: {}", all));
}

result<kv::condition> compare_of(bytes key, std::string_view source, object_reader& in) {
    json_node const* sign = in.require("is");
    json_node const* operand = in.require("value");
    ZOOID_TRY(in.finish());
    auto const how = comparison_of(sign->text);
    if (!how) return json_error(source, *sign, "one of these is expected: < <= > >= !=");
    ZOOID_TRY(auto n, integer_of(*operand, source));
    return kv::condition(kv::compares{std::move(key), *how, std::move(n)});
}

result<kv::condition> condition_of(json_node const& node, std::string_view source) {
    object_reader in(node, source);
    if (in.failed()) return in.finish().error();
    ZOOID_TRY(auto what, kind_of(node, source, in, {"equal", "absent", "exists", "compare", "unchanged"}));
    if (what.name == "compare") return compare_of(std::move(what.key), source, in);
    if (what.name == "equal") {
        json_node const* expected = in.require("value");
        ZOOID_TRY(in.finish());
        ZOOID_TRY(auto content, value_of(*expected, source));
        return kv::condition(kv::equals{std::move(what.key), std::move(content)});
    }
    if (what.name == "unchanged") {
        std::uint64_t since = 0;
        in.require("since", since);
        ZOOID_TRY(in.finish());
        return kv::condition(kv::unchanged{std::move(what.key), {since}});
    }
    ZOOID_TRY(in.finish());
    if (what.name == "absent") return kv::condition(kv::absent{std::move(what.key)});
    return kv::condition(kv::exists{std::move(what.key)});
}

result<kv::operation> operation_of(json_node const& node, std::string_view source) {
    object_reader in(node, source);
    if (in.failed()) return in.finish().error();
    ZOOID_TRY(auto what, kind_of(node, source, in, {"put", "erase", "add", "read", "scan"}));
    bool const has_value = what.name == "put" || what.name == "add";
    json_node const* operand = has_value ? in.require("value") : nullptr;
    ZOOID_TRY(in.finish());
    if (what.name == "put") {
        ZOOID_TRY(auto content, value_of(*operand, source));
        return kv::operation(kv::put{std::move(what.key), std::move(content)});
    }
    if (what.name == "add") {
        ZOOID_TRY(auto n, integer_of(*operand, source));
        return kv::operation(kv::add{std::move(what.key), std::move(n)});
    }
    if (what.name == "erase") return kv::operation(kv::erase{std::move(what.key)});
    if (what.name == "read") return kv::operation(kv::read{std::move(what.key)});
    return kv::operation(kv::scan{std::move(what.key)});
}

result<void> require_array(json_node const* node, std::string_view source) {
    if (!node || node->what == json_node::type::array) return outcome::success();
    return json_error(source, *node, fmt::format("an array is expected, not {}", name_of(node->what)));
}

} // namespace

result<kv::transaction> transaction_of(json_node const& node, std::string_view source) {
    object_reader in(node, source);
    json_node const* conditions = in.allow("if");
    json_node const* operations = in.allow("then");
    ZOOID_TRY(in.finish());
    ZOOID_TRY(require_array(conditions, source));
    ZOOID_TRY(require_array(operations, source));
    kv::transaction t;
    if (conditions) {
        for (json_node const& item : conditions->items) {
            ZOOID_TRY(auto c, condition_of(item, source));
            t.require(std::move(c));
        }
    }
    if (operations) {
        for (json_node const& item : operations->items) {
            ZOOID_TRY(auto o, operation_of(item, source));
            t.then(std::move(o));
        }
    }
    ZOOID_TRY(t.validate());
    return t;
}

} // namespace support

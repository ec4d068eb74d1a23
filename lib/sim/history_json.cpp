// Histories as JSON lines; the format stands in history.hpp.
//
// The reader trusts nothing: each object must have exactly the fields that its kind has. The first thing that
// is wrong is kept with its path, and whatever is read after it does not matter.
#include <zooid/sim/history.hpp>

#include "sim/base64.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace zooid::sim {

namespace json = boost::json;

namespace {

constexpr std::int64_t number_max = std::int64_t{1} << 53; // exact in every language that reads JSON

constexpr std::array comparison_names{"<", "<=", ">", ">=", "!="};
constexpr std::array rejections{kv::rejection::condition_failed,  kv::rejection::not_an_integer,
                                kv::rejection::integer_too_large, kv::rejection::result_too_large,
                                kv::rejection::state_too_large,   kv::rejection::over_limit,
                                kv::rejection::malformed,         kv::rejection::not_read_only};

bool is_plain(bytes_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

json::value key_json(bytes_view key) {
    if (is_plain(key)) return json::string(key);
    return json::object{{"bytes", to_base64(key)}};
}

json::value value_json(kv::value const& v) {
    if (auto const* b = std::get_if<bool>(&v)) return *b;
    if (auto const* n = std::get_if<kv::integer>(&v)) return json::object{{"int", n->to_string()}};
    bytes const& content = std::get<bytes>(v);
    if (is_plain(content)) return json::object{{"text", content}};
    return json::object{{"bytes", to_base64(content)}};
}

json::object entry_json(kv::observation const& seen) {
    return {{"key", key_json(seen.key)},
            {"value", seen.content ? value_json(*seen.content) : json::value(nullptr)},
            {"version", seen.version.value}};
}

struct part_json {
    json::object operator()(kv::equals const& c) const {
        return {{"equals", {{"key", key_json(c.key)}, {"value", value_json(c.expected)}}}};
    }
    json::object operator()(kv::absent const& c) const { return {{"absent", {{"key", key_json(c.key)}}}}; }
    json::object operator()(kv::exists const& c) const { return {{"exists", {{"key", key_json(c.key)}}}}; }
    json::object operator()(kv::compares const& c) const {
        json::object fields{{"key", key_json(c.key)}};
        fields["how"] = comparison_names[static_cast<std::size_t>(c.how) - 1];
        fields["value"] = value_json(c.operand);
        return {{"compares", fields}};
    }
    json::object operator()(kv::unchanged const& c) const {
        return {{"unchanged", {{"key", key_json(c.key)}, {"version", c.since.value}}}};
    }
    json::object operator()(kv::put const& o) const {
        return {{"put", {{"key", key_json(o.key)}, {"value", value_json(o.content)}}}};
    }
    json::object operator()(kv::erase const& o) const { return {{"erase", {{"key", key_json(o.key)}}}}; }
    json::object operator()(kv::add const& o) const {
        return {{"add", {{"key", key_json(o.key)}, {"value", value_json(o.amount)}}}};
    }
    json::object operator()(kv::read const& o) const { return {{"read", {{"key", key_json(o.key)}}}}; }
    json::object operator()(kv::scan const& o) const { return {{"scan", {{"prefix", key_json(o.prefix)}}}}; }
};

template <class Parts>
json::array parts_json(Parts const& parts) {
    json::array array;
    for (auto const& part : parts)
        array.push_back(std::visit(part_json(), part));
    return array;
}

json::array results_json(kv::committed const& c) {
    json::array results;
    for (auto const& r : c.results) {
        json::array entries;
        for (auto const& e : r.entries)
            entries.push_back(entry_json(e));
        results.push_back({{"operation", r.operation}, {"entries", std::move(entries)}});
    }
    return results;
}

struct ending_json {
    json::object& line;

    void operator()(kv::committed const& c) const {
        line["outcome"] = "committed";
        line["version"] = c.version.value;
        line["results"] = results_json(c);
    }
    void operator()(kv::rejected const& r) const {
        line["outcome"] = "rejected";
        line["version"] = r.version.value;
        line["why"] = kv::name_of(r.why);
        line["index"] = r.index;
        line["met"] = entry_json(r.met);
    }
    void operator()(unknown) const { line["outcome"] = "unknown"; }
    void operator()(failed) const { line["outcome"] = "failed"; }
};

/// Takes a document apart; `problem` is the first thing that was wrong.
class json_reader {
  public:
    std::string problem;

    call read_call(json::value const& v) {
        call c;
        json::object const& o = object(v, "line");
        c.client.value = hex(field(o, "client"));
        c.cell = text(field(o, "cell"), "cell");
        c.kind = kind(text(field(o, "call"), "call"));
        c.invoked_ns = number(field(o, "invoked_ns"), "invoked_ns");
        c.asked =
            kv::transaction(read_parts<kv::condition>(field(o, "if"), "if", &json_reader::read_condition),
                            read_parts<kv::operation>(field(o, "do"), "do", &json_reader::read_operation));
        read_ending(o, c);
        if (c.kind == call_kind::strict_read && !c.asked.read_only())
            fail("do: a strict read that would write");
        return c;
    }

  private:
    using object_ref = json::object const&;

    void fail(std::string what) {
        if (problem.empty()) problem = std::move(what);
    }

    static object_ref no_object() {
        static json::object const empty;
        return empty;
    }
    object_ref object(json::value const& v, std::string_view where) {
        if (v.is_object()) return v.get_object();
        fail(std::string(where) + ": not an object");
        return no_object();
    }
    json::value const& field(object_ref o, std::string_view name) {
        static json::value const nothing;
        if (auto const* v = o.if_contains(name)) return *v;
        fail(std::string(name) + ": missing");
        return nothing;
    }
    void exactly(object_ref o, std::size_t fields, std::string_view where) {
        if (o.size() != fields) fail(std::string(where) + ": unknown fields");
    }
    std::string text(json::value const& v, std::string_view where) {
        if (v.is_string()) return std::string(v.get_string());
        fail(std::string(where) + ": not a string");
        return {};
    }
    std::int64_t number(json::value const& v, std::string_view where) {
        bool const fits = v.is_int64() && v.get_int64() >= 0 && v.get_int64() <= number_max;
        if (fits) return v.get_int64();
        fail(std::string(where) + ": not a number from 0 to 2^53");
        return 0;
    }
    std::uint64_t count(json::value const& v, std::string_view where) {
        return static_cast<std::uint64_t>(number(v, where));
    }
    std::uint32_t index(json::value const& v, std::string_view where) {
        std::uint64_t const n = count(v, where);
        if (n > 0xFFFFFFFFu) fail(std::string(where) + ": beyond 2^32");
        return static_cast<std::uint32_t>(n);
    }
    json::array const& array(json::value const& v, std::string_view where) {
        static json::array const empty;
        if (v.is_array()) return v.get_array();
        fail(std::string(where) + ": not an array");
        return empty;
    }
    std::uint64_t hex(json::value const& v) {
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        std::string const digits = text(v, "client");
        if (digits.size() != 16 || !parse_hex(std::string(16, '0') + digits, high, low))
            fail("client: not 16 hexadecimal digits");
        return low;
    }
    call_kind kind(std::string_view name) {
        if (name != "transaction" && name != "strict_read") fail("call: neither transaction nor strict_read");
        return name == "strict_read" ? call_kind::strict_read : call_kind::transaction;
    }

    bytes decoded(json::value const& v, std::string_view where) {
        auto content = from_base64(text(v, where));
        if (!content) fail(std::string(where) + ": not base64");
        return content ? std::move(*content) : bytes();
    }
    bytes read_key(object_ref o, std::string_view name = "key") {
        json::value const& v = field(o, name);
        if (!v.is_object()) return text(v, name);
        exactly(v.get_object(), 1, name);
        return decoded(field(v.get_object(), "bytes"), name);
    }
    kv::integer read_integer(json::value const& v) {
        auto n = kv::integer::parse(text(v, "int"));
        if (!n) fail("int: not a decimal within 4096 bits");
        return n ? std::move(*n) : kv::integer();
    }
    kv::value read_value(json::value const& v) {
        if (v.is_bool()) return v.get_bool();
        object_ref o = object(v, "value");
        exactly(o, 1, "value");
        if (auto const* n = o.if_contains("int")) return read_integer(*n);
        if (auto const* t = o.if_contains("text")) return text(*t, "text");
        return decoded(field(o, "bytes"), "bytes");
    }
    kv::integer read_amount(object_ref o) {
        kv::value v = read_value(field(o, "value"));
        if (auto* n = std::get_if<kv::integer>(&v)) return std::move(*n);
        fail("value: not an integer");
        return {};
    }
    kv::observation read_entry(json::value const& v) {
        object_ref o = object(v, "entry");
        exactly(o, 3, "entry");
        kv::observation seen{read_key(o), std::nullopt, {}};
        if (json::value const& content = field(o, "value"); !content.is_null())
            seen.content = read_value(content);
        seen.version.value = count(field(o, "version"), "version");
        return seen;
    }

    template <class Part>
    std::vector<Part> read_parts(json::value const& v, std::string_view where,
                                 Part (json_reader::*read)(std::string_view, object_ref)) {
        std::vector<Part> parts;
        for (json::value const& part : array(v, where)) {
            object_ref o = object(part, where);
            exactly(o, 1, where);
            if (o.size() != 1) return parts;
            parts.push_back((this->*read)(o.begin()->key(), object(o.begin()->value(), where)));
        }
        return parts;
    }
    template <std::size_t N>
    void one_of(std::array<char const*, N> const& names, std::string_view name, std::string_view what) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            fail("unknown " + std::string(what) + " " + std::string(name));
    }
    kv::condition read_condition(std::string_view name, object_ref o) {
        one_of(std::array{"equals", "absent", "exists", "compares", "unchanged"}, name, "condition");
        exactly(o, name == "compares" ? 3 : name == "equals" || name == "unchanged" ? 2 : 1, name);
        bytes key = read_key(o);
        if (name == "equals") return kv::equals{std::move(key), read_value(field(o, "value"))};
        if (name == "absent") return kv::absent{std::move(key)};
        if (name == "exists") return kv::exists{std::move(key)};
        if (name == "compares") return read_compares(std::move(key), o);
        return kv::unchanged{std::move(key), {count(field(o, "version"), "version")}};
    }
    kv::condition read_compares(bytes key, object_ref o) {
        std::string const how = text(field(o, "how"), "how");
        one_of(comparison_names, how, "comparison");
        auto const at = std::find(comparison_names.begin(), comparison_names.end(), how);
        auto const n = static_cast<std::uint8_t>(at - comparison_names.begin() + 1);
        return kv::compares{std::move(key), static_cast<kv::comparison>(n), read_amount(o)};
    }
    kv::operation read_operation(std::string_view name, object_ref o) {
        one_of(std::array{"put", "erase", "add", "read", "scan"}, name, "operation");
        exactly(o, name == "put" || name == "add" ? 2 : 1, name);
        bytes key = read_key(o, name == "scan" ? "prefix" : "key");
        if (name == "put") return kv::put{std::move(key), read_value(field(o, "value"))};
        if (name == "erase") return kv::erase{std::move(key)};
        if (name == "add") return kv::add{std::move(key), read_amount(o)};
        if (name == "read") return kv::read{std::move(key)};
        return kv::scan{std::move(key)};
    }

    void read_ending(object_ref o, call& c) {
        std::string const outcome = text(field(o, "outcome"), "outcome");
        if (outcome == "unknown") {
            if (!field(o, "responded_ns").is_null())
                fail("responded_ns: not null, but the outcome is unknown");
            exactly(o, 8, "line");
            c.ended = unknown{};
            return;
        }
        c.responded_ns = number(field(o, "responded_ns"), "responded_ns");
        if (c.responded_ns < c.invoked_ns) fail("responded_ns: before invoked_ns");
        if (outcome == "committed") {
            exactly(o, 10, "line");
            c.ended = read_committed(o);
        } else if (outcome == "rejected") {
            exactly(o, 12, "line");
            c.ended = read_rejected(o);
        } else {
            if (outcome != "failed") fail("unknown outcome " + outcome);
            exactly(o, 8, "line");
            c.ended = failed{};
        }
    }
    kv::committed read_committed(object_ref o) {
        kv::committed done{{count(field(o, "version"), "version")}, {}};
        for (json::value const& v : array(field(o, "results"), "results")) {
            object_ref r = object(v, "results");
            exactly(r, 2, "results");
            done.results.push_back({index(field(r, "operation"), "operation"), {}});
            for (json::value const& entry : array(field(r, "entries"), "entries"))
                done.results.back().entries.push_back(read_entry(entry));
        }
        return done;
    }
    kv::rejected read_rejected(object_ref o) {
        kv::rejected r;
        std::string const name = text(field(o, "why"), "why");
        auto const why = std::find_if(rejections.begin(), rejections.end(),
                                      [&](kv::rejection each) { return kv::name_of(each) == name; });
        if (why == rejections.end()) fail("unknown reason " + name);
        if (why != rejections.end()) r.why = *why;
        r.index = index(field(o, "index"), "index");
        r.met = read_entry(field(o, "met"));
        r.version.value = count(field(o, "version"), "version");
        return r;
    }
};

} // namespace

std::string to_json_line(call const& c) {
    json::object line;
    line["client"] = to_string(c.client);
    line["cell"] = c.cell;
    line["call"] = c.kind == call_kind::strict_read ? "strict_read" : "transaction";
    line["invoked_ns"] = c.invoked_ns;
    if (std::holds_alternative<unknown>(c.ended)) {
        line["responded_ns"] = nullptr;
    } else {
        line["responded_ns"] = c.responded_ns;
    }
    line["if"] = parts_json(c.asked.conditions());
    line["do"] = parts_json(c.asked.operations());
    std::visit(ending_json{line}, c.ended);
    return json::serialize(line);
}

result<call> parse_json_line(std::string_view line) {
    json::error_code failure;
    json::value const document = json::parse(json::string_view(line.data(), line.size()), failure);
    if (failure) return error(errc::malformed, "not JSON: " + failure.message());
    json_reader reader;
    call c = reader.read_call(document);
    if (!reader.problem.empty()) return error(errc::malformed, reader.problem);
    return c;
}

std::string to_json_lines(history const& h) {
    std::string text;
    for (call const& c : h)
        text += to_json_line(c) + '\n';
    return text;
}

result<history> parse_json_lines(std::string_view text) {
    history h;
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::size_t const end = std::min(text.find('\n'), text.size());
        if (std::string_view const line = text.substr(0, end); !line.empty()) {
            auto c = parse_json_line(line);
            if (!c)
                return error(errc::malformed,
                             "line " + std::to_string(number) + ": " + std::string(c.error().detail()));
            h.push_back(std::move(c).value());
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return h;
}

} // namespace zooid::sim

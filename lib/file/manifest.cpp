#include "file/manifest.hpp"

#include <zooid/base/hash.hpp>

#include <boost/json.hpp>

namespace zooid {
namespace json = boost::json;
namespace {

// The last line is a checksum of all before it: a flipped digit must not turn one owner into another.
std::string checksum_line(std::string_view body) {
    return to_hex(hash64(body, 0x6d616e6966657374ull)) + "\n";
}

json::object object_of(directory_manifest const& m) {
    json::array journals;
    for (auto const& id : m.journals)
        journals.emplace_back(to_string(id));
    return {{"zooid_data_directory", m.format_version},
            {"server", m.owner.server.value},
            {"colony", to_string(m.owner.colony)},
            {"block_bytes", m.block_bytes},
            {"journals", journals}};
}

template <class Id>
bool read_id(json::value const& v, Id& id) {
    auto const* text = v.if_string();
    return text != nullptr && parse_hex(std::string(*text), id.high, id.low) && id;
}

template <class Number>
bool read_number(json::object const& o, char const* name, Number& out) {
    auto const* v = o.if_contains(name);
    if (v == nullptr || !v->is_number()) return false;
    json::error_code ec;
    auto const n = v->to_number<Number>(ec);
    if (!ec) out = n;
    return !ec;
}

// The name of the first field that is not as it should be, or nothing.
char const* read_fields(json::object const& o, directory_manifest& m) {
    if (!read_number(o, "server", m.owner.server.value)) return "server";
    auto const* colony = o.if_contains("colony");
    if (colony == nullptr || !read_id(*colony, m.owner.colony)) return "colony";
    if (!read_number(o, "block_bytes", m.block_bytes)) return "block_bytes";
    auto const* journals = o.if_contains("journals");
    if (journals == nullptr || !journals->is_array() || journals->get_array().empty()) return "journals";
    for (auto const& j : journals->get_array()) {
        if (!read_id(j, m.journals.emplace_back())) return "journals";
    }
    return nullptr;
}

} // namespace

std::string manifest_text(directory_manifest const& m) {
    std::string body = json::serialize(object_of(m)) + "\n";
    return body + checksum_line(body);
}

result<directory_manifest> parse_manifest(std::string const& text, std::string const& where) {
    auto const newline = text.find('\n');
    auto const body = text.substr(0, newline == std::string::npos ? 0 : newline + 1);
    json::error_code ec;
    auto const value = json::parse(body, ec);
    if (ec || !value.is_object()) return error(errc::malformed, where + ": line 1 is not a JSON object");
    auto const& o = value.get_object();
    directory_manifest m;
    if (!read_number(o, "zooid_data_directory", m.format_version)) {
        return error(errc::malformed, where + ": field zooid_data_directory");
    }
    if (m.format_version != manifest_format_version) {
        return error(errc::unsupported_version,
                     where + ": format " + std::to_string(m.format_version) + ", this software reads 1");
    }
    if (text.substr(body.size()) != checksum_line(body)) {
        return error(errc::malformed, where + ": the checksum in line 2 does not match");
    }
    if (auto const* field = read_fields(o, m)) return error(errc::malformed, where + ": field " + field);
    return m;
}

} // namespace zooid

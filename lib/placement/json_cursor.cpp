#include "placement/json_cursor.hpp"

#include <zooid/placement/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zooid::placement {

std::string cursor::path() const {
    if (up_ == nullptr) return std::string(name_);
    if (name_.empty()) return fmt::format("{}[{}]", up_->path(), index_);
    auto const above = up_->path();
    return above.empty() ? std::string(name_) : fmt::format("{}.{}", above, name_);
}

error cursor::complain(std::string_view what) const {
    auto const where = path();
    return {errc::invalid_argument, where.empty() ? std::string(what) : fmt::format("{}: {}", where, what)};
}

result<boost::json::array const*> cursor::array() const {
    if (auto const* a = value_->if_array()) return a;
    return complain("not a list");
}

result<boost::json::object const*> cursor::object() const {
    if (auto const* o = value_->if_object()) return o;
    return complain("not an object");
}

result<std::string> cursor::name() const {
    if (auto const* s = value_->if_string()) {
        if (s->empty()) return complain("empty name");
        if (s->size() > 1024) return complain("a name of more than 1024 bytes");
        return std::string(s->data(), s->size());
    }
    if (value_->is_int64()) return std::to_string(value_->get_int64());
    if (value_->is_uint64()) return std::to_string(value_->get_uint64());
    return complain("not a string or whole number");
}

result<double> cursor::number() const {
    double out = 0;
    if (value_->is_double())
        out = value_->get_double();
    else if (value_->is_int64())
        out = static_cast<double>(value_->get_int64());
    else if (value_->is_uint64())
        out = static_cast<double>(value_->get_uint64());
    else
        return complain("not a number");
    if (!std::isfinite(out)) return complain("not a finite number");
    return out;
}

result<std::uint64_t> cursor::whole(std::uint64_t most) const {
    std::uint64_t out = 0;
    if (value_->is_int64() && value_->get_int64() >= 0)
        out = static_cast<std::uint64_t>(value_->get_int64());
    else if (value_->is_uint64())
        out = value_->get_uint64();
    else
        return complain("not a whole number from 0 on");
    if (out > most) return complain(fmt::format("{} is more than {}", out, most));
    return out;
}

result<bool> cursor::boolean() const {
    if (auto const* b = value_->if_bool()) return *b;
    return complain("not true or false");
}

std::optional<cursor> cursor::find(std::string_view key) const {
    auto const* o = value_->if_object();
    auto const* v = o ? o->if_contains({key.data(), key.size()}) : nullptr;
    if (v == nullptr) return {};
    return cursor(*v, this, key, 0);
}

result<cursor> cursor::require(std::string_view key) const {
    ZOOID_TRY(object());
    if (auto found = find(key)) return *found;
    return complain(fmt::format("no \"{}\"", key));
}

cursor cursor::at(std::size_t index) const {
    return {value_->get_array()[index], this, {}, index};
}

result<boost::json::value> parse_document(bytes_view json, std::string_view root,
                                          boost::json::storage_ptr memory) {
    if (json.size() > document_bytes_max) {
        return error(errc::too_large, fmt::format("{} bytes, at most {}", json.size(), document_bytes_max));
    }
    boost::json::parse_options options;
    options.max_depth = 16;
    boost::json::parser parser({}, options);
    parser.reset(std::move(memory));
    boost::json::error_code failed;
    auto const read = parser.write_some(json.data(), json.size(), failed);
    auto const rest = json.substr(read).find_first_not_of(" \t\r\n");
    if (!failed && rest != bytes_view::npos) failed = boost::json::error::extra_data;
    if (!failed) return parser.release();
    auto const before = json.substr(0, read);
    auto const line = std::count(before.begin(), before.end(), '\n') + 1;
    auto const start = before.rfind('\n') == bytes_view::npos ? 0 : before.rfind('\n') + 1;
    auto const path = path_of_failure(json, options, root);
    return error(errc::invalid_argument,
                 fmt::format("{}{}line {}, column {}: {}", path, path.empty() ? "" : ": ", line,
                             read - start + 1, failed.message()));
}

} // namespace zooid::placement

#include "support/strict_json.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace support {

namespace json = boost::json;
using namespace zooid;

namespace {

constexpr std::size_t depth_max = 32;

std::string child_path(std::string const& parent, std::string_view name) {
    bool const plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-';
    });
    return plain ? fmt::format("{}.{}", parent, name) : fmt::format("{}[\"{}\"]", parent, name);
}

// Builds nodes from the parser's calls. The parser is fed byte by byte, so `start` knows where the value
// began that is just being completed.
struct builder {
    static constexpr std::size_t max_object_size = 100'000;
    static constexpr std::size_t max_array_size = 100'000;
    static constexpr std::size_t max_key_size = 1 << 20;
    static constexpr std::size_t max_string_size = 64 << 20;

    json_node root;
    std::vector<json_node*> open;
    std::string key, part;
    json_place key_place, start;
    std::string duplicate; ///< set when parsing was ended by one
    json_node duplicate_at;

    json_node* add(json_node::type type) {
        json_node made;
        made.what = type;
        made.place = start;
        if (open.empty()) return root = std::move(made), &root;
        json_node& parent = *open.back();
        if (parent.what == json_node::type::array) {
            made.path = fmt::format("{}[{}]", parent.path, parent.items.size());
            return &parent.items.emplace_back(std::move(made));
        }
        made.path = child_path(parent.path, key);
        parent.fields.push_back({key, std::move(made)});
        return &parent.fields.back().value;
    }
    bool begin(json_node::type type) {
        open.push_back(add(type));
        return true;
    }
    bool end() {
        open.pop_back();
        return true;
    }
    bool scalar(json_node::type type, std::string text) {
        add(type)->text = std::move(text);
        return true;
    }
    bool number(json::string_view last) {
        part.append(last.data(), last.size());
        return scalar(json_node::type::number, std::exchange(part, {}));
    }

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) { return begin(json_node::type::object); }
    bool on_object_end(std::size_t, json::error_code&) { return end(); }
    bool on_array_begin(json::error_code&) { return begin(json_node::type::array); }
    bool on_array_end(std::size_t, json::error_code&) { return end(); }
    bool on_key_part(json::string_view s, std::size_t, json::error_code&) {
        part.append(s.data(), s.size());
        return true;
    }
    bool on_key(json::string_view s, std::size_t, json::error_code& failure) {
        part.append(s.data(), s.size());
        key = std::exchange(part, {});
        if (!open.back()->find(key)) return true;
        duplicate = key;
        duplicate_at.place = start;
        duplicate_at.path = child_path(open.back()->path, key);
        failure = json::error::extra_data; // ends the parse; `duplicate` says why
        return false;
    }
    bool on_string_part(json::string_view s, std::size_t, json::error_code&) {
        part.append(s.data(), s.size());
        return true;
    }
    bool on_string(json::string_view s, std::size_t, json::error_code&) {
        part.append(s.data(), s.size());
        return scalar(json_node::type::string, std::exchange(part, {}));
    }
    bool on_number_part(json::string_view s, json::error_code&) {
        part.append(s.data(), s.size());
        return true;
    }
    bool on_int64(std::int64_t, json::string_view s, json::error_code&) { return number(s); }
    bool on_uint64(std::uint64_t, json::string_view s, json::error_code&) { return number(s); }
    bool on_double(double, json::string_view s, json::error_code&) { return number(s); }
    bool on_bool(bool b, json::error_code&) {
        add(json_node::type::boolean)->truth = b;
        return true;
    }
    bool on_null(json::error_code&) {
        add(json_node::type::null);
        return true;
    }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }
};

// Where the token that contains the next byte began.
class token_tracker {
  public:
    void before(char c, json_place const& here) {
        if (in_string_) {
            if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = true;
            } else if (c == '"') {
                in_string_ = false;
                in_word_ = false;
            }
            return;
        }
        bool const separates =
            c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':' || c == ']' || c == '}';
        if (!separates && (!in_word_ || c == '"' || c == '{' || c == '[')) start_ = here;
        in_string_ = c == '"';
        in_word_ = !separates && c != '{' && c != '[';
    }
    json_place const& start() const { return start_; }

  private:
    json_place start_;
    bool in_string_ = false, escaped_ = false, in_word_ = false;
};

} // namespace

json_node const* json_node::find(std::string_view name) const {
    for (auto const& [key, value] : fields) {
        if (key == name) return &value;
    }
    return nullptr;
}

std::string_view name_of(json_node::type type) {
    constexpr std::string_view names[] = {"null",     "a boolean", "a number",
                                          "a string", "an array",  "an object"};
    return names[static_cast<std::size_t>(type)];
}

error json_error(std::string_view source, json_node const& at, std::string_view what) {
    return error(errc::invalid_argument,
                 fmt::format("{}:{}:{}: at {}: {}", source, at.place.line, at.place.column, at.path, what));
}

result<json_node> parse_strict(std::string_view text, std::string_view source) {
    json::parse_options how;
    how.max_depth = depth_max;
    json::basic_parser<builder> parser(how);
    builder& made = parser.handler();
    token_tracker token;
    json_place here;
    json::error_code failure;
    bool is_followed = false; // by something that is no part of it
    for (char const c : text) {
        token.before(c, here);
        made.start = token.start();
        std::size_t const taken = parser.write_some(true, &c, 1, failure);
        is_followed = !failure && taken == 0;
        if (failure || is_followed) break;
        c == '\n' ? (++here.line, here.column = 1) : ++here.column;
    }
    if (is_followed) failure = json::error::extra_data;
    if (!failure) parser.write_some(false, nullptr, 0, failure);
    if (!made.duplicate.empty() || made.duplicate_at.path != "$")
        return json_error(source, made.duplicate_at, fmt::format("\"{}\" is given twice", made.duplicate));
    if (!failure) return std::move(made.root);
    json_node at;
    if (!made.open.empty()) at.path = made.open.back()->path;
    at.place = here;
    return json_error(source, at, "this is no JSON: " + failure.message());
}

result<json_node> parse_strict_file(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        int const code = errno;
        errc const kind = code == ENOENT   ? errc::not_found
                          : code == EACCES ? errc::permission_denied
                                           : errc::io_failed;
        return error(kind, fmt::format("{}: {}", path, std::strerror(code)));
    }
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) // opens, and reads as nothing
        return error(errc::io_failed, path + ": is a directory");
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return error(errc::io_failed, path + ": cannot be read");
    return parse_strict(text.str(), path);
}

result<std::uint64_t> count_of(json_node const& node, std::string_view source) {
    if (node.what != json_node::type::number)
        return json_error(source, node, fmt::format("a number is expected, not {}", name_of(node.what)));
    std::uint64_t n = 0;
    auto const [end, code] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), n);
    if (code != std::errc() || end != node.text.data() + node.text.size() || n > count_max)
        return json_error(source, node, fmt::format("{} is not a whole number from 0 to 2^53", node.text));
    return n;
}

// ---- reading objects

object_reader::object_reader(json_node const& node, std::string_view source) : node_(node), source_(source) {
    if (node.what != json_node::type::object)
        refuse(node, fmt::format("an object is expected, not {}", name_of(node.what)));
}

void object_reader::refuse(json_node const& at, std::string_view what) {
    if (outcome_) outcome_ = json_error(source_, at, what);
}

json_node const* object_reader::allow(std::string_view name) {
    known_.push_back(name);
    return node_.find(name);
}

json_node const* object_reader::require(std::string_view name) {
    json_node const* found = allow(name);
    if (!found) refuse(node_, fmt::format("\"{}\" is missing", name));
    return found;
}

bool object_reader::is(json_node const* node, json_node::type wanted) {
    if (!node || node->what == wanted) return node != nullptr;
    refuse(*node, fmt::format("{} is expected, not {}", name_of(wanted), name_of(node->what)));
    return false;
}

void object_reader::take(json_node const* node, std::string& out) {
    if (is(node, json_node::type::string)) out = node->text;
}
void object_reader::take(json_node const* node, std::uint64_t& out) {
    if (!node) return;
    auto const n = count_of(*node, source_);
    n ? void(out = n.value()) : outcome_ ? void(outcome_ = n.error()) : void();
}

void object_reader::require(std::string_view name, std::string& out) {
    take(require(name), out);
}
void object_reader::require(std::string_view name, std::uint64_t& out) {
    take(require(name), out);
}
void object_reader::allow(std::string_view name, std::string& out) {
    take(allow(name), out);
}
void object_reader::allow(std::string_view name, std::uint64_t& out) {
    take(allow(name), out);
}
void object_reader::allow(std::string_view name, bool& out) {
    json_node const* found = allow(name);
    if (is(found, json_node::type::boolean)) out = found->truth;
}

result<void> object_reader::finish() {
    for (auto const& [name, value] : node_.fields) {
        if (std::find(known_.begin(), known_.end(), name) == known_.end())
            refuse(value, fmt::format("\"{}\" is not a field that is known here", name));
    }
    return outcome_;
}

} // namespace support

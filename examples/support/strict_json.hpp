// JSON as programs read it: nothing is ignored, nothing is guessed, and what is wrong has a place.
//
// Boost.JSON checks the grammar; this keeps for each value its line, column and path, refuses a field that is
// given twice, and lets a reader refuse fields that it does not know.
#pragma once

#include <zooid/base/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace support {

struct json_place {
    std::size_t line = 1;
    std::size_t column = 1;
};

struct json_field;

/// One value and where it stands. Numbers keep their text.
struct json_node {
    enum class type : std::uint8_t { null, boolean, number, string, array, object };
    type what = type::null;
    bool truth = false;
    std::string text; ///< of a string, unescaped; of a number, as written
    std::vector<json_field> fields;
    std::vector<json_node> items;
    json_place place;
    std::string path = "$";

    /// Null if there is no such field.
    json_node const* find(std::string_view name) const;
};

struct json_field {
    std::string name;
    json_node value;
};

std::string_view name_of(json_node::type type);

/// `invalid_argument`: "SOURCE:3:14: at $.peers[1].id: what is wrong".
zooid::error json_error(std::string_view source, json_node const& at, std::string_view what);

/// Parses all of `text`; `source` names it in errors. Refuses duplicate fields.
zooid::result<json_node> parse_strict(std::string_view text, std::string_view source);
/// The same for a file; `not_found`, `permission_denied`, `io_failed` name it.
zooid::result<json_node> parse_strict_file(std::string const& path);

/// Reads the fields of one object. The first thing that is wrong is kept; everything after it is skipped.
///
///     object_reader in(node, source);
///     in.require("id", id);  in.allow("listen", listen);
///     if (auto done = in.finish(); !done) return done.error();
class object_reader {
  public:
    object_reader(json_node const& node, std::string_view source);

    /// The node of a field, or null. Marks it as known; missing is wrong for `require`.
    json_node const* require(std::string_view name);
    json_node const* allow(std::string_view name);

    void require(std::string_view name, std::string& out);
    void require(std::string_view name, std::uint64_t& out);
    void allow(std::string_view name, std::string& out);
    void allow(std::string_view name, std::uint64_t& out);
    void allow(std::string_view name, bool& out);

    /// Notes that a node has something wrong.
    void refuse(json_node const& at, std::string_view what);
    bool failed() const { return !outcome_; }
    /// The first thing that was wrong; an unknown field counts, now that all known ones were asked for.
    zooid::result<void> finish();

  private:
    bool is(json_node const* node, json_node::type wanted);
    void take(json_node const* node, std::string& out);
    void take(json_node const* node, std::uint64_t& out);

    json_node const& node_;
    std::string_view source_;
    std::vector<std::string_view> known_;
    zooid::result<void> outcome_ = zooid::outcome::success();
};

/// What every JSON tool reads alike.
inline constexpr std::uint64_t count_max = std::uint64_t{1} << 53;
/// A number without fraction or exponent, 0 to 2^53.
zooid::result<std::uint64_t> count_of(json_node const& node, std::string_view source);

} // namespace support

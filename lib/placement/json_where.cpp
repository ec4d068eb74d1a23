// Where in a document its syntax ends: the path of the value at which parsing stops.
//
// A second parse that keeps nothing but the way from the root to where it stands; only broken documents pay
// for it.
#include "placement/json_cursor.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <fmt/format.h>

#include <vector>

namespace zooid::placement {
namespace {

/// What boost::json::basic_parser calls: it never refuses anything, and remembers where it is.
class tracker {
  public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = max_object_size, max_key_size = max_object_size,
                                 max_string_size = max_object_size;
    using code = boost::json::error_code;
    using text = boost::json::string_view;

    std::string path(std::string_view root) const {
        std::string out(root);
        for (auto const& l : levels_) {
            if (l.is == level::kind::array)
                out += fmt::format("[{}]", l.index);
            else if (!l.key.empty())
                out += (out.empty() ? "" : ".") + l.key;
        }
        return out;
    }

    bool on_document_begin(code&) { return true; }
    bool on_document_end(code&) { return true; }
    bool on_array_begin(code&) { return begin(level::kind::array); }
    bool on_array_end(std::size_t, code&) { return end(); }
    bool on_object_begin(code&) { return begin(level::kind::object); }
    bool on_object_end(std::size_t, code&) { return end(); }
    bool on_key_part(text s, std::size_t, code&) { return on_key_text(s); }
    bool on_key(text s, std::size_t, code&) { return on_key_text(s); }
    bool on_string_part(text, std::size_t, code&) { return true; }
    bool on_string(text, std::size_t, code&) { return value(); }
    bool on_number_part(text, code&) { return true; }
    bool on_int64(std::int64_t, text, code&) { return value(); }
    bool on_uint64(std::uint64_t, text, code&) { return value(); }
    bool on_double(double, text, code&) { return value(); }
    bool on_bool(bool, code&) { return value(); }
    bool on_null(code&) { return value(); }
    bool on_comment_part(text, code&) { return true; }
    bool on_comment(text, code&) { return true; }

  private:
    struct level {
        enum class kind : std::uint8_t { array, object } is;
        std::size_t index = 0; ///< of the next element of an array
        std::string key = {};  ///< of an object's member, until its value is complete
    };
    bool begin(level::kind k) {
        levels_.push_back({k});
        return true;
    }
    bool end() {
        levels_.pop_back();
        return value();
    }
    bool on_key_text(text s) {
        constexpr std::size_t shown_max = 64;
        auto& key = levels_.back().key;
        key.append(s.data(), std::min(s.size(), shown_max - std::min(shown_max, key.size())));
        return true;
    }
    bool value() {
        if (levels_.empty()) return true;
        ++levels_.back().index;
        levels_.back().key.clear();
        return true;
    }
    std::vector<level> levels_;
};

} // namespace

std::string path_of_failure(bytes_view json, boost::json::parse_options const& options,
                            std::string_view root) {
    boost::json::basic_parser<tracker> parser(options);
    boost::json::error_code failed;
    parser.write_some(false, json.data(), json.size(), failed);
    return parser.handler().path(root);
}

} // namespace zooid::placement

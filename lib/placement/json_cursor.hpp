// A place in a JSON document that knows its path: every complaint starts with it.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/error.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <string>

namespace zooid::placement {

/// A value and the way to it. The path is only spelled out when somebody complains.
class cursor {
  public:
    cursor(boost::json::value const& v, std::string_view root) : value_(&v), name_(root) {}

    std::string path() const;
    error complain(std::string_view what) const;

    boost::json::value const& value() const { return *value_; }
    result<boost::json::array const*> array() const;
    result<boost::json::object const*> object() const;
    /// A string or a whole number, as text; not empty.
    result<std::string> name() const;
    result<double> number() const;
    result<std::uint64_t> whole(std::uint64_t most) const;
    result<bool> boolean() const;

    /// The member of an object, if there is one. This cursor must outlive the one returned.
    std::optional<cursor> find(std::string_view key) const;
    result<cursor> require(std::string_view key) const;
    cursor at(std::size_t index) const;

  private:
    cursor(boost::json::value const& v, cursor const* up, std::string_view name, std::size_t index)
        : value_(&v), up_(up), name_(name), index_(index) {}
    boost::json::value const* value_;
    cursor const* up_ = nullptr;
    std::string_view name_;
    std::size_t index_ = 0;
};

/// Parses a whole document; a syntax error is told with its path under `root`, its line and its column.
result<boost::json::value> parse_document(bytes_view json, std::string_view root,
                                          boost::json::storage_ptr memory);

/// The path of the value at which the syntax of a document breaks.
std::string path_of_failure(bytes_view json, boost::json::parse_options const& options,
                            std::string_view root);

} // namespace zooid::placement

// The host's copy of Boost.JSON, which must live beside the one in our archive.
#include <boost/json/src.hpp>

#include <string>

std::string own_json() {
    return boost::json::serialize(boost::json::parse("[1, \"two\"]"));
}

#include "support/catch.hpp"

#include <zooid/base/error.hpp>

using namespace zooid;

namespace {

result<int> half(int n) {
    if (n % 2) return error(errc::invalid_argument, "odd: " + std::to_string(n));
    return n / 2;
}

result<int> quarter(int n) {
    ZOOID_TRY(auto once, half(n));
    return half(once);
}

} // namespace

TEST_CASE("an error travels through ZOOID_TRY with its detail") {
    CHECK(quarter(8).value() == 2);
    CHECK(quarter(6).error() == errc::invalid_argument);
    CHECK(quarter(6).error().message() == "invalid_argument: odd: 3");
}

TEST_CASE("asking a failed result for its value throws") {
    CHECK_THROWS(half(1).value());
}

TEST_CASE("every error code has a name of its own") {
    std::string all = " ";
    for (unsigned code = 1; code <= static_cast<unsigned>(errc::stopping); ++code) {
        std::string const name(name_of(static_cast<errc>(code)));
        CHECK(name != "unknown");
        CHECK(all.find(" " + name + " ") == std::string::npos);
        all += name + " ";
    }
}

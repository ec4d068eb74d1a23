#include "support/catch.hpp"

#include "kv/generate.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/kv/integer.hpp>

#include <limits>

using namespace zooid;
using kv::integer;

namespace {

integer power_of_two(unsigned exponent) {
    integer n = 1;
    for (unsigned i = 0; i < exponent; ++i)
        n = *sum(n, n);
    return n;
}

} // namespace

TEST_CASE("an integer's decimal is read back as the same number") {
    for (char const* text : {"0", "1", "-1", "255", "256", "-9223372036854775808", "9223372036854775807",
                             "9223372036854775808", "-9223372036854775809", "18446744073709551616",
                             "123456789012345678901234567890123456789012345678901234567890"}) {
        auto const n = integer::parse(text);
        REQUIRE(n);
        CHECK(n->to_string() == text);
        CHECK(integer::from_canonical(n->canonical()) == n);
    }
}

TEST_CASE("a text that is not the one decimal of a number is refused") {
    for (char const* text : {"", "-", "-0", "00", "01", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "--1", "1-"})
        CHECK_FALSE(integer::parse(text));
    CHECK_FALSE(integer::parse(std::string(1'000'000, '9')));
}

TEST_CASE("integers of the machine convert exactly, at both ends") {
    CHECK(integer(std::numeric_limits<std::int64_t>::min()).to_string() == "-9223372036854775808");
    CHECK(integer(std::numeric_limits<std::uint64_t>::max()).to_string() == "18446744073709551615");
    CHECK(integer(std::numeric_limits<std::int64_t>::min()).to_int64() ==
          std::numeric_limits<std::int64_t>::min());
    CHECK_FALSE(integer(std::uint64_t{1} << 63).to_int64());
    CHECK(integer(0) == integer());
    CHECK(integer(0u).canonical().empty());
}

TEST_CASE("a sum that leaves 64 bits goes on exactly") {
    auto const most = integer(std::numeric_limits<std::int64_t>::max());
    CHECK(sum(most, 1)->to_string() == "9223372036854775808");
    CHECK(sum(*sum(most, 1), -1) == most);
    CHECK(*sum(*integer::parse("100000000000000000000000"), *integer::parse("-100000000000000000000000")) ==
          integer());
}

TEST_CASE("4096 bits fit and one more does not") {
    integer const highest_bit = power_of_two(limits::integer_bits_max - 1);
    CHECK_FALSE(sum(highest_bit, highest_bit));
    integer const largest = *sum(highest_bit, *sum(highest_bit, -1));
    CHECK(largest.canonical().size() == 513);
    CHECK_FALSE(sum(largest, 1));
    CHECK_FALSE(sum(largest.negated(), -1));
    CHECK(integer::parse(largest.to_string()) == largest);
    CHECK(integer::parse(largest.negated().to_string()) == largest.negated());
    std::string above = largest.to_string();
    above.back() = static_cast<char>(above.back() + 1);
    CHECK_FALSE(integer::parse(above));
}

TEST_CASE("the order of integers is the order of their differences") {
    std::uint64_t const seed = kv::test::seed_of_run(1);
    INFO(kv::test::replay_hint(seed));
    kv::test::generator random(seed);
    for (int i = 0; i < 2000; ++i) {
        integer const a = random.any_integer();
        integer const b = random.any_integer();
        auto const difference = sum(a, b.negated());
        if (!difference) continue;
        CHECK((a < b) == difference->negative());
        CHECK((a == b) == (*difference == integer()));
        CHECK(sum(a, b) == sum(b, a));
        CHECK(sum(*difference, b) == a);
    }
}

TEST_CASE("bytes that no integer encodes to are refused") {
    using std::string_literals::operator""s;
    CHECK_FALSE(integer::from_canonical("\0"s));
    CHECK_FALSE(integer::from_canonical("\1"s));
    CHECK_FALSE(integer::from_canonical("\0\0"s));
    CHECK_FALSE(integer::from_canonical("\2\1"s));
    CHECK_FALSE(integer::from_canonical("\0\1\0"s));
    CHECK_FALSE(integer::from_canonical("\0"s + std::string(513, '\1')));
    CHECK(integer::from_canonical("\1\5"s) == integer(-5));
}

#include "support/catch.hpp"

#include <zooid/base/ballot.hpp>
#include <zooid/base/ids.hpp>

#include <type_traits>

using namespace zooid;

TEST_CASE("ids of two kinds do not mix") {
    STATIC_REQUIRE_FALSE(std::is_convertible_v<server_id, replica_id>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<slot, version>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<cell_id, journal_id>);
}

TEST_CASE("a position never goes below zero") {
    CHECK(slot{3} - std::uint64_t{2} == slot{1});
    CHECK(slot{1} - std::uint64_t{3} == slot{0});
    CHECK(slot{9} - slot{4} == 5);
}

TEST_CASE("wide ids are written and read as 32 hexadecimal digits") {
    cell_id const id{0x0123456789abcdef, 0xfedcba9876543210};
    CHECK(to_string(id) == "0123456789abcdeffedcba9876543210");
    cell_id back;
    CHECK(parse_hex(to_string(id), back.high, back.low));
    CHECK(back == id);
    CHECK_FALSE(parse_hex("0123", back.high, back.low));
    CHECK_FALSE(parse_hex(std::string(32, 'g'), back.high, back.low));
    CHECK(back == id);
}

TEST_CASE("ballots are ordered by round, then server, then life") {
    ballot const low{{1}, {9}, {9}};
    ballot const high{{2}, {1}, {1}};
    CHECK(low < high);
    CHECK(ballot{{1}, {1}, {2}} < ballot{{1}, {2}, {1}});
    CHECK(ballot{{1}, {1}, {1}} < ballot{{1}, {1}, {2}});
    CHECK(ballot{} < low);
    CHECK_FALSE(static_cast<bool>(ballot{}));
}

#include "support/catch.hpp"

#include <zooid/transport/session.hpp>
#include <zooid/transport/shards.hpp>

#include <set>

using namespace zooid;

TEST_CASE("the shard of a cell is a rule of the formats: these never change") {
    CHECK(shard_of({1, 2}, 1) == 0);
    CHECK(shard_of({1, 2}, 256) == 94);
    CHECK(shard_of({2, 1}, 256) == 29);
    CHECK(shard_of({0x0123456789abcdef, 0xfedcba9876543210}, 3) == 0);
}

TEST_CASE("cells spread evenly over shards") {
    for (int const count : {2, 3, 7, 256}) {
        auto const shards = static_cast<std::uint16_t>(count);
        std::vector<int> cells(shards);
        for (std::uint64_t i = 0; i < 1000u * shards; ++i)
            ++cells[shard_of({7, i}, shards)];
        for (int const in_one : cells)
            CHECK((in_one > 800 && in_one < 1200));
    }
}

TEST_CASE("two shards are joined exactly if some cell belongs to both") {
    for (std::uint16_t n = 1; n <= 6; ++n) {
        for (std::uint16_t m = 1; m <= 6; ++m) {
            std::set<std::pair<int, int>> shared;
            for (std::uint64_t i = 0; i < 2000; ++i)
                shared.insert({shard_of({1, i}, n), shard_of({1, i}, m)});
            for (std::uint16_t j = 0; j < n; ++j) {
                auto const joined = joined_shards({j, n}, m);
                for (std::uint16_t k = 0; k < m; ++k) {
                    INFO(j << " of " << n << ", " << k << " of " << m);
                    bool const lane = are_joined({j, n}, {k, m});
                    CHECK(lane == shared.contains({j, k}));
                    CHECK(lane == are_joined({k, m}, {j, n}));
                    CHECK(lane == (std::find(joined.begin(), joined.end(), k) != joined.end()));
                }
            }
        }
    }
    CHECK(joined_shards({5, 8}, 8) == std::vector<std::uint16_t>{5});
    CHECK(joined_shards({1, 2}, 8) == std::vector<std::uint16_t>{1, 3, 5, 7});
    CHECK_FALSE(are_joined({3, 3}, {0, 1})); // there is no such shard
}

TEST_CASE("a dialler that guessed the number of shards wrong still meets a shard that it shares cells with") {
    for (std::uint16_t n = 1; n <= 5; ++n) {
        for (std::uint16_t m = 1; m <= 5; ++m) {
            for (std::uint16_t j = 0; j < n; ++j) {
                for (std::uint16_t wanted = 0; wanted < 256; ++wanted) {
                    auto const shard = receiving_shard({true, {j, n}, wanted}, m);
                    REQUIRE(are_joined({j, n}, {shard, m}));
                    if (are_joined({j, n}, {wanted, m})) REQUIRE(shard == wanted);
                }
            }
        }
    }
    CHECK(receiving_shard({true, {200, 3}, 9}, 2) < 2); // what makes no sense is judged by the session
}

TEST_CASE("the first bytes of a hello say who comes and whom it wants, and other bytes say nothing") {
    bytes const hello("\x69\0\0\0\x01\x5a\0\0zid-wire\x01\0\x01\0\0\0\0\0\0\0\0\0\x01\x02\x01\x03", 32);
    auto const a = look_at_hello(hello);
    REQUIRE(a);
    CHECK(a->is_server);
    CHECK(a->from == shard_place{1, 3});
    CHECK(a->wanted == 3);
    CHECK_FALSE(look_at_hello(hello.substr(0, 31)));
    for (std::size_t const at : {4u, 8u}) {
        bytes bad = hello;
        bad[at] ^= 1;
        CHECK_FALSE(look_at_hello(bad));
    }
    bytes client = hello;
    client[28] = 2;
    CHECK_FALSE(look_at_hello(client)->is_server);
}

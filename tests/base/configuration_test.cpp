#include "support/catch.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/configuration.hpp>

#include <vector>

using namespace zooid;

namespace {

std::vector<member> members(std::size_t count) {
    std::vector<member> all;
    for (std::uint64_t n = 1; n <= count; ++n)
        all.push_back({{n}, {n, n}, {n + 100}});
    return all;
}

} // namespace

TEST_CASE("a configuration has an odd number of members, one to nine") {
    for (std::size_t count = 0; count <= 11; ++count) {
        CHECK(configuration::valid(members(count)) == (count % 2 == 1 && count <= members_max));
    }
}

TEST_CASE("a configuration names a server and a replica at most once") {
    auto twice = members(3);
    twice[2].server = twice[0].server;
    CHECK_FALSE(configuration::valid(twice));
    twice = members(3);
    twice[2].replica = twice[0].replica;
    CHECK_FALSE(configuration::valid(twice));
    CHECK_THROWS_AS(configuration(twice), broken_invariant);
}

TEST_CASE("any two quorums of one configuration share a member") {
    for (std::size_t count : {1u, 3u, 5u, 7u, 9u}) {
        configuration const config(members(count));
        for (unsigned a = 0; a < 1u << count; ++a) {
            member_set first;
            member_set complement;
            for (std::size_t i = 0; i < count; ++i)
                (a >> i & 1 ? first : complement).insert(i);
            CHECK_FALSE((config.is_quorum(first) && config.is_quorum(complement)));
            CHECK((config.is_quorum(first) || config.is_quorum(complement)));
        }
    }
}

TEST_CASE("the empty configuration has no quorum") {
    CHECK_FALSE(configuration().is_quorum(member_set()));
    CHECK(configuration().empty());
}

TEST_CASE("members are found by replica and by server") {
    configuration const config(members(7));
    CHECK(config.index_of(server_id{3}) == 2u);
    CHECK(config.index_of(replica_id{107}) == 6u);
    CHECK_FALSE(config.index_of(server_id{8}).has_value());
    CHECK(config.majority() == 4);
}

// A peer made of several shards, as the host of cells sees it: L1 to L6 of peer_lanes.hpp.
#include "runtime/peer_lanes.hpp"

#include "support/catch.hpp"

using namespace zooid;

namespace {

constexpr life_id first_life{7}, second_life{8};

hello shard_of_peer(std::uint16_t shard, life_id life = first_life, bytes claims = "c") {
    hello h;
    h.server = {2};
    h.place = {shard, 3};
    h.life = life;
    h.claims = claims + std::to_string(shard);
    return h;
}

pulse beat(std::uint64_t number, std::uint64_t echo) {
    pulse p;
    p.life = first_life;
    p.number = number;
    p.echo = echo;
    p.hears = {{1}, {2}, {3}};
    return p;
}

// We are the only shard of our server, the peer has three.
struct three_lanes {
    peer_lanes lanes{{0, 1}, 3};
    three_lanes() {
        for (std::uint16_t shard = 0; shard < 3; ++shard)
            lanes.up(shard_of_peer(shard));
    }
    std::vector<pulse> hear(std::uint16_t shard, pulse const& p) {
        std::vector<pulse> told;
        auto const heard = lanes.hear(shard, encode(p));
        for (bytes const& encoded : heard.value())
            told.push_back(decode_pulse(encoded).value());
        return told;
    }
};

std::vector<std::string> waiting_claims(peer_lanes& lanes) {
    std::vector<std::string> all;
    while (auto const shard = lanes.awaits_admission()) {
        all.emplace_back(lanes.claims_of(*shard));
        lanes.admitted(*shard);
    }
    return all;
}

} // namespace

TEST_CASE(
    "a process whose journal was rolled back is admitted to no lane while another is up with votes to give") {
    journal_claim const alive{{2, 2}, first_life, 9, 9}, dead{{2, 2}, {}, 9, 9};
    auto const claimed = [](std::uint16_t shard, life_id life, journal_claim const& own) {
        hello h = shard_of_peer(shard, life);
        h.claims = encode(claims{own, {}});
        return h;
    };
    peer_lanes lanes({0, 1}, 3);
    for (std::uint16_t shard = 0; shard < 3; ++shard) {
        CHECK(lanes.admits(claimed(shard, second_life, dead)));
        lanes.up(claimed(shard, second_life, dead));
    }
    REQUIRE(lanes.is_whole());
    lanes.up(claimed(1, first_life, alive)); // it is back, on one lane so far
    for (std::uint16_t shard = 0; shard < 3; ++shard) {
        CHECK_FALSE(lanes.admits(claimed(shard, second_life, dead)));
        CHECK(lanes.admits(claimed(shard, first_life, alive)));
        CHECK(lanes.admits(claimed(shard, first_life, dead))); // one journal of its own
    }
    SECTION("until that is gone") {
        lanes.down(1);
    }
    SECTION("or turns out to be rolled back itself") {
        pulse p = beat(1, 1);
        p.claim = dead;
        REQUIRE(lanes.hear(1, encode(p)));
    }
    CHECK(lanes.admits(claimed(1, second_life, dead)));
}

TEST_CASE("a peer is whole when all its shards that we share cells with are up in one life") {
    peer_lanes lanes({0, 1}, 3);
    lanes.up(shard_of_peer(0));
    lanes.up(shard_of_peer(1));
    CHECK_FALSE(lanes.is_whole());
    lanes.up(shard_of_peer(2));
    CHECK(lanes.is_whole());
    lanes.down(1);
    CHECK_FALSE(lanes.is_whole());
    lanes.up(shard_of_peer(1, second_life)); // it has restarted; the other connections are of the dead one
    CHECK_FALSE(lanes.is_whole());
    lanes.up(shard_of_peer(0, second_life));
    lanes.up(shard_of_peer(2, second_life));
    CHECK(lanes.is_whole());
    CHECK(lanes.life() == second_life);
}

TEST_CASE("each lane's claims are judged once, and again only when the lane comes up anew") {
    three_lanes t;
    CHECK(waiting_claims(t.lanes) == std::vector<std::string>{"c0", "c1", "c2"});
    CHECK_FALSE(t.lanes.awaits_admission());
    t.lanes.down(1);
    t.lanes.up(shard_of_peer(1, first_life, "d"));
    CHECK(waiting_claims(t.lanes) == std::vector<std::string>{"d1"});
    t.lanes.down(2);
    CHECK_FALSE(t.lanes.awaits_admission());
}

TEST_CASE("claims that were refused wait to be judged again, whichever lane comes up last") {
    three_lanes t;
    t.lanes.admitted(0);
    REQUIRE(t.lanes.awaits_admission() == 1); // refused: nobody says that it was admitted
    t.lanes.down(2);
    t.lanes.up(shard_of_peer(2));
    CHECK(t.lanes.awaits_admission() == 1);
}

TEST_CASE(
    "a peer is heard when each of its shards was heard again, and one that is silent makes all silent") {
    three_lanes t;
    CHECK(t.hear(0, beat(1, 0)).empty());
    CHECK(t.hear(1, beat(1, 0)).empty());
    CHECK(t.hear(2, beat(1, 0)).size() == 3);
    for (std::uint64_t n = 2; n < 20; ++n) { // the thread of shard 1 hangs
        CHECK(t.hear(0, beat(n, 0)).empty());
        CHECK(t.hear(2, beat(n, 0)).empty());
    }
    CHECK(t.hear(1, beat(2, 0)).size() == 3);
}

TEST_CASE(
    "a peer is as badly off as the worst of its shards, and each journal's claim is passed on as it is") {
    three_lanes t;
    pulse a = beat(10, 7), b = beat(3, 5), c = beat(99, 9);
    a.claim.journal = {1, 1}, b.claim.journal = {2, 2}, c.claim.journal = {3, 3};
    b.journal_age_ms = 900;
    c.stopping = true;
    a.version_highest = 3, b.version_highest = 2, c.version_highest = 4;
    b.hears = {{1}, {3}, {4}};
    (void)t.hear(0, a);
    (void)t.hear(1, b);
    auto const told = t.hear(2, c);
    REQUIRE(told.size() == 3);
    for (pulse const& p : told) {
        CHECK(p.life == first_life);
        CHECK(p.number == 1);
        CHECK(p.echo == 5);
        CHECK(p.journal_age_ms == 900);
        CHECK(p.stopping);
        CHECK(p.version_highest == 2);
        CHECK(p.hears == std::vector<server_id>{{1}, {3}});
    }
    CHECK(told[0].claim == a.claim);
    CHECK(told[1].claim == b.claim);
    CHECK(told[2].claim == c.claim);
}

// A grant names a pulse by the number that its receiver counted, and each shard grants and counts for itself.
// What one shard granted says nothing of the promises at another.
TEST_CASE("no grant passes between servers with several lanes, and none is asked for") {
    three_lanes t;
    pulse granting = beat(1, 0);
    granting.grant = {true, {9}, 40, 3, std::chrono::seconds(1)};
    (void)t.hear(0, granting);
    (void)t.hear(1, granting);
    for (pulse const& told : t.hear(2, granting))
        CHECK(told.grant == grant_notice{});
    t.lanes.down(1); // the number of lanes, and not of those that are up
    t.lanes.down(2);
    for (auto const& out : t.lanes.spread_pulse(encode(granting)))
        CHECK(decode_pulse(out.payload).value().grant == grant_notice{});
}

TEST_CASE("a lane that was away for longer than a hold does not come back into an unbroken epoch") {
    three_lanes t;
    taken_grant taken;
    time_point const start{std::chrono::seconds(100)};
    std::uint64_t granted_by_first = 0;
    auto const hear_all = [&](time_point now) {
        std::vector<pulse> told;
        for (std::uint16_t shard = 0; shard < 3; ++shard) {
            pulse p = beat(1, 0);
            // The shard that was away began an epoch; the first never let one end.
            p.grant = {
                true, {9}, ++granted_by_first, shard == 1 && now > start ? 2u : 1u, std::chrono::seconds(3)};
            for (pulse const& each : t.hear(shard, p))
                told.push_back(each);
        }
        REQUIRE(told.size() == 3);
        for (pulse const& p : told)
            taken.heard(p.grant, 3, now, now);
    };
    hear_all(start);
    time_point const stood = start + std::chrono::milliseconds(10); // the replica over there confirmed
    t.lanes.down(1);
    time_point const back = start + std::chrono::seconds(10); // it has promised others meanwhile
    t.lanes.up(shard_of_peer(1));
    hear_all(back);
    CHECK_FALSE(taken.counts(stood, back + std::chrono::milliseconds(10)));
}

TEST_CASE("a pulse of another life, or over a lane that is down, is not heard") {
    three_lanes t;
    (void)t.hear(0, beat(1, 0));
    (void)t.hear(1, beat(1, 0));
    pulse late = beat(5, 0);
    late.life = second_life;
    CHECK(t.hear(2, late).empty());
    t.lanes.down(2);
    CHECK(t.hear(2, beat(1, 0)).empty());
    CHECK_FALSE(t.lanes.hear(0, "no pulse"));
}

TEST_CASE("our pulse echoes on each lane what was heard on it, and nothing of an earlier life") {
    three_lanes t;
    (void)t.hear(0, beat(4, 0));
    (void)t.hear(1, beat(8, 0));
    auto spread = t.lanes.spread_pulse(encode(beat(2, 77)));
    REQUIRE(spread.size() == 3);
    std::map<std::uint16_t, std::uint64_t> echoes;
    for (auto const& out : spread) {
        auto const p = decode_pulse(out.payload).value();
        CHECK(p.number == 2);
        echoes[out.shard] = p.echo;
    }
    CHECK(echoes == std::map<std::uint16_t, std::uint64_t>{{0, 4}, {1, 8}, {2, 0}});
    t.lanes.down(1);
    t.lanes.up(shard_of_peer(1, second_life));
    CHECK(decode_pulse(t.lanes.spread_pulse(encode(beat(3, 0)))[1].payload).value().echo == 0);
}

TEST_CASE("a frame is cut by the shards that own its cells: nothing is lost, doubled or out of order") {
    three_lanes t;
    bytes frame;
    std::vector<std::vector<replica_id>> expected(3);
    for (std::uint64_t i = 1; i <= 300; ++i) {
        cell_id const cell{1, i % 50};
        append_not_here(frame, cell, {i}, {1000 + i});
        expected[shard_of(cell, 3)].push_back({i});
    }
    auto const parts = t.lanes.split_cells(frame);
    REQUIRE(parts.size() == 3);
    std::size_t size = 0;
    for (auto const& part : parts) {
        size += part.payload.size();
        std::vector<replica_id> there;
        auto const messages = decode_addressed(part.payload);
        for (addressed const& a : messages.value()) {
            CHECK(shard_of(a.cell, 3) == part.shard);
            CHECK(a.from.value == a.to.value + 1000);
            there.push_back(a.to);
        }
        CHECK(there == expected[part.shard]);
    }
    CHECK(size == frame.size());
}

// The queues between the shards of one server, and who serves which request: X1 to X3, Q1 to Q3.
#include "runtime/request_sharing.hpp"

#include "support/catch.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <thread>

using namespace zooid;

namespace {

using exchange = shard_exchange;

exchange::item request_item(std::uint64_t number, std::size_t bytes = 8) {
    return {exchange::kind::request, 0, {number}, party_role::client, zooid::bytes(bytes, 'x')};
}

/// One shard: what its host was asked, what its clients were told.
struct shard final : request_sharing::home {
    std::uint16_t number;
    std::vector<std::pair<link_id, bytes>> asked;
    std::map<std::uint64_t, std::vector<bytes>> told; // by link
    std::vector<link_id> forgotten;
    request_sharing part;

    shard(shard_place self, exchange& others) : number(self.shard), part(self, others, *this) {}
    void take_request(requester from, bytes_view r) override { asked.emplace_back(from.link, bytes(r)); }
    void reply_to_client(link_id client, bytes_view r) override { told[client.value].emplace_back(r); }
    void forget_client(link_id client) override { forgotten.push_back(client); }

    /// Its host answers everything.
    void answer_all(std::optional<errc> failure, generation birth = {}) {
        for (auto const& [link, encoded] : std::exchange(asked, {})) {
            reply r;
            r.correlation = correlation_of(encoded);
            r.failure = failure;
            r.birth = birth;
            bytes out;
            encode(r, out);
            part.send_reply({link, out});
        }
    }
};

struct three_shards {
    exchange others;
    std::vector<std::unique_ptr<shard>> shards;

    explicit three_shards(std::size_t bytes_max = 1 << 20) : others(3, bytes_max) {
        for (std::uint16_t i = 0; i < 3; ++i) {
            others.attach(i, [] {});
            shards.push_back(std::make_unique<shard>(shard_place{i, 3}, others));
        }
    }
    shard& operator[](std::size_t i) { return *shards[i]; }
    void hand_round() {
        for (auto const& s : shards)
            s->part.take_handed();
    }
};

link_id client_of(std::uint16_t shard) {
    return {shards_max * 1 + shard};
}

bytes ask(operation op, cell_id cell, bytes_view key = {}) {
    request r;
    r.correlation = {5};
    r.op = op;
    r.cell = cell;
    r.key = key;
    bytes out;
    encode(r, out);
    return out;
}

cell_id cell_in(std::uint16_t shard) {
    for (std::uint64_t i = 1;; ++i) {
        if (shard_of({3, i}, 3) == shard) return {3, i};
    }
}

} // namespace

TEST_CASE("a full queue drops and counts, what its sender bounds passes, and taking makes room") {
    exchange two(2, 1000);
    two.attach(1, [] {});
    std::size_t taken = 0;
    while (two.hand(1, request_item(taken)))
        ++taken;
    CHECK(taken > 2);
    CHECK(two.statistics(1).dropped_full == 1);
    CHECK(two.statistics(1).requests == taken);
    CHECK(two.hand(1, request_item(99), exchange::bound::none));
    auto const all = two.take(1);
    REQUIRE(all.size() == taken + 1);
    for (std::size_t i = 0; i < taken; ++i)
        CHECK(all[i].client.value == i);
    CHECK(two.hand(1, request_item(1)));
    CHECK_FALSE(two.hand(1, request_item(2, 1000)));
}

TEST_CASE("a shard is woken once for all that waits for it, whoever hands it over") {
    exchange many(2, 64 << 20);
    std::atomic<int> woken = 0;
    many.attach(1, [&] { ++woken; });
    constexpr std::size_t each = 2000;
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < each; ++i)
                (void)many.hand(1, request_item(i));
        });
    for (auto& t : threads)
        t.join();
    CHECK(woken == 1);
    CHECK(many.take(1).size() == 2 * each);
    (void)many.hand(1, request_item(1));
    CHECK(woken == 2);
}

TEST_CASE("a request goes to the shard of its cell alone, and the reply to the client's") {
    three_shards t;
    for (std::uint16_t owner = 0; owner < 3; ++owner) {
        t[1].part.on_request({client_of(1)}, ask(operation::commit, cell_in(owner)));
        t.hand_round();
        for (std::uint16_t s = 0; s < 3; ++s)
            CHECK(t[s].asked.size() == (s == owner ? 1 : 0));
        t[owner].answer_all(std::nullopt);
        t.hand_round();
        CHECK(t[1].told[client_of(1).value].size() == owner + 1u);
    }
    CHECK(t[0].told.empty());
    CHECK(t[2].told.empty());
}

TEST_CASE("a request that its shard's queue has no room for is refused as overloaded") {
    three_shards t(10);
    t[1].part.on_request({client_of(1)}, ask(operation::commit, cell_in(2)));
    auto const& told = t[1].told[client_of(1).value];
    REQUIRE(told.size() == 1);
    CHECK(decode_reply(told[0]).value().failure == errc::overloaded);
    CHECK(decode_reply(told[0]).value().correlation.value == 5);
    t.hand_round();
    CHECK(t[2].asked.empty());
    CHECK(t.others.statistics(2).dropped_full == 1);
}

TEST_CASE("a request by key goes to the youngest generation, once") {
    three_shards t;
    t[0].part.on_request({client_of(0)}, ask(operation::commit, {}, "k"));
    t.hand_round();
    for (std::uint16_t s = 0; s < 3; ++s) {
        REQUIRE(t[s].asked.size() == 1);
        CHECK(decode_request(t[s].asked[0].second).value().op == operation::locate);
    }
    t[0].answer_all(std::nullopt, {3});
    t[1].answer_all(errc::not_here);
    t[2].answer_all(std::nullopt, {7});
    t.hand_round();
    t.hand_round();
    CHECK(t[0].asked.empty());
    CHECK(t[1].asked.empty());
    REQUIRE(t[2].asked.size() == 1);
    CHECK(t[2].asked[0].first == client_of(0));
    CHECK(decode_request(t[2].asked[0].second).value().op == operation::commit);
    CHECK(t[0].told.empty());
}

TEST_CASE("a key that no shard has fails once, and where a shard can't tell, as there") {
    three_shards t;
    for (bool const one_is_silent : {false, true}) {
        t[0].part.on_request({client_of(0)}, ask(operation::strict_read, {}, "k"));
        t.hand_round();
        t[0].answer_all(errc::not_here);
        t[1].answer_all(one_is_silent ? errc::unreachable : errc::not_here);
        t[2].answer_all(errc::not_here);
        t.hand_round();
        t.hand_round();
        CHECK(t[0].asked.size() == (one_is_silent ? 0 : 1));
        CHECK(t[1].asked.size() == (one_is_silent ? 1 : 0));
        CHECK(t[2].asked.empty());
        t[0].asked.clear(), t[1].asked.clear();
    }
}

TEST_CASE("all shards hear that a client has gone") {
    three_shards t;
    t[2].part.on_client_down(client_of(2));
    t.hand_round();
    for (std::uint16_t s = 0; s < 3; ++s)
        CHECK(t[s].forgotten == std::vector<link_id>{client_of(2)});
}

TEST_CASE("the status of all shards adds counters up, and a peer is as well as where it is worst") {
    bytes const a =
        R"({"server":1,"life":"x","stopping":false,"rolled_back":false,"journal_hung":true,"counters":{"cells":2},
        "journal":{"batches":5},"reservations":[{"cell":"c","generation":1}],
        "peers":[{"server":2,"connected":true,"both_ways":true,"suspected":false,"version_highest":0}]})";
    bytes const b =
        R"({"server":1,"life":"x","stopping":false,"rolled_back":true,"journal_hung":false,"journal_error":"no space","counters":{"cells":3},
        "journal":{"batches":7},"reservations":[{"cell":"d","generation":2}],
        "peers":[{"server":2,"connected":true,"both_ways":false,"suspected":true,"version_highest":1}]})";
    CHECK(
        merge_status({a, b}) ==
        R"({"server":1,"life":"x","stopping":false,"rolled_back":true,"journal_hung":true,"counters":{"cells":5},"journal":{"batches":12},"reservations":[{"cell":"c","generation":1},{"cell":"d","generation":2}],"peers":[{"server":2,"connected":true,"both_ways":false,"suspected":true,"version_highest":1}],"journal_error":"no space","shards":2})");
}

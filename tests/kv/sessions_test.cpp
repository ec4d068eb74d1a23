#include "support/catch.hpp"

#include "kv/generate.hpp"

#include <zooid/kv/sessions.hpp>
#include <zooid/kv/store.hpp>

#include <map>

using namespace zooid;
using kv::request;
using kv::request_reply;
using kv::request_status;
using kv::transaction;

namespace {

kv::session_machine machine(kv::session_limits bounds = {}) {
    return kv::session_machine(std::make_unique<kv::store>(), bounds);
}

request adding(std::uint64_t client, std::uint64_t sequence, std::uint64_t as_of, std::uint64_t settled = 0) {
    return {{client}, {sequence}, {settled}, {as_of}, kv::encode(transaction().add("n", 1))};
}

request_reply send(kv::session_machine& m, std::uint64_t at, request const& r) {
    bytes command;
    kv::encode(r, command);
    bytes reply;
    REQUIRE(m.apply({at}, command, reply));
    return kv::decode_request_reply(reply).value();
}

std::int64_t count(kv::session_machine const& m) {
    bytes reply;
    m.query(kv::encode(transaction().read("n")), reply);
    auto const done = std::get<kv::committed>(kv::decode_outcome(reply).value());
    auto const& content = done.results[0].entries[0].content;
    return content ? *std::get<kv::integer>(*content).to_int64() : 0;
}

bytes snapshot_of(kv::session_machine const& m) {
    bytes out;
    m.snapshot(out);
    return out;
}

bool reached(kv::session_machine const& m, sometimes point) {
    return m.reached().test(static_cast<std::size_t>(point));
}

} // namespace

TEST_CASE("a retried request takes effect once and gets the first reply again") {
    auto m = machine();
    request_reply const first = send(m, 10, adding(1, 1, 5));
    CHECK(first.status == request_status::applied);
    for (std::uint64_t at = 10; at < 20; ++at)
        CHECK(send(m, at, adding(1, 1, 5)) == first);
    CHECK(count(m) == 1);
    CHECK(reached(m, sometimes::retry_answered_from_session));
    CHECK(send(m, 20, adding(1, 2, 5)).status == request_status::applied);
    CHECK(send(m, 20, adding(2, 1, 5)).status == request_status::applied);
    CHECK(count(m) == 3);
}

TEST_CASE("a rejected transaction is remembered like a committed one") {
    auto m = machine();
    request r = adding(1, 1, 0);
    r.command = kv::encode(transaction().require_absent("n").put("n", 1));
    (void)send(m, 1, adding(2, 1, 0));
    request_reply const refused = send(m, 2, r);
    request erasing = adding(2, 2, 0);
    erasing.command = kv::encode(transaction().erase("n"));
    (void)send(m, 3, erasing);
    CHECK(send(m, 4, r) == refused); // though it would commit now
}

TEST_CASE("others that push a reply out of the table cannot make a retry apply twice") {
    auto m = machine({.horizon = 20, .entries_max = 8});
    CHECK(send(m, 30, adding(99, 7, 29)).status == request_status::applied);
    std::uint64_t at = 31;
    for (std::uint64_t client = 1; client < 200; ++client, ++at)
        (void)send(m, at, adding(client, 1, at - 1));
    CHECK(m.size() <= 8);
    std::int64_t const before = count(m);
    CHECK(send(m, at, adding(99, 7, 29)).status == request_status::expired);
    CHECK(count(m) == before);
    CHECK(reached(m, sometimes::session_expired));
    CHECK(reached(m, sometimes::session_table_full));
}

TEST_CASE("a full table rejects the new request and keeps every reply") {
    auto m = machine({.horizon = 50, .entries_max = 3});
    std::vector<request_reply> replies;
    for (std::uint64_t client = 1; client <= 3; ++client)
        replies.push_back(send(m, 10, adding(client, 1, 9)));
    CHECK(send(m, 11, adding(4, 1, 9)).status == request_status::overloaded);
    CHECK(count(m) == 3);
    for (std::uint64_t client = 1; client <= 3; ++client)
        CHECK(send(m, 12, adding(client, 1, 9)) == replies[client - 1]);
    CHECK(send(m, 10 + 50 + limits::alpha_max + 1, adding(4, 1, 60)).status == request_status::applied);
    CHECK(m.size() == 1);
}

TEST_CASE("with one new client in every slot the table is never full") {
    auto m = machine();
    for (std::uint64_t at = 1; at < 5000; ++at)
        REQUIRE(send(m, at, adding(at, 1, at - 1)).status == request_status::applied);
    CHECK(m.size() <= limits::session_entries_max);
}

TEST_CASE("the horizon counts from the slot that the client was told") {
    auto m = machine({.horizon = 20});
    CHECK(send(m, 120, adding(1, 1, 100)).status == request_status::applied);
    CHECK(send(m, 121, adding(2, 1, 100)).status == request_status::expired);
    CHECK(send(m, 121, adding(1, 1, 100)).status == request_status::applied); // the reply is still there
    CHECK(count(m) == 1);
}

TEST_CASE("a slot from the future, sequence 0 and settled beyond the sequence are malformed") {
    auto m = machine();
    CHECK(send(m, 10, adding(1, 1, 10 + limits::alpha_max)).status == request_status::applied);
    CHECK(send(m, 10, adding(2, 1, 10 + limits::alpha_max + 1)).status == request_status::malformed);
    CHECK(send(m, 10, adding(2, 1, ~0ull)).status == request_status::malformed);
    CHECK(send(m, 10, adding(2, 0, 1)).status == request_status::malformed);
    CHECK(send(m, 10, adding(2, 3, 1, 4)).status == request_status::malformed);
    bytes reply;
    REQUIRE(m.apply({10}, "\2\1short", reply));
    CHECK(kv::decode_request_reply(reply).value().status == request_status::malformed);
    CHECK(count(m) == 1);
}

TEST_CASE("settled replies make room, and a late copy of a settled request is not applied again") {
    auto m = machine({.horizon = 1000, .entries_max = 1}); // full from the first request on
    for (std::uint64_t sequence = 1; sequence < 500; ++sequence)
        REQUIRE(send(m, sequence, adding(1, sequence, sequence - 1, sequence)).status ==
                request_status::applied);
    CHECK(m.size() == 1);
    CHECK(count(m) == 499);
    CHECK(send(m, 500, adding(1, 7, 6, 7)).status == request_status::expired);
    CHECK(count(m) == 499);
}

TEST_CASE("an earlier request that is still wanted is applied after a later one") {
    auto m = machine();
    CHECK(send(m, 10, adding(1, 6, 9, 5)).status == request_status::applied);
    CHECK(send(m, 11, adding(1, 5, 9, 5)).status == request_status::applied);
    CHECK(send(m, 12, adding(1, 4, 9, 4)).status == request_status::expired);
    CHECK(count(m) == 2);
}

TEST_CASE("a reply that is too large to keep says so on a retry, and is not computed again") {
    auto m = machine();
    request large = adding(1, 1, 0);
    large.command = kv::encode(transaction().put("k", bytes(5000, 'v')).read("k").add("n", 1));
    CHECK(send(m, 1, large).body.size() > 5000);
    CHECK(send(m, 2, large) == request_reply{request_status::reply_not_kept, {}});
    CHECK(count(m) == 1);
}

TEST_CASE("all kept replies together are bounded") {
    auto m = machine({.table_bytes_max = 100});
    for (std::uint64_t client = 1; client <= 50; ++client)
        (void)send(m, 1, adding(client, 1, 0));
    CHECK(send(m, 2, adding(1, 1, 0)).status == request_status::applied);
    CHECK(send(m, 2, adding(50, 1, 0)).status == request_status::reply_not_kept);
    CHECK(count(m) == 50);
}

TEST_CASE("client 0 has no session: every copy is applied") {
    auto m = machine();
    (void)send(m, 1, adding(0, 1, 0));
    (void)send(m, 5000, adding(0, 1, 0));
    CHECK(count(m) == 2);
    CHECK(m.size() == 0);
}

TEST_CASE("a snapshot carries the sessions: a retry after it is not applied again") {
    auto m = machine();
    request_reply const first = send(m, 10, adding(1, 1, 5));
    auto taught = machine();
    REQUIRE(taught.restore(snapshot_of(m)));
    CHECK(taught.state_digest() == m.state_digest());
    CHECK(send(taught, 11, adding(1, 1, 5)) == first);
    CHECK(count(taught) == 1);
}

TEST_CASE("sessions are part of the digest") {
    auto one = machine();
    auto other = machine();
    (void)send(one, 1, adding(1, 1, 0));
    (void)send(other, 1, adding(1, 2, 0));
    CHECK(one.state_digest() != other.state_digest());
    CHECK(one.inner().state_digest() == other.inner().state_digest());
}

TEST_CASE("an unknown command inside or outside stops the replica untouched") {
    auto m = machine({.horizon = 1, .entries_max = 1});
    (void)send(m, 1, adding(1, 1, 0));
    bytes const before = snapshot_of(m);
    request newer = adding(2, 1, 99);
    newer.command[1] = 2;
    bytes command;
    kv::encode(newer, command);
    bytes reply;
    CHECK_FALSE(m.apply({100}, command, reply)); // though the old entry could be forgotten by now
    command[1] = 7;
    CHECK_FALSE(m.apply({100}, command, reply));
    CHECK(snapshot_of(m) == before);
    CHECK(reply.empty());
}

TEST_CASE("random retries, restarts from snapshots and expiry never apply a request twice") {
    std::uint64_t const first = kv::test::seed_of_run(1);
    for (std::uint64_t seed = first; seed < first + 40; ++seed) {
        INFO(kv::test::replay_hint(seed));
        prng random(seed);
        kv::session_limits bounds{.horizon = random.between(1, 30),
                                  .entries_max = random.between(1, 12),
                                  .reply_bytes_max = 4096,
                                  .table_bytes_max = 4096};
        bounds.reply_bytes_max = random.chance(1, 2) ? 30 : 4096;
        auto m = machine(bounds);
        std::vector<request> sent;
        std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> applied;
        std::map<std::uint64_t, std::uint64_t> next;
        std::uint64_t at = 1;
        for (int i = 0; i < 600; ++i) {
            at += random.below(3);
            if (sent.empty() || random.chance(1, 2)) {
                std::uint64_t const client = random.between(1, 6);
                std::uint64_t const sequence = ++next[client];
                std::uint64_t const back = random.below(5);
                std::uint64_t const open = random.below(3);
                sent.push_back(adding(client, sequence, at > back ? at - back : 0,
                                      sequence > open ? sequence - open : 0));
            }
            request const& r = sent[sent.size() - 1 - random.below(std::min<std::size_t>(sent.size(), 40))];
            std::int64_t const before = count(m);
            auto const status = send(m, at, r).status;
            std::int64_t const effects = count(m) - before;
            REQUIRE(effects <= 1);
            if (effects == 1) {
                REQUIRE(status == request_status::applied);
                REQUIRE(++applied[{r.client.value, r.sequence.value}] == 1);
            }
            if (status == request_status::overloaded || status == request_status::malformed)
                REQUIRE(effects == 0);
            REQUIRE(m.size() <= bounds.entries_max);
            if (random.chance(1, 10)) {
                auto taught = machine(bounds);
                REQUIRE(taught.restore(snapshot_of(m)));
                REQUIRE(taught.state_digest() == m.state_digest());
                REQUIRE(snapshot_of(taught) == snapshot_of(m));
                m = std::move(taught);
            }
        }
    }
}

TEST_CASE("a replica restored from a snapshot stays equal to one that was not") {
    prng random(3);
    kv::session_limits const bounds{.horizon = 12, .entries_max = 10};
    auto original = machine(bounds);
    auto restored = machine(bounds);
    for (std::uint64_t at = 1; at < 2000; ++at) {
        std::uint64_t const sequence = at / 4 + 1;
        request const r = adding(random.between(1, 8), sequence, at - 1, sequence - random.below(2));
        REQUIRE(send(original, at, r) == send(restored, at, r));
        REQUIRE(original.state_digest() == restored.state_digest());
        bytes const image = snapshot_of(original);
        REQUIRE(image == snapshot_of(restored));
        if (at % 7 == 0) REQUIRE(restored.restore(image));
    }
}

TEST_CASE("a damaged snapshot of sessions is refused or is another canonical one") {
    auto m = machine();
    for (std::uint64_t client = 1; client < 4; ++client)
        (void)send(m, client, adding(client, 3, 0, client));
    bytes const good = snapshot_of(m);
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        REQUIRE_FALSE(m.restore(bytes_view(good).substr(0, cut)));
        REQUIRE(snapshot_of(m) == good);
    }
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        bytes flipped = good;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        auto other = machine();
        if (other.restore(flipped)) REQUIRE(snapshot_of(other) == flipped);
    }
}

TEST_CASE("a snapshot with more replies, or larger ones, than a table may keep is refused") {
    auto m = machine();
    for (std::uint64_t client = 1; client <= 50; ++client)
        (void)send(m, 1, adding(client, 1, 0));
    bytes const fifty = snapshot_of(m);
    REQUIRE(machine({.entries_max = 50}).restore(fifty));
    CHECK(machine({.entries_max = 49}).restore(fifty).error() == errc::malformed);
    CHECK(machine({.reply_bytes_max = 10}).restore(fifty).error() == errc::malformed);
    CHECK(machine({.table_bytes_max = 100}).restore(fifty).error() == errc::malformed);
}

TEST_CASE("requests and replies are read back as they were written") {
    request const r = adding(1, 2, 3, 1);
    bytes command;
    kv::encode(r, command);
    CHECK(kv::decode_request(command).value() == r);
    CHECK(kv::admit_request(command));
    for (std::size_t cut = 0; cut < command.size(); ++cut)
        CHECK_FALSE(kv::admit_request(bytes_view(command).substr(0, cut)));
    bytes reply;
    kv::encode(request_reply{request_status::expired, "body"}, reply);
    CHECK(kv::decode_request_reply(reply).value() == request_reply{request_status::expired, "body"});
    reply[2] = 9;
    CHECK(kv::decode_request_reply(reply).error() == errc::malformed);
}

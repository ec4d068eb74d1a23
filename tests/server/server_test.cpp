#include "server/colony.hpp"
#include "support/catch.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/kv/sessions.hpp>

using namespace zooid;

namespace {

std::uint64_t commits_of(colony& c, std::size_t number, cell_id cell) {
    return c.at(number).find_replica(cell)->applied_slot().value;
}

} // namespace

TEST_CASE("a cell that was reserved and founded takes a transaction on every member") {
    colony c(7);
    c.found(volume, "volume", 7);
    auto const done = c.commit(volume, put_once("a"));
    REQUIRE(done.has_value());
    CHECK(std::get<kv::committed>(done.value()).version == version{1});
    c.run_for(std::chrono::seconds(1));
    for (std::size_t n = 1; n <= 7; ++n) {
        CHECK(c.at(n).find_machine(volume)->state_digest() == c.at(1).find_machine(volume)->state_digest());
    }
}

TEST_CASE("an idle colony sends pulses only, and as many with a hundred cells as with none") {
    colony c(3);
    c.run_for(std::chrono::seconds(2));
    (void)c.take_traffic();
    c.run_for(std::chrono::seconds(2));
    auto const empty = c.take_traffic();
    for (std::uint64_t n = 1; n <= 100; ++n) {
        c.found({n, n}, "volume " + std::to_string(n), 3);
        REQUIRE(c.commit({n, n}, put_once("a")).has_value());
    }
    c.run_for(std::chrono::seconds(5));
    (void)c.take_traffic();
    c.run_for(std::chrono::seconds(2));
    auto const full = c.take_traffic();
    CHECK(full.cells == 0);
    CHECK(full.pulses == empty.pulses);
}

TEST_CASE("when a server is lost its cells find another proposer, a few at a time") {
    server_options options;
    options.candidates_max = 2;
    colony c(3, options);
    constexpr std::uint64_t cells = 60;
    for (std::uint64_t n = 1; n <= cells; ++n) {
        c.found({n, n}, "volume " + std::to_string(n), 3);
        REQUIRE(c.commit({n, n}, put_once("a")).has_value());
    }
    std::size_t lost = 1;
    while (c.at(lost).statistics().leading == 0)
        ++lost;
    c.kill(lost);
    std::size_t most = 0;
    auto const led = [&] {
        std::size_t by_others = 0;
        for (std::size_t server = 1; server <= 3; ++server) {
            if (server == lost) continue;
            std::size_t standing = 0;
            for (std::uint64_t n = 1; n <= cells; ++n)
                standing += c.at(server).find_replica({n, n})->is_fresh_candidate();
            most = std::max(most, standing);
            by_others += c.at(server).statistics().leading;
        }
        return by_others;
    };
    for (int steps = 0; led() < cells && steps < 1000; ++steps)
        c.run_for(std::chrono::milliseconds(20));
    CHECK(led() == cells);
    CHECK(most > 0);
    CHECK(most <= options.candidates_max);
}

TEST_CASE("all cells that are ready share one journal batch and one frame per peer in a turn") {
    colony c(3);
    for (std::uint64_t n = 1; n <= 50; ++n) {
        c.found({n, n}, "volume " + std::to_string(n), 3);
        REQUIRE(c.commit({n, n}, put_once("a")).has_value());
    }
    c.run_for(std::chrono::seconds(3));
    (void)c.take_traffic();
    std::size_t leader = c.at(1).explain({1, 1})->proposer.server.value;
    std::size_t asked = 0;
    for (std::uint64_t n = 1; n <= 50; ++n) {
        if (c.at(leader).explain({n, n})->role != role::leading) continue;
        request r;
        r.correlation = {1000 + n};
        r.cell = {n, n};
        bytes inner;
        encode(kv::request{{9}, {1000}, {}, {}, encode(put_once("b"))}, inner);
        r.payload = inner;
        bytes encoded;
        encode(r, encoded);
        c.at(leader).on_request(c.now(), {link_id{5000 + n}}, encoded);
        ++asked;
    }
    REQUIRE(asked > 10);
    server_output out;
    c.at(leader).finish(c.now(), out);
    CHECK(out.frames.size() == 2);
}

TEST_CASE("what was acknowledged survives the crash of every server at once") {
    colony c(3);
    c.found(volume, "volume", 3);
    for (int i = 0; i < 30; ++i)
        REQUIRE(c.commit(volume, kv::transaction().add("n", 1)).has_value());
    for (std::size_t n = 1; n <= 3; ++n)
        c.kill(n);
    for (std::size_t n = 1; n <= 3; ++n)
        c.restart(n);
    c.run_for(std::chrono::seconds(1));
    auto const done = c.commit(volume, kv::transaction().add("n", 1));
    REQUIRE(done.has_value());
    auto const& entries = std::get<kv::committed>(done.value()).results.at(0).entries;
    CHECK(entries.at(0).content == kv::value(kv::integer(31)));
}

TEST_CASE("a majority goes on while a server is down, and the server catches up when it returns") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const leader = c.at(1).explain(volume)->proposer.server.value;
    c.kill(leader);
    for (int i = 0; i < 10; ++i)
        REQUIRE(c.commit(volume, put_once(std::to_string(i))).has_value());
    c.restart(leader);
    c.run_for(std::chrono::seconds(3));
    std::size_t const other = leader % 3 + 1;
    CHECK(commits_of(c, leader, volume) == commits_of(c, other, volume));
    CHECK(c.at(leader).find_machine(volume)->state_digest() ==
          c.at(other).find_machine(volume)->state_digest());
}

TEST_CASE("a journal that was rolled back is refused, and its replicas never vote") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    c.kill(3);
    disk_image const old = c.image(3);
    c.restart(3);
    c.run_for(std::chrono::seconds(2));
    for (int i = 0; i < 20; ++i)
        REQUIRE(c.commit(volume, put_once(std::to_string(i))).has_value());
    c.run_for(std::chrono::seconds(2));
    c.kill(3);
    c.image(3) = old;
    CHECK_THROWS(c.restart(3)); // the colony helper insists that neighbours accept each other
    bool reported = false;
    server_output out;
    c.at(3).finish(c.now(), out);
    for (auto const& e : out.events)
        reported |= std::holds_alternative<journal_rolled_back>(e);
    for (auto const& e : c.events(3))
        reported |= std::holds_alternative<journal_rolled_back>(e);
    CHECK(reported);
    CHECK(c.at(3).find_replica(volume)->is_quarantined());
}

TEST_CASE(
    "votes that rot on the disk of the proposer stop it at once, durably, and another one leads unasked") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const leader = c.at(1).explain(volume)->proposer.server.value;
    std::size_t const other = leader % 3 + 1;
    journal_damage found{};
    found.kind = damage_kind::voting;
    found.segment = 2, found.offset = 1024, found.size = 72;
    found.cell = volume;
    found.replica = c.at(leader).find_replica(volume)->self().replica;
    found.record = record_kind::promise;
    found.superseded = true;
    c.damage(leader, found); // nobody needs what was there
    CHECK_FALSE(c.at(leader).find_replica(volume)->is_quarantined());
    found.superseded = false;
    c.damage(leader, found);
    CHECK(c.at(leader).find_replica(volume)->is_quarantined());
    CHECK(c.at(leader).explain(volume)->quarantine.find("promise at offset 1024") != std::string::npos);
    std::size_t stopped = 0, reported = 0;
    for (auto const& e : c.events(leader)) {
        stopped += std::holds_alternative<replica_stopped>(e);
        reported += std::holds_alternative<damage_reported>(e);
    }
    CHECK(stopped == 1);
    CHECK(reported == 2);
    c.run_for(std::chrono::milliseconds(300)); // no client complains, and no probe has time to fail
    CHECK(c.at(other).explain(volume)->proposer.server.value != leader);
    CHECK(c.commit(volume, put_once("b")).has_value());
    c.kill(leader);
    c.restart(leader);
    CHECK(c.at(leader).find_replica(volume)->is_quarantined());
    CHECK(c.commit(volume, put_once("c")).has_value());
}

TEST_CASE("damage of values, of others, or of nobody in particular stops no replica while it runs") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    replica_id const here = c.at(1).find_replica(volume)->self().replica;
    for (auto const kind : {damage_kind::value, damage_kind::unattributed, damage_kind::harmless}) {
        journal_damage found{};
        found.kind = kind, found.cell = volume, found.replica = here, found.record = record_kind::value;
        c.damage(1, found);
    }
    journal_damage of_another{};
    of_another.kind = damage_kind::voting, of_another.cell = volume;
    of_another.replica = replica_id{here.value + 1}, of_another.record = record_kind::promise;
    c.damage(1, of_another);
    CHECK_FALSE(c.at(1).find_replica(volume)->is_quarantined());
}

TEST_CASE("a checkpoint that rots while its server runs is written again, and a start finds it") {
    colony c(3);
    snapshot const founding = c.found(volume, "volume", 3);
    for (int i = 0; i < 200; ++i) // the founding record lies in a segment that is full
        REQUIRE(c.commit(volume, put_once(std::to_string(i))).has_value());
    c.run_for(std::chrono::seconds(1));
    std::size_t const places = c.rot(1, encode(founding));
    c.run_for(std::chrono::seconds(1));
    REQUIRE(places == 1);
    std::size_t reported = 0;
    for (auto const& e : c.events(1))
        reported += std::holds_alternative<damage_reported>(e);
    CHECK(reported == 1);
    c.kill(1);
    c.restart(1);
    REQUIRE(c.at(1).find_replica(volume) != nullptr);
    CHECK_FALSE(c.at(1).find_replica(volume)->is_quarantined());
    c.run_for(std::chrono::seconds(3));
    CHECK(commits_of(c, 1, volume) == commits_of(c, 2, volume));
}

TEST_CASE("of what is lost at once so much is written again in a turn, and the rest in those that follow") {
    colony c(1);
    std::vector<journal_damage> lost;
    for (std::uint64_t n = 1; n <= 100; ++n) {
        cell_id const cell{9, n};
        c.found(cell, std::to_string(n), 1);
        journal_damage found{};
        found.kind = damage_kind::value, found.record = record_kind::checkpoint, found.cell = cell;
        found.replica = c.at(1).find_replica(cell)->self().replica;
        lost.push_back(found);
    }
    c.run_for(std::chrono::seconds(1));
    server_output out;
    c.at(1).finish(c.now(), out);
    auto const rewritten = [&] { return c.at(1).statistics().values_rewritten; };
    for (journal_damage const& found : lost)
        c.at(1).on_damage(c.now(), found);
    c.at(1).finish(c.now(), out);
    CHECK(rewritten() == 64);
    CHECK(c.at(1).deadline() == c.now());
    c.at(1).finish(c.now(), out);
    CHECK(rewritten() == 100);
    CHECK(c.at(1).deadline() > c.now());
}

TEST_CASE("a name that rots before its replica is founded is written again: the replica will vote under it") {
    colony c(3);
    std::vector<member> members;
    for (std::size_t n = 1; n <= 3; ++n) {
        auto const reserved = c.ask(n, operation::reserve, {}, encode(reserve_request{volume, {1}}));
        members.push_back(decode_member(reserved.value().content.payload).value());
    }
    journal_damage lost{};
    lost.kind = damage_kind::voting, lost.record = record_kind::reserved;
    lost.cell = volume, lost.replica = members[0].replica;
    (void)c.take_traffic();
    c.damage(1, lost);
    CHECK(c.take_traffic().appends == 1);
    lost.replica = {lost.replica.value + 1};
    c.damage(1, lost);
    CHECK(c.take_traffic().appends == 0);
}

TEST_CASE("a command is carried out only if a slot comes free for it before its caller gives up") {
    colony c(1);
    c.found(volume, "volume", 1);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    server_statistics const before = c.at(1).statistics();
    auto const send = [&](std::uint64_t n, std::uint64_t remaining_ms) {
        bytes command, encoded;
        kv::encode(kv::request{{9}, {100 + n}, {}, {}, kv::encode(put_once(std::to_string(n)))}, command);
        request r;
        r.correlation = {n}, r.op = operation::commit, r.cell = volume, r.payload = command;
        r.remaining_ms = remaining_ms;
        encode(r, encoded);
        c.at(1).on_request(c.now(), {.link = {1000 + n}}, encoded);
    };
    for (std::uint64_t n = 1; n <= 3; ++n)
        send(n, 10); // a slot for each
    send(4, 10);
    send(5, 1000);
    send(6, 0); // waits for ever
    send(7, ~std::uint64_t{0});
    c.run_for(std::chrono::milliseconds(20));
    (void)c.ask(1, operation::status, {}, {});
    server_statistics const after = c.at(1).statistics();
    CHECK(after.commits_admitted - before.commits_admitted == 7);
    CHECK(after.commits_answered - before.commits_answered == 6);
    CHECK(after.requests_failed - before.requests_failed == 1);
}

TEST_CASE("a server whose journal hangs wins no lead") {
    colony c(5);
    c.found(volume, "volume", 5);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t leader = c.at(1).explain(volume)->proposer.server.value;
    std::size_t const hung = leader == 1 ? 2 : 1; // the first in line when the leader is gone
    c.hang_journal(hung);
    c.run_for(std::chrono::seconds(2));
    c.kill(leader);
    c.run_for(std::chrono::seconds(3));
    for (auto const& e : c.events(hung)) {
        auto const* lead = std::get_if<leadership_changed>(&e);
        if (lead && lead->cell == volume) CHECK_FALSE(lead->leads);
    }
    (void)c.ask(hung, operation::complain, volume, {});
    CHECK(c.at(hung).find_replica(volume)->role() == role::follower);
    CHECK(c.commit(volume, put_once("b")).has_value());
    CHECK(c.at(hung).statistics().leading == 0);
    bytes const status(c.ask(hung, operation::status, {}, {}).value().content.payload);
    CHECK(status.find("\"journal_hung\":true") != bytes::npos);
    CHECK(status.find("journal_error") == bytes::npos);
}

TEST_CASE("of two generations of a key the younger one answers for it, whichever was founded last here") {
    colony c(3);
    auto const found = [&](cell_id cell, generation birth) {
        std::vector<member> members;
        for (std::size_t n = 1; n <= 3; ++n) {
            auto const reserved = c.ask(n, operation::reserve, {}, encode(reserve_request{cell, birth}));
            members.push_back(decode_member(reserved.value().content.payload).value());
        }
        snapshot founding{};
        founding.cell = cell, founding.key = "volume", founding.birth = birth, founding.alpha = 3;
        founding.cell_version = 1;
        founding.configurations = {{slot{1}, configuration(members)}};
        for (std::size_t n = 1; n <= 3; ++n)
            CHECK_FALSE(c.ask(n, operation::found, {}, encode(founding)).value().content.failure.has_value());
    };
    auto const who_answers = [&] {
        request r;
        r.correlation = {77};
        r.op = operation::locate;
        r.key = "volume";
        r.remaining_ms = 1000;
        bytes encoded;
        encode(r, encoded);
        c.at(1).on_request(c.now(), {.link = {99}}, encoded);
        server_output out;
        c.at(1).finish(c.now(), out);
        return decode_reply(out.replies.at(0).payload).value().cell;
    };
    found({1, 2}, {2});
    CHECK(who_answers() == cell_id{1, 2});
    found({1, 1}, {1});
    CHECK(who_answers() == cell_id{1, 2});
    found({1, 3}, {3});
    CHECK(who_answers() == cell_id{1, 3});
}

TEST_CASE("bad requests get a typed answer and change nothing") {
    colony c(3);
    snapshot const founding = c.found(volume, "volume", 3);
    auto const failure = [&](operation op, cell_id cell, bytes_view payload) {
        auto const answered = c.ask(1, op, cell, payload);
        return answered ? answered->content.failure : std::nullopt;
    };
    CHECK(failure(operation::commit, {9, 9}, "x") == errc::not_here);
    CHECK(failure(operation::reserve, {}, "short") == errc::malformed);
    CHECK(failure(operation::found, {}, "short") == errc::malformed);
    CHECK(failure(operation::reserve, {}, encode(reserve_request{volume, {1}})) == errc::already_exists);
    snapshot stranger = founding;
    stranger.cell = {5, 5};
    CHECK(failure(operation::found, {}, encode(stranger)) == errc::conflict);
    CHECK(failure(operation::commit, volume, "not an envelope").has_value());
    CHECK(failure(static_cast<operation>(99), volume, "") == errc::unsupported_version);
    CHECK(failure(operation{10}, volume, "") == errc::unsupported_version);   // set aside
    CHECK_FALSE(failure(operation::found, {}, encode(founding)).has_value()); // the same again is fine
    CHECK(c.at(1).cells().size() == 1);
}

TEST_CASE("a reservation is answered with the same replica when it is asked again, also after a restart") {
    colony c(3);
    auto const ask = [&] {
        return decode_member(
                   c.ask(1, operation::reserve, {}, encode(reserve_request{volume, {1}}))->content.payload)
            .value();
    };
    member const first = ask();
    CHECK(ask() == first);
    c.kill(1);
    c.restart(1);
    c.run_for(std::chrono::milliseconds(200));
    CHECK(ask() == first);
}

TEST_CASE("frames that are cut or flipped are refused and counted, and nothing breaks") {
    colony c(3);
    c.found(volume, "volume", 3);
    bytes frame;
    replica const& r = *c.at(1).find_replica(volume);
    message const m = prepare{ballot{{1}, {2}, {3}}, slot{1}};
    writer w(frame);
    bytes content;
    encode(m, content);
    w.put(volume), w.put(r.self().replica), w.put(r.members()[1].replica), w.put_sized(content);
    std::uint64_t const before = c.at(1).statistics().messages_refused;
    for (std::size_t cut = 1; cut < frame.size(); ++cut) {
        c.at(1).on_frame(c.now(), {2}, channel::cells, bytes_view(frame).substr(0, cut));
    }
    CHECK(c.at(1).statistics().messages_refused == before + frame.size() - 1);
    for (std::size_t at = 0; at < frame.size(); ++at) {
        bytes flipped = frame;
        flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
        c.at(1).on_frame(c.now(), {2}, channel::cells, flipped);
    }
    c.settle();
    CHECK(c.commit(volume, put_once("still here")).has_value());
}

TEST_CASE("a server that stops hands over: another one leads without waiting for a timeout") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const leader = c.at(1).explain(volume)->proposer.server.value;
    c.at(leader).stop(c.now());
    c.run_for(std::chrono::milliseconds(300));
    std::size_t const other = leader % 3 + 1;
    CHECK(c.at(other).explain(volume)->proposer.server.value != leader);
}

TEST_CASE("what changes where cells are needs an admin, and a refusal names what was asked and by whom") {
    colony c(1);
    auto const refused = [&](operation op, cell_id cell, bytes_view payload) {
        auto const reply = c.ask(1, op, cell, payload, party_role::client);
        REQUIRE(reply);
        CHECK(reply->content.failure == errc::permission_denied);
        return std::string(reply->content.detail);
    };
    bytes const reservation = encode(reserve_request{volume, {1}});
    CHECK(refused(operation::reserve, {}, reservation) ==
          "reserve needs the keys of an admin; these are a client's");
    CHECK(c.at(1).cells().empty());
    snapshot const founding = c.found(volume, "volume", 1);
    CHECK(refused(operation::found, {}, encode(founding)) ==
          "found needs the keys of an admin; these are a client's");

    cell_id const directory{3, 3};
    c.found(directory, "directory/3", 1);
    bytes write;
    encode(kv::request{{}, {1}, {}, {}, encode(put_once("a"))}, write);
    CHECK(refused(operation::commit, directory, write) ==
          "writing into a cell of the directory needs the keys of an admin; these are a client's");
    CHECK(!c.ask(1, operation::commit, directory, write)->content.failure);
    CHECK(!c.ask(1, operation::commit, volume, write, party_role::client)->content.failure);
    for (operation op : {operation::locate, operation::status, operation::explain})
        CHECK(!c.ask(1, op, directory, {}, party_role::client)->content.failure);
}

TEST_CASE("an id that was reserved is told as such until its cell is founded") {
    colony c(1);
    auto const told = [&] { return bytes(c.ask(1, operation::status, {}, {}).value().content.payload); };
    REQUIRE(c.ask(1, operation::reserve, {}, encode(reserve_request{volume, {3}})));
    CHECK(c.at(1).statistics().reserved == 1);
    CHECK(told().find("\"reservations\":[{\"cell\":\"" + to_string(volume) + "\",\"generation\":3}]") !=
          bytes::npos);
    c.found(cell_id{2, 2}, "another", 1);
    CHECK(c.at(1).statistics().reserved == 1);
    c.kill(1);
    c.restart(1);
    CHECK(c.at(1).statistics().reserved == 1);
    CHECK(told().find(to_string(cell_id{2, 2})) == bytes::npos);
}

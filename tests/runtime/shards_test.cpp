// Servers with several shards, and with different numbers of them, on one executor: who owns what, and what
// all shards together say.
#include "runtime/rig.hpp"

#include <zooid/transport/shards.hpp>

#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <array>

using namespace rig;

namespace {

kv::transaction write(std::string const& key, std::int64_t n) {
    return kv::transaction().put(key, kv::integer(n));
}

/// Cells until each shard of each server has some.
std::vector<cell_id> found_some(colony_of& c, std::size_t count) {
    std::vector<cell_id> cells;
    for (std::size_t i = 0; i < count; ++i)
        cells.push_back(c.found("volume-" + std::to_string(i)));
    return cells;
}

std::int64_t value_of(colony_of& c, cell_id cell) {
    auto const done = committed(c.commit(cell, kv::transaction().read("n")));
    REQUIRE(done.find("n"));
    return std::get<kv::integer>(*done.find("n")->content).to_int64().value();
}

running_server_snapshot snapshot_of(colony_of& c, std::size_t server) {
    auto asked = c.at(server).async_snapshot(asio::use_future);
    run_until(c.io, [&] { return asked.wait_for(0s) == std::future_status::ready; });
    return asked.get();
}

} // namespace

TEST_CASE("cells live in the shard of their hash, whatever numbers of shards their servers have") {
    auto const shards = GENERATE(std::vector<std::uint32_t>{2, 2, 2}, std::vector<std::uint32_t>{1, 2, 3},
                                 std::vector<std::uint32_t>{2, 3, 4});
    colony_of three(shard_counts{shards});
    auto const cells = found_some(three, 8);
    for (std::size_t round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < cells.size(); ++i)
            (void)three.commit(cells[i], write("n", static_cast<std::int64_t>(10 * round + i)));
    }
    for (std::size_t s = 0; s < 3; ++s) {
        REQUIRE(three.at(s).shards() == shards[s]);
        for (cell_id const cell : cells) {
            for (std::uint16_t shard = 0; shard < shards[s]; ++shard) {
                auto const here = three.at(s).host(shard).cells();
                bool const hosted = std::find(here.begin(), here.end(), cell) != here.end();
                CHECK(hosted == (shard == shard_of(cell, static_cast<std::uint16_t>(shards[s]))));
            }
            CHECK(three.at(s).explain(cell));
        }
    }
    for (std::size_t i = 0; i < cells.size(); ++i)
        CHECK(value_of(three, cells[i]) == static_cast<std::int64_t>(10 + i));
}

TEST_CASE("servers with 1, 2 and 3 shards that all crash come back with what they acknowledged") {
    auto const thread = GENERATE(flush_thread::blocking, flush_thread::adaptive);
    colony_of three(shard_counts{{1, 2, 3}}, false, thread);
    auto const cells = found_some(three, 6);
    for (int round = 1; round <= 3; ++round) {
        for (std::size_t i = 0; i < cells.size(); ++i)
            (void)three.commit(cells[i], write("n", 100 * round + static_cast<std::int64_t>(i)));
        for (std::size_t s = 0; s < 3; ++s)
            three.crash(s);
        for (std::size_t s = 0; s < 3; ++s)
            three.start(s);
        for (std::size_t i = 0; i < cells.size(); ++i)
            CHECK(value_of(three, cells[i]) == 100 * round + static_cast<std::int64_t>(i));
    }
    for (std::size_t s = 0; s < 3; ++s) {
        for (cell_id const cell : cells)
            CHECK(three.at(s).explain(cell)->quarantine.empty());
    }
}

TEST_CASE("each of mixed servers may be away, its cells go on and it catches up in all its shards") {
    colony_of three(shard_counts{{1, 2, 3}});
    auto const cells = found_some(three, 6);
    for (std::size_t gone = 0; gone < 3; ++gone) {
        three.crash(gone);
        for (cell_id const cell : cells)
            (void)three.commit(cell, write("n", static_cast<std::int64_t>(gone)));
        three.start(gone);
        std::size_t const other = (gone + 1) % 3;
        run_until(three.io, [&] {
            return std::all_of(cells.begin(), cells.end(), [&](cell_id cell) {
                auto const here = three.at(gone).explain(cell);
                return here && here->applied >= three.at(other).explain(cell)->applied;
            });
        });
    }
}

TEST_CASE("a peer of another number of shards is connected once, when all its lanes are, and lost as one") {
    colony_of two(shard_counts{{2, 3}});
    auto const connected = [&](std::size_t s) {
        auto const& all = two.seen(s).runtime_events;
        return std::count_if(all.begin(), all.end(),
                             [](auto const& e) { return std::holds_alternative<peer_connected>(e); });
    };
    auto const peers_up = [&](std::size_t s) { return snapshot_of(two, s).transport.peers_up; };
    run_until(two.io, [&] { return connected(0) >= 2 && connected(1) >= 3; });
    run_until(two.io, [&] { return peers_up(0) == 1 && peers_up(1) == 1; });
    // 2 and 3 have no common divisor: each shard talks to all of the peer's.
    for (std::uint16_t shard = 0; shard < 2; ++shard)
        CHECK(two.at(0).snapshot(shard).transport.peers_up == 1);
    auto const lost = [&] {
        auto const& all = two.seen(0).runtime_events;
        return std::count_if(all.begin(), all.end(),
                             [](auto const& e) { return std::holds_alternative<peer_disconnected>(e); });
    };
    auto const before = lost();
    two.crash(1);
    run_until(two.io, [&] { return lost() == before + 2; });
    two.start(1);
    run_until(two.io, [&] { return peers_up(0) == 1 && peers_up(1) == 1; });
}

TEST_CASE("a lease counts on peers where one shard talks to one, and elsewhere reads are strict") {
    auto const shards = GENERATE(std::vector<std::uint32_t>{2, 2, 2}, std::vector<std::uint32_t>{1, 2, 3});
    colony_of three(shard_counts{shards});
    three.lease.hold = 1500ms;
    for (std::size_t s = 0; s < 3; ++s)
        three.crash(s);
    for (std::size_t s = 0; s < 3; ++s)
        three.start(s);
    auto const cell = three.found("volume");
    (void)three.commit(cell, write("n", 1));
    std::size_t const leads = three.leader(cell);
    auto const heard = [&] { return snapshot_of(three, leads).transport.frames.frames_received; };
    caller c(three.io, three.port(leads));
    auto const read = [&] {
        auto const query = kv::encode(kv::transaction().read("n"));
        CHECK_FALSE(c.call(three.io, operation::leased_read, cell, query).failure);
    };
    for (int i = 0; i < 3; ++i) { // a strict one renews the standing of all whose grants are known
        auto const before = heard();
        run_until(three.io, [&] { return heard() > before + 60; });
        read();
    }
    auto const answered = snapshot_of(three, leads).server;
    CHECK(answered.reads_answered >= 3);
    CHECK((answered.reads_leased > 0) == (shards[0] == shards[1]));
}

TEST_CASE("a shard never has to talk to more of one peer's shards than its host can remember") {
    colony_of two(shard_counts{{1, 9}});
    run_until(two.io, [&] { return two.seen(0).saw<refused_connection>(); });
    bool told = false;
    run_until(two.io, [&] {
        for (runtime_event const& e : two.seen(0).runtime_events) {
            auto const* r = std::get_if<refused_connection>(&e);
            told = told || (r && r->failure.detail().find(
                                     "would have to talk to 9 of them, 8 are possible") != std::string::npos);
        }
        return told;
    });
    CHECK(two.at(0).snapshot().transport.peers_up == 0);
}

TEST_CASE("any connection serves all cells, by id, by key and in the payload, and status adds shards up") {
    colony_of one(shard_counts{{3}});
    auto const cells = found_some(one, 6); // reserved and founded over connections to any shard
    std::size_t hosted = 0;
    for (std::uint16_t shard = 0; shard < 3; ++shard)
        hosted += one.at(0).host(shard).cells().size();
    CHECK(hosted == 6);
    for (int round = 0; round < 3; ++round) { // a connection goes to one shard after the other
        caller c(one.io, one.port(0));
        for (std::size_t i = 0; i < cells.size(); ++i) {
            CHECK_FALSE(c.call(one.io, operation::commit, cells[i], command(write("n", round))).failure);
            auto const key = "volume-" + std::to_string(i);
            auto const located = c.call(one.io, operation::locate, {}, {}, key);
            CHECK_FALSE(located.failure);
            CHECK(located.cell == cells[i]);
            CHECK_FALSE(c.call(one.io, operation::commit, {}, command(write("m", round)), key).failure);
        }
        CHECK(c.call(one.io, operation::locate, {}, {}, "nothing").failure == errc::not_here);
        CHECK(c.call(one.io, operation::locate, {9, 9}, {}).failure == errc::not_here);
        auto const status = c.call(one.io, operation::status, {}, {});
        REQUIRE_FALSE(status.failure);
        CHECK(status.payload.find("\"cells\":6") != bytes::npos);
        CHECK(status.payload.find("\"shards\":3") != bytes::npos);
    }
    auto const all = snapshot_of(one, 0);
    CHECK(all.shards == 3);
    CHECK(all.server.cells == 6);
    CHECK(all.server.commits_answered >= 36);
    CHECK(all.between_shards.requests > 0);
    CHECK(all.between_shards.replies > 0);
    CHECK(all.between_shards.dropped_full == 0);
    std::optional<std::optional<explanation>> told;
    one.at(0).async_explain(cells[2], [&](std::optional<explanation> e) { told = std::move(e); });
    run_until(one.io, [&] { return told.has_value(); });
    REQUIRE(*told);
    CHECK((*told)->key == "volume-2");
}

TEST_CASE("of a key with two generations in two shards the younger one is meant") {
    colony_of one(shard_counts{{2}});
    caller c(one.io, one.port(0));
    std::array<cell_id, 2> born; // by shard
    for (std::uint64_t i = 1; !born[0] || !born[1]; ++i)
        born[shard_of({5, i}, 2)] = {5, i};
    for (std::uint64_t birth = 1; birth <= 2; ++birth) {
        cell_id const cell = born[birth - 1];
        caller::answer reserved;
        do
            reserved = c.call(one.io, operation::reserve, cell, encode(reserve_request{cell, {birth}}));
        while (reserved.failure == errc::unreachable);
        member const self = decode_member(reserved.payload).value();
        snapshot founding;
        founding.cell = cell, founding.key = "k", founding.birth = {birth};
        founding.configurations = {{{1}, configuration({&self, 1})}};
        REQUIRE_FALSE(c.call(one.io, operation::found, cell, encode(founding)).failure);
    }
    CHECK_FALSE(c.call(one.io, operation::commit, {}, command(write("n", 1)), "k").failure);
    CHECK(c.call(one.io, operation::locate, {}, {}, "k").cell == born[1]);
    CHECK(one.at(0).explain(born[1])->applied > one.at(0).explain(born[0])->applied);
}

TEST_CASE("a stop of several shards answers what is under way on all of them before links close") {
    colony_of three(shard_counts{{2, 3, 2}});
    auto const cells = found_some(three, 6);
    for (cell_id const cell : cells)
        (void)three.commit(cell, write("n", 0));
    caller c(three.io, three.port(0));
    auto const admitted = [&] {
        return three.at(0).snapshot(0).server.commits_admitted +
               three.at(0).snapshot(1).server.commits_admitted;
    };
    auto const before = admitted();
    for (int i = 0; i < 120; ++i)
        (void)c.ask(operation::commit, cells[static_cast<std::size_t>(i) % cells.size()],
                    command(write("n", 1)));
    run_until(three.io, [&] { return admitted() >= before + 120; });
    std::optional<result<void>> stopped, again;
    three.at(0).async_stop(20s, [&](result<void> r) { stopped = std::move(r); });
    three.at(0).async_stop(20s, [&](result<void> r) { again = std::move(r); });
    run_until(three.io, [&] { return stopped && again && c.down; });
    CHECK(*stopped);
    REQUIRE(!*again);
    CHECK(again->error() == errc::stopping);
    CHECK(c.answers.size() == 120);
    three.crash(0);
    for (cell_id const cell : cells)
        (void)three.commit(cell, write("n", 2));
}

TEST_CASE("shards of one server have one life, and each a journal of its own") {
    colony_of one(shard_counts{{3}});
    CHECK(one.at(0).journal(0) != one.at(0).journal(1));
    CHECK(one.at(0).journal(1) != one.at(0).journal(2));
    auto const before = one.at(0).journal(2);
    auto const life = one.at(0).life();
    one.crash(0);
    one.start(0);
    CHECK(one.at(0).journal(2) == before);
    CHECK(one.at(0).life() != life);
}

TEST_CASE("a directory that was formatted for another number of shards is refused, naming both and where") {
    colony_of one(shard_counts{{2}});
    one.crash(0);
    one.io.restart();
    auto o = one.options(0);
    for (std::uint32_t const wrong : {1u, 3u}) {
        o.shards = wrong;
        recorder seen;
        result<std::unique_ptr<running_server>> opened = errc::in_use;
        run_until(one.io, [&] {
            opened = open_server(o, one.io.get_executor(), one.disk.get_executor(), seen);
            return opened || !(opened.error() == errc::in_use);
        });
        REQUIRE_FALSE(opened);
        CHECK(opened.error() == errc::invalid_argument);
        CHECK(opened.error().message().find("shards: " + std::to_string(wrong) + " are asked for") !=
              std::string::npos);
        CHECK(opened.error().message().find(o.directory + "/manifest names 2 stores") != std::string::npos);
    }
    one.start(0);
}

TEST_CASE("a server that was formatted anew, with more shards or fewer, is found again by its peers") {
    colony_of two(shard_counts{{2, 2}});
    auto const is_up = [&](std::size_t s) { return snapshot_of(two, s).transport.peers_up == 1; };
    for (std::uint32_t const shards : {3u, 1u, 4u, 2u}) {
        run_until(two.io, [&] { return is_up(0) && is_up(1); });
        two.crash(1);
        two.reformat(1, shards);
    }
    run_until(two.io, [&] { return is_up(0) && is_up(1); });
    std::size_t links = 0;
    for (std::uint16_t shard = 0; shard < 2; ++shard)
        links += two.at(0).snapshot(shard).transport.peers_up;
    CHECK(links == 2);
}

TEST_CASE("a store that was rolled back kills its own journal, and the server's other shards go on") {
    auto const others = GENERATE(2u, 3u);
    colony_of three(shard_counts{{2, others, 2}});
    auto const cells = found_some(three, 8);
    auto const store = three.data(0) / "store-1";
    auto const image = three.folder.path / "image";
    auto const count_up = [&] {
        for (cell_id const cell : cells)
            (void)three.commit(cell, kv::transaction().add("n", kv::integer(1)));
    };
    count_up();
    three.crash(0);
    std::filesystem::copy(store, image, std::filesystem::copy_options::recursive);
    three.start(0);
    count_up();
    for (int i = 0; i < 8; ++i)
        count_up();
    // What the peers will remember of it: its pulses have told them by then.
    run_until(three.io, [&] {
        return std::all_of(cells.begin(), cells.end(), [&](cell_id cell) {
            return three.at(0).explain(cell)->applied >= three.at(1).explain(cell)->applied;
        });
    });
    auto const pulses = three.at(1).snapshot().transport.frames.frames_received;
    run_until(three.io,
              [&] { return three.at(1).snapshot().transport.frames.frames_received > pulses + 40; });
    three.crash(0);
    std::filesystem::remove_all(store);
    std::filesystem::copy(image, store, std::filesystem::copy_options::recursive);
    three.start(0);
    run_until(three.io, [&] {
        return std::all_of(cells.begin(), cells.end(), [&](cell_id cell) {
            return shard_of(cell, 2) == 0 || !three.at(0).explain(cell)->quarantine.empty();
        });
    });
    count_up();
    for (cell_id const cell : cells) {
        if (shard_of(cell, 2) == 0) CHECK(three.at(0).explain(cell)->quarantine.empty());
        CHECK(value_of(three, cell) == 11);
    }
}

// A replica whose state goes wrong is found, stops alone, says why, and is taught again.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include <zooid/kv/sessions.hpp>

#include <algorithm>

using namespace zooid;

namespace {

cell_id const neighbour{2, 2};

kv::transaction put_x(std::string const& key) {
    return kv::transaction().put(key, bytes("x"));
}

// What bits that flip in memory amount to: its state machine has also applied something that nobody proposed.
void corrupt(colony& c, std::size_t server, std::string const& how) {
    kv::request r;
    r.command = kv::encode(put_x(how));
    bytes command, reply;
    kv::encode(r, command);
    auto* const machine = const_cast<state_machine*>(c.at(server).find_machine(volume));
    REQUIRE(machine->apply(c.at(server).find_replica(volume)->applied_slot(), command, reply));
}

template <class Event>
std::size_t count(colony& c, std::size_t server, cell_id cell) {
    auto const& all = c.events(server);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](server_event const& e) {
        auto const* found = std::get_if<Event>(&e);
        return found && found->cell == cell;
    }));
}

bool all_agree(colony& c, std::size_t servers) {
    digest const first = c.at(1).find_machine(volume)->state_digest();
    for (std::size_t n = 2; n <= servers; ++n) {
        if (c.at(n).find_machine(volume)->state_digest() != first) return false;
    }
    return true;
}

} // namespace

TEST_CASE("a replica whose state differs from a majority's stops alone, says why, and is taught again") {
    colony c(5);
    c.found(volume, "volume", 5);
    c.found(neighbour, "neighbour", 5);
    REQUIRE(c.commit(volume, put_x("a")).has_value());
    REQUIRE(c.commit(neighbour, put_x("a")).has_value());
    std::size_t const wrong = c.leader(volume) % 5 + 1;
    ballot const promised = c.at(wrong).find_replica(volume)->promised();
    corrupt(c, wrong, "flip");
    REQUIRE(c.commit(volume, put_x("b")).has_value());
    c.run_for(std::chrono::seconds(3));
    CHECK(count<replica_stopped>(c, wrong, volume) == 1);
    CHECK(count<replica_healed>(c, wrong, volume) == 1);
    CHECK(count<replica_stopped>(c, wrong, neighbour) == 0);
    CHECK(all_agree(c, 5));
    CHECK(c.at(wrong).find_replica(volume)->promised() >= promised);
    // And it is durable that it was healed.
    c.kill(wrong);
    c.restart(wrong);
    c.run_for(std::chrono::seconds(1));
    CHECK_FALSE(c.at(wrong).find_replica(volume)->is_quarantined());
    CHECK(all_agree(c, 5));
    for (std::size_t n = 1; n <= 5; ++n)
        CHECK(count<replica_stopped>(c, n, volume) == (n == wrong ? 1 : 0));
}

TEST_CASE("the proposer's digest is obeyed by nobody: when its state is wrong it stops, and another leads") {
    colony c(5);
    c.found(volume, "volume", 5);
    REQUIRE(c.commit(volume, put_x("a")).has_value());
    std::size_t const wrong = c.leader(volume);
    corrupt(c, wrong, "flip");
    REQUIRE(c.commit(volume, put_x("b")).has_value());
    c.run_for(std::chrono::seconds(3));
    REQUIRE(c.commit(volume, put_x("c")).has_value());
    c.run_for(std::chrono::seconds(3));
    for (std::size_t n = 1; n <= 5; ++n)
        CHECK(count<replica_stopped>(c, n, volume) == (n == wrong ? 1 : 0));
    CHECK(all_agree(c, 5));
}

TEST_CASE("it stays stopped over a restart as long as nobody can teach it, and goes on when somebody can") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_x("a")).has_value());
    std::size_t const wrong = c.leader(volume) % 3 + 1;
    corrupt(c, wrong, "flip");
    REQUIRE(c.commit(volume, put_x("b")).has_value());
    for (int i = 0; i < 100 && !c.at(wrong).find_replica(volume)->is_quarantined(); ++i)
        c.run_for(std::chrono::milliseconds(20));
    REQUIRE(c.at(wrong).find_replica(volume)->is_quarantined());
    for (std::size_t n = 1; n <= 3; ++n) {
        if (n != wrong) c.kill(n);
    }
    c.kill(wrong);
    c.restart(wrong);
    c.run_for(std::chrono::seconds(2));
    REQUIRE(c.at(wrong).find_replica(volume)->is_quarantined());
    CHECK(c.at(wrong).explain(volume)->quarantine.find("differs") != std::string::npos);
    for (std::size_t n = 1; n <= 3; ++n) {
        if (n != wrong) c.restart(n);
    }
    c.run_for(std::chrono::seconds(5));
    CHECK_FALSE(c.at(wrong).find_replica(volume)->is_quarantined());
    CHECK(all_agree(c, 3));
}

TEST_CASE("without a majority nobody is stopped, and it is reported") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_x("a")).has_value());
    std::size_t const leads = c.leader(volume);
    corrupt(c, leads % 3 + 1, "flip");
    corrupt(c, (leads + 1) % 3 + 1, "flop");
    REQUIRE(c.commit(volume, put_x("b")).has_value());
    c.run_for(std::chrono::seconds(3));
    for (std::size_t n = 1; n <= 3; ++n)
        CHECK(count<replica_stopped>(c, n, volume) == 0);
    CHECK(count<digests_differ>(c, leads, volume) == 1);
}

TEST_CASE("under load a wrong state is found by the next slot that is compared") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_x("a")).has_value());
    std::size_t const wrong = c.leader(volume) % 3 + 1;
    corrupt(c, wrong, "flip");
    std::uint64_t committed = 0;
    while (count<replica_stopped>(c, wrong, volume) == 0 && committed < 2 * audit_interval) {
        REQUIRE(c.commit(volume, put_x("b")).has_value()); // one after the other: never quiet
        ++committed;
    }
    CHECK(committed <= audit_interval);
    c.run_for(std::chrono::seconds(3));
    CHECK(all_agree(c, 3));
}

// Cells that move between servers: what becomes of those that were left behind, and of callers who come late.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include <zooid/cell/change.hpp>

using namespace zooid;

namespace {

cell_id const moving{1, 1};

// Puts server `in` into the place of server `out`, and waits until the change is released.
void replace(colony& c, std::size_t out, std::size_t in) {
    INFO("replacing server " << out << " by " << in);
    REQUIRE(c.replace_member(moving, out, in));
}

bool is_here(colony& c, std::size_t number) {
    return c.at(number).find_replica(moving) != nullptr;
}

std::vector<std::uint64_t> pointed_at_by(colony& c, std::size_t number) {
    auto const told = c.ask(number, operation::locate, moving, {});
    REQUIRE(told);
    REQUIRE(told->content.failure == errc::not_here);
    std::vector<std::uint64_t> servers;
    for (member const& m : told->content.members.members())
        servers.push_back(m.server.value);
    return servers;
}

} // namespace

TEST_CASE("a server that was down while its cell moved away finds out by pointers that it was released") {
    colony c(6);
    c.found(moving, "volume", 3);
    REQUIRE(c.commit(moving, kv::transaction().put("k", bytes("a"))).has_value());
    c.kill(1);
    replace(c, 1, 4);
    replace(c, 2, 5);
    replace(c, 3, 6);
    SECTION("everybody whom it knows is gone") {}
    SECTION("two whom it knows are back, as other replicas") {
        c.run_for(std::chrono::seconds(3)); // they have to be told first that they are released
        replace(c, 4, 2);
        replace(c, 5, 3);
    }
    c.restart(1);
    REQUIRE(is_here(c, 1));
    c.run_for(std::chrono::seconds(5));
    CHECK(!is_here(c, 1));
}

TEST_CASE("a member that was down while all others were replaced finds the present ones by pointers") {
    colony c(5);
    c.found(moving, "volume", 3);
    REQUIRE(c.commit(moving, kv::transaction().put("k", bytes("a"))).has_value());
    c.kill(1);
    replace(c, 2, 4);
    replace(c, 3, 5);
    std::size_t const led = c.leader(moving);
    c.run_for(std::chrono::seconds(3)); // nobody goes on telling it
    c.restart(1);
    c.run_for(std::chrono::seconds(5));
    CHECK(c.at(1).find_replica(moving)->prefix() == c.at(led).find_replica(moving)->prefix());
    CHECK(c.at(1).find_replica(moving)->newest_members() == c.at(led).find_replica(moving)->newest_members());
}

TEST_CASE("pointers to where a cell went survive a restart and end with their retention") {
    server_options options;
    options.pointer_retention = std::chrono::minutes(1);
    colony c(4, options);
    c.found(moving, "volume", 3);
    replace(c, 1, 4);
    c.run_for(std::chrono::seconds(5));
    REQUIRE(!is_here(c, 1));
    std::vector<std::uint64_t> const there{4, 2, 3};
    CHECK(pointed_at_by(c, 1) == there);
    bytes const all = kv::encode(kv::transaction().scan(""));
    CHECK(c.ask(1, operation::prefix_read, volume, all)->content.failure == errc::not_here);
    c.kill(1);
    c.restart(1);
    c.run_for(std::chrono::seconds(1));
    CHECK(!is_here(c, 1));
    CHECK(pointed_at_by(c, 1) == there);
    c.run_for(std::chrono::minutes(2));
    CHECK(pointed_at_by(c, 1).empty());
    c.kill(1);
    c.restart(1);
    c.run_for(std::chrono::seconds(1));
    CHECK(pointed_at_by(c, 1).empty());
    CHECK(!is_here(c, 1));
}

TEST_CASE("a cell comes back to a server that it left, under another replica id") {
    colony c(4);
    c.found(moving, "volume", 3);
    replica_id const first = c.at(1).find_replica(moving)->self().replica;
    replace(c, 1, 4);
    c.run_for(std::chrono::seconds(5));
    REQUIRE(!is_here(c, 1));
    replace(c, 4, 1);
    REQUIRE(is_here(c, 1));
    CHECK(c.at(1).find_replica(moving)->self().replica != first);
    c.kill(1);
    c.restart(1);
    c.run_for(std::chrono::seconds(5));
    REQUIRE(is_here(c, 1));
    CHECK(c.at(1).find_replica(moving)->self().replica != first);
    CHECK(c.at(1).find_replica(moving)->is_member());
}

TEST_CASE("a server that a cell left keeps nothing large of it") {
    colony c(4);
    c.found(moving, "volume", 3);
    std::size_t const large = 60'000;
    REQUIRE(c.commit(moving, kv::transaction().put("k", bytes(large, 'x'))).has_value());
    c.run_for(std::chrono::seconds(1));
    REQUIRE(c.at(1).statistics().replica_bytes > large);
    replace(c, 1, 4);
    c.run_for(std::chrono::seconds(5));
    REQUIRE(!is_here(c, 1));
    CHECK(c.at(1).statistics().replica_bytes < 4096);
    CHECK(c.at(1).statistics().cells == 0);
    CHECK(c.at(1).cells().empty());
    replace(c, 4, 1); // and it may come again
    REQUIRE(is_here(c, 1));
    CHECK(c.at(1).statistics().replica_bytes > large);
}

TEST_CASE("whoever comes to a server draws above what a replica that was destroyed there drew in this life") {
    colony c(4);
    c.found(moving, "volume", 3);
    REQUIRE(c.commit(moving, kv::transaction().add("n", 1)).has_value());
    replace(c, 1, 4);
    c.run_for(std::chrono::seconds(5));
    REQUIRE(!is_here(c, 1));
    cell_id const other{2, 2};
    c.found(other, "other", 3);
    CHECK(c.at(1).find_replica(other)->round_seen() >= round_number{1});
    CHECK(c.at(2).find_replica(other)->round_seen() == round_number{});
}

TEST_CASE("a newcomer that was taught and not used is given to whoever asks again") {
    colony c(4);
    c.found(moving, "volume", 3);
    REQUIRE(c.commit(moving, kv::transaction().put("k", bytes("a"))).has_value());
    auto const reserve = encode(reserve_request{moving, generation{1}});
    auto const first = c.ask(4, operation::reserve, moving, reserve);
    REQUIRE(first);
    // Taught, and the change that names it is void: computed from a configuration that never was.
    member const joins = decode_member(first->content.payload).value();
    replica const& leads = *c.at(c.leader(moving)).find_replica(moving);
    std::vector<member> const members{leads.members()[0], leads.members()[1], joins};
    configuration_change const late{slot{7}, configuration(members), {{joins.replica, 0, 1}}};
    (void)c.ask(c.leader(moving), operation::change_members, moving, encode(late));
    c.run_for(std::chrono::seconds(2));
    auto const again = c.ask(4, operation::reserve, moving, reserve);
    REQUIRE(again);
    REQUIRE(!again->content.failure);
    CHECK(decode_member(again->content.payload).value() == joins);
    auto const at_a_member = c.ask(1, operation::reserve, moving, reserve);
    REQUIRE(at_a_member);
    CHECK(at_a_member->content.failure == errc::already_exists);
}

// Trap 4. The acceptor that the record would make had voted under this name.
TEST_CASE("a founding record that arrives when its replica is gone again creates nothing") {
    server_options options;
    options.pointer_retention = std::chrono::minutes(1);
    colony c(4, options);
    bytes const delayed = encode(c.found(moving, "volume", 3));
    REQUIRE(c.commit(moving, kv::transaction().put("k", bytes("a"))).has_value());
    CHECK_FALSE(c.ask(1, operation::found, {}, delayed)->content.failure); // it is here already
    replica_id const first = c.at(1).find_replica(moving)->self().replica;
    replace(c, 1, 4);
    c.run_for(std::chrono::seconds(5));
    REQUIRE(!is_here(c, 1));
    auto const arrives = [&] {
        CHECK(c.ask(1, operation::found, {}, delayed)->content.failure == errc::conflict);
        c.run_for(std::chrono::seconds(1));
        CHECK(!is_here(c, 1));
        CHECK(c.at(1).statistics().cells == 0);
    };
    arrives();
    c.kill(1);
    c.restart(1);
    arrives();
    c.run_for(std::chrono::minutes(2)); // the pointer is forgotten, and all that is known of the replica
    CHECK(pointed_at_by(c, 1).empty());
    arrives();
    c.kill(1);
    c.restart(1);
    arrives();
    // A place that is reserved anew has another name, and the record has the old one.
    auto const reserved =
        c.ask(1, operation::reserve, moving, encode(reserve_request{moving, generation{1}}));
    REQUIRE(!reserved->content.failure);
    CHECK(decode_member(reserved->content.payload).value().replica != first);
    arrives();
    CHECK(c.at(1).statistics().reserved == 1);
    replace(c, 4, 1); // which is used
    CHECK(c.at(1).find_replica(moving)->self().replica ==
          decode_member(reserved->content.payload).value().replica);
    CHECK(c.ask(1, operation::found, {}, delayed)->content.failure == errc::already_exists);
    CHECK(c.at(1).find_replica(moving)->prefix() > slot{});
}

TEST_CASE("a founding record that is repeated while the first one waits for its flush founds once") {
    colony c(3);
    std::vector<member> members;
    for (std::size_t n = 1; n <= 3; ++n) {
        auto const reserved = c.ask(n, operation::reserve, {}, encode(reserve_request{moving, {1}}));
        members.push_back(decode_member(reserved.value().content.payload).value());
    }
    bytes const record =
        encode(snapshot{moving, "volume", {1}, 1, 3, {}, {{slot{1}, configuration(members)}}, {}, {}});
    c.hang_journal(1);
    auto const send = [&] { return c.ask(1, operation::found, {}, record); };
    CHECK_FALSE(send()); // it waits
    auto const again = send();
    REQUIRE(again);
    CHECK(again->content.failure == errc::overloaded);
    for (std::size_t n = 2; n <= 3; ++n)
        REQUIRE_FALSE(c.ask(n, operation::found, {}, record)->content.failure);
    c.flush_journal(1);
    c.settle();
    REQUIRE(is_here(c, 1));
    REQUIRE(c.commit(moving, kv::transaction().add("n", 1)).has_value());
    c.run_for(std::chrono::seconds(1));
    ballot const promised = c.at(1).find_replica(moving)->promised();
    CHECK(promised != ballot{});
    CHECK_FALSE(send()->content.failure);
    CHECK(c.at(1).find_replica(moving)->promised() == promised);
    CHECK(c.at(1).statistics().cells == 1);
}

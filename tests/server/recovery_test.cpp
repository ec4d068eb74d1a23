// A cell that lost its majority for good: its survivors are sealed, and it goes on under another id.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include <zooid/cell/recovery.hpp>

#include <algorithm>

using namespace zooid;

namespace {

cell_id const forked{2, 2};

bytes found_in(kept_reply const& reply) {
    auto const outcome = kv::decode_outcome(reply.content.payload).value();
    auto const* done = std::get_if<kv::committed>(&outcome);
    auto const* seen = done ? done->find("k") : nullptr;
    auto const* text = seen && seen->content ? std::get_if<bytes>(&*seen->content) : nullptr;
    return text ? *text : bytes("nothing");
}

bytes read_at(colony& c, std::size_t number, cell_id cell) {
    auto const reply = c.ask(number, operation::prefix_read, cell, kv::encode(kv::transaction().read("k")));
    REQUIRE(reply);
    if (reply->content.failure) return bytes(name_of(*reply->content.failure));
    return found_in(*reply);
}

survey_answer survey_at(colony& c, std::size_t number) {
    auto const reply = c.ask(number, operation::survey, volume, {});
    REQUIRE(reply);
    REQUIRE(!reply->content.failure);
    return decode_survey_answer(reply->content.payload).value();
}

std::vector<member> reserve_on(colony& c, std::vector<std::size_t> const& servers) {
    std::vector<member> members;
    for (std::size_t n : servers) {
        auto const reserved = c.ask(n, operation::reserve, {}, encode(reserve_request{forked, {2}}));
        members.push_back(decode_member(reserved.value().content.payload).value());
    }
    return members;
}

std::optional<survey_answer> seal_at(colony& c, std::size_t number, successor_cell const& to) {
    auto const reply = c.ask(number, operation::seal, volume, encode(to));
    if (!reply || reply->content.failure) return std::nullopt;
    return decode_survey_answer(reply->content.payload).value();
}

forked_founding founding_of(colony& c, std::vector<survey_answer> const& sealed_ones,
                            successor_cell const& to) {
    auto const base = std::get<recovery_base>(best_base(sealed_ones));
    auto const kept = c.ask(base.server.value, operation::kept_state, volume, {});
    REQUIRE(!kept->content.failure);
    return found_fork(base, decode_snapshot(kept->content.payload).value(), to, "a test");
}

/// Seven servers with one cell, of which 4 to 7 are lost; 8 and 9 are spare.
struct disaster {
    colony c{9};
    successor_cell to;

    disaster() {
        c.found(volume, "volume", 7);
        REQUIRE(c.commit(volume, put_once("first")).has_value());
        REQUIRE(c.commit(volume, put_once("last")).has_value());
        c.run_for(std::chrono::seconds(1));
        for (std::size_t n = 4; n <= 7; ++n)
            c.kill(n);
        c.run_for(std::chrono::seconds(2));
    }
    void reserve() { to = {forked, {2}, configuration(reserve_on(c, {1, 2, 3, 8, 9}))}; }
    void found(forked_founding const& f) {
        for (std::size_t n : {1, 2, 3, 8, 9})
            REQUIRE(!c.ask(n, operation::found_fork, forked, encode(f))->content.failure);
    }
};

} // namespace

TEST_CASE(
    "a sealed replica neither votes, answers nor learns, and says where the cell is, after a restart too") {
    disaster d;
    colony& c = d.c;
    d.reserve();
    successor_cell older = d.to, itself = d.to;
    older.birth = {1}, itself.cell = volume;
    CHECK(!seal_at(c, 1, older));
    CHECK(!seal_at(c, 1, itself));
    CHECK(!survey_at(c, 1).sealed_for);
    auto const told = seal_at(c, 1, d.to);
    REQUIRE(told);
    REQUIRE(told->sealed_for == d.to);
    CHECK(told->state_at == told->prefix);
    for (bool again : {false, true}) {
        if (again) c.kill(1), c.restart(1);
        CHECK(survey_at(c, 1).sealed_for == d.to);
        CHECK(read_at(c, 1, volume) == "not_here");
        auto const refused = c.ask(1, operation::strict_read, volume, {});
        CHECK(refused->content.failure == errc::not_here);
        CHECK(refused->content.cell == forked);
        CHECK(refused->content.members == d.to.members);
        CHECK(refused->content.detail.find("generation 2") != std::string::npos);
        auto const now = seal_at(c, 1, d.to); // the same again
        REQUIRE(now);
        CHECK(now->state_at == told->state_at);
        CHECK(now->state_digest == told->state_digest);
        CHECK(now->accepted == told->accepted);
        successor_cell other = d.to;
        other.cell = {3, 3};
        CHECK(!seal_at(c, 1, other));
    }
}

TEST_CASE("the lost majority comes back to a survivor that is sealed: whoever meets it is sealed as well") {
    disaster d;
    colony& c = d.c;
    d.reserve();
    REQUIRE(seal_at(c, 1, d.to));
    c.restart(4);
    c.run_for(std::chrono::seconds(5));
    auto const back = survey_at(c, 4);
    CHECK(back.sealed_for == d.to);
    CHECK(read_at(c, 4, volume) == "not_here");
    c.kill(4), c.restart(4);
    CHECK(survey_at(c, 4).sealed_for == d.to);
}

TEST_CASE("a recovered cell has all that a survivor knew, a mark in its log, and takes writes") {
    disaster d;
    colony& c = d.c;
    CHECK(!c.commit(volume, put_once("never")).has_value());
    d.reserve();
    std::vector<survey_answer> sealed_ones;
    for (std::size_t n : {1, 2, 3})
        sealed_ones.push_back(seal_at(c, n, d.to).value());
    auto const f = founding_of(c, sealed_ones, d.to);
    d.found(f);
    c.run_for(std::chrono::seconds(3));
    for (std::size_t n : {1, 2, 3, 8, 9}) {
        INFO("server " << n);
        bytes const there = read_at(c, n, forked);
        CHECK((there == "last" || there == "never")); // the latter was accepted here, and is taken over
        auto const& events = c.events(n);
        CHECK(std::any_of(events.begin(), events.end(), [&](server_event const& e) {
            auto const* mark = std::get_if<cell_recovered>(&e);
            return mark && mark->cell == forked && mark->mark.from == volume && mark->mark.words == "a test";
        }));
    }
    REQUIRE(c.commit(forked, put_once("after")).has_value());
    c.run_for(std::chrono::seconds(1));
    for (std::size_t n : {1, 9}) {
        CHECK(read_at(c, n, forked) == "after");
        c.kill(n), c.restart(n);
        c.run_for(std::chrono::seconds(1));
        CHECK(read_at(c, n, forked) == "after");
        CHECK(!c.ask(n, operation::found_fork, forked, encode(f))->content.failure); // it is there
        CHECK(read_at(c, n, forked) == "after");
    }
}

TEST_CASE("a founder of a fork has the state that its answers are labelled with from the first one on") {
    disaster d;
    colony& c = d.c;
    d.reserve();
    std::vector<survey_answer> sealed_ones;
    for (std::size_t n : {1, 2, 3})
        sealed_ones.push_back(seal_at(c, n, d.to).value());
    auto const f = founding_of(c, sealed_ones, d.to);
    REQUIRE(!c.ask(8, operation::found_fork, forked, encode(f))->content.failure);
    CHECK(read_at(c, 8, forked) == "last"); // in the very turn after
}

TEST_CASE("a fork is founded only with a state that is what it claims to be, where it was reserved") {
    disaster d;
    colony& c = d.c;
    d.reserve();
    CHECK(c.ask(2, operation::kept_state, volume, {})->content.failure == errc::conflict); // not sealed
    std::vector<survey_answer> const sealed_ones{seal_at(c, 1, d.to).value()};
    auto f = founding_of(c, sealed_ones, d.to);
    auto wrong = f;
    wrong.base.state_digest = {1, 1};
    CHECK(c.ask(8, operation::found_fork, forked, encode(wrong))->content.failure == errc::damaged);
    auto stranger = f;
    stranger.base.cell = {5, 5};
    CHECK(c.ask(8, operation::found_fork, {5, 5}, encode(stranger))->content.failure == errc::conflict);
    for (operation op : {operation::seal, operation::kept_state, operation::found_fork})
        CHECK(c.ask(2, op, volume, encode(d.to), party_role::client)->content.failure ==
              errc::permission_denied);
    CHECK(!c.ask(2, operation::survey, volume, {}, party_role::client)->content.failure);
    CHECK(c.ask(8, operation::survey, volume, {})->content.failure == errc::not_here);
}

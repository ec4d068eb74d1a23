// What a recovery decides by looking: when it refuses, which copy it takes, what it takes over above that.
#include "support/catch.hpp"

#include <zooid/cell/recovery.hpp>

#include <algorithm>

using namespace zooid;

namespace {

cell_id const old_cell{1, 1};
using kind = surveyed_server::kind;
using refused = recovery_refusal::reason;

member member_on(std::uint64_t server) {
    return {{server}, {server, server}, {100 + server}};
}

configuration on(std::vector<std::uint64_t> const& numbers) {
    std::vector<member> members;
    for (std::uint64_t s : numbers)
        members.push_back(member_on(s));
    return configuration(members);
}

configuration const seven = on({1, 2, 3, 4, 5, 6, 7});

entry command(std::string const& text) {
    shared_bytes const one(bytes{text});
    return entry::batch(std::span(&one, 1));
}

survey_answer knows(std::uint64_t server, std::uint64_t prefix, std::vector<governed> held = {{{1}, seven}}) {
    survey_answer a;
    a.cell = old_cell;
    a.key = "volume";
    a.birth = {4};
    a.self = member_on(server);
    a.prefix = a.state_at = {prefix};
    a.state_digest = {prefix, 7};
    a.held = std::move(held);
    return a;
}

survey_answer& accepts(survey_answer& a, std::uint64_t at, std::uint64_t round, std::string const& text) {
    entry const value = command(text);
    a.accepted.push_back({{at}, {{round}, {9}, {9}}, value.value_digest(), false, value});
    return a;
}

cell_survey survey_of(std::vector<survey_answer> const& answers,
                      std::vector<std::uint64_t> const& absent = {},
                      std::vector<std::uint64_t> const& silent = {}) {
    cell_survey s{old_cell, {}};
    for (survey_answer const& a : answers)
        s.servers.push_back({a.self.server, kind::answered, a});
    for (std::uint64_t server : absent)
        s.servers.push_back({{server}, kind::absent, {}});
    for (std::uint64_t server : silent)
        s.servers.push_back({{server}, kind::silent, {}});
    return s;
}

std::vector<server_id> ids(std::vector<std::uint64_t> const& numbers) {
    std::vector<server_id> all;
    for (std::uint64_t n : numbers)
        all.push_back({n});
    return all;
}

recovery_refusal refusal(cell_survey const& seen, std::vector<std::uint64_t> const& off = {},
                         cell_id founding = {}) {
    auto const came_to = plan_recovery(seen, ids(off), founding);
    REQUIRE(std::holds_alternative<recovery_refusal>(came_to));
    return std::get<recovery_refusal>(came_to);
}

recovery_plan plan(cell_survey const& seen, std::vector<std::uint64_t> const& off = {},
                   cell_id founding = {}) {
    auto const came_to = plan_recovery(seen, ids(off), founding);
    if (auto const* no = std::get_if<recovery_refusal>(&came_to)) FAIL(name_of(no->why));
    return std::get<recovery_plan>(came_to);
}

} // namespace

TEST_CASE("trap 13: a member that is only cut off is not lost, and its cell is refused") {
    auto const three = survey_of({knows(1, 5), knows(2, 5), knows(3, 5)}, {}, {4, 5, 6, 7});
    auto const no = refusal(three);
    CHECK(no.why == refused::unaccounted);
    CHECK(no.servers == ids({4, 5, 6, 7}));
    CHECK(refusal(three, {4, 5, 6}).servers == ids({7}));
    auto const yes = plan(three, {7, 4, 5, 6});
    CHECK(yes.base.at == slot{5});
    CHECK(yes.birth == generation{5});
    CHECK(yes.to_seal == ids({1, 2, 3}));
    CHECK(yes.off == ids({4, 5, 6, 7}));
}

TEST_CASE("a cell that still has a majority is refused, whatever is said to be off") {
    auto const four = survey_of({knows(1, 5), knows(2, 5), knows(3, 5), knows(4, 4)}, {}, {5, 6, 7});
    CHECK(refusal(four, {5, 6, 7}).why == refused::has_majority);
    auto wrong = knows(4, 4);
    wrong.quarantine = "outvoted", wrong.quarantined_for = distrust::learned;
    CHECK(refusal(survey_of({knows(1, 5), knows(2, 5), knows(3, 5), wrong}, {}, {5, 6, 7}), {5, 6, 7}).why ==
          refused::has_majority); // it is going to be healed
    for (auto const lost : {distrust::votes, distrust::everything}) {
        wrong.quarantined_for = lost;
        CHECK(plan(survey_of({knows(1, 5), knows(2, 5), knows(3, 5), wrong}, {}, {5, 6, 7}), {5, 6, 7})
                  .to_seal.size() == 4);
    }
}

TEST_CASE("a fork that is decided is finished even where the majority came back: all of it is sealed") {
    auto sealed = knows(1, 5);
    sealed.quarantine = "recovered", sealed.quarantined_for = distrust::sealed;
    sealed.sealed_for = successor_cell{{2, 2}, {5}, on({1, 2, 8})};
    std::vector<survey_answer> const back{sealed, knows(2, 5), knows(3, 5), knows(4, 8), knows(5, 8)};
    CHECK(refusal(survey_of(back, {6, 7}), {}).why == refused::recovered_before);
    auto const p = plan(survey_of(back, {6, 7}), {}, {2, 2});
    CHECK(p.to_seal == ids({1, 2, 3, 4, 5}));
    CHECK(p.base.at == slot{8});
    CHECK(refusal(survey_of(back, {6}, {7}), {}, {2, 2}).why == refused::unaccounted);
}

TEST_CASE("a server that is said to be off and answers is a mistake, not a plan") {
    auto const seen = survey_of({knows(1, 5), knows(2, 5)}, {3}, {4, 5, 6, 7});
    auto const no = refusal(seen, {2, 3, 4, 5, 6, 7});
    CHECK(no.why == refused::off_but_answers);
    CHECK(no.servers == ids({2, 3}));
    (void)plan(seen, {4, 5, 6, 7}); // 3 is up without its replica: that one is gone
}

TEST_CASE("a server outside of the cell that does not answer may hold what the survivors never heard of") {
    auto const seen = survey_of({knows(1, 5), knows(2, 5), knows(3, 5)}, {}, {4, 5, 6, 7, 8});
    CHECK(refusal(seen, {4, 5, 6, 7}).servers == ids({8}));
    (void)plan(survey_of({knows(1, 5), knows(2, 5), knows(3, 5)}, {8}, {4, 5, 6, 7}), {4, 5, 6, 7});
}

TEST_CASE("a member that nobody asked has to be accounted for as well") {
    auto const seen = survey_of({knows(1, 5), knows(2, 5), knows(3, 5)}, {}, {4, 5, 6});
    CHECK(refusal(seen, {4, 5, 6}).servers == ids({7}));
}

TEST_CASE("dead is a cell of which one configuration that is still needed has no majority") {
    std::vector<governed> const changing{{{1}, on({1, 2, 3})}, {{9}, on({1, 8, 9})}};
    auto const seen = survey_of(
        {knows(1, 6, changing), knows(2, 5, {changing[0]}), knows(3, 5, {changing[0]})}, {}, {8, 9});
    (void)plan(seen, {8, 9}); // slots up to 8 could be chosen, and none after
    std::vector<governed> const over{{{1}, on({4, 5, 6})}, {{3}, on({1, 2, 3})}};
    auto const alive = survey_of({knows(1, 6, over), knows(2, 6, over)}, {}, {3, 4, 5, 6});
    CHECK(refusal(alive, {3, 4, 5, 6}).why == refused::has_majority); // the old members are needed no more
}

TEST_CASE("only a member by its replica id counts, and only a replica that may vote") {
    auto stranger = knows(4, 5);
    stranger.self.replica = {999};
    auto sealed = knows(3, 5);
    sealed.quarantine = "recovered", sealed.quarantined_for = distrust::sealed;
    sealed.sealed_for = successor_cell{{2, 2}, {5}, on({1, 2, 8})};
    std::vector<survey_answer> const answers{knows(1, 5), knows(2, 5), sealed, stranger};
    CHECK(refusal(survey_of(answers, {}, {5, 6, 7}), {5, 6, 7}).why == refused::recovered_before);
    CHECK(refusal(survey_of(answers, {}, {5, 6, 7}), {5, 6, 7}, {3, 3}).why == refused::recovered_before);
    CHECK(plan(survey_of(answers, {}, {5, 6, 7}), {5, 6, 7}, {2, 2}).base.at == slot{5});
}

TEST_CASE("the base is the highest prefix whose owner can be believed") {
    auto ahead = knows(3, 9);
    ahead.quarantine = "an invariant", ahead.quarantined_for = distrust::state;
    auto const seen = survey_of({knows(1, 5), knows(2, 7), ahead}, {}, {4, 5, 6, 7});
    auto const p = plan(seen, {4, 5, 6, 7});
    CHECK(p.base.server == server_id{2});
    CHECK(p.base.at == slot{7});
    std::vector<survey_answer> const none{ahead};
    CHECK(std::get<recovery_refusal>(best_base(none)).why == refused::no_state);
}

TEST_CASE("survivors with different states after one slot are for a person to look at") {
    auto other = knows(2, 7);
    other.state_digest = {1, 1};
    auto const no = refusal(survey_of({knows(1, 7), other, knows(3, 6)}, {}, {4, 5, 6, 7}), {4, 5, 6, 7});
    CHECK(no.why == refused::states_differ);
    CHECK(no.servers == ids({1, 2}));
}

TEST_CASE("above the base the highest ballot is taken over, up to the first slot that nobody tells of") {
    auto a = knows(1, 5), b = knows(2, 5);
    accepts(a, 6, 1, "old"), accepts(b, 6, 2, "new"), accepts(a, 7, 1, "seven"), accepts(b, 9, 2, "nine");
    auto const p = plan(survey_of({a, b}, {}, {3, 4, 5, 6, 7}), {3, 4, 5, 6, 7});
    REQUIRE(p.base.taken.size() == 2);
    CHECK(p.base.taken[0].value == command("new"));
    CHECK(p.base.taken[1].value == command("seven"));
    CHECK(!p.base.taken[0].chosen);
    CHECK(p.base.left_out == std::vector<slot>{{9}});
    CHECK(p.base.known() == slot{5});
    CHECK(p.base.end() == slot{7});
}

TEST_CASE("what is known to be chosen outranks every ballot, and a value is taken from whoever can read it") {
    auto a = knows(1, 5), b = knows(2, 5), c = knows(3, 5);
    accepts(a, 6, 1, "chosen").accepted.back().chosen = true;
    accepts(b, 6, 8, "late");
    accepts(b, 7, 8, "rotten").accepted.back().value = {};
    accepts(c, 7, 3, "rotten");
    auto const p = plan(survey_of({c, b, a}, {}, {4, 5, 6, 7}), {4, 5, 6, 7});
    REQUIRE(p.base.taken.size() == 2);
    CHECK(p.base.taken[0].value == command("chosen"));
    CHECK(p.base.taken[0].chosen);
    CHECK(p.base.taken[1].value == command("rotten"));
    CHECK(p.base.known() == slot{6});
    accepts(c, 8, 1, "readable"), accepts(b, 8, 9, "not").accepted.back().value = {};
    auto const cut = plan(survey_of({c, b, a}, {}, {4, 5, 6, 7}), {4, 5, 6, 7});
    CHECK(cut.base.end() == slot{7}); // a vote of a higher ballot that nobody can read
    CHECK(cut.base.left_out == std::vector<slot>{{8}});
}

TEST_CASE(
    "an outvoted survivor's state is in doubt, and its log is not; of one that broke an invariant both") {
    auto a = knows(1, 5), outvoted = knows(2, 8), broken = knows(3, 6);
    outvoted.quarantine = "outvoted", outvoted.quarantined_for = distrust::learned;
    broken.quarantine = "an invariant", broken.quarantined_for = distrust::state;
    auto const taught = [&](std::uint64_t at, char const* value) {
        auto& one = accepts(outvoted, at, 1, value).accepted.back();
        one.chosen = true, one.accepted = {};
    };
    accepts(a, 6, 3, "failed"), taught(6, "taught");
    accepts(a, 7, 1, "right").accepted.back().chosen = true, taught(7, "wrong");
    accepts(outvoted, 8, 2, "vote"), accepts(broken, 8, 9, "broken").accepted.back().chosen = true;
    for (auto const& answers : {std::vector{a, outvoted, broken}, std::vector{broken, outvoted, a}}) {
        auto const p = plan(survey_of(answers, {4}, {5, 6, 7}), {5, 6, 7});
        CHECK(p.base.at == slot{5});
        REQUIRE(p.base.taken.size() == 3);
        CHECK(p.base.taken[0].value == command("taught"));
        CHECK(p.base.taken[1].value == command("right")); // by the word of one whose state is sound
        CHECK(p.base.taken[2].value == command("vote"));
        CHECK(!p.base.taken[2].chosen);
        CHECK(p.base.known() == slot{7});
    }
}

TEST_CASE("a cell that was never written has the state of its founding record, whatever its digest") {
    auto a = knows(1, 0), b = knows(2, 0);
    b.state_digest = {};
    std::vector<std::uint64_t> const off{3, 4, 5, 6, 7};
    CHECK(plan(survey_of({a, b}, {}, off), off).base == plan(survey_of({a}, {2}, off), off).base);
}

TEST_CASE("a confirmation holds for one situation, and for the seals that follow from it") {
    auto a = knows(1, 5), b = knows(2, 5);
    std::vector<std::uint64_t> const off{3, 4, 5, 6, 7};
    auto const first = plan(survey_of({a, b}, {}, off), off);
    digest const token = confirmation_of(first, ids({1, 2, 8}));
    CHECK(confirmation_of(first, ids({1, 2, 9})) != token);
    b.promised = {{77}, {1}, {1}}; // somebody stood for election meanwhile
    b.quarantine = "recovered", b.quarantined_for = distrust::sealed;
    b.sealed_for = successor_cell{{2, 2}, {5}, on({1, 2, 8})};
    CHECK(confirmation_of(plan(survey_of({a, b}, {}, off), off, {2, 2}), ids({1, 2, 8})) == token);
    accepts(a, 6, 1, "more");
    CHECK(confirmation_of(plan(survey_of({a, b}, {}, off), off, {2, 2}), ids({1, 2, 8})) != token);
}

TEST_CASE(
    "a fork begins where the base ends: changes of old members are nothing, a rise goes on, a mark is last") {
    snapshot state;
    state.cell = old_cell, state.key = "volume", state.birth = {4}, state.at = {5};
    state.configurations = {{{1}, seven}, {{7}, on({1, 2, 3})}};
    state.state = shared_bytes(bytes("state")), state.state_digest = {5, 7};
    recovery_base base{{1}, {5}, state.state_digest, {}, {}};
    std::vector<entry> const values{command("a"), entry::change({{}, on({1, 2, 3}), {}}),
                                    entry::raise({{4}, 2})};
    for (entry const& v : values)
        base.taken.push_back({base.end() + 1, {}, v.value_digest(), false, v});
    successor_cell const as{{2, 2}, {5}, on({1, 8, 9})};
    auto const f = found_fork(base, state, as, "a person");
    CHECK(f.base.cell == as.cell);
    CHECK(f.base.at == slot{5});
    CHECK(f.base.configurations == std::vector<governed>{{{6}, as.members}});
    REQUIRE(f.log.size() == 4);
    CHECK(f.log[0] == command("a"));
    CHECK(f.log[1] == entry::no_op());
    CHECK(f.log[2].raises() == version_rise{{3}, 2});
    CHECK(f.log[3].recovers() == recovery_mark{old_cell, {5}, {8}, "a person"});
    CHECK(decode_forked_founding(encode(f)).value() == f);
    auto const records = records_of(f);
    CHECK(records.front().at == slot{6});
    CHECK(std::all_of(records.begin(), records.end(), [](auto const& r) { return r.chosen; }));
    auto unmarked = f;
    unmarked.log.pop_back();
    CHECK(decode_forked_founding(encode(unmarked)).error() == errc::malformed);
}

TEST_CASE("a survey's answer survives its encoding, and no part of it decodes") {
    auto a = knows(2, 5);
    accepts(a, 6, 2, "x"), accepts(a, 7, 2, "y").accepted.back().value = {};
    a.quarantine = "recovered", a.quarantined_for = distrust::sealed;
    a.sealed_for = successor_cell{{2, 2}, {5}, on({1, 2, 8})};
    bytes const encoded = encode(a);
    CHECK(decode_survey_answer(encoded).value() == a);
    for (std::size_t size = 0; size < encoded.size(); ++size)
        CHECK(!decode_survey_answer(bytes_view(encoded).substr(0, size)));
}

#include "support/catch.hpp"
#include "support/sanitised.hpp"

#include "sim/generate_history.hpp"
#include "sim/linear_model.hpp"

#include <zooid/sim/linearizability.hpp>

#include <algorithm>
#include <array>

using namespace zooid;
using kv::committed;
using kv::transaction;
using kv::value;
using sim::call;
using sim::check_method;
using sim::history;
using sim::replies;
using sim::verdict;

namespace {

call make(std::int64_t from, std::int64_t until, transaction t, sim::ending ended,
          sim::call_kind kind = sim::call_kind::transaction) {
    return {{1}, "cell", kind, std::move(t), from, until, std::move(ended)};
}

call put(std::int64_t from, std::int64_t until, char const* content, std::uint64_t version) {
    return make(from, until, transaction().put("x", content), committed{{version}, {}});
}

call read(std::int64_t from, std::int64_t until, std::optional<value> content, std::uint64_t version,
          std::uint64_t cell_version) {
    committed seen{{cell_version}, {{0, {{"x", std::move(content), {version}}}}}};
    return make(from, until, transaction().read("x"), seen, sim::call_kind::strict_read);
}

call add(std::int64_t from, std::int64_t until, std::int64_t total, std::uint64_t version) {
    committed done{{version}, {{0, {{"x", value(total), {version}}}}}};
    return make(from, until, transaction().add("x", 1), done);
}

call unknown_put(std::int64_t from, char const* content) {
    return make(from, 0, transaction().put("x", content), sim::unknown{});
}

verdict by(history const& h, check_method method, replies compare) {
    sim::check_options options;
    options.method = method;
    options.compare = compare;
    options.minimise = sim::minimising::off;
    return sim::check_cell(h, options).decided;
}

/// Both ways of the checker and both comparisons.
void check_is(history const& h, verdict expected) {
    for (auto method : {check_method::claimed_order_then_search, check_method::search_only})
        for (auto compare : {replies::whole, replies::values})
            CHECK(by(h, method, compare) == expected);
}

std::uint64_t commits_of(history const& h) {
    std::uint64_t most = 0;
    for (call const& c : h)
        if (sim::is_known(c)) most = std::max(most, sim::claimed_version(c.ended).value);
    return most;
}

/// Every order of every subset of the open calls: for a handful of calls.
class brute_force {
  public:
    brute_force(history const& h, replies compare) : h_(h), compare_(compare), used_(h.size(), false) {}

    bool linearizable(kv::store const& state = {}) {
        bool all_known_used = true;
        for (std::size_t i = 0; i < h_.size(); ++i) {
            if (used_[i] || std::holds_alternative<sim::failed>(h_[i].ended)) continue;
            all_known_used = all_known_used && !sim::is_known(h_[i]);
            if (!may_be_next(i)) continue;
            kv::store after = state;
            auto const o =
                h_[i].kind == sim::call_kind::strict_read ? after.ask(h_[i].asked) : after.run(h_[i].asked);
            if (sim::is_known(h_[i]) && !sim::is_answer(h_[i].ended, o, compare_)) continue;
            used_[i] = true;
            bool const found = linearizable(after);
            used_[i] = false;
            if (found) return true;
        }
        return all_known_used;
    }

  private:
    bool may_be_next(std::size_t i) const {
        for (std::size_t k = 0; k < h_.size(); ++k)
            if (!used_[k] && sim::is_known(h_[k]) && h_[k].responded_ns < h_[i].invoked_ns) return false;
        return true;
    }

    history const& h_;
    replies compare_;
    std::vector<bool> used_;
};

} // namespace

TEST_CASE("no calls are linearizable") {
    check_is({}, verdict::linearizable);
    CHECK(sim::check_linearizability({}).decided == verdict::linearizable);
}

TEST_CASE("a read that overlaps a write may see either side of it") {
    check_is({put(0, 10, "a", 1), put(20, 40, "b", 2), read(25, 30, value("a"), 1, 1)},
             verdict::linearizable);
    check_is({put(0, 10, "a", 1), put(20, 40, "b", 2), read(25, 30, value("b"), 2, 2)},
             verdict::linearizable);
}

TEST_CASE("a stale read is violated") {
    check_is({put(0, 10, "a", 1), put(20, 30, "b", 2), read(31, 40, value("a"), 1, 1)}, verdict::violated);
}

TEST_CASE("a read of a value that nobody wrote is violated") {
    check_is({put(0, 10, "a", 1), read(20, 30, value("c"), 1, 1)}, verdict::violated);
}

TEST_CASE("a new value that is seen and then not seen is violated") {
    check_is({put(0, 10, "a", 1), put(20, 100, "b", 2), read(30, 40, value("b"), 2, 2),
              read(50, 60, value("a"), 1, 1)},
             verdict::violated);
}

TEST_CASE("a lost update is violated") {
    check_is({add(0, 10, 1, 1), add(5, 15, 1, 2)}, verdict::violated);
    check_is({put(0, 10, "a", 1), read(20, 30, std::nullopt, 0, 1)}, verdict::violated);
}

TEST_CASE("a retry that was applied twice is violated") {
    check_is({add(0, 10, 1, 1), add(20, 30, 3, 3)}, verdict::violated);
    check_is({add(0, 10, 1, 1), add(20, 30, 2, 2)}, verdict::linearizable);
}

TEST_CASE("an unknown call cannot take effect twice") {
    call open = add(0, 0, 0, 0);
    open.ended = sim::unknown{};
    check_is({open, add(20, 30, 2, 2)}, verdict::linearizable);
    check_is({open, add(20, 30, 3, 3)}, verdict::violated);
}

TEST_CASE("writes that took effect against the order of real time are violated") {
    check_is({put(0, 10, "a", 2), put(20, 30, "b", 1), read(40, 50, value("a"), 2, 2)}, verdict::violated);
}

TEST_CASE("a rejection that met what was not there is violated") {
    auto swap = [](std::int64_t from, std::int64_t until, std::int64_t met, std::uint64_t version) {
        kv::rejected r{kv::rejection::condition_failed, 0, {"x", value(met), {version}}, {version}};
        return make(from, until, transaction().require_equal("x", 7).put("x", 8), r);
    };
    check_is({add(0, 10, 1, 1), swap(20, 30, 1, 1)}, verdict::linearizable);
    check_is({add(0, 10, 1, 1), swap(20, 30, 2, 1)}, verdict::violated);
    check_is({add(0, 10, 1, 1), add(11, 15, 2, 2), swap(20, 30, 1, 1)}, verdict::violated);
}

TEST_CASE("an unknown write may take effect, much later, or never, but not before it was asked for") {
    call const open = unknown_put(5, "u");
    check_is({put(0, 3, "a", 1), open, read(900, 910, value("a"), 1, 1)}, verdict::linearizable);
    check_is({put(0, 3, "a", 1), open, read(900, 910, value("u"), 2, 2)}, verdict::linearizable);
    check_is({put(0, 3, "a", 1), open, read(10, 20, value("a"), 1, 1), read(900, 910, value("u"), 2, 2)},
             verdict::linearizable);
    check_is({put(0, 3, "a", 1), open, read(10, 20, value("u"), 2, 2), read(900, 910, value("a"), 1, 1)},
             verdict::violated);
    check_is({read(0, 4, value("u"), 1, 1), open}, verdict::violated);
}

TEST_CASE("a failed write that was seen is violated") {
    call lost = unknown_put(0, "f");
    lost.ended = sim::failed{};
    lost.responded_ns = 5;
    check_is({lost, read(10, 20, value("f"), 1, 1)}, verdict::violated);
    check_is({lost, read(10, 20, std::nullopt, 0, 0)}, verdict::linearizable);
}

TEST_CASE("right values with wrong versions are violated, and linearizable if only values count") {
    history const h{put(0, 10, "a", 1), put(20, 30, "b", 3)};
    CHECK(by(h, check_method::claimed_order_then_search, replies::whole) == verdict::violated);
    CHECK(by(h, check_method::claimed_order_then_search, replies::values) == verdict::linearizable);
}

TEST_CASE("a call that ends before it begins is violated") {
    auto const v = sim::check_cell({put(10, 0, "a", 1)});
    CHECK(v.decided == verdict::violated);
    CHECK(v.smallest.size() == 1);
}

TEST_CASE("each cell is checked by itself, and the worst decides") {
    history h{put(0, 10, "a", 1), put(20, 30, "b", 2)};
    call stale = read(40, 50, value("a"), 1, 1);
    stale.cell = "other";
    call fresh = put(0, 10, "a", 1);
    fresh.cell = "other";
    h.push_back(stale), h.push_back(fresh);
    CHECK(sim::check_linearizability(h).decided == verdict::linearizable);
    h.back().ended = committed{{7}, {}};
    auto const report = sim::check_linearizability(h);
    CHECK(report.decided == verdict::violated);
    REQUIRE(report.cells.size() == 2);
    CHECK(report.cells[0].decided == verdict::linearizable);
    CHECK(report.cells[1].cell == "other");
    CHECK(report.cells[1].decided == verdict::violated);
}

TEST_CASE("honest histories are linearizable, by the claimed order and by the search") {
    std::uint64_t const first = kv::test::seed_of_run(1);
    for (std::uint64_t seed = first; seed < first + 60; ++seed) {
        INFO(kv::test::replay_hint(seed));
        sim::test::history_generator generate(seed);
        history const h = generate.honest({.calls = 300, .overlap = 40, .unknown_percent = 4});
        CHECK(by(h, check_method::claimed_order_then_search, replies::whole) == verdict::linearizable);
        CHECK(by(h, check_method::search_only, replies::whole) == verdict::linearizable);
    }
}

namespace {

/// Of tiny histories, a third of them honest and the others with a lie: both methods say what brute force
/// says. How many histories had which verdict.
std::array<int, 3> counted_by_brute_force(std::uint64_t seeds, sim::test::shape (*shape_of)(std::uint64_t)) {
    std::uint64_t const first = kv::test::seed_of_run(1);
    std::array<int, 3> counted{};
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        INFO(kv::test::replay_hint(seed));
        sim::test::history_generator generate(seed);
        history h = generate.honest(shape_of(seed));
        if (seed % 3 != 0) generate.tell_a_lie(h);
        for (auto compare : {replies::whole, replies::values}) {
            bool const truth = brute_force(h, compare).linearizable();
            verdict const expected = truth ? verdict::linearizable : verdict::violated;
            REQUIRE(by(h, check_method::search_only, compare) == expected);
            REQUIRE(by(h, check_method::claimed_order_then_search, compare) == expected);
            if (seed % 3 == 0) REQUIRE(truth);
            ++counted[static_cast<std::size_t>(expected)];
        }
    }
    return counted;
}

} // namespace

TEST_CASE("the checker agrees with brute force on thousands of tiny histories, honest and lying") {
    auto const counted = counted_by_brute_force(6000, [](std::uint64_t seed) {
        return sim::test::shape{.calls = 2 + seed % 5, .overlap = seed % 3 * 15, .unknown_percent = 20};
    });
    CHECK(counted[static_cast<int>(verdict::violated)] > 1000); // lies were told, and many of them showed
    CHECK(counted[static_cast<int>(verdict::linearizable)] > 3000);
}

// Few different calls, most of them unknown, so that twins and versions that nobody was told abound.
TEST_CASE("the checker agrees with brute force where most calls are unknown") {
    auto const counted = counted_by_brute_force(3000, [](std::uint64_t seed) {
        sim::test::shape few{.calls = 4 + seed % 4, .overlap = seed % 3 * 15, .unknown_percent = 55};
        few.kinds = sim::test::asking::alike;
        return few;
    });
    CHECK(counted[static_cast<int>(verdict::violated)] > 500);
    CHECK(counted[static_cast<int>(verdict::linearizable)] > 2000);
}

TEST_CASE("the smallest history is violated, part of the whole, and keeps the lie") {
    std::uint64_t const first = kv::test::seed_of_run(1);
    for (std::uint64_t seed = first; seed < first + 20; ++seed) {
        INFO(kv::test::replay_hint(seed));
        sim::test::history_generator generate(seed);
        history h = generate.honest({.calls = 200, .overlap = 20, .unknown_percent = 0});
        std::int64_t const last = 1000 + 200 * 10;
        std::uint64_t const commits = commits_of(h);
        h.push_back(read(last + 500, last + 510, value("never written"), 1, commits));
        h.push_back(put(last + 600, last + 610, "after it", 9999));
        auto const v = sim::check_cell(h);
        REQUIRE(v.decided == verdict::violated);
        CHECK_FALSE(v.reason.empty());
        CHECK(v.smallest.size() < h.size());
        CHECK(v.smallest.size() < 20);
        sim::check_options from_there;
        from_there.initial = v.smallest_initial;
        CHECK(sim::check_cell(v.smallest, from_there).decided == verdict::violated);
        std::size_t pure = 0;
        for (call const& c : v.smallest)
            pure += sim::is_known(c) && sim::is_pure(c) ? 1 : 0;
        CHECK(pure == 1);
        CHECK(v.smallest.back().invoked_ns == last + 500);
    }
}

TEST_CASE("several lies in a long history are found, and the evidence is a violated history again") {
    std::uint64_t const first = kv::test::seed_of_run(1);
    int found = 0;
    for (std::uint64_t seed = first; seed < first + test_support::in_full(30, 8); ++seed) {
        INFO(kv::test::replay_hint(seed));
        sim::test::history_generator generate(seed);
        history h = generate.honest({.calls = 1000, .overlap = 60, .unknown_percent = seed % 3});
        for (int lie = 0; lie < 3; ++lie)
            generate.tell_a_lie(h);
        auto const v = sim::check_cell(h);
        if (v.decided != verdict::violated) continue;
        ++found;
        sim::check_options from_there;
        from_there.initial = v.smallest_initial;
        CHECK(sim::check_cell(v.smallest, from_there).decided == verdict::violated);
        CHECK(v.smallest.size() <= h.size());
    }
    CHECK(found > test_support::in_full(20, 4));
}

TEST_CASE("a search that runs out of steps says undecided, never violated") {
    history h;
    for (int i = 0; i < 14; ++i)
        h.push_back(make(0, 0, transaction().put("k" + std::to_string(i), i), sim::unknown{}));
    h.push_back(read(10, 20, std::nullopt, 0, 15)); // one commit more than there were calls
    sim::check_options options;
    options.steps_max = 500;
    auto const v = sim::check_cell(h, options);
    CHECK(v.decided == verdict::undecided);
    CHECK(v.steps >= 500);
    CHECK_FALSE(v.reason.empty());
}

TEST_CASE("a long history of many clients is decided in linear time by its claimed order") {
    sim::test::history_generator generate(1);
    history h = generate.honest({.calls = 20000, .overlap = 400, .unknown_percent = 0, .failed_percent = 1});
    auto const v = sim::check_cell(h);
    CHECK(v.decided == verdict::linearizable);
    CHECK(v.steps == 0);
}

namespace {

/// An add to a counter of everybody and to one of the client's own; null: its reply was lost.
call add_both(kv::store* cell, std::int64_t from, std::uint64_t client) {
    call c;
    c.client = {client};
    c.cell = "cell";
    c.asked = transaction().add("total", 1).add("own" + std::to_string(client), 1);
    c.invoked_ns = from;
    c.responded_ns = from + 5;
    if (cell) c.ended = std::get<committed>(cell->run(c.asked));
    return c;
}

} // namespace

// Two replies were lost, of client 1 and then of client 2, and one took effect. Both explain the next reply;
// only what client 2 is told later says that it was its own.
TEST_CASE("the claimed order guesses again when a later reply contradicts which lost call took effect") {
    kv::store cell;
    history h{add_both(nullptr, 0, 1), add_both(nullptr, 10, 2)};
    (void)cell.run(h[1].asked);
    h.push_back(add_both(&cell, 20, 3));
    h.push_back(add_both(&cell, 30, 2));
    h.push_back(add_both(&cell, 40, 1));
    CHECK(sim::claimed_order_holds(h, {}));

    h[1].ended = sim::failed{}; // so the other one did, and what client 2 was told is a lie
    CHECK_FALSE(sim::claimed_order_holds(h, {}));
    CHECK(sim::check_cell(h).decided == verdict::violated);
}

namespace {

/// An outage: each of many clients loses several replies in a row, and any of those calls may have taken
/// effect. Then each is answered again, the last one first.
struct outage {
    static constexpr std::uint64_t clients = 10;
    history calls;

    explicit outage(std::uint64_t seed) {
        std::vector<std::uint64_t> applied(clients);
        prng random(seed);
        kv::store cell;
        std::int64_t now = 0;
        for (std::uint64_t c = 0; c < clients; ++c)
            calls.push_back(add_both(&cell, now += 10, c));
        for (std::uint64_t round = 0; round < 3; ++round)
            for (std::uint64_t c = 0; c < clients; ++c)
                calls.push_back(add_both(nullptr, now += 10, c));
        for (std::uint64_t i = 0; i < 12; ++i) {
            std::uint64_t const c = random.below(clients);
            if (applied[c] == 3) continue;
            ++applied[c];
            (void)add_both(&cell, 0, c);
        }
        for (std::uint64_t c = clients; c-- > 0;)
            calls.push_back(add_both(&cell, now += 10, c));
    }
};

} // namespace

TEST_CASE("an outage that leaves thirty unknown calls, some of which took effect, is decided") {
    std::uint64_t const first = kv::test::seed_of_run(1);
    for (std::uint64_t seed = first; seed < first + test_support::in_full(4, 1); ++seed) {
        INFO(kv::test::replay_hint(seed));
        history h = outage(seed).calls;
        CHECK(by(h, check_method::claimed_order_then_search, replies::whole) == verdict::linearizable);
        CHECK(by(h, check_method::search_only, replies::whole) == verdict::linearizable);

        // One client is told of an effect more than it can have had.
        auto& last = std::get<committed>(h.back().ended);
        last.results[1].entries[0].content = value(6);
        CHECK(by(h, check_method::claimed_order_then_search, replies::whole) == verdict::violated);
        CHECK(by(h, check_method::search_only, replies::whole) == verdict::violated);
    }
}

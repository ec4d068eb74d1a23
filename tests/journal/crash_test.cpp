// Loss of power at every step, with sectors landing in any order, twice in a row.
#include "journal/rig.hpp"
#include "support/catch.hpp"

using namespace zooid;
using namespace zooid::journal_test;

namespace {

workload small_work(std::uint64_t salt, std::size_t appends) {
    workload work;
    auto const text = [&](std::size_t i) { return std::to_string(salt) + "/" + std::to_string(i); };
    for (std::size_t i = 1; i <= appends; ++i) {
        std::uint64_t const replica = 1 + i % 3;
        std::vector<record> append;
        append.push_back(make(record_kind::reserved, replica, 0, "r"));
        append.push_back(make(record_kind::promise, replica, 0, "p" + text(i)));
        append.push_back(make(record_kind::acceptance, replica, 100 * salt + i, "a" + text(i)));
        append.push_back(make(record_kind::value, replica, 100 * salt + i, std::string(i * 97 % 900, 'v')));
        if (i % 4 == 0)
            append.push_back(make(record_kind::checkpoint, replica, 100 * salt + i - 1, "state" + text(i)));
        if (i % 5 == 0) append.push_back(make(record_kind::server, 0, i, "heard" + text(i)));
        work.push_back(append);
    }
    return work;
}

// Calls `visit(image)` for crash images of the disk: all of them while they are few, else `samples` drawn
// ones.
template <class Visit>
void each_crash(crash_disk const& disk, prng& random, std::size_t samples, Visit visit) {
    std::size_t const n = disk.loose_sectors();
    if (n <= 4) {
        for (std::size_t mask = 0; mask < std::size_t{1} << n; ++mask) {
            visit(disk.crash([&](std::size_t i) { return (mask >> i & 1) != 0; }));
        }
        return;
    }
    visit(disk.crash([](std::size_t) { return true; }));
    visit(disk.crash([](std::size_t i) { return i != 0; })); // all but the header
    for (std::size_t k = 0; k < samples; ++k)
        visit(disk.crash([&](std::size_t) { return random.chance(1, 2); }));
}

std::size_t steps_of(disk_image const& image, workload const& work, std::size_t together) {
    rig r(image, small_options(), 9);
    r.run(work, to_the_end, together);
    REQUIRE(r.acknowledged == work.size());
    return r.steps;
}

} // namespace

TEST_CASE(
    "after a loss of power at any step the journal holds a prefix with all that was acknowledged, and so "
    "again after a second loss") {
    auto const together = GENERATE(std::size_t{1}, std::size_t{3});
    std::uint64_t const seed = 20260;
    INFO("seed " << seed << ", appends at a time " << together);
    prng random(seed);
    auto const image = format_journal(the_journal, small_options());
    auto const first = small_work(1, 60), second = small_work(2, 4);
    auto const models = models_of({}, first);
    auto const steps = steps_of(image, first, together);
    std::size_t crashes = 0, torn = 0;
    for (std::size_t at = 0; at <= steps; ++at) {
        rig one(image, small_options(), 2);
        one.run(first, at, together);
        each_crash(one.disk, random, 6, [&](disk_image const& crashed) {
            ++crashes;
            rig probe(crashed, small_options(), 3);
            INFO("first crash at step " << at << " of " << steps);
            REQUIRE(probe.content.damage.empty());
            torn += probe.content.tail_bytes_cut != 0;
            auto const n = legal_state(probe.content, models, one.acknowledged, one.submitted);
            REQUIRE(n);
            auto const later = models_of(models[*n], second);
            auto const more = 3 + random.below(12);
            for (std::size_t until = random.below(3); until < 16; until += more) {
                rig two(crashed, small_options(), 3);
                two.run(second, until, together);
                auto const lucky = random.next();
                auto const image_two =
                    two.disk.crash([&](std::size_t i) { return (lucky >> (i % 64) & 1) != 0; });
                auto const again = recover_journal(the_journal, small_options(), image_two);
                INFO("second crash at step " << until);
                REQUIRE(again);
                REQUIRE(again.value().content.damage.empty());
                REQUIRE(legal_state(again.value().content, later, two.acknowledged, two.submitted));
            }
        });
    }
    CHECK(crashes > 200);
    CHECK(torn > 20);
}

TEST_CASE("every crash state of a short life, and every crash state of the life after it, keeps all that was "
          "acknowledged") {
    // Nothing is drawn: each step, each subset of the sectors that were not flushed, twice in a row.
    auto const image = format_journal(the_journal, small_options());
    workload first, second;
    for (std::uint64_t i = 1; i <= 3; ++i) {
        first.push_back({make(record_kind::reserved, i, 0, "r"),
                         make(record_kind::promise, i, 0, std::string(i * 400, 'p'))});
    }
    second.push_back(
        {make(record_kind::acceptance, 1, 1, "a"), make(record_kind::value, 1, 1, std::string(1200, 'v'))});
    second.push_back({make(record_kind::promise, 2, 0, std::string(800, 'q'))});
    auto const models = models_of({}, first);
    auto const each_state = [](crash_disk const& disk, auto const& visit) {
        std::size_t const n = disk.loose_sectors();
        REQUIRE(n <= 8);
        for (std::size_t mask = 0; mask < std::size_t{1} << n; ++mask)
            visit(disk.crash([&](std::size_t i) { return (mask >> i & 1) != 0; }));
    };
    std::size_t states = 0, states_after = 0;
    std::set<disk_image> seen;
    auto const steps = steps_of(image, first, 1);
    for (std::size_t at = 0; at <= steps; ++at) {
        rig one(image, small_options(), 2);
        one.run(first, at);
        each_state(one.disk, [&](disk_image const& crashed) {
            ++states;
            rig probe(crashed, small_options(), 3);
            REQUIRE(probe.content.damage.empty());
            auto const n = legal_state(probe.content, models, one.acknowledged, one.submitted);
            REQUIRE(n);
            if (!seen.insert(crashed).second) return; // the life after it is the same
            auto const later = models_of(models[*n], second);
            auto const steps_after = [&] {
                rig r(crashed, small_options(), 3);
                r.run(second, to_the_end);
                REQUIRE(r.acknowledged == second.size());
                return r.steps;
            }();
            for (std::size_t until = 0; until <= steps_after; ++until) {
                rig two(crashed, small_options(), 3);
                two.run(second, until);
                each_state(two.disk, [&](disk_image const& again) {
                    ++states_after;
                    auto const r = recover_journal(the_journal, small_options(), again);
                    INFO("steps " << at << " and " << until);
                    REQUIRE(r);
                    REQUIRE(r.value().content.damage.empty());
                    REQUIRE(legal_state(r.value().content, later, two.acknowledged, two.submitted));
                });
            }
        });
    }
    CHECK(states > 40);
    CHECK(states_after > 800);
}

TEST_CASE(
    "a process that is killed leaves all that it wrote, and what recovery trusted then survives a loss of "
    "power") {
    // 1. Written, not flushed, SIGKILL. 2. Recovery reads it from the page cache. 3. Once secured, power cut.
    auto const image = format_journal(the_journal, small_options());
    auto const work = small_work(1, 6);
    auto const models = models_of({}, work);
    auto const steps = steps_of(image, work, 1);
    for (std::size_t at = 0; at <= steps; ++at) {
        rig one(image, small_options(), 2);
        one.run(work, at);
        // The page cache is clean after a failed flush: the second disk knows only the durable bytes, and
        // flushing alone would not write the others.
        rig two(one.disk.killed(), small_options(), 3);
        auto const n = legal_state(two.content, models, one.acknowledged, one.submitted);
        REQUIRE(n);
        two.collect();
        crash_disk lost(one.disk.crash([](std::size_t) { return false; }));
        bytes read;
        auto const& securing = two.tasks.front();
        bool possible = true;
        for (auto const& step : securing.steps) {
            if (auto const* f = std::get_if<io_flush>(&step)) {
                possible = possible && lost.killed().contains(f->segment);
            }
            if (possible) lost.carry_out(step, read);
        }
        if (!possible) continue; // a segment that nothing was ever promised in
        auto const after = recover_journal(the_journal, small_options(), lost.killed());
        REQUIRE(after);
        CHECK(all_records(after.value().content) == models[*n].replica_records());
        CHECK(after.value().content.damage.empty());
    }
}

TEST_CASE(
    "each write and flush of a workload fails once: nothing is acknowledged after it, and a restart holds "
    "all that was") {
    bool const half_done = GENERATE(false, true);
    auto const image = format_journal(the_journal, small_options());
    auto const work = small_work(1, 14);
    auto const models = models_of({}, work);
    auto const steps = steps_of(image, work, 2);
    for (std::size_t at = 0; at < steps; ++at) {
        rig one(image, small_options(), 2);
        one.fail_step = at;
        one.fails_half_done = half_done;
        one.run(work, to_the_end, 2);
        INFO("failed step " << at << " of " << steps);
        REQUIRE(one.failures <= 1);
        auto const acknowledged = one.acknowledged;
        if (one.failures == 1) {
            one.run(work, to_the_end, 4);
            one.log->probe({}, one.effects);
            one.collect();
            CHECK(one.tasks.empty());
            CHECK(one.acknowledged == acknowledged);
        }
        for (bool const landed : {false, true}) {
            rig two(one.disk.crash([&](std::size_t) { return landed; }), small_options(), 3);
            CHECK(two.content.damage.empty());
            auto const n = legal_state(two.content, models, acknowledged, one.submitted);
            REQUIRE(n);
            auto const more = small_work(2, 3);
            two.run(more, to_the_end);
            CHECK(two.acknowledged == more.size());
        }
    }
}

TEST_CASE("a full disk stalls appends without losing any, and a start needs no space") {
    bool const half_done = GENERATE(false, true);
    auto const image = format_journal(the_journal, small_options());
    auto const work = small_work(1, 12);
    auto const models = models_of({}, work);
    auto const steps = steps_of(image, work, 1);
    for (std::size_t at = 0; at < steps; ++at) {
        rig one(image, small_options(), 2);
        one.fail_step = at;
        one.fail_with = errc::no_space;
        one.fails_half_done = half_done;
        one.run(work, to_the_end);
        INFO("full at step " << at);
        if (one.failures == 0) {
            // The space is back: the next probe asks for it.
            one.log->probe({}, one.effects);
            one.run(work, to_the_end);
            CHECK(one.acknowledged == work.size());
        }
        rig two(one.disk.crash([](std::size_t) { return true; }), small_options(), 3);
        REQUIRE(legal_state(two.content, models, one.acknowledged, one.submitted));
    }
}

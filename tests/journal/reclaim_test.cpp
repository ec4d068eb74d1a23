// Reclaiming under many cells, claims, group commit, and the journal in memory.
#include "journal/rig.hpp"
#include "support/catch.hpp"

#include <zooid/journal/memory_journal.hpp>

#include <malloc.h>

using namespace zooid;
using namespace zooid::journal_test;

namespace {

// Forty cells come, write at different paces, checkpoint, and some are destroyed.
std::vector<record> random_append(prng& random, std::vector<std::uint64_t>& slots, std::vector<bool>& gone) {
    std::uint64_t i = random.below(slots.size());
    while (gone[i])
        i = (i + 1) % slots.size();
    auto const pace = random.below(4);
    if (pace != 0) i = i % 4; // a few are busy, most are cold
    if (gone[i]) i = 4;
    if (gone[i]) return {make(record_kind::server, 0, 1, "idle")};
    std::vector<record> append;
    auto const id = i + 1;
    if (slots[i]++ == 0) append.push_back(make(record_kind::reserved, id, 0, "founded"));
    append.push_back(make(record_kind::promise, id, 0, "p" + std::to_string(slots[i])));
    append.push_back(make(record_kind::acceptance, id, slots[i], "a"));
    append.push_back(make(record_kind::value, id, slots[i], std::string(random.below(300), 'v')));
    if (random.chance(1, 6))
        append.push_back(make(record_kind::checkpoint, id, slots[i], std::string(500, 's')));
    if (i > 8 && random.chance(1, 10)) append = {make(record_kind::forget, id, 0, "")}, gone[i] = true;
    return append;
}

struct listener final : journal_listener {
    void secured() override { ++secured_calls; }
    void persisted(std::uint64_t sequence_number) override { last = sequence_number; }
    void failed(error const&) override { ++failed_calls; }
    void stalled(error const&) override {}
    void damage_found(journal_damage const&) override {}
    std::uint64_t last = 0;
    int secured_calls = 0, failed_calls = 0;
};

} // namespace

TEST_CASE("forty cells on one journal keep all their live records through reclaiming and restarts after each "
          "removal") {
    std::uint64_t const seed = 77;
    INFO("seed " << seed);
    prng random(seed);
    std::vector<std::uint64_t> slots(40);
    std::vector<bool> gone(40);
    auto image = format_journal(the_journal, small_options());
    model expected;
    std::uint64_t removed = 0, life = 2, moved = 0;
    for (int round = 0; round < 150; ++round) {
        rig r(image, small_options(), life++);
        REQUIRE(r.content.damage.empty());
        REQUIRE(all_records(r.content) == expected.replica_records());
        workload work;
        for (int i = 0; i < 20; ++i)
            work.push_back(random_append(random, slots, gone));
        // Until a segment was removed, or all is appended.
        for (std::size_t until = 4; r.acknowledged < work.size(); until += 2) {
            r.run(work, until, 2);
            if (r.log->statistics().segments_removed > 1 && r.acknowledged > 3) break;
        }
        removed += r.log->statistics().segments_removed;
        moved += r.log->statistics().records_moved;
        auto const models = models_of(expected, work);
        image =
            random.chance(1, 2) ? r.disk.killed() : r.disk.crash([](std::size_t i) { return i % 2 != 0; });
        auto const again = recover_journal(the_journal, small_options(), image);
        REQUIRE(again);
        INFO("round " << round);
        auto const n = legal_state(again.value().content, models, r.acknowledged, r.submitted);
        REQUIRE(n);
        expected = models[*n];
        for (std::size_t i = *n; i < work.size(); ++i) { // what was lost will not be taken for done
            for (auto const& x : work[i]) {
                if (x.kind == record_kind::forget) gone[x.replica.value - 1] = false;
                if (x.kind == record_kind::reserved) slots[x.replica.value - 1] = 0;
            }
        }
    }
    CHECK(removed > 100);
    CHECK(moved > 100);
    // Left alone, it gives back what it does not need.
    rig last(image, small_options(), life);
    last.run({{make(record_kind::server, 0, 1, "idle")}}, to_the_end);
    auto const now = last.log->statistics();
    INFO("live " << now.live_bytes);
    CHECK(now.segment_bytes < 64 * 1024 + 3 * now.live_bytes);
}

TEST_CASE(
    "with more live records than small segments can list, segments grow and reclaiming comes to an end") {
    journal_options const options{.block_bytes = 512, .segment_bytes = 16 * 512, .reclaim_bytes_max = 65536};
    rig r(format_journal(the_journal, options), options, 2);
    workload work;
    for (std::uint64_t i = 1; i <= 1500; ++i) {
        work.push_back({make(record_kind::reserved, i, 0, "r"),
                        make(record_kind::checkpoint, i, 1, std::string(1800, 's'))});
    }
    r.run(work, 400'000, 4);
    CHECK(r.acknowledged == work.size());
    CHECK(r.tasks.empty()); // it rests
    auto const now = r.log->statistics();
    CHECK(now.segments < 300); // of 8 KiB it would take more than 400
    CHECK(now.segment_bytes < 3 * now.live_bytes);
}

TEST_CASE("all that arrives during a flush shares the next one") {
    rig r(format_journal(the_journal, journal_options{}), journal_options{}, 2);
    r.run({}, to_the_end);
    workload work(100, {make(record_kind::promise, 1, 0, "p")});
    r.run(work, to_the_end, 100);
    CHECK(r.acknowledged == 100);
    CHECK(r.log->statistics().batches <= 3);
}

TEST_CASE("under a backlog that never empties the log keeps no bytes of what it has written") {
    journal_options const options{.block_bytes = 512, .segment_bytes = 512 * 512, .batch_bytes_max = 512};
    rig r(format_journal(the_journal, options), options, 2);
    r.run({}, to_the_end);
    auto const in_use = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
    std::size_t early = 0;
    for (int i = 0; i < 2000; ++i) {
        r.submit({make(record_kind::promise, 1, 0, std::string(16384, 'p'))});
        r.collect();
        while (r.submitted - r.acknowledged > 4)
            r.finish_next();
        if (i == 200) early = in_use();
    }
    auto const late = in_use();
    INFO("early " << early << ", late " << late);
    CHECK(late < early + (4 << 20)); // 29 MiB were written meanwhile
}

TEST_CASE("a segment number beyond 32 bits is refused") {
    auto image = format_journal(the_journal, small_options());
    image.emplace((std::uint64_t{1} << 32) - 1, std::string(16 * 512, '\0'));
    CHECK(recover_journal(the_journal, small_options(), image));
    image.emplace(std::uint64_t{1} << 32, std::string(16 * 512, '\0'));
    auto const refused = recover_journal(the_journal, small_options(), image);
    REQUIRE(!refused);
    CHECK(refused.error() == errc::malformed);
    CHECK(refused.error().detail().find("0000000100000000") != std::string_view::npos);
}

TEST_CASE("a record of 1.1 MiB fits, whatever the size of a segment") {
    rig r(format_journal(the_journal, small_options()), small_options(), 2);
    auto const big = make(record_kind::checkpoint, 1, 4, std::string(1126400, 'c'));
    r.run({{make(record_kind::reserved, 1, 0, "r")}, {big}, {make(record_kind::promise, 1, 0, "p")}},
          to_the_end);
    REQUIRE(r.acknowledged == 3);
    auto const again = recover_journal(the_journal, small_options(), r.disk.killed());
    REQUIRE(again);
    CHECK(again.value().content.replicas.at(0).records.size() == 3);
}

// Appends arrive faster than segments: each is too small for what waits when it is there.
TEST_CASE("a hundred segments that turned out too small are given back in the batch that fits at last") {
    auto options = small_options();
    options.batch_bytes_max = 512 * 512;
    rig r(format_journal(the_journal, options), options, 2);
    r.run({}, to_the_end);
    std::uint64_t at = 0;
    r.submit({make(record_kind::reserved, 1, 0, "r"),
              make(record_kind::value, 1, ++at, std::string(options.segment_bytes, 'v'))});
    r.collect();
    std::uint64_t too_small = 0;
    while (!r.tasks.empty() && std::holds_alternative<io_create>(r.tasks.front().steps.front())) {
        ++too_small;
        r.submit({make(record_kind::value, 1, ++at, std::string(2000, 'v'))});
        r.finish_next();
    }
    CHECK(too_small > 100);
    r.run(workload(r.submitted), to_the_end);
    CHECK(r.acknowledged == r.submitted);
    auto const again = recover_journal(the_journal, options, r.disk.killed());
    REQUIRE(again);
    CHECK(again.value().content.damage.empty());
    CHECK(again.value().content.replicas.at(0).records.size() == at + 1);
}

TEST_CASE(
    "a journal that went back in time lacks a batch that a peer heard of, and a fork has another hash") {
    auto const work = workload(6, {make(record_kind::promise, 1, 0, "p")});
    rig r(format_journal(the_journal, small_options()), small_options(), 2);
    r.run({work[0], work[1]}, to_the_end);
    auto const old_image = r.disk.killed();
    auto const early = r.log->claim();
    r.run(work, to_the_end);
    auto const heard = r.log->claim();
    CHECK(heard.batch > early.batch);
    CHECK(r.log->check(early) == claim_verdict::consistent);
    rig back(old_image, small_options(), 3);
    CHECK(back.log->check(heard) == claim_verdict::lacking);
    CHECK(back.log->check(early) == claim_verdict::consistent);
    CHECK(back.content.last.batch == early.batch);
    CHECK(back.content.last.chain == early.chain);
    back.run(work, to_the_end);
    CHECK(back.log->check(heard) == claim_verdict::forked);
    CHECK(back.log->check({{1, 1}, {}, 1, 1}) == claim_verdict::foreign);
}

TEST_CASE("the journal in memory forgets what was not flushed, and latches like a real one") {
    auto image = format_journal(the_journal, small_options());
    auto opened = memory_journal::open(the_journal, life_id{2}, small_options(), image);
    REQUIRE(opened);
    listener heard;
    auto& j = *opened.value();
    j.start(heard);
    std::vector<record> one{make(record_kind::promise, 1, 0, "p")};
    j.append(time_point{}, 1, one);
    CHECK(heard.last == 0);
    CHECK(j.outstanding_age(time_point{} + std::chrono::seconds(3)) == std::chrono::seconds(3));
    CHECK(recover_journal(the_journal, small_options(), j.disk().flushed()).value().content.replicas.empty());
    j.flush();
    CHECK(heard.secured_calls == 1);
    CHECK(heard.last == 1);
    CHECK(j.outstanding_age(time_point{} + std::chrono::seconds(3)) == duration{});
    CHECK(recover_journal(the_journal, small_options(), j.disk().flushed()).value().content.replicas.size() ==
          1);
    one = {make(record_kind::promise, 1, 0, "q")};
    j.append(time_point{}, 2, one);
    j.fail_next_task();
    j.flush();
    j.probe(time_point{});
    j.flush();
    CHECK(heard.failed_calls == 1);
    CHECK(heard.last == 1);
}

// A disk on which no further segment fits, and a process that may open no further file.
#include "journal/format.hpp"
#include "journal/rig.hpp"
#include "support/catch.hpp"

using namespace zooid;
using namespace zooid::journal_test;

namespace {

// Few live bytes: all but the last two segments can be given back.
workload overwriting(std::uint64_t salt, std::size_t appends) {
    workload work;
    for (std::size_t i = 1; i <= appends; ++i) {
        auto const text = std::to_string(salt) + "/" + std::to_string(i);
        work.push_back({make(record_kind::reserved, 1 + i % 2, 0, "r"),
                        make(record_kind::promise, 1 + i % 2, 0, text + std::string(i * 131 % 900, 'p'))});
    }
    return work;
}

std::uint64_t bytes_of(disk_image const& image) {
    std::uint64_t sum = 0;
    for (auto const& [number, content] : image)
        sum += content.size();
    return sum;
}

struct restarted {
    rig life;
    restarted(disk_image const& image, workload const& work, std::uint64_t capacity)
        : life(image, small_options(), 3) {
        life.capacity = capacity;
        life.run(work, to_the_end);
        for (int i = 0; i < 3; ++i) {
            life.log->probe({}, life.effects);
            life.run(work, to_the_end);
        }
    }
};

} // namespace

TEST_CASE("a restart on a full disk goes on in the segment that the last life prepared, however that ended") {
    auto const image = format_journal(the_journal, small_options());
    auto const work = overwriting(1, 8), more = overwriting(2, 2);
    auto const models = models_of({}, work);
    std::size_t with_spare = 0;
    for (std::size_t at = 0; at < 60; ++at) {
        rig one(image, small_options(), 2);
        one.run(work, at);
        for (bool const power_lost : {false, true}) {
            auto const left =
                power_lost ? one.disk.crash([](std::size_t i) { return i % 2 == 0; }) : one.disk.killed();
            auto const& last = left.rbegin()->second;
            bool const spare = last.size() == small_options().segment_bytes && last.front() == 'z' &&
                               last.find_first_not_of('\0', 64) == bytes::npos;
            restarted two(left, more, bytes_of(left));
            INFO("ended at step " << at << (power_lost ? " by a loss of power" : ""));
            CHECK(two.life.content.damage.empty());
            auto const n = legal_state(two.life.content, models, one.acknowledged, one.submitted);
            REQUIRE(n);
            REQUIRE(two.life.failures == 0);
            if (!spare) continue;
            ++with_spare;
            REQUIRE(two.life.acknowledged == more.size());
            auto const later = models_of(models[*n], more);
            for (bool const landed : {false, true}) {
                auto const again = recover_journal(the_journal, small_options(),
                                                   two.life.disk.crash([&](std::size_t) { return landed; }));
                REQUIRE(again);
                CHECK(again.value().content.damage.empty());
                CHECK(legal_state(again.value().content, later, more.size(), more.size()));
            }
        }
    }
    CHECK(with_spare > 20);
}

TEST_CASE("a loss of power while a restart goes on in a prepared segment loses nothing, at any step") {
    auto const image = format_journal(the_journal, small_options());
    auto const work = overwriting(1, 4), more = overwriting(2, 3);
    rig one(image, small_options(), 2);
    one.run(work, to_the_end);
    auto const& left = one.disk.killed();
    auto const models = models_of(models_of({}, work).back(), more);
    for (std::size_t at = 0; at < 24; ++at) {
        for (std::size_t landing = 0; landing < 4; ++landing) {
            rig two(left, small_options(), 3);
            two.capacity = bytes_of(left);
            two.run(more, at);
            auto const crashed = two.disk.crash([&](std::size_t i) { return (landing >> (i % 2) & 1) != 0; });
            restarted three(crashed, {}, bytes_of(left));
            INFO("step " << at << ", landing " << landing);
            CHECK(three.life.content.damage.empty());
            CHECK(legal_state(three.life.content, models, two.acknowledged, two.submitted));
            CHECK(three.life.secured);
        }
    }
}

TEST_CASE("a restart on a full disk gives back at once what the log knows nothing of, and goes on") {
    bool const removed_lies_there = GENERATE(false, true);
    auto const image = format_journal(the_journal, small_options());
    auto const work = overwriting(1, 20), more = overwriting(2, 2);
    auto const models = models_of({}, work);
    std::size_t seen = 0;
    for (std::size_t at = 20; at < 200; ++at) {
        rig one(image, small_options(), 2);
        one.run(work, at);
        auto left = one.disk.killed();
        bool const in_part = left.rbegin()->second.front() == '\0'; // zeros, and no header yet
        if (!in_part || left.contains(1)) continue;
        ++seen;
        if (removed_lies_there) { // the log said so, the machine stopped before it was done
            left.erase(left.rbegin()->first);
            left.insert(*image.begin());
        }
        restarted two(left, more, bytes_of(left));
        INFO("ended at step " << at);
        CHECK(two.life.content.damage.empty());
        CHECK(legal_state(two.life.content, models, one.acknowledged, one.submitted));
        CHECK(two.life.stalls > 0);
        CHECK(two.life.acknowledged == more.size());
        auto const again = recover_journal(the_journal, small_options(), two.life.disk.killed());
        REQUIRE(again);
        CHECK(again.value().content.damage.empty());
    }
    CHECK(seen > 1);
}

TEST_CASE("a prepared segment in which a batch was cut is never appended to") {
    auto const image = format_journal(the_journal, small_options());
    auto const work = overwriting(1, 1), more = overwriting(2, 3);
    rig one(image, small_options(), 2);
    one.run(work, to_the_end);
    auto left = one.disk.killed();
    auto const spare = left.rbegin()->first;
    left.at(spare)[3 * 512] = 'x'; // a sector of a batch whose others did not land
    rig two(left, small_options(), 3);
    two.run(more, to_the_end);
    CHECK(two.acknowledged == more.size());
    CHECK(two.log->claim().batch > 0);
    CHECK(two.disk.killed().rbegin()->first > spare);
    CHECK(!two.disk.killed().contains(spare));
}

TEST_CASE(
    "want of space or descriptors latches nothing but a commit, and is over when a probe finds it over") {
    auto const why = GENERATE(errc::no_space, errc::overloaded);
    auto const image = format_journal(the_journal, small_options());
    auto work = overwriting(1, 40);
    for (std::size_t i = 0; i < work.size(); i += 4)
        work[i].push_back(make(record_kind::server, 0, i, "stays, and has to be moved"));
    auto const more = overwriting(2, 40);
    auto all = work;
    all.insert(all.end(), more.begin(), more.end());
    std::size_t reads = 0, opened = 0, secured = 0;
    for (std::size_t at = 0;; ++at) {
        rig one(image, small_options(), 2);
        one.fail_step = at;
        one.fail_with = why;
        one.run(work, to_the_end);
        INFO(name_of(why) << " at step " << at);
        if (!one.struck) break;
        if (one.struck_commit) {
            REQUIRE(one.failures == 1);
            continue;
        }
        REQUIRE(one.failures == 0);
        one.log->probe({}, one.effects);
        one.run(all, to_the_end);
        REQUIRE(one.failures == 0);
        REQUIRE(one.secured);
        REQUIRE(one.acknowledged == all.size());
        if (auto const* r = std::get_if<io_read>(&*one.struck)) {
            ++reads;
            CHECK(!one.disk.killed().contains(r->segment)); // it was reclaimed all the same
        }
        opened += std::holds_alternative<io_open>(*one.struck);
        secured += at == 0;
        auto const again = recover_journal(the_journal, small_options(), one.disk.killed());
        REQUIRE(again);
        CHECK(again.value().content.damage.empty());
        CHECK(legal_state(again.value().content, models_of({}, all), all.size(), all.size()));
    }
    CHECK(reads > 0);
    CHECK(opened > 3);
    CHECK(secured == 1);
}

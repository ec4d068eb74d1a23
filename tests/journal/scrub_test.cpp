// Damage that a running journal finds when it reads again what it wrote: by scrubbing, and by reclaiming.
#include "journal/rig.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace zooid;
using namespace zooid::journal_test;

namespace {

// Rots one block of a running journal's segment, and reads all of it again.
std::vector<journal_damage> scrub_after_rot(rig& r, std::uint64_t number, std::uint64_t block) {
    bytes read;
    r.disk.carry_out(io_write{number, block, bytes(512, 'x')}, read);
    for (int round = 0; round < 2; ++round) { // what was reported once is not reported again
        r.log->scrub(1 << 20, r.effects);
        r.run({}, to_the_end);
        r.log->scrub(1 << 20, r.effects);
        r.run({}, to_the_end);
    }
    return r.damage;
}

} // namespace

TEST_CASE("rot is found by scrubbing once, and names each live record that it cost") {
    auto const work = three_replicas();
    auto const image = journal_of(work);
    std::size_t voting = 0, values = 0, unattributed = 0;
    for (auto const& [number, content] : image) {
        for (std::uint64_t block = 512; block < content.size(); block += 512) {
            rig r(image, small_options(), 3);
            r.run({}, to_the_end);
            if (!r.disk.killed().contains(number)) continue;
            auto const found = scrub_after_rot(r, number, block);
            INFO("segment " << number << " block " << block);
            for (std::size_t i = 0; i < found.size(); ++i) {
                for (std::size_t j = 0; j < i; ++j)
                    REQUIRE(found[i] != found[j]);
            }
            CHECK((r.log->statistics().scrubbed_bytes > 0));
            // Recovery of the same bytes must not know of a lost vote that the running journal did not name.
            auto const again = recover_journal(the_journal, small_options(), r.disk.killed());
            REQUIRE(again);
            for (auto const& d : again.value().content.damage) {
                if (d.kind != damage_kind::voting || d.superseded) continue;
                CHECK(std::any_of(found.begin(), found.end(), [&](journal_damage const& f) {
                    return f.kind == damage_kind::voting && f.replica == d.replica && f.record == d.record;
                }));
            }
            for (auto const& d : found) {
                if (d.kind == damage_kind::unattributed) ++unattributed;
                if (d.superseded) continue;
                REQUIRE(
                    (d.kind == damage_kind::unattributed || d.kind == damage_kind::harmless || d.replica));
                voting += d.kind == damage_kind::voting;
                values += d.kind == damage_kind::value;
            }
        }
    }
    CHECK(voting > 5);
    CHECK(values > 5);
    CHECK(unattributed > 5);
}

TEST_CASE("a hole that grows is reported again, with what it cost since") {
    auto const image = journal_of(three_replicas());
    std::size_t grown = 0, votes = 0;
    for (auto const& [number, content] : image) {
        for (std::uint64_t block = 512; block < content.size(); block += 512) {
            rig r(image, small_options(), 3);
            r.run({}, to_the_end);
            if (!r.disk.killed().contains(number)) continue;
            auto const before = scrub_after_rot(r, number, block);
            if (before.empty() || before[0].kind != damage_kind::unattributed) continue;
            auto const end = before[0].offset + before[0].size; // the next batch begins there
            if (end >= content.size()) continue;
            auto const after = scrub_after_rot(r, number, end);
            INFO("segment " << number << " block " << block);
            if (after.size() == before.size()) continue; // nothing was written there
            REQUIRE(after[before.size()].offset == before[0].offset);
            REQUIRE(after[before.size()].size > before[0].size);
            ++grown;
            for (std::size_t i = before.size(); i < after.size(); ++i) {
                for (std::size_t j = 0; j < before.size(); ++j)
                    REQUIRE(after[i] != before[j]);
                votes += after[i].kind == damage_kind::voting;
            }
        }
    }
    CHECK(grown > 5);
    CHECK(votes > 5);
}

TEST_CASE("a rotten value is not moved by reclaiming: it would look like new") {
    auto const work = three_replicas();
    rig r(journal_of(work), eager_options(), 3);
    r.run({}, to_the_end);
    bytes read;
    std::uint64_t rotten = 0;
    for (auto const& [number, content] : r.disk.killed()) {
        auto const at =
            content.find(std::string(100, static_cast<char>('a' + 12))); // of replica 1, in slot 12
        if (at == bytes::npos) continue;
        rotten = number;
        auto block = content.substr((at + 90) / 512 * 512, 512);
        block[(at + 90) % 512] = '?';
        r.disk.carry_out(io_write{number, (at + 90) / 512 * 512, block}, read);
    }
    REQUIRE(rotten != 0);
    workload churn;
    for (std::uint64_t i = 2; i <= 3; ++i)
        churn.push_back({make(record_kind::checkpoint, i, 20, "state")});
    for (std::uint64_t i = 1; i < 120; ++i)
        churn.push_back({make(record_kind::promise, 9, 0, std::string(400, 'p'))});
    r.run(churn, to_the_end);
    CHECK(r.log->statistics().records_moved > 0);
    CHECK(r.disk.killed().contains(rotten));
    auto const again = recover_journal(the_journal, small_options(), r.disk.killed());
    REQUIRE(again);
    auto const& first = again.value().content.replicas.at(0);
    REQUIRE(first.replica == replica_id{1});
    CHECK(first.unreadable == std::vector<unreadable_record>{{record_kind::value, slot{12}}});
    for (auto const& found : first.records)
        CHECK(found.payload.view().find('?') == bytes_view::npos);
}

TEST_CASE("what is rotten is not moved by reclaiming, and its segment stays") {
    auto const work = three_replicas();
    rig r(journal_of(work), eager_options(), 3);
    r.run({}, to_the_end);
    bytes read;
    std::uint64_t rotten = 0;
    for (auto const& [number, content] : r.disk.killed()) {
        auto const at = content.find("ballot 12");
        if (at == bytes::npos) continue;
        rotten = number;
        r.disk.carry_out(io_write{number, at / 512 * 512, bytes(512, 'x')}, read);
    }
    REQUIRE(rotten != 0);
    workload churn;
    for (std::uint64_t i = 1; i < 120; ++i)
        churn.push_back({make(record_kind::promise, 9, 0, std::string(400, 'p'))});
    r.run(churn, to_the_end);
    r.log->scrub(1 << 20, r.effects);
    r.run(churn, to_the_end);
    CHECK(r.log->statistics().segments_removed > 3);
    CHECK(r.disk.killed().contains(rotten));
    CHECK(!r.damage.empty());
    auto const again = recover_journal(the_journal, small_options(), r.disk.killed());
    REQUIRE(again);
    for (auto const& found : again.value().content.replicas) {
        if (found.replica == replica_id{1}) CHECK(found.voting_suspect);
    }
}

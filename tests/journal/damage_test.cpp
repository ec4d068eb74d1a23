// Bytes that are not what was written: every position of a small journal, and what must be said about it.
#include "journal/format.hpp"
#include "journal/rig.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace zooid;
using namespace zooid::journal_test;

namespace {

log_position boundary_of(disk_image const& image, std::map<std::uint64_t, std::uint64_t>& ends) {
    log_position boundary;
    for (auto const& [number, content] : image) {
        for (std::uint64_t at = 512; at < content.size();) {
            auto const h = decode_batch_header(content, {number, at}, the_journal, 512);
            if (!h) break;
            boundary = std::max(boundary, h->durable_below);
            ends[number] = at = h->end().offset;
        }
    }
    return boundary;
}

bool said_of(recovered_journal const& content, replica_id replica) {
    auto const& all = content.replicas;
    auto const it = std::find_if(all.begin(), all.end(), [&](auto const& r) { return r.replica == replica; });
    return it != all.end() && (it->voting_suspect || !it->unreadable.empty());
}

// Nothing is lost in silence: each record of the model is found, or its replica is reported. A replica of
// which nothing is left is not here, and never votes.
void require_honest(recovered_journal const& content, model const& m) {
    auto const found = all_records(content);
    for (auto const& r : m.replica_records()) {
        if (std::find(found.begin(), found.end(), r) != found.end()) continue;
        auto const& all = content.replicas;
        bool const gone =
            std::none_of(all.begin(), all.end(), [&](auto const& x) { return x.replica == r.replica; });
        INFO(name_of(r.kind) << " of replica " << r.replica.value << " at " << r.at.value);
        REQUIRE((gone || said_of(content, r.replica)));
    }
}

// What a byte of the log is for, read from the undamaged image.
struct byte_owner {
    enum class part : std::uint8_t { framing, payload, padding };
    part what = part::padding;
    batch_header batch;
    journal_entry content; ///< of a payload
};

std::map<log_position, byte_owner> owners_of(disk_image const& image) {
    std::map<log_position, byte_owner> owners;
    for (auto const& [number, content] : image) {
        for (std::uint64_t at = 512; at < content.size();) {
            auto const h = decode_batch_header(content, {number, at}, the_journal, 512);
            if (!h) break;
            auto const own = [&](std::uint64_t offset, std::uint64_t size, byte_owner const& owner) {
                for (std::uint64_t i = 0; i < size; ++i)
                    owners[{number, at + offset + i}] = owner;
            };
            own(0, h->size, {byte_owner::part::padding, *h, {}});
            own(0, batch_header_bytes + h->entries * entry_bytes, {byte_owner::part::framing, *h, {}});
            for (std::uint64_t i = 0; i < h->entries; ++i) {
                auto const e = decode_entry(content, *h, i).value();
                auto const part = e.internal() ? byte_owner::part::framing : byte_owner::part::payload;
                own(e.payload_offset, e.payload_bytes, {part, *h, e});
            }
            at = h->end().offset;
        }
    }
    return owners;
}

// The batch that reserved each replica.
std::map<replica_id, std::uint64_t> births_of(std::map<log_position, byte_owner> const& owners) {
    std::map<replica_id, std::uint64_t> births;
    for (auto const& [at, owner] : owners) {
        bool const reserves =
            owner.what == byte_owner::part::payload && owner.content.as_record() == record_kind::reserved;
        if (reserves) births[owner.content.replica] = owner.content.born;
    }
    return births;
}

journal_damage const* damage_at(recovered_journal const& content, log_position at) {
    for (auto const& d : content.damage) {
        if (d.segment == at.segment && d.offset <= at.offset && at.offset < d.offset + d.size) return &d;
    }
    return nullptr;
}

// The report names exactly whose record was at that byte, or counts it against all who were there before.
void require_names_the_concerned(recovered_journal const& content, log_position at, byte_owner const& owner,
                                 std::map<replica_id, std::uint64_t> const& births) {
    auto const* d = damage_at(content, at);
    REQUIRE(d != nullptr);
    if (owner.what == byte_owner::part::padding) {
        REQUIRE(d->kind == damage_kind::harmless);
    } else if (owner.what == byte_owner::part::payload) {
        auto const& e = owner.content;
        REQUIRE(d->kind == (value_kind(e.kind) ? damage_kind::value : damage_kind::voting));
        REQUIRE(d->cell == e.cell);
        REQUIRE(d->replica == e.replica);
        REQUIRE(d->record == e.as_record());
        REQUIRE(d->at == e.at);
        REQUIRE((d->superseded || said_of(content, e.replica)));
    } else {
        REQUIRE(d->kind == damage_kind::unattributed);
        for (auto const& [replica, born] : births) {
            if (born <= owner.batch.number) REQUIRE(said_of(content, replica));
        }
    }
}

} // namespace

TEST_CASE("a flipped byte below durable_below is always reported with whom it concerns, above it the journal "
          "falls back to a legal state") {
    auto const work = three_replicas();
    auto const image = journal_of(work);
    auto const models = models_of({}, work);
    std::map<std::uint64_t, std::uint64_t> ends;
    auto const boundary = boundary_of(image, ends);
    REQUIRE(boundary.segment >= 2);
    auto const owners = owners_of(image);
    auto const births = births_of(owners);
    std::size_t attributed = 0, unattributed = 0;
    for (auto const& [number, content] : image) {
        for (std::uint64_t at = 0; at < ends[number]; ++at) {
            auto flipped = image;
            flipped[number][at] = static_cast<char>(flipped[number][at] ^ (1 << at % 8));
            auto const r = recover_journal(the_journal, small_options(), flipped);
            INFO("segment " << number << " offset " << at);
            REQUIRE(r);
            auto const& c = r.value().content;
            bool const in_header_block = at < 512;
            if (in_header_block && at >= segment_header_bytes) continue; // carries nothing
            if (in_header_block || log_position{number, at} < boundary) {
                REQUIRE(!c.damage.empty());
                require_honest(c, models.back());
                if (!in_header_block)
                    require_names_the_concerned(c, {number, at}, owners.at({number, at}), births);
                bool const vague = c.damage.front().kind == damage_kind::unattributed;
                (vague ? unattributed : attributed) += 1;
            } else {
                REQUIRE(c.damage.empty());
                REQUIRE(legal_state(c, models, work.size() - 1, work.size()));
            }
        }
    }
    CHECK(attributed > 1000);
    CHECK(unattributed > 1000);
}

TEST_CASE("a segment cut at any byte, or missing, is reported with whom it concerns") {
    auto const work = three_replicas();
    auto const image = journal_of(work);
    auto const models = models_of({}, work);
    std::map<std::uint64_t, std::uint64_t> ends;
    boundary_of(image, ends);
    for (auto const& [number, content] : image) {
        for (std::uint64_t at = 0; at < ends[number]; ++at) {
            auto cut = image;
            cut[number].resize(at);
            auto const r = recover_journal(the_journal, small_options(), cut);
            INFO("segment " << number << " cut at " << at);
            REQUIRE(r);
            REQUIRE(!r.value().content.damage.empty());
            require_honest(r.value().content, models.back());
        }
        auto missing = image;
        missing.erase(number);
        auto const r = recover_journal(the_journal, small_options(), missing);
        INFO("segment " << number << " missing");
        REQUIRE(r);
        CHECK(!r.value().content.damage.empty());
        require_honest(r.value().content, models.back());
    }
    auto const none = recover_journal(the_journal, small_options(), {});
    REQUIRE(!none);
    CHECK(none.error() == errc::damaged);
}

namespace {

// One more life on what the damage left: it appends, so that a new segment and its table are durable.
recovered_journal after_another_life(disk_image const& image, std::uint64_t life) {
    rig r(image, small_options(), life);
    r.run({{make(record_kind::reserved, 50 + life, 0, "later")},
           {make(record_kind::promise, 50 + life, 0, "and its vote")}},
          to_the_end);
    REQUIRE(r.acknowledged == 2);
    auto again = recover_journal(the_journal, small_options(), r.disk.killed());
    REQUIRE(again);
    return std::move(again.value().content);
}

// J5: who may not vote after the damage may not vote after the next start either; who came later may.
void require_same_verdict(disk_image const& damaged, std::uint64_t life) {
    auto const first = recover_journal(the_journal, small_options(), damaged);
    REQUIRE(first);
    auto const later = after_another_life(damaged, life);
    for (auto const& r : first.value().content.replicas) {
        INFO("replica " << r.replica.value);
        if (r.voting_suspect) REQUIRE(said_of(later, r.replica));
    }
    for (auto const& r : later.replicas) {
        if (r.replica == replica_id{50 + life}) REQUIRE(!r.voting_suspect);
    }
}

} // namespace

TEST_CASE("whom damage concerns is told so at the next start as well, with a life in between") {
    auto const image = journal_of(three_replicas());
    std::map<std::uint64_t, std::uint64_t> ends;
    auto const boundary = boundary_of(image, ends);
    for (auto const& [number, content] : image) {
        for (std::uint64_t at = 64; at < ends[number]; at += 61) {
            auto flipped = image;
            flipped[number][at] = static_cast<char>(flipped[number][at] ^ 1);
            INFO("segment " << number << " offset " << at);
            if (log_position{number, at} < boundary) require_same_verdict(flipped, 3);
        }
        for (std::uint64_t at = 0; at < content.size(); at += 61) {
            auto cut = image;
            cut[number].resize(at);
            INFO("segment " << number << " cut at " << at);
            require_same_verdict(cut, 3);
        }
        auto missing = image;
        missing.erase(number);
        INFO("segment " << number << " missing");
        require_same_verdict(missing, 3);
    }
}

TEST_CASE(
    "a log that ends in zeros from any byte on shows a prefix or reports damage, and from durable_below on "
    "it loses nothing that was acknowledged") {
    auto const work = three_replicas();
    auto const image = journal_of(work);
    auto const models = models_of({}, work);
    std::map<std::uint64_t, std::uint64_t> ends;
    auto const boundary = boundary_of(image, ends);
    for (auto const& [number, content] : image) {
        for (std::uint64_t at = 512; at < ends[number]; ++at) {
            auto zeroed = image;
            zeroed[number].replace(at, content.size() - at, content.size() - at, '\0');
            bool const below = log_position{number, at} < boundary;
            if (below) zeroed.erase(zeroed.upper_bound(number), zeroed.end()); // the rest is gone as well
            if (zeroed == image) continue;
            auto const r = recover_journal(the_journal, small_options(), zeroed);
            INFO("segment " << number << " zeros from " << at);
            if (!r) { // nothing at all is left: not an empty journal either
                REQUIRE(r.error() == errc::damaged);
                continue;
            }
            auto const& c = r.value().content;
            if (!below) {
                REQUIRE(c.damage.empty());
                REQUIRE(legal_state(c, models, work.size() - 1, work.size()));
            }
            // Without what came later nobody can tell a tail from a loss; what is shown is a prefix, or said.
            if (c.damage.empty()) REQUIRE(legal_state(c, models, 0, work.size()));
        }
    }
}

TEST_CASE("zeros from any byte to the end of a batch below durable_below are reported") {
    auto const work = three_replicas();
    auto const image = journal_of(work);
    auto const models = models_of({}, work);
    std::map<std::uint64_t, std::uint64_t> ends;
    auto const boundary = boundary_of(image, ends);
    for (auto const& [at, owner] : owners_of(image)) {
        if (at >= boundary) continue;
        auto zeroed = image;
        auto const size = owner.batch.end().offset - at.offset;
        zeroed[at.segment].replace(at.offset, size, size, '\0');
        if (zeroed == image) continue;
        auto const r = recover_journal(the_journal, small_options(), zeroed);
        INFO("segment " << at.segment << " zeros from " << at.offset << " for " << size);
        REQUIRE(r);
        REQUIRE(!r.value().content.damage.empty());
        require_honest(r.value().content, models.back());
    }
}

TEST_CASE("above durable_below a batch counts only if it follows the one before it") {
    auto const image = journal_of(three_replicas());
    std::map<std::uint64_t, std::uint64_t> ends;
    log_position const last = boundary_of(image, ends);
    auto const newest = *decode_batch_header(image.at(last.segment), last, the_journal, 512);
    auto const shown_after = [&](std::uint64_t number, std::uint64_t chain) {
        batch_header next{.journal = the_journal,
                          .position = newest.end(),
                          .number = number,
                          .life = newest.life,
                          .durable_below = newest.position, // neither is known to be flushed
                          .previous_end = newest.end(),
                          .previous_chain = chain};
        entry_content const content{.kind = static_cast<std::uint8_t>(record_kind::server),
                                    .at = slot{9},
                                    .payload = "of the next batch"};
        bytes encoded;
        encode_batch(next, {&content, 1}, 512, encoded);
        disk_image longer = image;
        REQUIRE(next.end().offset <= longer.at(last.segment).size());
        longer.at(last.segment).replace(newest.end().offset, encoded.size(), encoded);
        rig const r(longer, small_options(), 3);
        CHECK(r.content.damage.empty());
        return r.content.server.size();
    };
    CHECK(shown_after(newest.number + 1, newest.chain) == 1);
    CHECK(shown_after(newest.number + 1, newest.chain ^ 1) == 0); // of another history of this journal
    CHECK(shown_after(newest.number + 2, newest.chain) == 0);
}

TEST_CASE("a damaged value leaves the vote beside it readable") {
    rig r(format_journal(the_journal, small_options()), small_options(), 2);
    r.run({{make(record_kind::reserved, 1, 0, "r"), make(record_kind::promise, 1, 0, "p"),
            make(record_kind::acceptance, 1, 5, "b+digest"), make(record_kind::value, 1, 5, "VALUE-BYTES")},
           {make(record_kind::reserved, 2, 0, "r")}},
          to_the_end);
    auto image = r.disk.killed();
    for (auto& [number, content] : image) {
        auto const at = content.find("VALUE-BYTES");
        if (at != bytes::npos) content[at + 3] = 'X';
    }
    auto const again = recover_journal(the_journal, small_options(), image);
    REQUIRE(again);
    auto const& c = again.value().content;
    REQUIRE(c.damage.size() == 1);
    CHECK(c.damage[0].kind == damage_kind::value);
    CHECK(c.damage[0].cell == cell_id{7, 1});
    CHECK(!c.replicas[0].voting_suspect);
    REQUIRE(c.replicas[0].unreadable == std::vector<unreadable_record>{{record_kind::value, slot{5}}});
    CHECK(c.replicas[0].records.size() == 3);
    CHECK(!c.replicas[1].voting_suspect);
}

TEST_CASE("a batch that is gone without a trace leaves records that it superseded, and they are suspect") {
    rig r(format_journal(the_journal, small_options()), small_options(), 2);
    r.run({{make(record_kind::reserved, 1, 0, "r")},
           {make(record_kind::acceptance, 1, 5, "OLDER-VOTE")},
           {make(record_kind::acceptance, 1, 5, "NEWER-VOTE")},
           {make(record_kind::promise, 1, 0, "LAST-PROMISE")},
           {make(record_kind::reserved, 2, 0, "r")}},
          to_the_end);
    auto const harmed = [&](bytes_view where, std::size_t size) {
        auto image = r.disk.killed();
        for (auto& [number, content] : image) {
            auto const at = content.find(where);
            if (at == bytes::npos) continue;
            std::size_t const block = small_options().block_bytes;
            size == 1 ? void(content[at] ^= 1)
                      : void(content.replace(at / block * block, size, bytes(size, '\x55')));
        }
        return recover_journal(the_journal, small_options(), image).value().content;
    };
    auto const has = [](recovered_journal const& c, bytes_view payload) {
        auto const& all = c.replicas.at(0).records;
        return std::any_of(all.begin(), all.end(),
                           [&](record const& found) { return found.payload.view() == payload; });
    };
    auto const hole = harmed("NEWER-VOTE", 512);
    CHECK(has(hole, "OLDER-VOTE"));
    CHECK(hole.replicas.at(0).voting_suspect);
    CHECK(hole.replicas.at(0).records_suspect);
    auto const flipped = harmed("NEWER-VOTE", 1);
    CHECK_FALSE(has(flipped, "OLDER-VOTE"));
    CHECK(flipped.replicas.at(0).voting_suspect);
    CHECK_FALSE(flipped.replicas.at(0).records_suspect);
}

TEST_CASE("a batch that landed elsewhere is not believed, and what it overwrote is reported") {
    auto const work = three_replicas();
    auto const image = journal_of(work);
    auto const models = models_of({}, work);
    std::map<std::uint64_t, std::uint64_t> ends;
    auto const boundary = boundary_of(image, ends);
    for (auto const& [number, content] : image) {
        for (std::uint64_t from = 512; from < ends[number]; from += 512) {
            for (std::uint64_t const to : {from + 512, from - 512}) {
                if (to < 512 || to >= ends[number] || !(log_position{number, to + 512} <= boundary)) continue;
                auto misdirected = image;
                misdirected[number].replace(to, 512, bytes_view(content).substr(from, 512));
                if (misdirected == image) continue;
                auto const r = recover_journal(the_journal, small_options(), misdirected);
                INFO("segment " << number << " block " << from << " at " << to);
                REQUIRE(r);
                CHECK(!r.value().content.damage.empty());
                require_honest(r.value().content, models.back());
            }
        }
    }
}

TEST_CASE("evidence of damage outlives reclaiming until all whom it concerns are forgotten, and a replica "
          "reserved later is not concerned") {
    auto image = journal_of(three_replicas());
    std::uint64_t const hurt = 2;
    image[hurt].replace(512 * 10, 512, bytes(512, '\x55'));
    rig r(image, eager_options(), 3);
    REQUIRE(!r.content.damage.empty());
    for (auto const& replica : r.content.replicas)
        REQUIRE((replica.voting_suspect && replica.records_suspect));
    workload churn;
    churn.push_back({make(record_kind::reserved, 9, 0, "new")});
    for (std::uint64_t i = 1; i <= 3; ++i) { // nearly all that lay beside the damage is obsolete
        churn.push_back(
            {make(record_kind::promise, i, 0, "raised"), make(record_kind::checkpoint, i, 20, "state")});
    }
    for (std::uint64_t i = 1; i < 80; ++i)
        churn.push_back({make(record_kind::promise, 9, 0, std::string(400, 'p'))});
    r.run(churn, to_the_end);
    REQUIRE(r.log->statistics().segments_removed > 3);
    rig again(r.disk.killed(), eager_options(), 4);
    REQUIRE(!again.content.damage.empty());
    for (auto const& replica : again.content.replicas) {
        CHECK(replica.voting_suspect == (replica.replica.value < 9));
    }
    workload farewell;
    for (std::uint64_t i = 1; i <= 3; ++i)
        farewell.push_back({make(record_kind::forget, i, 0, "")});
    for (std::uint64_t i = 1; i < 80; ++i)
        farewell.push_back(churn.back());
    again.run(farewell, to_the_end);
    rig last(again.disk.killed(), small_options(), 5);
    CHECK(last.content.damage.empty());
    REQUIRE(last.content.replicas.size() == 1);
    CHECK(!last.content.replicas[0].voting_suspect);
}

TEST_CASE("entries that can't be read and adjoin are one damage: each would cost a walk over the index") {
    auto image = journal_of(three_replicas());
    log_position at;
    std::uint64_t entries = 0;
    for (auto const& [number, content] : image) {
        for (std::uint64_t from = 512; from < content.size() && entries < 3;) {
            auto const h = decode_batch_header(content, {number, from}, the_journal, 512);
            if (!h) break;
            at = h->position, entries = h->entries;
            from = h->end().offset;
        }
    }
    REQUIRE(entries >= 3);
    for (std::uint64_t i = 0; i < 3; ++i)
        image[at.segment][at.offset + batch_header_bytes + i * entry_bytes] ^= 1;
    auto const recovered = recover_journal(the_journal, small_options(), image).value().content;
    REQUIRE(recovered.damage.size() == 1);
    CHECK(recovered.damage[0].kind == damage_kind::unattributed);
    CHECK(recovered.damage[0].offset == at.offset + batch_header_bytes);
    CHECK(recovered.damage[0].size == 3 * entry_bytes);
}

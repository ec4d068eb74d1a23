// What a server makes of the records of a replica, where its journal has damage.
#include "server/records.hpp"
#include "support/catch.hpp"

using namespace zooid;

namespace {

constexpr cell_id kept_cell{7, 1};
constexpr replica_id kept_replica{9};

recovered_replica found_with(std::vector<durable_record> const& facts) {
    member const self{{1}, {1, 1}, kept_replica};
    snapshot const founding{kept_cell, "volume", {1}, 1, 3, {}, {{slot{1}, configuration(std::vector{self})}},
                            {},        {}};
    recovered_replica found{kept_cell, kept_replica};
    found.records.push_back(to_record(reservation{kept_cell, kept_replica, {1}}));
    to_records(kept_cell, kept_replica, checkpoint_record{founding}, found.records);
    for (durable_record const& fact : facts)
        to_records(kept_cell, kept_replica, fact, found.records);
    return found;
}

acceptance_record vote_in(std::uint64_t at, bool chosen, std::uint64_t prefix) {
    std::vector const commands{shared_bytes(std::to_string(at))};
    entry const value = entry::batch(commands);
    return {slot{at}, ballot{{1}, {1}, {1}}, value.value_digest(), chosen, slot{prefix}, value};
}

} // namespace

TEST_CASE("of a journal with holes no prefix is believed: an older vote may seem the last one of its slot") {
    auto found = found_with({vote_in(1, false, 0), vote_in(2, true, 1), prefix_record{{2}}});
    auto const sound = interpret(found);
    REQUIRE(sound.state);
    CHECK(sound.state->quarantine.empty());
    CHECK(sound.state->prefix == slot{2});
    found.voting_suspect = true;
    CHECK(interpret(found).state->prefix == slot{2}); // what is damaged has a name: the rest is what it was
    found.records_suspect = true;
    auto const holed = interpret(found);
    REQUIRE(holed.state);
    CHECK(holed.state->quarantined_for == distrust::votes);
    CHECK(holed.state->prefix == slot{});
    for (acceptance_record const& a : holed.state->acceptances)
        CHECK(a.prefix == slot{});
    CHECK(holed.state->acceptances.at(1).chosen); // that record says it of its own slot
}

TEST_CASE(
    "the state of a replica that was healed may be the wrong one again, if what healed it may be lost") {
    auto healed = found_with({quarantine_record{{}, distrust::nothing}});
    CHECK(interpret(healed).state->quarantine.empty());
    healed.voting_suspect = true;
    CHECK(interpret(healed).state->quarantined_for == distrust::votes);
    healed.records_suspect = true;
    CHECK(interpret(healed).state->quarantined_for == distrust::everything);
}

TEST_CASE("why a replica stopped may be what is lost: then nothing of it is believed") {
    auto found = found_with({});
    found.voting_suspect = true;
    found.unreadable.push_back({record_kind::quarantine, {}});
    CHECK(interpret(found).state->quarantined_for == distrust::everything);
    for (auto const before : {distrust::state, distrust::learned}) {
        auto stopped = found_with({quarantine_record{"broken", before}});
        CHECK(interpret(stopped).state->quarantined_for == before);
        stopped.voting_suspect = true;
        CHECK(interpret(stopped).state->quarantined_for == distrust::everything);
    }
}

// What a server makes of a journal that lost records without a trace.
#include "server/colony.hpp"
#include "server/records.hpp"
#include "server/wire.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace zooid;

namespace {

constexpr journal_id disk{1, 1};
constexpr time_point started{std::chrono::seconds(100)};

/// A server and its journal, from one start to the next.
class restarted : journal_listener {
  public:
    void append(std::vector<record> records) {
        open();
        journal_->start(*this);
        journal_->append(started, 1, records);
        close();
    }
    /// The server, after it was told that all is secured. `distort` sees what the journal gave back.
    template <class Distort>
    server& start(Distort distort) {
        open();
        recovered_journal found = journal_->recovered();
        distort(found);
        server_identity const identity{{7, 7}, {1}, life_id{lives_}, lives_};
        server_.emplace(server_options{}, identity, machine_kind::key_value(), *journal_, disk, found);
        journal_->start(*this);
        journal_->flush();
        server_output out;
        server_->finish(started, out);
        events = std::move(out.events);
        return *server_;
    }
    void close() {
        journal_->flush();
        image_ = journal_->disk().flushed();
        server_.reset();
        journal_.reset();
    }
    bytes status() {
        request r;
        r.correlation = {1};
        r.op = operation::status;
        bytes encoded;
        encode(r, encoded);
        server_->on_request(started, {{1}, party_role::admin}, encoded);
        server_output out;
        server_->finish(started, out);
        return bytes(decode_reply(out.replies.at(0).payload).value().payload);
    }
    recovered_journal content() {
        open();
        return journal_->recovered();
    }

    std::vector<server_event> events; ///< of the start

  private:
    void open() { journal_ = memory_journal::open(disk, life_id{++lives_}, {}, image_).value(); }
    void secured() override {
        if (server_) server_->on_secured(started);
    }
    void persisted(std::uint64_t) override {}
    void failed(error const&) override {}
    void stalled(error const&) override {}
    void damage_found(journal_damage const&) override {}

    disk_image image_ = format_journal(disk, {});
    std::uint64_t lives_ = 0;
    std::unique_ptr<memory_journal> journal_;
    std::optional<server> server_;
};

// The only member of its cell, with an empty state after this slot.
std::vector<record> founded(replica_id id, slot at) {
    std::vector const members{member{{1}, disk, id}};
    std::vector<record> all{to_record(reservation{volume, id, {1}})};
    snapshot const state{volume, "volume", {1}, 1, 3, at, {{slot{1}, configuration(members)}}, {}, {}};
    to_records(volume, id, checkpoint_record{state}, all);
    return all;
}

} // namespace

TEST_CASE("where it is lost that a replica was destroyed, the one that came after it is here") {
    restarted s;
    auto const [older, younger] = GENERATE(std::pair(1, 2), std::pair(2, 1));
    replica_id const before{static_cast<std::uint64_t>(older)}, after{static_cast<std::uint64_t>(younger)};
    bool const is_sound = GENERATE(true, false), is_named = is_sound || GENERATE(true, false);
    s.append(founded(before, slot{is_sound ? 9u : 4u}));
    s.append(founded(after, slot{5}));
    server& running = s.start([&](recovered_journal& found) {
        REQUIRE(found.replicas.size() == 2);
        found.server_suspect = true; // as where a hole is
        for (recovered_replica& r : found.replicas) {
            r.voting_suspect = !is_sound || r.replica == before;
            if (!is_named && r.replica == after) r.born = 0;
        }
    });
    REQUIRE(running.find_replica(volume));
    CHECK(running.find_replica(volume)->self().replica == after);
    std::size_t reported = 0;
    for (server_event const& e : s.events)
        reported += std::holds_alternative<damage_reported>(e);
    CHECK(reported == (is_sound ? 1 : 2)); // and that its votes are in doubt
    s.close();
    auto const left = s.content(); // nothing is thrown away on a guess
    REQUIRE(left.replicas.size() == (is_named ? 1 : 2));
    if (is_named) CHECK(left.replicas[0].replica == after);
}

TEST_CASE("what is here again is no longer reserved: its predecessor, whose end is lost") {
    restarted s;
    replica_id const here{GENERATE(1u, 3u)}, named{2};
    s.append(founded(here, slot{0}));
    s.append({to_record(reservation{volume, named, {1}})});
    server& running = s.start([](recovered_journal& found) { found.server_suspect = true; });
    REQUIRE(running.find_replica(volume));
    CHECK(running.find_replica(volume)->self().replica == here);
    CHECK(s.status().find("\"reservations\":[]") != bytes::npos);
}

TEST_CASE("a journal is dead though the record that says so is unreadable") {
    restarted s;
    s.append(founded({1}, slot{0}));
    journal_damage lost{};
    lost.kind = damage_kind::voting, lost.record = record_kind::server;
    SECTION("that one") {
        lost.at = dead_journal;
    }
    SECTION("but not if it is another one") {
        lost.at = slot{5};
    }
    SECTION("and not if it was written again") {
        lost.superseded = true;
    }
    bool const dead = lost.at == dead_journal && !lost.superseded;
    server& running = s.start([&](recovered_journal& found) { found.damage.push_back(lost); });
    REQUIRE(running.find_replica(volume));
    CHECK(running.find_replica(volume)->is_quarantined() == dead);
}

TEST_CASE(
    "a batch that another life wrote here is a copy's; what software wrote that names no lives is not") {
    restarted s;
    s.start([](recovered_journal&) {});
    s.close();
    bool const is_older = GENERATE(false, true), is_copy = GENERATE(false, true);
    if (is_older) s.append(founded({1}, slot{0}));
    journal_claim heard = s.content().last;
    REQUIRE(heard.batch > 0);
    if (is_copy) heard.life = {99}; // with the same hash, as where that is not known any more
    server& running = s.start([](recovered_journal&) {});
    bytes const claimed = encode(claims{{}, {heard}});
    CHECK(running.on_peer_up(started, {2}, {5}, claimed).has_value() == (is_older || !is_copy));
}

// Whoever has no state says so each time: a replica that was destroyed, or sealed.
TEST_CASE("a replica that was only named asks proposers for a state, and nobody who has none") {
    restarted s;
    replica_id const named{2}, other{3};
    s.append({to_record(reservation{volume, named, {1}})});
    server& running = s.start([](recovered_journal&) {});
    REQUIRE(running.on_peer_up(started, {2}, {5}, encode(claims{})));
    auto const asks = [&](message const& content) {
        bytes frame;
        append_addressed(frame, volume, named, other, content);
        running.on_frame(started, {2}, channel::cells, frame);
        server_output out;
        running.finish(started, out);
        std::size_t asked = 0;
        for (output_frame const& f : out.frames) {
            if (f.on != channel::cells) continue;
            auto const said = decode_addressed(f.payload).value();
            for (addressed const& a : said)
                asked += decode_message(a.content).value() == message(fetch{slot{}}) ? 1 : 0;
        }
        return asked == 1;
    };
    ballot const in{{1}, {2}, {5}};
    CHECK(asks(commit{in, {4}, report::known}));
    CHECK(asks(prepare{in, {5}}));
    CHECK_FALSE(asks(moved{configuration(std::vector{member{{2}, disk, other}})}));
    CHECK_FALSE(asks(sealed{}));
    CHECK_FALSE(asks(slice{{}, {}, {4}}));
}

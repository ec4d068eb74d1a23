// Reads that a lease confirms, what they cost, and what a take-over waits for; prefix reads at any replica.
#include "server/colony.hpp"
#include "server/wire.hpp"
#include "support/catch.hpp"

using namespace zooid;
using namespace std::chrono_literals;

namespace {

server_options with_leases() {
    server_options o;
    o.lease.hold = 1500ms;
    return o;
}

bytes const query = kv::encode(kv::transaction().read("k"));

kv::transaction put(char const* content) {
    return kv::transaction().put("k", bytes(content));
}

bytes found_by(std::optional<kept_reply> const& reply) {
    REQUIRE(reply);
    REQUIRE(!reply->content.failure);
    auto const outcome = kv::decode_outcome(reply->content.payload).value();
    return std::get<bytes>(*std::get<kv::committed>(outcome).find("k")->content);
}

/// Messages between cells that this read costs.
std::size_t cost_of(colony& c, operation op) {
    (void)c.take_traffic();
    CHECK(found_by(c.ask(c.leader(volume), op, volume, query)) == "a");
    return c.take_traffic().cells;
}

/// Whether server `asked` says, for a replica that is not there, that nobody there proposes in `held`.
bool lets_go(colony& c, std::size_t asked, cell_id cell, replica_id owner, ballot const& held) {
    bytes frame;
    append_addressed(frame, cell, owner, {77}, keeps_waiting{held, {88}});
    c.at(asked).on_frame(c.now(), {2}, channel::cells, frame);
    server_output out;
    c.at(asked).finish(c.now(), out);
    for (output_frame const& f : out.frames) {
        if (f.to != server_id{2} || f.on != channel::cells) continue;
        auto const said = decode_addressed(f.payload).value();
        for (addressed const& a : said) {
            auto const content = decode_message(a.content);
            auto const* const gone = content ? std::get_if<resigned>(&content.value()) : nullptr;
            if (gone && gone->in == held && a.to == replica_id{77}) return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("a server lets promises go that are held for a replica which left, never those for one that leads "
          "there") {
    colony c(3, with_leases());
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put("a")).has_value());
    server_identity const self = c.identity(1);
    ballot const drawn{{7}, self.server, self.life};
    cell_id const left{9, 9};
    CHECK(lets_go(c, 1, left, {5}, drawn));
    CHECK(lets_go(c, 1, left, {}, drawn));
    CHECK(lets_go(c, 1, volume, {}, drawn)); // one is here, and never drew that
    CHECK_FALSE(lets_go(c, 1, left, {}, {{7}, self.server, {self.life.value + 1}}));
    CHECK_FALSE(lets_go(c, 1, left, {}, {{7}, {2}, self.life}));
    std::size_t const led = c.leader(volume);
    REQUIRE(led == 1);
    CHECK_FALSE(lets_go(c, led, volume, {}, c.at(led).find_replica(volume)->promised()));
    CHECK_FALSE(lets_go(c, led, volume, {5}, c.at(led).find_replica(volume)->promised()));
}

TEST_CASE("a leased read costs no message, a strict one does, and an idle colony with leases sends as many "
          "frames") {
    std::size_t idle[2]{};
    for (bool const leases : {false, true}) {
        colony c(7, leases ? with_leases() : server_options());
        c.found(volume, "volume", 7);
        REQUIRE(c.commit(volume, put("a")).has_value());
        c.run_for(2s);
        CHECK(cost_of(c, operation::strict_read) > 0);
        CHECK((cost_of(c, operation::leased_read) == 0) == leases);
        CHECK((c.at(c.leader(volume)).statistics().reads_leased == 1) == leases);
        c.run_for(2s);
        (void)c.take_traffic();
        c.run_for(2s);
        auto const quiet = c.take_traffic();
        CHECK(quiet.cells == 0);
        idle[leases ? 1 : 0] = quiet.pulses;
    }
    CHECK(idle[0] == idle[1]);
}

TEST_CASE("a take-over waits for the holds of a server that died, and no longer") {
    for (bool const leases : {false, true}) {
        colony c(3, leases ? with_leases() : server_options());
        c.found(volume, "volume", 3);
        REQUIRE(c.commit(volume, put("a")).has_value());
        c.run_for(1s);
        c.kill(c.leader(volume));
        c.run_for(1300ms);
        CHECK((c.leader(volume) == 0) == leases);
        c.run_for(3s);
        CHECK(c.leader(volume) != 0);
        CHECK(c.commit(volume, put("b")).has_value());
    }
}

TEST_CASE("a server that comes back keeps the promises that an earlier life may have held") {
    colony c(3, with_leases());
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put("a")).has_value());
    c.run_for(1s);
    std::size_t const led = c.leader(volume);
    std::size_t const other = led % 3 + 1;
    c.kill(led);
    c.run_for(1200ms);
    c.kill(other);
    c.restart(other);
    c.run_for(1100ms); // the third one's hold is over by now
    CHECK(c.leader(volume) == 0);
    c.run_for(4s);
    CHECK(c.leader(volume) != 0);
}

TEST_CASE("a server that hands over lets its members go at once") {
    colony c(3, with_leases());
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put("a")).has_value());
    c.run_for(1s);
    std::size_t const led = c.leader(volume);
    c.at(led).stop(c.now());
    c.run_for(400ms);
    std::size_t const next = c.leader(volume);
    CHECK(next != 0);
    CHECK(next != led);
}

TEST_CASE("a pulse without grants is what older software reads, and one with grants comes back as it was") {
    pulse p;
    p.life = {7};
    p.number = 3;
    p.hears = {{1}, {2}};
    CHECK(encode(p).front() == 1);
    CHECK(decode_pulse(encode(p)).value() == p);
    p.grant = {true, {9}, 12, 2, 1500ms};
    CHECK(encode(p).front() == 2);
    CHECK(decode_pulse(encode(p)).value() == p);
    p.grant.hold = lease_hold_max + 1ns;
    CHECK(decode_pulse(encode(p)).error() == errc::malformed);
}

TEST_CASE("options for leases that cannot work are refused with a reason") {
    server_options o = with_leases();
    CHECK(explain_invalid(o) == "");
    o.lease.hold = 500ms; // a third of it is shorter than two pulses
    CHECK(explain_invalid(o).find("lease.hold") == 0);
    o.lease.hold = 11s;
    CHECK(explain_invalid(o).find("lease.hold") == 0);
    o.lease = {1500ms, 0};
    CHECK(explain_invalid(o).find("lease.clock_ratio_max") == 0);
}

TEST_CASE("any member answers a prefix read from what it applied, and none that is behind what was seen") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put("a")).has_value());
    c.run_for(1s);
    for (std::size_t n = 1; n <= 3; ++n) {
        CHECK(found_by(c.ask(n, operation::prefix_read, volume, query)) == "a");
        slot const ahead = c.at(n).find_replica(volume)->applied_slot() + 1;
        auto const refused = c.ask(n, operation::prefix_read, volume, query, party_role::client, ahead);
        CHECK(refused->content.failure == errc::unreachable);
    }
}

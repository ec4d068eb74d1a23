// Who leads: handed to a named server, kept while idle, lost by a hung disk, not disturbed by who comes back.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/cell/change.hpp>

#include <algorithm>

using namespace zooid;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bytes id_of(colony& c, std::size_t server) {
    bytes out;
    writer(out).put(c.at(server).find_replica(volume)->self().replica);
    return out;
}

/// How long until another server than `old` leads; the limit if none does.
duration until_another_leads(colony& c, std::size_t servers, std::size_t old, duration limit) {
    time_point const begin = c.now();
    while (c.now() - begin < limit) {
        c.run_for(milliseconds(20));
        for (std::size_t n = 1; n <= servers; ++n) {
            if (n != old && c.is_up(n) && c.at(n).find_replica(volume)->role() == role::leading)
                return c.now() - begin;
        }
    }
    return limit;
}

/// A reservation, which has to be durable before it is answered; nobody waits for the answer.
void make_it_write(colony& c, std::size_t server) {
    bytes const payload = encode(reserve_request{{2, 2}, {1}});
    request r;
    r.correlation = {99};
    r.op = operation::reserve;
    r.payload = payload;
    bytes encoded;
    encode(r, encoded);
    c.at(server).on_request(c.now(), {link_id{99}, party_role::admin}, encoded);
}

} // namespace

TEST_CASE("a hung disk loses its leaderships within two pulse timeouts, though nothing was on its way") {
    server_options const options;
    colony c(7, options);
    c.found(volume, "volume", 7);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    for (int i = 0; i < 30; ++i) { // at any moment between two probes of an idle journal
        c.run_for(seconds(3) + milliseconds(37 * i));
        std::size_t const idle = c.leader(volume);
        c.hang_journal(idle);
        c.run_for(2 * options.pulse_timeout);
        CHECK(c.at(idle).find_replica(volume)->role() != role::leading);
        CHECK(until_another_leads(c, 7, idle, seconds(10)) <= options.pulse_timeout);
        c.flush_journal(idle);
    }
    CHECK(c.commit(volume, put_once("b")).has_value());
}

TEST_CASE("and from the first flush that does not come back it takes two pulse timeouts at most") {
    server_options const options;
    colony c(7, options);
    c.found(volume, "volume", 7);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const old = c.leader(volume);
    c.hang_journal(old);
    make_it_write(c, old);
    CHECK(until_another_leads(c, 7, old, seconds(10)) <= 2 * options.pulse_timeout);
}

TEST_CASE("an idle server keeps its leaderships, in the same ballot") {
    colony c(7);
    c.found(volume, "volume", 7);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const old = c.leader(volume);
    ballot const in = c.at(old).find_replica(volume)->proposes_in();
    c.run_for(seconds(120));
    CHECK(c.leader(volume) == old);
    CHECK(c.at(old).find_replica(volume)->proposes_in() == in);
}

TEST_CASE("a lead is handed to the server that is named, at once") {
    colony c(5);
    c.found(volume, "volume", 5);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const old = c.leader(volume);
    std::size_t const named = old == 4 ? 5 : 4;
    auto const reply = c.ask(old, operation::transfer_lead, volume, id_of(c, named));
    REQUIRE(reply);
    CHECK_FALSE(reply->content.failure);
    c.run_for(milliseconds(40));
    CHECK(c.leader(volume) == named);
    CHECK(c.commit(volume, put_once("b")).has_value());
}

TEST_CASE("and not to one that is not there") {
    colony c(5);
    c.found(volume, "volume", 5);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const old = c.leader(volume);
    std::size_t const named = old == 4 ? 5 : 4;
    bytes const successor = id_of(c, named);
    c.kill(named);
    c.run_for(seconds(1));
    auto const reply = c.ask(old, operation::transfer_lead, volume, successor);
    REQUIRE(reply);
    CHECK(reply->content.failure == errc::unreachable);
    CHECK(c.leader(volume) == old);
}

TEST_CASE("the order of preference is changed by an entry of the log, and decides who follows") {
    colony c(5);
    c.found(volume, "volume", 5);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const old = c.leader(volume);
    std::size_t const preferred = old == 4 ? 5 : 4;
    replica const& r = *c.at(old).find_replica(volume);
    std::vector<member> members(r.newest_members().members().begin(), r.newest_members().members().end());
    auto const first = std::find_if(members.begin(), members.end(),
                                    [&](member const& m) { return m.server.value == preferred; });
    std::rotate(members.begin(), first, first + 1);
    configuration_change const change{r.configuration_base(), configuration(members), {}};
    auto const reply = c.ask(old, operation::change_members, volume, encode(change));
    REQUIRE(reply);
    CHECK_FALSE(reply->content.failure);
    c.run_for(seconds(1));
    CHECK(c.leader(volume) == old); // nobody is disturbed by it
    c.kill(old);
    c.run_for(seconds(2));
    CHECK(c.leader(volume) == preferred);
}

TEST_CASE("a server that returns takes nothing from whoever leads now") {
    colony c(7);
    c.found(volume, "volume", 7);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const old = c.leader(volume);
    c.kill(old);
    c.run_for(seconds(2));
    std::size_t const now = c.leader(volume);
    REQUIRE(now != 0);
    ballot const in = c.at(now).find_replica(volume)->proposes_in();
    c.restart(old);
    c.run_for(seconds(20));
    CHECK(c.leader(volume) == now);
    CHECK(c.at(now).find_replica(volume)->proposes_in() == in);
}

TEST_CASE("a version that this software does not understand is not finalised") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    std::size_t const leads = c.leader(volume);
    auto const reply = c.ask(leads, operation::raise_version, volume, encode(version_rise{slot{}, 2}));
    REQUIRE(reply);
    CHECK(reply->content.failure == errc::unsupported_version);
    auto const again = c.ask(leads, operation::raise_version, volume, encode(version_rise{slot{}, 1}));
    REQUIRE(again);
    CHECK(again->content.failure == errc::conflict);
    CHECK(c.at(leads).explain(volume)->cell_version == 1);
    CHECK(c.commit(volume, put_once("b")).has_value());
}

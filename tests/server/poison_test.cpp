// One cell that can't go on takes no other with it, nor the process: its neighbours on the same servers
// commit and read, and the server says which slot stopped it and why.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include "server/wire.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/store.hpp>

#include <algorithm>

using namespace zooid;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

cell_id const neighbours[] = {{2, 2}, {3, 3}, {4, 4}};

/// The store, by software that does not know a command which later software has.
class older_store final : public state_machine {
  public:
    bool apply(slot at, bytes_view command, bytes& reply) override {
        return command.find("poison") == bytes_view::npos && inner_.apply(at, command, reply);
    }
    void query(bytes_view query, bytes& reply) const override { inner_.query(query, reply); }
    digest state_digest() const override { return inner_.state_digest(); }
    void snapshot(bytes& out) const override { inner_.snapshot(out); }
    result<void> restore(bytes_view snapshot) override { return inner_.restore(snapshot); }
    std::size_t memory_bytes() const override { return inner_.memory_bytes(); }

  private:
    kv::session_machine inner_{std::make_unique<kv::store>()};
};

machine_kind older_machines() {
    machine_kind kind = machine_kind::key_value();
    kind.make = []() -> std::unique_ptr<state_machine> { return std::make_unique<older_store>(); };
    return kind;
}

kv::transaction put(std::string const& key, std::string const& text) {
    return kv::transaction().put(key, bytes(text));
}

void found_all(colony& c, std::size_t size) {
    c.found(volume, "volume", size);
    REQUIRE(c.commit(volume, put("k", "a")).has_value());
    for (cell_id cell : neighbours) {
        c.found(cell, "neighbour-" + to_string(cell), size);
        REQUIRE(c.commit(cell, put("k", "a")).has_value());
    }
    c.run_for(seconds(1));
}

// All of them, on all servers: by their proposer, and, a little later, at every replica.
void check_neighbours_go_on(colony& c, std::size_t size, std::string const& text) {
    for (cell_id cell : neighbours) {
        std::size_t const leads = c.leader(cell);
        REQUIRE(leads != 0);
        CHECK(c.commit_at(leads, cell, put("k", text)).has_value());
        CHECK(c.read_at(leads, operation::strict_read, cell, "k") == text);
    }
    c.run_for(milliseconds(500));
    for (cell_id cell : neighbours) {
        for (std::size_t n = 1; n <= size; ++n)
            CHECK(c.read_at(n, operation::prefix_read, cell, "k") == text);
    }
}

// Within one turn: the first few open a slot each, the others share the next one.
void send_at_once(colony& c, std::size_t server, std::vector<kv::transaction> const& all) {
    std::uint64_t link = 9000;
    for (kv::transaction const& t : all) {
        bytes envelope, encoded;
        encode(kv::request{{8}, {++link}, {}, {}, encode(t)}, envelope);
        request r;
        r.correlation = {link};
        r.cell = volume;
        r.payload = envelope;
        encode(r, encoded);
        c.at(server).on_request(c.now(), {link_id{link}, party_role::admin}, encoded);
    }
}

std::vector<replica_stopped> stopped_at(colony& c, std::size_t server) {
    std::vector<replica_stopped> all;
    for (server_event const& e : c.events(server)) {
        if (auto const* found = std::get_if<replica_stopped>(&e)) all.push_back(*found);
    }
    return all;
}

bool contains(bytes_view text, std::string const& part) {
    return text.find(part) != bytes_view::npos;
}

void check_stopped(colony& c, std::size_t server, std::string const& cause) {
    INFO("server " << server);
    auto const said = c.ask(server, operation::explain, volume, {});
    REQUIRE(said);
    CHECK(contains(said->content.payload, "\"quarantine\":\"" + cause));
    CHECK(c.read_at(server, operation::prefix_read, volume, "k") == name_of(errc::quarantined));
    auto const all = stopped_at(c, server);
    REQUIRE_FALSE(all.empty());
    for (replica_stopped const& e : all) {
        CHECK(e.cell == volume);
        CHECK(contains(e.cause, cause));
    }
    auto const status = c.ask(server, operation::status, {}, {});
    REQUIRE(status);
    CHECK(contains(status->content.payload, "\"cells\":4"));
}

} // namespace

TEST_CASE("an entry that no replica can apply stops its cell on its servers, and no neighbour") {
    colony c(7, {}, older_machines());
    found_all(c, 7);
    std::size_t const leads = c.leader(volume);
    slot const poisoned = c.at(leads).find_replica(volume)->prefix() + 1;
    bool const under_load = GENERATE(true, false);
    if (under_load) {
        send_at_once(c, leads,
                     {put("k", "poison"), put("l", "a"), put("l", "b"), put("l", "c"), put("l", "d")});
        c.run_for(milliseconds(100));
    } else {
        auto const answer = c.commit_at(leads, volume, put("k", "poison"));
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error() == errc::outcome_unknown);
    }
    std::string const cause = "slot " + to_string(poisoned) + ": a command above this software's version";
    for (int start = 0; start < 2; ++start) {
        CHECK_FALSE(c.commit(volume, put("l", "e")).has_value()); // whoever can makes the others go on
        std::size_t stopped = 0;
        for (std::size_t n = 1; n <= 7; ++n) {
            if (c.at(n).find_replica(volume)->is_quarantined()) {
                check_stopped(c, n, cause);
                ++stopped;
            } else {
                CHECK(c.read_at(n, operation::prefix_read, volume, "k") == "a");
            }
        }
        // What follows tells that it is chosen; else those find out that come to lead, as long as they can.
        CHECK(stopped == (under_load ? 7 : 4));
        check_neighbours_go_on(c, 7, "b" + std::to_string(start));
        for (std::size_t n = 1; n <= 7 && start == 0; ++n) { // it is chosen, and met again
            c.kill(n);
            c.restart(n);
            c.run_for(seconds(1));
        }
    }
    // Software that understands it goes on where the older one stopped.
    c.set_machines(machine_kind::key_value());
    for (std::size_t n = 1; n <= 7; ++n) {
        c.kill(n);
        c.restart(n);
        c.run_for(seconds(1));
        check_neighbours_go_on(c, 7, "d" + std::to_string(n));
    }
    CHECK(c.commit(volume, put("l", "f")).has_value());
    c.run_for(seconds(3));
    for (std::size_t n = 1; n <= 7; ++n) {
        CHECK(c.read_at(n, operation::prefix_read, volume, "k") == "poison");
        CHECK(c.read_at(n, operation::prefix_read, volume, "l") == "f");
    }
}

TEST_CASE("a replica that breaks an invariant stops alone: its cell and what else its server leads go on") {
    colony c(5);
    found_all(c, 5);
    std::size_t const leads = c.leader(volume), broken = leads % 5 + 1;
    for (cell_id cell : neighbours) {
        if (c.leader(cell) == broken) continue;
        bytes successor;
        writer(successor).put(c.at(broken).find_replica(cell)->self().replica);
        REQUIRE_FALSE(c.ask(c.leader(cell), operation::transfer_lead, cell, successor)->content.failure);
        c.run_for(milliseconds(200));
        REQUIRE(c.leader(cell) == broken);
    }
    // It accepted the write and does not know yet that it is chosen, when its ballot names another value.
    REQUIRE(c.commit_at(leads, volume, put("k", "b")).has_value());
    replica const& there = *c.at(broken).find_replica(volume);
    slot const at = there.prefix() + 1;
    REQUIRE(c.at(leads).find_replica(volume)->prefix() == at);
    ballot const in = c.at(leads).find_replica(volume)->proposes_in();
    std::vector const other{shared_bytes(bytes("another value"))};
    bytes frame;
    append_addressed(frame, volume, there.self().replica, c.at(leads).find_replica(volume)->self().replica,
                     accept{in, at, at - 1, entry::batch(other)});
    c.at(broken).on_frame(c.now(), {leads}, channel::cells, frame);
    c.run_for(milliseconds(200));
    for (int start = 0; start < 2; ++start) {
        REQUIRE(c.at(broken).find_replica(volume)->is_quarantined());
        auto const said = c.at(broken).explain(volume).value();
        CHECK(contains(said.quarantine, "A3: one slot and ballot has one value"));
        CHECK(said.quarantined_for == distrust::state);
        check_neighbours_go_on(c, 5, "b" + std::to_string(start));
        for (std::size_t n = 1; n <= 5; ++n)
            CHECK(stopped_at(c, n).size() == (n == broken ? start + 1u : 0u));
        CHECK(c.commit(volume, put("k", "c")).has_value());
        if (start > 0) break;
        c.kill(broken);
        c.restart(broken);
        c.run_for(seconds(1));
    }
}

namespace {

// A state that somebody else's machine has: one more key, under the digest that was taught with it.
snapshot with_another_state(snapshot from) {
    kv::session_machine machine(std::make_unique<kv::store>());
    REQUIRE(machine.restore(from.state.view()).has_value());
    kv::request r;
    r.command = kv::encode(put("smuggled", "x"));
    bytes command, reply, state;
    kv::encode(r, command);
    REQUIRE(machine.apply(from.at, command, reply));
    machine.snapshot(state);
    from.state = shared_bytes(state);
    return from;
}

/// Spoils the snapshots that one server teaches to another; the first that teaches one, unless it is named.
struct spoiler {
    std::size_t taught;
    std::size_t teacher = 0;
    std::size_t spoilt = 0;

    void operator()(std::size_t from, std::size_t to, channel on, bytes& frame) {
        if (on != channel::cells || to != taught || (teacher != 0 && from != teacher)) return;
        bytes changed;
        auto const all = decode_addressed(frame);
        REQUIRE(all.has_value());
        for (addressed const& a : all.value()) {
            if (a.content.empty()) {
                append_not_here(changed, a.cell, a.to, a.from);
                continue;
            }
            message content = decode_message(a.content).value();
            auto* const lesson = std::get_if<teach_snapshot>(&content);
            if (lesson && a.cell == volume) {
                lesson->state = with_another_state(lesson->state);
                teacher = from;
                ++spoilt;
            }
            append_addressed(changed, a.cell, a.to, a.from, content);
        }
        frame = std::move(changed);
    }
};

} // namespace

TEST_CASE("a state that is taught under another's digest stops its learner, until another one teaches it") {
    server_options options;
    options.cells.checkpoint_log_entries = 4;
    options.cells.kept_log_entries = 0;
    colony c(5, options);
    found_all(c, 5);
    std::size_t const learns = c.leader(volume) % 5 + 1;
    c.kill(learns);
    for (int i = 0; i < 20; ++i)
        REQUIRE(c.commit(volume, put("k", "b" + std::to_string(i))).has_value());
    auto const spoils = std::make_shared<spoiler>(spoiler{learns});
    c.tamper([=](std::size_t from, std::size_t to, channel on, bytes& f) { (*spoils)(from, to, on, f); });
    c.restart(learns);
    for (int i = 0; i < 500; ++i) {
        c.run_for(milliseconds(20));
        CHECK(c.read_at(learns, operation::prefix_read, volume, "smuggled") != "x");
    }
    CHECK(spoils->spoilt > 0);
    auto const all = stopped_at(c, learns);
    REQUIRE_FALSE(all.empty());
    for (replica_stopped const& e : all) {
        CHECK(e.cell == volume);
        CHECK(contains(e.cause, "snapshot: its digest is not that of its state"));
    }
    CHECK_FALSE(c.at(learns).find_replica(volume)->is_quarantined());
    CHECK(c.read_at(learns, operation::prefix_read, volume, "k") == "b19");
    for (std::size_t n = 1; n <= 5; ++n) {
        if (n != learns) CHECK(stopped_at(c, n).empty());
        CHECK(c.at(n).find_machine(volume)->state_digest() == c.at(1).find_machine(volume)->state_digest());
    }
    check_neighbours_go_on(c, 5, "b");
}

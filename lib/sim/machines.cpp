// Processes: their births and deaths, their turns, and what the referee hears of them.
#include "sim/engine.hpp"
#include "sim/fragile_store.hpp"

#include "cell/invariants.hpp"
#include "server/records.hpp"

#include <zooid/base/check.hpp>
#include <zooid/kv/sessions.hpp>

#include <utility>

namespace zooid::sim {

namespace {

template <std::uint64_t horizon>
std::unique_ptr<state_machine> make_sessions() {
    kv::session_limits bounds;
    bounds.horizon = horizon;
    if (horizon < 1000) bounds.entries_max = horizon + limits::alpha_max + 1;
    return std::make_unique<kv::session_machine>(std::make_unique<fragile_store>(), bounds);
}

// Software of any version has the same commands here: what it does not understand is a cell that was raised
// above it.
machine_kind sessions_with(session_horizon horizon, std::uint16_t software) {
    machine_kind kind{make_sessions<1000>,
                      [](bytes_view command, std::uint16_t) { return kv::admit_request(command); }, software};
    switch (horizon) {
    case session_horizon::slots_40: kind.make = make_sessions<40>; break;
    case session_horizon::slots_150: kind.make = make_sessions<150>; break;
    case session_horizon::slots_400: kind.make = make_sessions<400>; break;
    case session_horizon::slots_1000: break;
    }
    return kind;
}

class to_server final : public journal_listener {
  public:
    to_server(server& host, time_point now) : host_(host), now_(now) {}
    void secured() override { host_.on_secured(now_); }
    void persisted(std::uint64_t sequence) override { host_.on_persisted(now_, sequence); }
    void failed(error const& reason) override { host_.on_journal_failed(now_, reason); }
    void stalled(error const&) override {}
    void damage_found(journal_damage const& damage) override { host_.on_damage(now_, damage); }

  private:
    server& host_;
    time_point now_;
};

} // namespace

machine& world::engine::at(server_id id) {
    ZOOID_CHECK(id.value >= 1 && id.value <= machines_.size(), "servers are numbered from 1");
    return machines_[id.value - 1];
}

// ---- lives

void world::engine::format(machine& m) {
    std::uint64_t const high = random_.next();
    std::uint64_t const low = random_.next();
    m.journal = {high, low};
    m.acknowledged = 0;
    m.storage.replace(format_journal(m.journal, options_.journal));
}

void world::engine::start(machine& m) {
    if (m.running) return;
    auto recovered = recover_journal(m.journal, options_.journal, m.storage.image());
    if (!recovered && m.harmed && recovered.error() == errc::damaged) { // nothing is left: as good as wiped
        note("server " + to_string(m.id) + " gets a new disk: " + recovered.error().message());
        format(m);
        return start(m);
    }
    if (!recovered) return fail("server " + to_string(m.id) + ": " + recovered.error().message());
    // An acknowledged last batch that is gone looks like one that was torn, and the journal promises nothing
    // of it (`lib/journal/FORMAT.md`, what can't be detected), so this is no harm to measure it by.
    if (m.harmed && recovered.value().content.last.batch < m.acknowledged) {
        note("server " + to_string(m.id) +
             " gets a new disk: its last batch is gone, and nothing would tell");
        format(m);
        return start(m);
    }
    marks_ |= recovered.value().marks;
    for (journal_damage const& d : recovered.value().content.damage) {
        if (!m.harmed && d.kind != damage_kind::harmless)
            fail("server " + to_string(m.id) +
                 ": damage where nothing was harmed: " + std::string(name_of(d.kind)) + " in segment " +
                 std::to_string(d.segment) + " at " + std::to_string(d.offset));
    }
    std::uint64_t const life = random_.next();
    std::uint64_t const seed = random_.next();
    ++m.epoch;
    m.wake_at = no_time;
    m.latched = false;
    server_identity const identity{colony_, m.id, life_id{life | 1}, seed};
    m.running = std::make_unique<process>(options_.server, identity,
                                          sessions_with(options_.session_horizon, m.software), m.journal,
                                          std::move(recovered).value());
    std::vector<server_id> peers;
    for (machine const& other : machines_)
        if (other.id != m.id) peers.push_back(other.id);
    m.running->host.set_peers(peers);
    to_server listener(m.running->host, m.clock.read(now_));
    m.running->store.start(listener);
    note("server " + to_string(m.id) + " starts, life " + to_string(identity.life));
    for (machine& other : machines_) {
        if (other.running && other.id != m.id) try_link(m.index, other.index, std::chrono::milliseconds(1));
    }
    end_turn(m);
}

void world::engine::start_later(machine& m, duration after) {
    queue_.push({.at = now_ + after.count(), .what = occurrence::start, .target = m.index, .epoch = m.epoch});
}

// It hands its leaderships over; whoever asked for it ends the process a little later.
void world::engine::stop(machine& m) {
    if (!m.running || m.paused_until > now_) return;
    note("server " + to_string(m.id) + " is asked to stop");
    m.running->host.stop(m.clock.read(now_));
    end_turn(m);
}

void world::engine::crash(machine& m, bool power) {
    if (m.running) {
        (void)collect_marks();
        m.acknowledged = m.running->store.claim().batch;
        m.running.reset();
        ++m.epoch;
        forget_links(m);
        note("server " + to_string(m.id) + (power ? " loses power" : " is killed"));
    }
    m.paused_until = 0;
    power ? m.storage.lose_power() : m.storage.drop_tasks();
}

void world::engine::harm(machine& m, std::string const& how) {
    m.harmed = true;
    note("server " + to_string(m.id) + " is harmed: " + how);
}

sometimes_set const& world::engine::collect_marks() {
    for (machine const& m : machines_) {
        if (!m.running) continue;
        marks_ |= m.running->host.marks();
        marks_ |= m.running->store.log.marks();
        for (founded_cell const& c : cells_) {
            auto const* sessions =
                static_cast<kv::session_machine const*>(m.running->host.find_machine(c.id));
            if (sessions) marks_ |= sessions->reached();
        }
    }
    return marks_;
}

world_statistics const& world::engine::collect_statistics() {
    statistics_.slots_chosen = referee_.slots_chosen();
    statistics_.disks = {};
    for (machine const& m : machines_)
        statistics_.disks += m.storage.mishaps();
    return statistics_;
}

// ---- turns

void world::engine::end_turn(machine& m) {
    process& p = *m.running;
    ++statistics_.turns;
    do {
        p.host.finish(m.clock.read(now_), p.out);
        carry_out(m);
    } while (deliver_journal(m));
    scrub(m);
    begin_tasks(m);
    schedule_wake(m);
    check_invariants(m);
}

void world::engine::carry_out(machine& m) {
    process& p = *m.running;
    note_members(m);
    for (output_frame& f : p.out.frames)
        send_frame(m, f);
    take_replies(m);
    take_events(m);
    for (durable_fact const& fact : p.out.facts) {
        referee_.on_fact(fact);
        mix(fact.at.value * 8 + static_cast<std::uint64_t>(fact.what));
        mix(fact.value_digest.low ^ fact.state_digest.low);
    }
    if (!referee_.findings().empty()) fail(referee_.findings().front());
}

void world::engine::take_events(machine& m) {
    for (server_event const& e : m.running->out.events) {
        if (auto const* stopped = std::get_if<replica_stopped>(&e)) {
            note("server " + to_string(m.id) + ": replica of " + to_string(stopped->cell) +
                 " stopped: " + stopped->cause);
            if (!m.harmed && !is_outdated(m) && !referee_.is_spoilt(stopped->cell))
                fail("server " + to_string(m.id) + " quarantined a replica: " + stopped->cause);
        } else if (auto const* led = std::get_if<leadership_changed>(&e)) {
            note("server " + to_string(m.id) + (led->leads ? " leads " : " no longer leads ") +
                 to_string(led->cell) + " in " + to_string(led->in));
            if (led->leads && led->in.server != m.id)
                fail("server " + to_string(m.id) + " says that it leads in another's ballot");
        } else if (auto const* suspicion = std::get_if<suspicion_changed>(&e)) {
            note("server " + to_string(m.id) + (suspicion->suspected ? " suspects " : " hears again ") +
                 to_string(suspicion->peer));
        } else if (std::holds_alternative<journal_latched>(e)) {
            m.latched = true;
            note("server " + to_string(m.id) + ": its journal latched");
        } else if (std::holds_alternative<journal_rolled_back>(e)) {
            note("server " + to_string(m.id) + ": its journal was rolled back");
            if (!m.harmed) fail("server " + to_string(m.id) + ": a journal was called rolled back");
        } else if (auto const* refused = std::get_if<frame_refused>(&e)) {
            fail("server " + to_string(m.id) + " refused a frame: " + refused->why.message());
        }
    }
}

// ---- the journal

bool world::engine::deliver_journal(machine& m) {
    process& p = *m.running;
    if (p.store.done.events.empty()) return false;
    std::vector<journal_event> const events = std::exchange(p.store.done.events, {});
    for (journal_event const& e : events) {
        if (std::holds_alternative<journal_secured>(e)) tell_referee_of_recovered(m);
    }
    to_server listener(p.host, m.clock.read(now_));
    deliver(events, listener);
    return true;
}

void world::engine::tell_referee_of_recovered(machine& m) {
    for (recovered_replica const& found : m.running->found.replicas) {
        found_replica const back = interpret(found);
        if (!back.state) continue;
        for (acceptance_record const& a : back.state->acceptances) {
            if (!a.accepted || a.chosen) continue; // a choice that was taught is nobody's vote
            referee_.on_recovered(found.cell, found.replica, a.at, a.accepted, a.value_digest);
        }
    }
    m.running->found = {};
}

void world::engine::hash_task(machine const& m, io_task const& task) {
    mix(static_cast<std::uint64_t>(now_) ^ m.id.value);
    for (io_step const& s : task.steps) {
        mix(s.index());
        if (auto const* w = std::get_if<io_write>(&s)) mix(hash64(w->content, w->offset));
    }
}

void world::engine::begin_tasks(machine& m) {
    while (!m.running->store.done.tasks.empty()) {
        std::vector<io_task> tasks = std::exchange(m.running->store.done.tasks, {});
        for (io_task& t : tasks) {
            hash_task(m, t);
            schedule_disk(m, m.storage.begin(std::move(t)));
        }
    }
}

void world::engine::schedule_disk(machine& m, disk::progress const& p) {
    queue_.push({.at = now_ + (p.finished ? 0 : p.takes.count()),
                 .what = occurrence::disk,
                 .flavour = static_cast<std::uint8_t>(p.finished ? 1 : 0),
                 .target = m.index,
                 .epoch = m.epoch,
                 .item = static_cast<std::uint32_t>(p.place)});
}

void world::engine::on_disk(machine& m, std::size_t place, bool finished) {
    if (m.storage.is_hung()) { // it looks again now and then
        return queue_.push({.at = now_ + 20'000'000,
                            .what = occurrence::disk,
                            .flavour = static_cast<std::uint8_t>(finished ? 1 : 0),
                            .target = m.index,
                            .epoch = m.epoch,
                            .item = static_cast<std::uint32_t>(place)});
    }
    if (!finished) {
        disk::progress const p = m.storage.advance(place);
        if (!p.finished) return schedule_disk(m, p);
    }
    auto [id, outcome] = m.storage.take(place);
    m.running->store.log.complete(id, std::move(outcome), m.running->store.done);
    deliver_journal(m);
    open_ = &m;
}

void world::engine::scrub(machine& m) {
    if (options_.scrub_interval == duration::zero() || now_ < m.scrub_at) return;
    m.scrub_at = now_ + options_.scrub_interval.count();
    m.running->store.scrub(options_.journal.segment_bytes);
}

void world::engine::schedule_wake(machine& m) {
    time_point const wanted = m.running->host.deadline();
    if (wanted == never) return;
    world_time const when = std::max(now_, m.clock.when(wanted));
    if (when >= m.wake_at) return;
    m.wake_at = when;
    queue_.push({.at = when, .what = occurrence::wake, .target = m.index, .epoch = m.epoch});
}

void world::engine::wake_now(machine& m) {
    m.wake_at = now_;
    queue_.push({.at = now_, .what = occurrence::wake, .target = m.index, .epoch = m.epoch});
}

// ---- invariants

// Of one state, and of two that lie some turns apart: every invariant of successive states is transitive.
void world::engine::check_invariants(machine& m) {
    process& p = *m.running;
    if (++p.turns % 256 != 0) return;
    std::vector<replica> present;
    for (founded_cell const& c : cells_) {
        replica const* r = p.host.find_replica(c.id);
        if (!r) continue;
        for (auto const& broken : violations(*r))
            fail("server " + to_string(m.id) + ": " + broken);
        for (replica const& before : p.earlier) {
            if (before.self() != r->self()) continue; // it left and came back under another id
            for (auto const& broken : violations(before, *r))
                fail("server " + to_string(m.id) + ": " + broken);
        }
        if (p.turns % 512 == 0) present.push_back(r->clone());
    }
    if (p.turns % 512 == 0) p.earlier = std::move(present);
}

} // namespace zooid::sim

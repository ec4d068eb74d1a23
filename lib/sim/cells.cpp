// Cells of the world: their founding, their clients, and how they are when all is quiet.
#include "cell/state.hpp"
#include "sim/engine.hpp"
#include "sim/fragile_store.hpp"

#include <zooid/base/check.hpp>
#include <zooid/kv/sessions.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace zooid::sim {

cell_index world::engine::found_cell(std::size_t replicas) {
    ZOOID_CHECK(replicas <= machines_.size(), "a cell has at most one replica on each server");
    std::vector<server_id> order;
    for (machine const& m : machines_)
        order.push_back(m.id);
    for (std::size_t i = 0; i < replicas; ++i) {
        std::size_t const drawn = i + random_.below(order.size() - i);
        std::swap(order[i], order[drawn]);
    }
    founded_cell c;
    c.id = {0x63656c6c, cells_.size() + 1};
    c.name = "cell-" + std::to_string(cells_.size() + 1);
    generation const birth{1};
    std::vector<member> members;
    for (std::size_t i = 0; i < replicas; ++i) {
        auto const reserved =
            decode_member(administer(order[i], operation::reserve, encode(reserve_request{c.id, birth})));
        if (!reserved) return fail("a reservation is malformed"), 0;
        members.push_back(reserved.value());
    }
    c.held = {{slot{1}, configuration(members)}};
    cells_.push_back(c);
    referee_.add_cell(c.id, c.held.front().members);
    snapshot founding{c.id, c.name, birth, 1, limits::alpha_default, {}, c.held, {}, {}};
    for (member const& m : members)
        (void)administer(m.server, operation::found, encode(founding));
    return cells_.size() - 1;
}

std::uint16_t world::engine::add_caller(cell_index cell, client_options const& options, bool works) {
    founded_cell& c = cells_[cell];
    auto const index = static_cast<std::uint16_t>(callers_.size());
    auto const home = works ? static_cast<std::uint16_t>(random_.below(machines_.size())) : nowhere;
    std::uint64_t const seed = random_.next();
    auto work = works ? make_workload(options.work, index) : nullptr;
    callers_.push_back(
        std::make_unique<caller>(*this, caller_place{index, home, cell, c.id, c.name, c.held.back().members},
                                 options, std::move(work), seed));
    return index;
}

ending world::engine::call_once(cell_index cell, intent what, duration patience) {
    std::uint16_t const index = add_caller(cell, {.patience = patience}, false);
    callers_[index]->ask(std::move(what));
    (void)run_until([&] { return !callers_[index]->is_busy(); }, patience + std::chrono::seconds(1));
    if (callers_[index]->is_busy()) return unknown{};
    return *callers_[index]->last();
}

// ---- what callers tell

void world::engine::set_timer(std::uint16_t index, world_time at, std::uint32_t epoch) {
    queue_.push({.at = at, .what = occurrence::client, .target = index, .epoch = epoch});
}

void world::engine::on_ended(std::uint16_t index, call last) {
    calls_.push_back(std::move(last));
    call const& ended = calls_.back();
    mix(ended.ended.index() + static_cast<std::uint64_t>(ended.responded_ns));
    bool const write = ended.kind == call_kind::transaction;
    bool const committed = std::holds_alternative<kv::committed>(ended.ended);
    if (committed && write) ++statistics_.committed, ++cells_[callers_[index]->cell()].commits;
    if (committed && !write) ++statistics_.reads;
    if (std::holds_alternative<kv::rejected>(ended.ended)) ++statistics_.rejected;
    if (std::holds_alternative<unknown>(ended.ended)) ++statistics_.unknown;
    if (std::holds_alternative<failed>(ended.ended)) ++statistics_.failed;
    if (!traces()) return;
    char const* const how[] = {"committed", "rejected", "unknown", "failed"};
    note("client " + std::to_string(index) + ": " + (write ? "transaction " : "read ") +
         how[ended.ended.index()] + " after " + std::to_string((now_ - ended.invoked_ns) / 1000) + " us");
}

void world::engine::on_read_seen(std::size_t cell, version at, std::uint64_t query, std::uint64_t results) {
    referee_.on_read(cell, at, query, results);
    mix(results);
}

// ---- members

// Whoever leads is asked to replace one member: one on a harmed server if there is one. The request may be
// lost, come too late, or find another change before it.
bool world::engine::replace_member(cell_index cell) {
    auto newcomer_on = [&](configuration const& members) {
        std::vector<server_id> free;
        for (machine const& m : machines_) {
            if (m.running && !m.harmed && !m.latched && !members.index_of(m.id)) free.push_back(m.id);
        }
        return free.empty() ? server_id{} : free[random_.below(free.size())];
    };
    server_id const asked = leader(cell);
    if (!asked) return false;
    server_id const server =
        newcomer_on(at(asked).running->host.find_replica(cells_[cell].id)->newest_members());
    if (!server) return false;
    auto const reserved =
        ask_operator_request(server, operation::reserve, encode(reserve_request{cells_[cell].id, {1}}));
    auto const joins = reserved ? decode_member(*reserved) : result<member>(errc::unreachable);
    server_id const leads = leader(cell);
    if (!joins || !leads) return false;
    replica const& r = *at(leads).running->host.find_replica(cells_[cell].id);
    std::vector<member> members(r.newest_members().members().begin(), r.newest_members().members().end());
    auto out =
        std::find_if(members.begin(), members.end(), [&](member const& m) { return at(m.server).harmed; });
    std::size_t const drawn = random_.below(members.size());
    if (out == members.end() || random_.chance(1, 3))
        out = members.begin() + static_cast<std::ptrdiff_t>(drawn);
    *out = joins.value();
    if (!configuration::valid(members)) return false;
    auto const harmed =
        std::count_if(members.begin(), members.end(), [&](member const& m) { return at(m.server).harmed; });
    if (static_cast<std::size_t>(harmed) > (members.size() - 1) / 2) return false;
    configuration_change const change{
        r.configuration_base(), configuration(members), {{joins.value().replica, 0, at(server).software}}};
    cells_[cell].requested.push_back(change);
    (void)send_operator_request(leads, operation::change_members, cells_[cell].id, encode(change));
    return true;
}

bool world::engine::finalise(cell_index cell, std::uint16_t to) {
    server_id const leads = leader(cell);
    if (!leads) return false;
    finalised_ = std::max(finalised_, to);
    version_rise const rise{at(leads).running->host.find_replica(cells_[cell].id)->configuration_base(), to};
    (void)send_operator_request(leads, operation::raise_version, cells_[cell].id, encode(rise));
    return true;
}

// The process does not notice, so its interface has no way to do this.
bool world::engine::flip_state(machine& m, cell_index cell) {
    cell_id const id = cells_[cell].id;
    auto const* sessions =
        static_cast<kv::session_machine const*>(m.running ? m.running->host.find_machine(id) : nullptr);
    if (!sessions || referee_.is_spoilt(id)) return false;
    const_cast<fragile_store&>(static_cast<fragile_store const&>(sessions->inner())).flip();
    referee_.spoil(cell);
    harm(m, "a bit of its state of " + cells_[cell].name + " flips");
    return true;
}

// What governs, and what may govern soon.
std::vector<configuration> world::engine::possible_configurations(cell_index cell) const {
    founded_cell const& c = cells_[cell];
    std::vector<configuration> all;
    for (governed const& g : c.held)
        all.push_back(g.members);
    for (configuration_change const& change : c.requested)
        all.push_back(change.members);
    return all;
}

// A request is past when a later configuration than the one that it names is known.
void world::engine::note_members(machine& m) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        founded_cell& c = cells_[i];
        replica const* r = m.running->host.find_replica(c.id);
        if (!r) continue;
        auto const& held = r->state().members.held();
        if (held == c.held) continue;
        for (governed const& g : held)
            referee_.on_configuration(i, g);
        bool const newer = held.back().from > c.held.back().from || held.front().from > c.held.front().from;
        if (!newer || held.back().from < c.held.back().from) continue;
        statistics_.members_replaced += static_cast<std::uint64_t>(std::count_if(
            held.begin(), held.end(), [&](governed const& g) { return g.from > c.held.back().from; }));
        c.held = held;
        std::erase_if(c.requested, [&](configuration_change const& change) {
            return change.base < r->configuration_base();
        });
    }
}

// ---- when all is quiet

server_id world::engine::leader(cell_index cell) const {
    ballot highest;
    for (machine const& m : machines_) {
        replica const* r = m.running ? m.running->host.find_replica(cells_[cell].id) : nullptr;
        if (r && r->role() == role::leading) highest = std::max(highest, r->proposes_in());
    }
    return highest.server;
}

// Of a spoilt cell: if no majority has the same state, nobody can know which one is right (D3).
bool world::engine::majority_agrees(founded_cell const& c) const {
    configuration const& members = c.held.back().members;
    std::map<digest, std::size_t> count;
    std::size_t most = 0;
    for (machine const& m : machines_) {
        replica const* r = m.running ? m.running->host.find_replica(c.id) : nullptr;
        if (!r || !members.contains(r->self().replica)) continue;
        most = std::max(most, ++count[r->explain().state_digest]);
    }
    return most >= members.majority();
}

std::string world::engine::unrest() const {
    for (founded_cell const& c : cells_) {
        replica const* first = nullptr;
        server_id first_on;
        for (machine const& m : machines_) {
            if (!m.running || m.harmed || m.latched) continue;
            std::string const who = c.name + " on server " + to_string(m.id);
            replica const* r = m.running->host.find_replica(c.id);
            configuration const& members = c.held.back().members;
            bool const is_member = r && members.contains(r->self().replica);
            if (members.index_of(m.id) && !is_member)
                return who + " is not there, though the newest configuration names it";
            if (!is_member) continue; // a learner, or released
            if (r->deadline() != never) return who + " has a deadline as " + std::string(name_of(r->role()));
            if (r->is_changing()) return who + " holds a change that is not released";
            if (m.running->host.statistics().requests_waiting > 0) return who + " has requests waiting";
            if (!first) first = r, first_on = m.id;
            explanation const a = first->explain();
            explanation const b = r->explain();
            if (a.applied != b.applied)
                return who + " applied slot " + to_string(b.applied) + ", server " + to_string(first_on) +
                       " slot " + to_string(a.applied);
            if (a.state_digest != b.state_digest && (!referee_.is_spoilt(c.id) || majority_agrees(c)))
                return who + " holds another state";
        }
    }
    return {};
}

std::string world::engine::describe() const {
    std::string all;
    for (founded_cell const& c : cells_) {
        all += c.name + ":\n";
        for (machine const& m : machines_) {
            all += "  server " + to_string(m.id) + ": ";
            replica const* r = m.running ? m.running->host.find_replica(c.id) : nullptr;
            if (!r) {
                all += m.running ? "no replica\n" : "down\n";
                continue;
            }
            explanation const e = r->explain();
            all += std::string(name_of(e.role)) + ", promised " + to_string(e.promised) + ", follows " +
                   to_string(e.proposer) + ", prefix " + to_string(e.prefix) + ", applied " +
                   to_string(e.applied) + ", checkpoint " + to_string(e.checkpoint) +
                   (e.may_vote ? "" : ", may not vote yet") + (m.harmed ? ", harmed" : "") +
                   (m.latched ? ", latched" : "") +
                   (e.quarantine.empty() ? "" : ", quarantined: " + e.quarantine);
            all += ", base " + to_string(e.configuration_base) + (e.is_changing ? " changing" : "") +
                   ", members";
            for (member const& other : e.newest_members.members())
                all += " " + to_string(other.server);
            all += ", open " + std::to_string(e.open_slots) + ", pending " +
                   std::to_string(e.pending_commands) + "+" + std::to_string(e.pending_reads);
            time_point const wanted = r->deadline();
            if (wanted != never)
                all += ", wakes in " +
                       std::to_string((wanted - m.clock.read(now_)) / std::chrono::milliseconds(1)) + " ms";
            all += "\n";
        }
    }
    return all;
}

} // namespace zooid::sim

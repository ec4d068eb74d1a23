// What servers do when a cell's members change: they reserve replica ids, begin under them with what they are
// taught, and destroy what its own log released.
#include "cell/scenario/stage.hpp"

#include "cell/state.hpp"

#include <stdexcept>

namespace zooid::scenario {

void stage::reserve(std::size_t host, std::string const& name) {
    std::uint64_t const n = actors_.size() + 1;
    member const self{hosts_[host].id, hosts_[host].journal, {n + 100}};
    actors_.push_back({name, host, self, std::nullopt, {}, {}, {}, presence::reserved});
    names_.add_replica(self.replica, name);
}

// No consensus message creates a replica: who addresses one that has not begun is asked for a state, and
// that begins it. It never voted under this id, so it forgets nothing.
void stage::begin(std::size_t who, std::size_t teacher, message const& content) {
    actor& a = actors_[who];
    auto const* taught = std::get_if<teach_snapshot>(&content);
    if (!taught) {
        if (brief_ == 0) say(a.name + " has not begun: asks " + actors_[teacher].name + " for a state");
        return enqueue(who, {{actors_[teacher].self, fetch{slot{}}}});
    }
    say(a.name + " begins with the snapshot at " + slot_name(taught->state.at));
    a.presence = presence::here;
    a.disk.checkpoint = taught->state;
    scenario::host const& h = hosts_[a.host];
    life_id const life{h.id.value * 1000 + h.life};
    replica_identity const identity{a.self, life, life.value, h.runs, h.rounds_used};
    a.running.emplace(replica::recover(a.disk.first(), identity, options_));
    if (steps_) steps_->began(*a.running, taught->state);
    step(who, woken{});
}

void stage::change_at(std::size_t who, std::string const& request, std::vector<std::string> const& members,
                      std::optional<slot> base) {
    if (!actors_[who].running) throw std::invalid_argument(actors_[who].name + " is down");
    membership const& known = actors_[who].running->state().members;
    configuration_change change;
    change.base = base.value_or(known.base());
    configuration const* from = nullptr;
    for (governed const& g : known.held()) {
        if (known.made_at(g) == change.base) from = &g.members;
    }
    // The caller may know a change of which WHO has not heard that it is chosen.
    entry const* const told = from ? nullptr : referee_.chosen(change.base);
    auto const made = told ? told->changes() : std::nullopt;
    if (!from) from = made ? &made->members : &known.newest();
    std::vector<member> all;
    for (std::string const& name : members) {
        member const& m = actors_[index_of(name)].self;
        all.push_back(m);
        if (!from->contains(m.replica))
            change.newcomers.push_back({m.replica, 0, hosts_[actors_[index_of(name)].host].runs});
    }
    change.members = configuration(all);
    step(who, change_members{name_request(request), change});
}

void stage::teach_newcomers(std::size_t who) {
    std::string const name = actors_[who].name;
    for (int round = 0; round < 100; ++round) {
        proposer_state const* const p = actors_[who].running->state().proposer.get();
        if (!p || !p->change) return;
        std::vector<member> const learners = p->learners;
        std::size_t moved = flush(who, SIZE_MAX);
        for (member const& m : learners) {
            std::string const newcomer = names_.of(m.replica);
            moved += deliver({name, newcomer, ""}, SIZE_MAX);
            moved += flush(index_of(newcomer), SIZE_MAX);
            moved += deliver({newcomer, name, ""}, SIZE_MAX);
        }
        if (moved == 0) advance(std::chrono::milliseconds(10));
    }
    throw std::invalid_argument("the newcomers do not catch up");
}

void stage::destroy(std::size_t who) {
    actor& a = actors_[who];
    if (!a.running || !a.running->is_retired())
        return say(a.name + " may not be destroyed: its own log does not say that it was released [C4]");
    say(a.name + " is destroyed");
    round_number& used = hosts_[a.host].rounds_used;
    used = std::max(used, a.running->round_seen());
    a.running.reset();
    a.unflushed.clear();
    a.presence = presence::gone;
}

void stage::wipe(std::size_t host) {
    crash(host);
    hosts_[host].journal = {hosts_[host].journal.high + 1000, hosts_[host].journal.low};
    hosts_[host].batches = 0;
    hosts_[host].claims.clear();
    hosts_[host].given_up = false;
    for (actor& a : actors_) {
        if (a.host == host) a.presence = presence::gone;
    }
}

} // namespace zooid::scenario

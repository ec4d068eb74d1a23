// What a call does next: its phase, its candidates, its rounds.
#include "client/attempts.hpp"

#include <algorithm>

namespace zooid {

void client_core::attempts::finish() {
    // `advance` may stir further calls, at the end of the list.
    for (std::size_t i = 0; i < ready_.size(); ++i) {
        if (call_state* c = find(ready_[i])) advance(*c);
    }
    ready_.clear();
}

void client_core::attempts::advance(call_state& c) {
    call_phase const phase = phase_of(c);
    if (phase != c.phase) enter(c, phase);
    if (leads_queue(c) && now_ >= c.not_before)
        fill(c);
    else
        arm(c);
}

call_phase client_core::attempts::phase_of(call_state& c) {
    if (is_addressed(c.request.op)) return call_phase::asking;
    if (c.request.op == operation::locate) return call_phase::locating;
    if (!c.cell) c.cell = cells_.find_key(c.request.cell.key());
    known_cell const* known = c.cell ? cells_.find(c.cell) : nullptr;
    if (!known || known->members.empty()) return call_phase::locating;
    if (c.request.op != operation::commit || c.number) return call_phase::asking;
    bool const told = known->heard_at != time_point::min();
    bool const lately = told && now_ - known->heard_at <= options_.session_idle_max;
    return lately ? call_phase::asking : call_phase::opening;
}

void client_core::attempts::enter(call_state& c, call_phase phase) {
    leave_queue(c);
    std::erase_if(c.attempts, [&](attempt const& a) {
        bool const over = a.op == operation::locate || a.op == operation::open_session;
        if (over) by_correlation_.erase(a.correlation);
        return over;
    });
    c.phase = phase;
    c.tried.clear();
    c.absent = 0, c.redirects = 0, c.hosted = false, c.next = {};
    if (phase == call_phase::asking) return;
    cell_name const name = c.cell ? cell_name(c.cell) : c.request.cell;
    c.queue = std::pair(phase, name);
    queues_[*c.queue].push_back(c.id);
}

bool client_core::attempts::leads_queue(call_state& c) {
    return !c.queue || queues_[*c.queue].front() == c.id;
}

// Has as many attempts in the air as the phase wants; overdue ones don't count.
void client_core::attempts::fill(call_state& c) {
    std::size_t const wanted = c.phase == call_phase::locating ? options_.fan_out : 1;
    auto const live = [&] {
        return static_cast<std::size_t>(
            std::count_if(c.attempts.begin(), c.attempts.end(), [](attempt const& a) { return !a.overdue; }));
    };
    while (live() < wanted) {
        server_id const server = choose(c);
        if (!server) break;
        ask(c, server);
    }
    if (live() == 0) return end_round(c);
    arm(c);
}

std::vector<server_id> client_core::attempts::candidates_of(call_state const& c) {
    if (is_addressed(c.request.op)) return {c.request.server};
    if (c.phase == call_phase::locating) return links_.servers();
    std::vector<server_id> servers;
    if (known_cell const* known = cells_.find(c.cell)) {
        for (member const& m : known->members.members()) {
            if (links_.knows(m.server)) servers.push_back(m.server);
        }
    }
    return servers;
}

// A redirect first, then the proposer that we believe in, then whoever is at hand. Doubtful servers are asked
// only if the round would otherwise ask nobody: they cost a time-out each.
server_id client_core::attempts::choose(call_state& c) {
    using rank = client_links::rank;
    server_id const next = std::exchange(c.next, {});
    if (next && links_.rank_of(now_, next) <= rank::reachable) {
        c.tried.push_back(next);
        return next;
    }
    auto const candidates = candidates_of(c);
    bool const wants_proposer = c.phase != call_phase::locating && c.request.op != operation::prefix_read;
    if (known_cell const* known = wants_proposer && c.cell ? cells_.find(c.cell) : nullptr) {
        server_id const guess[] = {known->proposer};
        if (server_id const s = choose_among(c, guess, rank::reachable)) return s;
    }
    for (rank const worst : {rank::ready, rank::reachable}) {
        if (server_id const s = choose_among(c, candidates, worst)) return s;
    }
    return c.tried.empty() ? choose_among(c, candidates, rank::doubtful) : server_id{};
}

server_id client_core::attempts::choose_among(call_state& c, std::span<server_id const> candidates,
                                              client_links::rank worst) {
    if (candidates.empty()) return {};
    auto const first = static_cast<std::size_t>(candidates.size() > 1 ? random_.below(candidates.size()) : 0);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        server_id const s = candidates[(first + i) % candidates.size()];
        if (std::find(c.tried.begin(), c.tried.end(), s) != c.tried.end()) continue;
        if (!links_.knows(s) || links_.rank_of(now_, s) > worst) continue;
        c.tried.push_back(s);
        return s;
    }
    return {};
}

// Nobody is left to ask. If everybody said that there is no such cell, that is the answer; if none of those
// whom we took for its members has it, they are not its members.
void client_core::attempts::end_round(call_state& c) {
    if (c.phase == call_phase::locating && c.absent >= links_.servers().size()) {
        return fail(c, errc::not_found, "no server knows " + to_string(c.request.cell));
    }
    bool const by_cell = c.phase != call_phase::locating && !is_addressed(c.request.op);
    if (by_cell && !c.hosted) {
        cells_.forget_place(c.cell);
        if (!c.request.cell.id() && !ambiguous(c)) drop_envelope(c), c.cell = {};
    }
    c.tried.clear();
    c.absent = 0, c.redirects = 0, c.hosted = false;
    wait(c, options_.seek_max);
}

void client_core::attempts::wait(call_state& c, duration most) {
    c.not_before = now_ + back_off(options_.backoff_min, most, c.rounds, random_);
    ++c.rounds;
    arm(c);
}

void client_core::attempts::arm(call_state& c) {
    time_point at = c.request.deadline;
    if (c.not_before > now_) at = std::min(at, c.not_before);
    for (attempt const& a : c.attempts) {
        if (!a.overdue) at = std::min(at, a.overdue_at);
    }
    if (at == c.armed) return;
    timers_.erase({c.armed, c.id});
    c.armed = at;
    timers_.insert({at, c.id});
}

} // namespace zooid

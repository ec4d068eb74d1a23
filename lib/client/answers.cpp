// What came of an attempt, and what the call makes of it.
#include "client/attempts.hpp"
#include "client/verdict.hpp"

#include <algorithm>

namespace zooid {

namespace {

configuration members_of(reply const& r) {
    if (!r.members.empty()) return r.members;
    reader in(r.payload);
    auto members = in.get<configuration>();
    return in.complete() ? members : configuration();
}

constexpr unsigned redirects_max = 3;

} // namespace

void client_core::attempts::on_reply(server_id from, bytes_view encoded) {
    auto const decoded = decode_reply(encoded);
    call_state* const c = decoded ? find(decoded.value().correlation) : nullptr;
    attempt a;
    if (links_.knows(from)) links_.trust(from);
    if (!c || !take(*c, decoded.value().correlation, a)) {
        ++statistics_.replies_ignored;
        return;
    }
    reply const& r = decoded.value();
    if (r.cell && r.failure) cells_.learn({r.cell, r.birth, r.at, r.proposer, r.members});
    if (r.failure)
        on_failure(*c, a, *r.failure, &r);
    else
        on_success(*c, a, r);
}

bool client_core::attempts::take(call_state& c, correlation_id correlation, attempt& out) {
    auto const found = std::find_if(c.attempts.begin(), c.attempts.end(),
                                    [&](attempt const& a) { return a.correlation == correlation; });
    if (found == c.attempts.end()) return false;
    out = *found;
    c.attempts.erase(found);
    by_correlation_.erase(correlation);
    stir(c);
    return true;
}

void client_core::attempts::on_success(call_state& c, attempt const& a, reply const& r) {
    if (a.op == operation::locate) return on_located(c, r);
    if (!is_addressed(a.op)) note_seen(r);
    if (a.op == operation::open_session) return on_opened(c, r);
    if (a.op == operation::commit) return on_committed(c, a, r);
    answer(c, r, r.payload);
}

void client_core::attempts::note_seen(reply const& r) {
    if (!r.cell) return;
    known_cell& known = cells_.learn({r.cell, r.birth, r.at, r.proposer, r.members});
    known.seen = std::max(known.seen, r.at);
    known.heard_at = now_;
}

void client_core::attempts::on_located(call_state& c, reply const& r) {
    configuration const members = members_of(r);
    if (!r.cell || members.empty()) return on_elsewhere(c, {}, nullptr);
    cells_.learn({r.cell, r.birth, r.at, r.proposer, members});
    if (!c.queue) return;
    auto const queue = *c.queue;
    if (!queue.second.id()) cells_.bind_key(r.cell, queue.second.key());
    auto const waiting = queues_[queue];
    for (call_id const id : waiting) {
        if (call_state* w = find(id); w && w->request.op == operation::locate) {
            end(*w, call_reply{{r.cell, r.birth, r.at, r.proposer, members}, {}});
        }
    }
    release(queue);
}

void client_core::attempts::on_opened(call_state& c, reply const& r) {
    if (r.cell != c.cell) return on_elsewhere(c, {}, nullptr);
    if (c.queue) release(*c.queue);
}

// Everybody in the line may go on.
void client_core::attempts::release(std::pair<call_phase, cell_name> const& queue) {
    auto const found = queues_.find(queue);
    if (found == queues_.end()) return;
    auto const waiting = std::move(found->second);
    queues_.erase(found);
    for (call_id const id : waiting) {
        call_state* c = find(id);
        if (!c) continue;
        c->queue.reset();
        c->phase = call_phase::fresh;
        c->not_before = time_point::min();
        stir(*c);
    }
}

void client_core::attempts::on_committed(call_state& c, attempt const& a, reply const& r) {
    auto const decoded = kv::decode_request_reply(r.payload);
    if (!decoded) {
        c.tainted = true;
        return fail(c, errc::outcome_unknown, "the cell's answer cannot be read");
    }
    switch (decoded.value().status) {
    case kv::request_status::applied: return answer(c, r, decoded.value().body);
    case kv::request_status::reply_not_kept:
        c.tainted = true;
        return fail(c, errc::outcome_unknown,
                    "an earlier attempt was applied, and its reply was too large to be kept");
    case kv::request_status::expired: return on_stale(c);
    case kv::request_status::overloaded: return on_busy(c, a);
    case kv::request_status::malformed: break;
    }
    fail(c, errc::malformed, "the cell refused the session envelope");
}

void client_core::attempts::on_failure(call_state& c, attempt const& a, errc code, reply const* r) {
    bool const own = a.op == c.request.op; // not a lookup on the way
    verdict const meaning = verdict_of(code);
    if (meaning == verdict::unknown && own && a.sent && is_mutating(a.op)) c.tainted = true;
    if (a.overdue) return; // others are being asked meanwhile; only what may take effect counted
    c.last_failure = code, c.last_server = a.server;
    known_cell* const known = c.cell ? cells_.find(c.cell) : nullptr;
    if (known && known->proposer == a.server && meaning != verdict::busy) known->proposer = {};
    switch (meaning) {
    case verdict::unknown:
    case verdict::elsewhere: return on_elsewhere(c, a, r);
    case verdict::busy: return on_busy(c, a);
    case verdict::stale: return own && c.number ? on_stale(c) : on_elsewhere(c, a, r);
    case verdict::absent:
        if (is_addressed(c.request.op)) break;
        ++c.absent;
        return;
    case verdict::refused: break;
    }
    fail(c, code, r ? r->detail : bytes_view());
}

void client_core::attempts::on_elsewhere(call_state& c, attempt const& a, reply const* r) {
    if (!r || !c.cell || r->cell != c.cell) return;
    c.hosted = true;
    bool const leads_on = r->proposer && r->proposer != a.server && a.op != operation::prefix_read;
    if (!leads_on || c.redirects >= redirects_max) return;
    ++c.redirects;
    c.next = r->proposer;
}

// The cell, or the server, asks for time: the same server later, and longer each time.
void client_core::attempts::on_busy(call_state& c, attempt const& a) {
    c.last_failure = errc::overloaded, c.last_server = a.server;
    c.tried.clear();
    c.absent = 0;
    c.hosted = true;
    c.next = a.server;
    wait(c, options_.backoff_max);
}

// This copy is void for good. If no other copy can be on its way, neither is the transaction: it starts again
// under a new number and a fresh slot. Otherwise nobody can tell any more.
void client_core::attempts::on_stale(call_state& c) {
    if (ambiguous(c)) {
        return fail(c, errc::outcome_unknown,
                    "an attempt was lost, and the cell does not remember it any more");
    }
    drop_envelope(c);
    if (known_cell* known = cells_.find(c.cell)) known->heard_at = time_point::min();
    wait(c, options_.seek_max);
}

void client_core::attempts::on_overdue(call_state& c, attempt& a) {
    a.overdue = true;
    ++c.overdue_count;
    ++statistics_.attempts_overdue;
    c.last_failure = errc::unreachable, c.last_server = a.server;
    stir(c);
    if (!a.sent) return;
    links_.doubt(now_, a.server);
    known_cell* known = c.cell ? cells_.find(c.cell) : nullptr;
    if (!known) return;
    c.hosted = true; // it may be there and mute; its members are the ones to ask
    if (known->proposer == a.server) known->proposer = {};
    if (a.op != operation::prefix_read && a.op != operation::locate) c.accused = a.server;
}

void client_core::attempts::on_link_up(server_id server) {
    if (!links_.knows(server)) return;
    for (correlation_id const waiting : links_.on_up(server)) {
        call_state* const c = find(waiting);
        if (!c) continue;
        for (attempt& a : c->attempts) {
            if (a.correlation == waiting && !a.sent) send(*c, a);
        }
    }
}

void client_core::attempts::on_link_down(server_id server, error why) {
    if (!links_.knows(server)) return;
    errc const code = why.code();
    links_.on_down(now_, server, std::move(why), random_);
    std::vector<std::pair<call_id, correlation_id>> lost;
    for (auto const& [correlation, id] : by_correlation_) {
        call_state const& c = calls_.at(id);
        for (attempt const& a : c.attempts) {
            if (a.correlation == correlation && a.server == server) lost.emplace_back(id, correlation);
        }
    }
    for (auto const& [id, correlation] : lost) {
        call_state* const c = find(id);
        attempt a;
        if (!c || !take(*c, correlation, a)) continue;
        bool const open = a.sent && is_mutating(a.op);
        on_failure(*c, a, open ? errc::outcome_unknown : errc::unreachable, nullptr);
    }
    if (!links_.all_refuse_us()) return;
    std::string const words = links_.why_down(server);
    while (!calls_.empty()) // nobody will answer, however long they wait
        fail(calls_.begin()->second, code, words);
}

void client_core::attempts::on_unsent(server_id, bytes_view request) {
    correlation_id const correlation = correlation_of(request);
    call_state* const c = find(correlation);
    attempt a;
    if (!c || !take(*c, correlation, a)) return;
    on_failure(*c, a, errc::unreachable, nullptr);
}

void client_core::attempts::wake() {
    while (!timers_.empty() && timers_.begin()->first <= now_) {
        call_state& c = calls_.at(timers_.begin()->second);
        timers_.erase(timers_.begin());
        c.armed = never;
        if (now_ >= c.request.deadline) {
            expire(c);
            continue;
        }
        for (attempt& a : c.attempts) {
            if (!a.overdue && now_ >= a.overdue_at) on_overdue(c, a);
        }
        std::erase_if(c.attempts, [&](attempt const& a) {
            bool const over = a.overdue && !a.sent;
            if (over) by_correlation_.erase(a.correlation);
            return over;
        });
        stir(c);
    }
}

} // namespace zooid

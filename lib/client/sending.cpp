// Requests out: attempts, session envelopes, complaints.
#include "client/attempts.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr unsigned doublings_max = 3;

operation operation_of(call_state const& c) {
    if (c.phase == call_phase::locating) return operation::locate;
    if (c.phase == call_phase::opening) return operation::open_session;
    return c.request.op;
}

// Rounded up: a server must not give up before the caller does.
std::uint64_t milliseconds_left(duration left) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

} // namespace

void client_core::attempts::ask(call_state& c, server_id server) {
    if (c.phase == call_phase::asking && c.request.op == operation::commit && !c.number) make_envelope(c);
    attempt a;
    a.correlation = {++correlations_};
    a.server = server;
    a.op = operation_of(c);
    a.overdue_at = now_ + options_.attempt_timeout * (1u << std::min(c.overdue_count, doublings_max));
    by_correlation_[a.correlation] = c.id;
    if (c.accused && c.accused != server) complain(c, server);
    if (links_.is_up(server)) {
        send(c, a);
    } else if (links_.want(now_, server, a.correlation)) {
        out_->dials.push_back(server);
    }
    c.attempts.push_back(a);
}

void client_core::attempts::send(call_state& c, attempt& a) {
    request r;
    r.correlation = a.correlation;
    r.op = a.op;
    r.cell = c.cell ? c.cell : c.request.cell.id();
    if (!r.cell) r.key = c.request.cell.key();
    r.birth = c.request.birth;
    if (a.op == operation::prefix_read) {
        if (known_cell const* known = cells_.find(c.cell)) r.min_slot = known->seen;
    }
    r.remaining_ms = milliseconds_left(c.request.deadline - now_);
    if (a.op == c.request.op) r.payload = c.number ? bytes_view(c.envelope) : bytes_view(c.request.payload);
    out_->requests.push_back({a.server, {}});
    encode(r, out_->requests.back().payload);
    a.sent = true;
    ++statistics_.attempts;
}

// Tells another member that the one asked before is mute. At most once per time-out and cell, however many
// calls found it mute; the members probe it before they believe us.
void client_core::attempts::complain(call_state& c, server_id to) {
    c.accused = {};
    known_cell* known = c.cell ? cells_.find(c.cell) : nullptr;
    if (!known || !links_.is_up(to)) return;
    bool const before = known->complained_at != time_point::min();
    if (before && now_ - known->complained_at < options_.attempt_timeout) return;
    known->complained_at = now_;
    request r;
    r.correlation = {++correlations_};
    r.op = operation::complain;
    r.cell = c.cell;
    r.remaining_ms = milliseconds_left(options_.attempt_timeout);
    out_->requests.push_back({to, {}});
    encode(r, out_->requests.back().payload);
    ++statistics_.complaints;
}

// From here on the call's bytes don't change any more. `settled` lets the cell forget replies that nobody
// waits for; calls that ended as outcome_unknown are among them, so a late copy of theirs is refused as
// expired.
void client_core::attempts::make_envelope(call_state& c) {
    known_cell* known = cells_.find(c.cell);
    ZOOID_CHECK(known && known->heard_at != time_point::min(), "a commit follows a slot that the cell told");
    c.number = {++sequences_};
    known->outstanding.insert(c.number);
    kv::request const session{client_, c.number, *known->outstanding.begin(), known->seen, c.request.payload};
    c.envelope.clear();
    kv::encode(session, c.envelope);
}

void client_core::attempts::drop_envelope(call_state& c) {
    if (!c.number) return;
    if (known_cell* known = cells_.find(c.cell)) known->outstanding.erase(c.number);
    c.number = {};
    c.envelope.clear();
}

} // namespace zooid

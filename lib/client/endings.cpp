// How calls start and end. The only place that ends one is `end`.
#include "client/attempts.hpp"

#include <zooid/base/check.hpp>
#include <zooid/transport/wire.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr std::size_t call_overhead_bytes = 512;
constexpr std::size_t request_overhead_bytes = 256; // of the request around a payload, its key apart

result<void> check(call_request const& r, client_links const& links) {
    if (r.op == operation::open_session || r.op == operation::complain || !known(r.op)) {
        return error(errc::invalid_argument, "this operation is not a call");
    }
    if (is_addressed(r.op)) {
        if (!links.knows(r.server)) return error(errc::not_found, "no server " + to_string(r.server));
    } else if (r.cell.empty()) {
        return error(errc::invalid_argument, "neither a cell nor a key is named");
    }
    if (r.cell.key().size() > limits::key_bytes_max) {
        return error(errc::too_large, "a key of " + std::to_string(r.cell.key().size()) + " bytes");
    }
    if (r.payload.size() + r.cell.key().size() + request_overhead_bytes > wire::payload_bytes_max) {
        return error(errc::too_large, "a request of " + std::to_string(r.payload.size()) + " bytes");
    }
    return outcome::success();
}

} // namespace

// What needs an admin changes something, but for the state of a sealed replica, which is only copied.
bool is_mutating(operation op) {
    return op == operation::commit || (needs_admin(op) && op != operation::kept_state);
}

bool is_addressed(operation op) {
    return op == operation::reserve || op == operation::found || op == operation::status ||
           op == operation::explain || op == operation::survey || op == operation::seal ||
           op == operation::kept_state || op == operation::found_fork;
}

client_core::attempts::attempts(client_options const& options, client_identity identity,
                                std::vector<server_id> const& servers)
    : options_(options), client_(identity.client), random_(identity.seed), links_(options, servers),
      cells_(options.cells_max) {}

void client_core::attempts::start(call_id id, call_request request) {
    ZOOID_CHECK(static_cast<bool>(id) && !calls_.contains(id), "a call has an id of its own");
    if (auto const good = check(request, links_); !good) return refuse(id, good.error());
    if (now_ >= request.deadline) return refuse(id, errc::timed_out);
    std::size_t const cost = request.payload.size() + request.cell.key().size() + call_overhead_bytes;
    if (bytes_ + cost > options_.queue_bytes_max) {
        ++statistics_.calls_refused;
        return refuse(id, error(errc::overloaded, "too many calls wait at this client"));
    }
    bytes_ += cost;
    ++statistics_.calls_started;
    call_state& c = calls_[id];
    c.id = id;
    c.cost = cost;
    c.request = std::move(request);
    c.cell = is_addressed(c.request.op) ? cell_id{} : c.request.cell.id();
    timers_.insert({c.armed, id});
    stir(c);
}

void client_core::attempts::refuse(call_id id, error why) {
    ++statistics_.calls_started;
    ++statistics_.calls_ended;
    out_->ended.push_back({id, std::move(why)});
}

void client_core::attempts::cancel(call_id id) {
    if (call_state* c = find(id)) fail(*c, errc::cancelled, {});
}

void client_core::attempts::cancel_all() {
    while (!calls_.empty())
        fail(calls_.begin()->second, errc::cancelled, {});
}

bool client_core::attempts::ambiguous(call_state const& c) const {
    if (!is_mutating(c.request.op)) return false;
    auto const open = [&](attempt const& a) { return a.sent && a.op == c.request.op; };
    return c.tainted || std::any_of(c.attempts.begin(), c.attempts.end(), open);
}

void client_core::attempts::answer(call_state& c, reply const& r, bytes_view payload) {
    end(c, call_reply{{r.cell, r.birth, r.at, r.proposer, r.members}, bytes(payload)});
}

// Every error passes here: one that claims that nothing happened is believed only if nothing can happen (K3).
void client_core::attempts::fail(call_state& c, errc code, std::string_view detail) {
    if (!ambiguous(c)) return end(c, detail.empty() ? error(code) : error(code, detail));
    if (code == errc::outcome_unknown) return end(c, error(code, detail));
    std::string words(name_of(code));
    if (!detail.empty()) words.append(": ").append(detail);
    end(c, error(errc::outcome_unknown, words + ", after an attempt without an answer"));
}

void client_core::attempts::expire(call_state& c) {
    bool const busy = c.last_failure == errc::overloaded;
    std::string words = "last tried: ";
    words.append(name_of(c.last_failure)).append(", ");
    words.append(c.last_server ? links_.why_down(c.last_server) : "nobody");
    fail(c, busy ? errc::overloaded : errc::timed_out, words);
}

void client_core::attempts::end(call_state& c, result<call_reply> reply) {
    leave_queue(c);
    drop_envelope(c);
    for (attempt const& a : c.attempts)
        by_correlation_.erase(a.correlation);
    timers_.erase({c.armed, c.id});
    bytes_ -= c.cost;
    ++statistics_.calls_ended;
    if (!reply && reply.error() == errc::outcome_unknown) ++statistics_.calls_unknown;
    out_->ended.push_back({c.id, std::move(reply)});
    calls_.erase(c.id);
}

// Whoever stood behind the first one takes over.
void client_core::attempts::leave_queue(call_state& c) {
    if (!c.queue) return;
    auto const queue = queues_.find(*c.queue);
    c.queue.reset();
    if (queue == queues_.end()) return;
    std::erase(queue->second, c.id);
    if (queue->second.empty())
        queues_.erase(queue);
    else
        ready_.push_back(queue->second.front());
}

call_state* client_core::attempts::find(call_id id) {
    auto const found = calls_.find(id);
    return found == calls_.end() ? nullptr : &found->second;
}

call_state* client_core::attempts::find(correlation_id correlation) {
    auto const found = by_correlation_.find(correlation);
    return found == by_correlation_.end() ? nullptr : find(found->second);
}

client_statistics client_core::attempts::statistics() const {
    client_statistics s = statistics_;
    s.calls_waiting = calls_.size();
    s.bytes_waiting = bytes_;
    s.cells_known = cells_.size();
    return s;
}

} // namespace zooid

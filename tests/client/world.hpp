// A client and scripted servers, by hand: the test decides what each request is answered with, and what time
// it is.
#pragma once

#include "support/catch.hpp"

#include <zooid/client/client_core.hpp>
#include <zooid/kv/sessions.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace client_test {

using namespace zooid;
using namespace std::chrono_literals;

inline constexpr cell_id the_cell{7, 7};

inline configuration three_members() {
    std::vector<member> m;
    for (std::uint64_t i = 1; i <= 3; ++i)
        m.push_back({{i}, {1, i}, {100 + i}});
    return configuration(m);
}

/// A request as a server saw it.
struct seen_request {
    server_id to;
    bytes raw;
    request r; // views into raw

    kv::request session() const { return kv::decode_request(r.payload).value(); }
};

class world {
  public:
    explicit world(client_options options = {}, std::vector<server_id> servers = {{1}, {2}, {3}})
        : core(options, {{77}, 5}, std::move(servers)) {}

    void run() {
        while (!out.empty()) {
            client_output const turn = std::exchange(out, {});
            for (server_id const s : turn.dials) {
                dialled.push_back(s);
                if (unreachable.contains(s))
                    core.on_link_down(now, s, refusal, out);
                else if (!mute_dials.contains(s))
                    core.on_link_up(now, s, out);
            }
            for (auto const& r : turn.requests)
                receive(r);
            for (auto const& e : turn.ended)
                ended[e.call].push_back(e.reply);
        }
    }
    void receive(outgoing_request const& o) {
        sent.push_back(std::make_unique<seen_request>(seen_request{o.to, o.payload, {}}));
        sent.back()->r = decode_request(sent.back()->raw).value();
        if (automatic)
            answer_helpers(*sent.back());
        else
            pending.push_back(sent.back().get());
    }
    /// Locate and open_session answer themselves; everything else waits in `pending`.
    void answer_helpers(seen_request const& s) {
        if (s.r.op == operation::locate) return answer(s, located());
        if (s.r.op == operation::open_session) return answer(s, done(slot{opened_at}));
        if (s.r.op == operation::complain)
            complaints.push_back(s.to);
        else
            pending.push_back(&s);
    }

    reply located() const {
        reply r = done(slot{opened_at});
        r.members = members;
        r.proposer = proposer;
        return r;
    }
    static reply done(slot at, bytes_view payload = {}) {
        reply r;
        r.cell = the_cell, r.birth = {1}, r.at = at, r.payload = payload;
        return r;
    }
    static reply failed(errc why, server_id leads = {}) {
        reply r;
        r.failure = why;
        if (why != errc::not_here) r.cell = the_cell, r.birth = {1}, r.proposer = leads;
        return r;
    }
    void answer(seen_request const& s, reply r) {
        r.correlation = s.r.correlation;
        bytes encoded;
        encode(r, encoded);
        core.on_reply(now, s.to, encoded, out);
        run();
    }
    void answer_commit(seen_request const& s, kv::request_status status, bytes_view body = {},
                       slot at = {50}) {
        bytes payload;
        kv::encode(kv::request_reply{status, bytes(body)}, payload);
        answer(s, done(at, payload));
    }
    static bytes committed_body() {
        bytes body;
        kv::encode(kv::outcome(kv::committed{{9}, {}}), body);
        return body;
    }

    call_id commit(duration deadline = 10s, cell_name name = the_cell) {
        auto call = commit_call(std::move(name), kv::transaction().put("k", "v"), now + deadline);
        return start(std::move(call).value());
    }
    call_id read(operation op, duration deadline = 10s) {
        auto const t = kv::transaction().read("k");
        return start((op == operation::strict_read ? strict_read_call(the_cell, t, now + deadline)
                                                   : prefix_read_call(the_cell, t, now + deadline))
                         .value());
    }
    call_id start(call_request r) {
        call_id const id{++calls};
        core.start(now, id, std::move(r), out);
        run();
        return id;
    }
    void cancel(call_id id) { core.cancel(now, id, out), run(); }
    void link_down(server_id s) { core.on_link_down(now, s, refusal, out), run(); }
    /// Lets time pass, waking the core whenever it asks for it.
    void pass(duration d) {
        time_point const end = now + d;
        while (core.deadline() <= end) {
            now = std::max(now, core.deadline());
            core.wake(now, out);
            run();
        }
        now = end;
    }

    /// The next request that waits for an answer; fails the test if there is none.
    seen_request const& next() {
        REQUIRE_FALSE(pending.empty());
        seen_request const* s = pending.front();
        pending.erase(pending.begin());
        return *s;
    }
    bool has_ended(call_id id) const { return ended.contains(id); }
    /// How it ended; fails the test unless it ended exactly once.
    result<call_reply> const& end_of(call_id id) {
        REQUIRE(ended[id].size() == 1);
        return ended[id].front();
    }
    /// Its error, or nothing if it was answered.
    std::optional<errc> failure_of(call_id id) {
        auto const& r = end_of(id);
        return r ? std::nullopt : std::optional(r.error().code());
    }

    client_core core;
    client_output out;
    time_point now{1h};
    configuration members = three_members();
    server_id proposer{1};
    std::uint64_t opened_at = 40;
    bool automatic = true;
    std::set<server_id> unreachable, mute_dials;
    error refusal{errc::unreachable,
                  "nobody listens"}; ///< what a link that goes down, or never comes up, says
    std::vector<server_id> dialled, complaints;
    std::vector<std::unique_ptr<seen_request>> sent;
    std::vector<seen_request const*> pending;
    std::map<call_id, std::vector<result<call_reply>>> ended;
    std::uint64_t calls = 0;
};

} // namespace client_test

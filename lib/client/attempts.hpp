// The core's inside: calls under way, the attempts that they made, and who waits for whom.
//
// A call passes through phases: find the cell (`locating`), be told a slot (`opening`, commits only), be
// answered (`asking`). In each it asks candidates in rounds, one attempt at a time (several when locating); a
// round without luck ends in a back-off. Calls for the same cell share the first two phases: the first in the
// queue does the asking, the others wait, and when it ends without luck the next one takes over.
//
// An attempt is remembered until it is answered, its link is lost, or its call ended. So an answer that comes
// after the attempt was overdue still counts, and a call knows whether any copy of it may yet take effect.
#pragma once

#include "client/cells.hpp"
#include "client/links.hpp"

#include <zooid/client/client_core.hpp>
#include <zooid/kv/sessions.hpp>

#include <map>
#include <optional>
#include <set>

namespace zooid {

enum class call_phase : std::uint8_t { fresh, locating, opening, asking };

struct attempt {
    correlation_id correlation;
    server_id server;
    operation op = operation::commit;
    time_point overdue_at;
    bool sent = false;
    bool overdue = false;
};

struct call_state {
    call_id id;
    call_request request;
    std::size_t cost = 0;

    cell_id cell;         // bound to; zero: not found yet
    sequence number;      // of the envelope; zero: there is none
    bytes envelope;       // the same for each attempt
    bool tainted = false; // an attempt was lost that may take effect
    std::vector<attempt> attempts;

    call_phase phase = call_phase::fresh;
    std::optional<std::pair<call_phase, cell_name>> queue; // where it stands in line
    std::vector<server_id> tried;                          // in this round
    std::size_t absent = 0;                                // of them said that the cell is not there
    bool hosted = false;                                   // one of them has the cell
    unsigned redirects = 0;                                // followed in this round
    server_id next;                                        // where a redirect points, or who was busy
    server_id accused; // let an attempt time out: complain to the next one

    unsigned rounds = 0;        // that ended without luck, in this phase
    unsigned overdue_count = 0; // shared by all phases
    time_point not_before = time_point::min();
    time_point armed = never;
    errc last_failure = errc::unreachable;
    server_id last_server;
};

class client_core::attempts {
  public:
    attempts(client_options const& options, client_identity identity, std::vector<server_id> const& servers);

    void begin(time_point now, client_output& out) { now_ = now, out_ = &out; }
    /// Lets every call go on that something happened to.
    void finish();

    void start(call_id id, call_request request);
    void refuse(call_id id, error why);
    void cancel(call_id id);
    void cancel_all();
    void on_link_up(server_id server);
    void on_link_down(server_id server, error why);
    void on_reply(server_id from, bytes_view encoded);
    void on_unsent(server_id to, bytes_view request);
    void wake();

    time_point deadline() const { return timers_.empty() ? never : timers_.begin()->first; }
    bool is_idle() const { return calls_.empty(); }
    client_statistics statistics() const;

  private:
    // advance.cpp: what a call does next
    void advance(call_state& c);
    call_phase phase_of(call_state& c);
    void enter(call_state& c, call_phase phase);
    bool leads_queue(call_state& c);
    void fill(call_state& c);
    server_id choose(call_state& c);
    server_id choose_among(call_state& c, std::span<server_id const> candidates, client_links::rank worst);
    std::vector<server_id> candidates_of(call_state const& c);
    void end_round(call_state& c);
    void wait(call_state& c, duration most);
    void arm(call_state& c);

    // sending.cpp: requests out
    void ask(call_state& c, server_id server);
    void send(call_state& c, attempt& a);
    void complain(call_state& c, server_id to);
    void make_envelope(call_state& c);
    void drop_envelope(call_state& c);

    // answers.cpp: what came of an attempt
    void on_success(call_state& c, attempt const& a, reply const& r);
    void on_failure(call_state& c, attempt const& a, errc code, reply const* r);
    void on_located(call_state& c, reply const& r);
    void on_opened(call_state& c, reply const& r);
    void on_committed(call_state& c, attempt const& a, reply const& r);
    void on_elsewhere(call_state& c, attempt const& a, reply const* r);
    void on_busy(call_state& c, attempt const& a);
    void on_stale(call_state& c);
    void on_overdue(call_state& c, attempt& a);
    void note_seen(reply const& r);
    bool take(call_state& c, correlation_id correlation, attempt& out);
    void release(std::pair<call_phase, cell_name> const& queue);

    // endings.cpp: how a call ends
    bool ambiguous(call_state const& c) const;
    void answer(call_state& c, reply const& r, bytes_view payload);
    void fail(call_state& c, errc code, std::string_view detail);
    void expire(call_state& c);
    void end(call_state& c, result<call_reply> reply);
    void leave_queue(call_state& c);
    call_state* find(call_id id);
    call_state* find(correlation_id correlation);
    void stir(call_state const& c) { ready_.push_back(c.id); }

    client_options options_;
    client_id client_;
    prng random_;
    client_links links_;
    known_cells cells_;

    std::map<call_id, call_state> calls_;
    std::map<correlation_id, call_id> by_correlation_;
    std::map<std::pair<call_phase, cell_name>, std::vector<call_id>> queues_;
    std::set<std::pair<time_point, call_id>> timers_;
    std::vector<call_id> ready_;
    std::uint64_t correlations_ = 0;
    std::uint64_t sequences_ = 0;
    std::size_t bytes_ = 0;
    client_statistics statistics_;

    time_point now_{};
    client_output* out_ = nullptr;
};

/// True if an operation may change something: an attempt without an answer leaves its outcome open.
bool is_mutating(operation op);
/// True if the call names a server and not a cell.
bool is_addressed(operation op);

} // namespace zooid

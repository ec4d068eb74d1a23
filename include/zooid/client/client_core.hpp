// The client as a value: calls, replies, links and time go in; requests, dials and endings come out.
//
//     core.start(now, call, request, out);  core.on_reply(now, server, bytes, out);  core.wake(now, out); ...
//     for (auto const& s : out.dials) ...connect to s, then tell on_link_up or on_link_down...
//     for (auto const& r : out.requests) link(r.to).send(r.payload);
//     for (auto& e : out.ended) ...hand e.reply to whoever waits for e.call...
//
// What it promises
//   K1  Every call that was started ends exactly once, at its deadline at the latest.
//   K2  All attempts of a commit carry the same session envelope, byte for byte; its as_of was told by
//       the cell before the first of them. So the cell applies it at most once, whatever is lost or
//       repeated.
//   K3  `cancelled`, `timed_out`, `overloaded` and every refusal mean that no attempt can ever take effect;
//       where that is not certain the call ends as `outcome_unknown`.
//   K4  Reads of one client don't go back: a prefix read of a cell is answered at or after the highest slot
//       that any earlier reply of that cell showed (as long as the cell is among the `cells_max` last used).
//   K5  Outstanding calls are bounded in bytes; beyond it `start` ends the call as `overloaded` at once.
// lib/client/README.md has the table of what each failure of an attempt means.
//
// Thread safety: one owner, one thread at a time.
#pragma once

#include <zooid/client/call.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zooid {

/// Intervals and bounds, all above 0 unless they say otherwise. Nothing here decides an outcome.
struct client_options {
    /// Without an answer for this long an attempt is overdue: another member is asked, and told of it. At
    /// most 1 h. Doubles with each of a call's first three overdue attempts, so up to eight times as long: a
    /// slow cell is not asked more and more often.
    duration attempt_timeout = std::chrono::milliseconds(500);
    duration backoff_min = std::chrono::milliseconds(10); ///< doubles; waits are between half and whole
    // The next three are at least `backoff_min`.
    duration backoff_max = std::chrono::seconds(1);     ///< of a cell that is overloaded
    duration seek_max = std::chrono::milliseconds(100); ///< of a cell whose proposer is not known
    duration dial_max = std::chrono::seconds(1);        ///< between two attempts to connect to a server
    /// A cell that we did not hear of for this long is asked for a fresh slot before the next commit: its own
    /// may be beyond the session horizon, and a lost reply could then not be asked for again. May be 0.
    duration session_idle_max = std::chrono::seconds(2);
    std::size_t fan_out = 3;                ///< servers asked at once where a cell is
    std::size_t queue_bytes_max = 64 << 20; ///< of all calls that have not ended, 512 added for each
    std::size_t cells_max = 100'000;        ///< cells remembered; the one not used for longest goes first
};

/// Empty, or what is wrong with the options.
std::string explain_invalid(client_options const& options);

struct client_identity {
    client_id client; ///< random, drawn anew for each client: never used by two, never again
    std::uint64_t seed = 0;
};

struct outgoing_request {
    server_id to;
    bytes payload;
};

/// What a call of the core asks of its owner; appended to, cleared by the owner.
struct client_output {
    std::vector<server_id> dials;
    std::vector<outgoing_request> requests;
    std::vector<ended_call> ended;

    void clear() { dials.clear(), requests.clear(), ended.clear(); }
    bool empty() const { return dials.empty() && requests.empty() && ended.empty(); }
};

/// Counters; they only rise, unless said.
struct client_statistics {
    std::uint64_t calls_started = 0;
    std::uint64_t calls_ended = 0;
    std::uint64_t calls_unknown = 0; ///< ended as outcome_unknown
    std::uint64_t calls_refused = 0; ///< ended at once as overloaded
    std::uint64_t attempts = 0;      ///< requests sent, lookups and sessions included
    std::uint64_t attempts_overdue = 0;
    std::uint64_t complaints = 0;
    std::uint64_t replies_ignored = 0; ///< malformed, or for a call that had ended
    std::size_t calls_waiting = 0;     ///< now
    std::size_t bytes_waiting = 0;     ///< now
    std::size_t cells_known = 0;       ///< now
};

class client_core {
  public:
    /// `servers`: those that the owner can dial; not empty, none twice. Requires valid options.
    client_core(client_options const& options, client_identity identity, std::vector<server_id> servers);
    ~client_core();
    client_core(client_core const&) = delete;
    client_core& operator=(client_core const&) = delete;

    /// Starts a call under an id that was never used before. It may end in this very `out`.
    void start(time_point now, call_id call, call_request request, client_output& out);
    /// Ends a call as `cancelled` or `outcome_unknown`; nothing happens if it has ended.
    void cancel(time_point now, call_id call, client_output& out);
    /// Ends all calls so, and every later one as `stopping`.
    void stop(time_point now, client_output& out);
    /// Ends every later call as `stopping`; those that wait go on.
    void refuse_new() { refusing_ = true; }

    /// Each answers a dial: first up, then down; or down alone. `why` is told to whoever asks in vain. When
    /// every server refuses our keys, colony or version, calls end with that at once.
    void on_link_up(time_point now, server_id server, client_output& out);
    void on_link_down(time_point now, server_id server, error why, client_output& out);
    void on_reply(time_point now, server_id from, bytes_view reply, client_output& out); ///< any bytes
    /// The link refused a request of `out.requests`, so it never left.
    void on_unsent(time_point now, server_id to, bytes_view request, client_output& out);
    /// Time passed; call it at `deadline()`.
    void wake(time_point now, client_output& out);
    /// When `wake` is due next.
    time_point deadline() const;

    bool is_idle() const; ///< no call is under way
    client_statistics statistics() const;

  private:
    class attempts;
    std::unique_ptr<attempts> attempts_;
    bool refusing_ = false;
};

} // namespace zooid

// A few servers in one process: real server rooms on memory journals, frames handed over by the test.
// Everything is delivered in order; time stands still until the test moves it.
#pragma once

#include <zooid/journal/memory_journal.hpp>
#include <zooid/kv/outcome.hpp>
#include <zooid/kv/transaction.hpp>
#include <zooid/server/server.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace zooid {

inline constexpr cell_id volume{1, 1}; ///< the cell of most tests

inline kv::transaction put_once(std::string const& text) {
    return kv::transaction().put("k", bytes(text));
}

/// A reply with a copy of its bytes.
struct kept_reply {
    bytes encoded;
    reply content;
};

class colony {
  public:
    explicit colony(std::size_t servers, server_options options = {},
                    machine_kind machines = machine_kind::key_value());
    ~colony();

    server& at(std::size_t number);
    bool is_up(std::size_t number) const;
    time_point now() const { return now_; }

    /// Reserves and founds a cell on servers 1 to `size`. Requires that all are up.
    snapshot found(cell_id cell, bytes const& key, std::size_t size);

    /// Sends a request and settles; empty if no reply came.
    std::optional<kept_reply> ask(std::size_t number, operation op, cell_id cell, bytes_view payload,
                                  party_role as = party_role::admin, slot min_slot = {});
    /// Commits through whoever leads, following redirects. The outcome, or the last failure.
    result<kv::outcome> commit(cell_id cell, kv::transaction const& t);
    /// The same, asking this server only, and once.
    result<kv::outcome> commit_at(std::size_t number, cell_id cell, kv::transaction const& t);
    /// Puts server `in` into the place of server `out`, and waits until the change is released: true.
    bool replace_member(cell_id cell, std::size_t out, std::size_t in);
    /// What a read of this key gives there: its value, "nothing", or the name of the failure.
    bytes read_at(std::size_t number, operation how, cell_id cell, std::string const& key);

    /// The server that says it leads the cell; 0 if none does.
    std::size_t leader(cell_id cell) const;

    /// Delivers frames and flushes journals until nothing moves.
    void settle();
    /// Moves time in steps of 20 ms, settling after each.
    void run_for(duration span);
    void kill(std::size_t number);
    /// The journal of this server answers nothing any more, until told otherwise.
    void hang_journal(std::size_t number);
    /// It flushes again, and has flushed what it holds. Nothing else moved yet.
    void flush_journal(std::size_t number);
    /// The highest cell version that this server understands from its next start on.
    void set_software(std::size_t number, std::uint16_t version_highest);
    /// The journal reports damage that it found while running.
    void damage(std::size_t number, journal_damage const& found);
    /// Flips a bit wherever its disk has these bytes, and lets the journal read all of it. Says how often.
    std::size_t rot(std::size_t number, bytes_view where);
    /// It starts, and all that run shake hands with it and accept.
    void restart(std::size_t number);
    /// It starts with an empty disk, and all that run shake hands with it and accept.
    void wipe(std::size_t number);
    /// It starts, and is connected to nobody.
    void start_alone(std::size_t number);
    /// Another machine, whose number it says, starts as this server with a copy of its disk, connected to
    /// nobody.
    std::size_t start_copy(std::size_t number);
    /// Two machines shake hands; what either was connected to as that server hears that it is down. False if
    /// one of them refuses.
    bool meet(std::size_t a, std::size_t b);
    void part(std::size_t a, std::size_t b);
    /// What the state machines of all servers are from their next start on.
    void set_machines(machine_kind machines) { machines_ = std::move(machines); }
    /// Sees every frame that is about to be delivered, and may change it.
    using tamperer = std::function<void(std::size_t from, std::size_t to, channel on, bytes& frame)>;
    void tamper(tamperer with) { tamper_ = std::move(with); }

    /// How often a server reported another value of a slot as chosen than the first that reported one
    /// (options.report_durable).
    std::size_t chosen_twice() const { return chosen_twice_; }

    /// Since the last call: frames of each kind, and journal appends, over all servers.
    struct traffic {
        std::size_t pulses = 0;
        std::size_t cells = 0;
        std::size_t appends = 0;
    };
    traffic take_traffic() { return std::exchange(traffic_, {}); }
    std::vector<server_event> const& events(std::size_t number) const;
    server_identity identity(std::size_t number) const;
    disk_image& image(std::size_t number);

  private:
    struct node;

    bool turn(std::size_t number);
    void start(std::size_t number);
    void take(server_output& out, node& n);
    bool are_connected(std::size_t a, std::size_t b) const;

    server_options options_;
    machine_kind machines_;
    tamperer tamper_;
    time_point now_{std::chrono::seconds(100)};
    std::map<std::size_t, std::unique_ptr<node>> nodes_;
    std::deque<std::tuple<std::size_t, std::size_t, channel, bytes>> frames_;
    std::map<std::uint64_t, kept_reply> replies_;
    std::uint64_t correlations_ = 0;
    std::uint64_t sequences_ = 0;
    traffic traffic_;
    std::map<std::pair<cell_id, slot>, digest> chosen_;
    std::size_t chosen_twice_ = 0;
};

} // namespace zooid

// A few servers in one process: real server rooms on memory journals, frames handed over by the test.
// Everything is delivered in order; time stands still until the test moves it.
#pragma once

#include <zooid/journal/memory_journal.hpp>
#include <zooid/kv/outcome.hpp>
#include <zooid/kv/transaction.hpp>
#include <zooid/server/server.hpp>

#include <deque>
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
    explicit colony(std::size_t servers, server_options options = {});
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
    void restart(std::size_t number);

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

    void connect(std::size_t a, std::size_t b);
    bool turn(std::size_t number);
    void start(std::size_t number);

    server_options options_;
    time_point now_{std::chrono::seconds(100)};
    std::map<std::size_t, std::unique_ptr<node>> nodes_;
    std::deque<std::tuple<std::size_t, std::size_t, channel, bytes>> frames_;
    std::map<std::uint64_t, kept_reply> replies_;
    std::uint64_t correlations_ = 0;
    std::uint64_t sequences_ = 0;
    traffic traffic_;
};

} // namespace zooid

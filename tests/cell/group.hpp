// A cell of replicas in one hand: no server, no journal format, no sockets. Every message and every flush
// waits until the test says so, or until a seeded prng does.
#pragma once

#include "cell/invariants.hpp"

#include <zooid/base/hash.hpp>
#include <zooid/base/prng.hpp>
#include <zooid/cell/replica.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zooid {

/// What one replica's disk holds: records that are durable, and those that a crash may lose.
struct group_disk {
    snapshot checkpoint;
    ballot promised;
    std::map<slot, acceptance_record> acceptances;
    std::string quarantine;
    distrust quarantined_for = distrust::state;
    std::optional<successor_cell> sealed_for;
    slot prefix;

    void write(durable_record const& record);
    recovered_state read() const;
    /// Of a replica that begins with what is here, in this life.
    recovered_state first() const;
};

struct group_flush {
    std::vector<durable_record> records;
    std::vector<outgoing> after;
    std::optional<std::uint64_t> ticket;
};

struct group_message {
    std::size_t from = 0;
    std::size_t to = 0;
    message content;
};

/// One replica with its disk, its state machine (the list of applied commands) and its unflushed writes.
struct group_member {
    member self;
    std::optional<replica> running;
    group_disk disk;
    std::deque<group_flush> unflushed;
    std::vector<std::string> applied; ///< "slot:command"
    std::optional<liveness> servers;
    std::uint64_t life = 0;
    bool reserved = false; ///< a replica id was drawn, and nothing began under it
    bool retired = false;
};

class group {
  public:
    /// `size` founders, and `spares` servers more on which a replica id is reserved and nothing began.
    explicit group(std::size_t size, std::uint64_t seed = 1, cell_options options = {},
                   std::size_t spares = 0, std::uint8_t alpha = 3);

    std::size_t size() const { return members_.size(); }
    replica& at(std::size_t index) { return *members_[index].running; }
    bool is_up(std::size_t index) const { return members_[index].running.has_value(); }
    group_member& of(std::size_t index) { return members_[index]; }

    /// One event at one replica; its effects are queued, its invariants checked.
    void step(std::size_t index, event const& what);
    void propose_at(std::size_t index, std::string const& command);
    token read_at(std::size_t index);
    /// A change to these replicas, computed from what replica `index` holds for the newest configuration.
    token change_at(std::size_t index, std::vector<std::size_t> const& to);
    configuration members_of(std::vector<std::size_t> const& indices) const;

    /// Delivers, flushes and wakes until nothing is left to do and no deadline lies within `horizon`.
    void settle(duration horizon = std::chrono::seconds(5));
    bool deliver_one(std::size_t queue_index);
    bool flush_one(std::size_t index);
    void advance(duration by);
    /// SIGKILL: what was not flushed is lost. The others come to know when their pulses time out.
    void crash(std::size_t index);
    void restart(std::size_t index);
    /// Cuts both directions between two replicas.
    void cut(std::size_t a, std::size_t b, bool is_cut);
    void suspect(std::size_t who, bool suspected);
    /// The index of the only leader, if there is exactly one at its highest ballot.
    std::optional<std::size_t> leader() const;

    std::vector<group_message>& messages() { return messages_; }
    time_point now() const { return now_; }
    /// The command that each slot was chosen with, over all replicas; agreement is checked on every delivery.
    std::map<slot, digest> const& chosen() const { return chosen_; }
    std::vector<ended> const& ended_requests() const { return ended_; }
    std::map<std::uint64_t, slot> const& answered_reads() const { return reads_; }
    std::map<std::uint64_t, slot> const& committed() const { return committed_; }
    std::map<std::uint64_t, slot> const& changed() const { return changed_; }
    std::vector<std::string> const& violations_found() const { return violations_; }
    sometimes_set const& marks() const { return marks_; }
    prng& random() { return random_; }

  private:
    void carry_out(std::size_t index, effects& out);
    void apply(std::size_t index, delivery const& d);
    void teach_newcomer(group_message const& m);
    bool connected(std::size_t a, std::size_t b) const {
        return cuts_.count({std::min(a, b), std::max(a, b)}) == 0;
    }
    void enqueue(std::size_t from, std::vector<outgoing> const& out);
    std::size_t index_of(replica_id replica) const;

    prng random_;
    cell_options options_;
    time_point now_{std::chrono::seconds(1000)};
    std::vector<group_member> members_;
    std::vector<group_message> messages_;
    std::map<std::pair<std::size_t, std::size_t>, bool> cuts_;
    std::map<slot, digest> chosen_;
    std::vector<ended> ended_;
    std::map<std::uint64_t, slot> reads_;
    std::map<std::uint64_t, slot> committed_;
    std::map<std::uint64_t, slot> changed_;
    std::vector<std::string> violations_;
    sometimes_set marks_;
    std::uint64_t tokens_ = 0;
};

} // namespace zooid

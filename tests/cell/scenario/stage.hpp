// The stage of a scenario: servers, their replicas of one cell, disks, links, and a clock, all in one hand.
//
// Nothing moves by itself. Messages wait in flight until the script delivers, drops or repeats them; records
// wait in the journal's queue until the script flushes them; time stands still until it is advanced. What a
// server believes of the others changes only when the script lets them pulse. Every step is checked against
// the invariants of the cell and by the referee, and told to the transcript.
#pragma once

#include "cell/group.hpp"
#include "cell/scenario/narrator.hpp"
#include "cell/scenario/referee.hpp"

#include <zooid/server/options.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace zooid::scenario {

/// How far a server has heard that a journal came, and in which life.
struct claim {
    unsigned life = 0;
    std::uint64_t batches = 0;
};

/// A copy of a server's disk: its journal, and what that holds of each of its replicas.
struct disk_image {
    journal_id journal{};
    std::uint64_t batches = 0;
    std::vector<std::pair<std::size_t, group_disk>> disks;
};

/// A server: one process after another on one journal.
struct host {
    std::string name;
    server_id id;
    unsigned life = 1;
    bool up = true;
    bool hung = false;          ///< its journal: nothing is flushed
    std::uint16_t software = 1; ///< the highest cell version that it understands, from its next start on
    std::uint16_t runs = 1;     ///< and what its process has
    round_number rounds_used{}; ///< in this life, at most, by replicas that were destroyed
    journal_id journal{};       ///< another one after its disk was lost
    liveness servers{server_id{}, life_id{}};
    duration clock_ahead{};               ///< of the stage's clock
    std::vector<time_point> pulsed_at{};  ///< by its own clock, by number
    std::uint64_t batches = 0;            ///< durable in its journal
    std::uint64_t found = 0;              ///< of these, what its process found when it started
    std::map<journal_id, claim> claims{}; ///< what it heard of others' journals
    std::optional<disk_image> image{};
    bool given_up = false; ///< its journal went back in time
};

/// Whether a replica id has a replica: `reserved` is drawn and named, and nothing began under it; `gone` was
/// destroyed, or lost with its disk.
enum class presence : std::uint8_t { here, reserved, gone };

/// A replica with its part of the disk, its state machine (the commands it applied) and unflushed records.
struct actor {
    std::string name;
    std::size_t host = 0;
    member self;
    std::optional<replica> running;
    group_disk disk;
    std::deque<group_flush> unflushed;
    std::vector<std::string> applied;
    scenario::presence presence = scenario::presence::here;
};

struct flying {
    std::size_t from = 0;
    std::size_t to = 0;
    message content;
    bool held = false;    ///< delayed: only a verb that names it moves it
    bool unnamed = false; ///< meant for the server of `to`, whatever replica it has
};

/// Which messages a verb means; empty matches all.
struct filter {
    std::string from, to, kind;
    std::optional<slot> at{}; ///< of the requests of phase 2 only those for this slot
};

class stage {
  public:
    stage(cell_options options, duration lease_hold, step_observer* steps = nullptr)
        : options_(options), lease_hold_(lease_hold), steps_(steps) {}

    /// One replica of the cell on each server of `names`; on each of `spares` a replica id is reserved.
    /// The software of all of them understands cell versions up to `software`.
    void found(std::vector<std::string> const& names, std::vector<std::string> const& spares,
               std::uint8_t alpha, std::uint16_t software);
    std::size_t index_of(std::string const& name) const; ///< throws if nobody has that name
    std::size_t host_of(std::string const& name) const;

    // Verbs.
    void step(std::size_t who, event const& what);
    void propose_at(std::size_t who, std::string const& command);
    /// A command that no proposer should let into the log yet.
    void smuggle_at(std::size_t who, std::string const& command);
    /// Asks `who` to raise the cell's version, computed from the change at `base`; the newest it knows if
    /// none.
    void finalise_at(std::size_t who, std::string const& request, std::uint16_t to, std::optional<slot> base);
    void read_at(std::size_t who, std::string const& name, read_mode how);
    std::size_t deliver(filter const& which, std::size_t count);
    std::size_t drop(filter const& which, std::size_t count);
    std::size_t repeat(filter const& which);
    std::size_t hold(filter const& which);
    void resume();
    std::size_t flush(std::size_t who, std::size_t count);
    void wake(std::size_t who);
    void advance(duration by);
    /// The clock of this server goes ahead by so much at once.
    void jump(std::size_t host, duration by);
    void crash(std::size_t host);
    void restart(std::size_t host);
    void cut(std::size_t from, std::size_t to, int change); ///< +1 cuts the link one way, -1 heals it
    void hang(std::size_t host);
    void mend(std::size_t host);
    void heal_everything();
    /// Every server hears what the links let through, and judges the others by it.
    void pulse();
    /// Delivers and flushes until nothing is left; time stands still.
    void run();
    /// The same, and wakes whoever wants it within the horizon.
    void settle(duration horizon);
    /// The value's bytes of an acceptance rot on the disk; its vote stays readable.
    void rot_value(std::size_t who, slot at);
    /// Copies the server's disk as it is now; ends its process and makes its disk that copy again.
    void take_image(std::size_t host);
    void restore_image(std::size_t host);
    /// Bits of its state machine's state flip: it has also applied `how`, which nobody proposed.
    void corrupt(std::size_t who, std::string const& how);

    // Changes of members, in moving.cpp.
    /// A replica id more on this server, durable before anybody names it.
    void reserve(std::size_t host, std::string const& name);
    /// Asks `who` to change to these members, computed from the change at `base`; the newest it knows if
    /// none.
    void change_at(std::size_t who, std::string const& request, std::vector<std::string> const& members,
                   std::optional<slot> base);
    /// Moves only what passes between `who` and the newcomers of its change, until it proposes that.
    void teach_newcomers(std::size_t who);
    /// As its server does when it is asked to: only what its own log released.
    void destroy(std::size_t who);
    /// Tells it that the cell was recovered as this generation.
    void seal_at(std::size_t who, generation birth);
    /// What a recovery would begin with, were these all that is left of the cell.
    void survey(std::vector<std::string> const& who);
    /// The disk is lost with all that is on it; what comes back has another journal.
    void wipe(std::size_t host);

    // What scripts expect and transcripts print.
    std::vector<host>& hosts() { return hosts_; }
    std::vector<actor>& actors() { return actors_; }
    std::vector<flying> const& in_flight() const { return flying_; }
    names const& known() const { return names_; }
    referee const& judge() const { return referee_; }
    std::optional<recovery_base> const& surveyed() const { return base_; }
    time_point now() const { return now_; }
    /// "committed in slot 3", "not_proposer", "pending", ...
    std::string outcome(std::string const& request) const;
    bool is_known(std::string const& request) const { return outcomes_.count(request) != 0; }
    std::vector<std::string> findings() const;

    /// What happened since the last call, a line each.
    std::vector<std::string> take_transcript() { return std::exchange(transcript_, {}); }
    void say(std::string text) { transcript_.push_back(std::move(text)); }
    /// Shows essential lines only.
    void be_brief(int change) { brief_ += change; }

  private:
    void tell(std::size_t who, moment const& m);
    void tell_sent(std::size_t who, std::vector<outgoing> const& sent, std::string const& when);
    void carry_out(std::size_t who, effects const& out);
    void apply(std::size_t who, effects const& out);
    void judge_sealed(std::string const& name, effects const& out);
    void add_server(std::string const& name);
    void begin(std::size_t who, std::size_t teacher, message const& content);
    bool apply_one(std::size_t who, delivery const& d);
    void end(effects const& out);
    void enqueue(std::size_t from, std::vector<outgoing> const& out);
    void deliver_at(std::size_t index);
    bool let_go_of_absent(flying const& f);
    bool reaches(std::size_t from_host, std::size_t to_host) const;
    bool matches(flying const& f, filter const& which) const;
    token name_request(std::string const& name);
    time_point next_deadline() const;
    void wake_due();
    time_point local(std::size_t host) const { return now_ + hosts_[host].clock_ahead; }
    time_point deadline_of(actor const& a) const;
    void begin_liveness(std::size_t host);
    std::vector<std::vector<grant_notice>> notices() const;
    void exchange_grants(std::size_t at, std::size_t from, grant_notice const& told);
    void exchange_claims(std::size_t at, std::size_t from);
    void give_journal_up(std::size_t host, std::size_t told_by);

    cell_options options_;
    duration lease_hold_;  ///< zero: no leased reads
    step_observer* steps_; ///< null: nobody looks on
    std::uint64_t pulses_ = 0;
    names names_;
    referee referee_;
    time_point now_{std::chrono::seconds(1000)};
    std::vector<host> hosts_;
    std::vector<actor> actors_;
    std::vector<flying> flying_;
    std::map<std::pair<std::size_t, std::size_t>, int> cuts_;
    std::map<std::string, std::string> outcomes_;
    std::uint64_t tokens_ = 0;
    std::vector<std::string> transcript_;
    std::vector<std::string> findings_;
    std::optional<recovery_base> base_; ///< of the last survey
    int brief_ = 0;
};

} // namespace zooid::scenario

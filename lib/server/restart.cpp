// What a journal gave back after a restart and what it could not; damage that it finds while it runs; a
// journal that was rolled back.
#include "server/host.hpp"

#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

constexpr std::size_t rewritten_per_turn_max = 64; // a value may cost a checkpoint

record dead_journal_record() {
    return {{}, {}, record_kind::server, dead_journal, shared_bytes(bytes(1, '\1'))};
}

bool says_dead(journal_damage const& d) {
    bool const payload = d.kind == damage_kind::voting || d.kind == damage_kind::value;
    return payload && d.record == record_kind::server && d.at == dead_journal && !d.superseded;
}

/// A replica with a state. One whose votes are sound was named after all that is lost.
struct founded_replica {
    bool is_sound = false;
    slot checkpoint;
    std::uint64_t born = 0; ///< 0: unknown
    replica_id replica;
    friend auto operator<=>(founded_replica const&, founded_replica const&) = default;
};

std::optional<founded_replica> founded(recovered_replica const& found) {
    for (record const& r : found.records) {
        if (r.kind == record_kind::checkpoint)
            return founded_replica{!found.voting_suspect, r.at, found.born, found.replica};
    }
    return std::nullopt;
}

// A replica is founded once its predecessor here was destroyed. Where both are found, the records that said
// so lay in a hole, and the later one is here.
std::map<cell_id, founded_replica> latest_of_each_cell(recovered_journal const& recovered) {
    std::map<cell_id, founded_replica> all;
    if (!recovered.server_suspect) return all; // nothing is lost without a trace
    for (recovered_replica const& found : recovered.replicas) {
        auto const one = founded(found);
        if (!one) continue;
        founded_replica& latest = all.try_emplace(found.cell, *one).first->second;
        latest = std::max(latest, *one);
    }
    return all;
}

} // namespace

void server::host::restore(recovered_journal const& recovered) {
    auto const latest = latest_of_each_cell(recovered);
    for (recovered_replica const& found : recovered.replicas) {
        auto const here = latest.find(found.cell);
        auto const before = founded(found);
        if (before && here != latest.end() && here->second.replica != found.replica) {
            std::string const what = "two replicas of it are found, and " + to_string(found.replica) +
                                     " seems to be the one that was destroyed";
            events_.push_back(damage_reported{found.cell, what});
            bool const is_certain = before->born != 0 && before->born < here->second.born;
            if (is_certain) outlived_.emplace_back(found.cell, found.replica);
            continue;
        }
        found_replica back = interpret(found);
        if (back.moved) {
            forwarding_.note(found.cell, found.replica, *back.moved, {});
            continue;
        }
        if (!back.trouble.empty()) {
            mark(marks_, sometimes::damage_reported);
            events_.push_back(damage_reported{found.cell, back.trouble});
        }
        if (!back.state) { // named once, never founded: it holds its place and never votes
            if (back.trouble.empty()) reservations_.emplace(found.cell, back.reserved);
            continue;
        }
        recovered_state& state = *back.state;
        member const self{identity_.server, journal_id_, found.replica};
        std::uint64_t const seed = random_.next();
        if (state.promised) mark(marks_, sometimes::promise_survived_restart);
        host_cell(
            replica::recover(state, {self, identity_.life, seed, machines_.version_highest}, options_.cells),
            std::nullopt);
        if (options_.steps) options_.steps->came_back(cells_.back().replica, state);
    }
    std::erase_if(reservations_, [&](auto const& named) { return index_of(named.first).has_value(); });
    found_ = recovered.last;
    if (recovered.server_suspect) recorded_hold_ = lease_hold_max; // it may be what was lost
    rolled_back_ = std::any_of(recovered.damage.begin(), recovered.damage.end(), says_dead);
    for (record const& fact : recovered.server) {
        if (fact.at == dead_journal) rolled_back_ = true;
        if (auto lives = lives_of(fact)) {
            if (!recovered.server_suspect) lives_ = std::move(*lives);
            continue;
        }
        if (auto const held = held_promises_of(fact)) {
            recorded_hold_ = std::max(recorded_hold_, held->hold);
            continue;
        }
        reader in(fact.payload.view());
        std::uint8_t const format = in.get<std::uint8_t>();
        server_id const peer = in.get<server_id>();
        std::vector<journal_claim> heard;
        get(in, heard);
        if (format == 1 && peer && in.complete()) peers_.add(peer, {}).claims = heard;
    }
    add_this_life();
}

// R2. A list that does not end with whoever wrote the last batch is an older one, which a hole brought to
// light, or software wrote since that keeps none: then we know of no lives.
void server::host::add_this_life() {
    if (!lives_.empty() && lives_.back().life != found_.life) lives_.clear();
    if (lives_.size() == lives_remembered) lives_.erase(lives_.begin());
    lives_.push_back({identity_.life, found_.batch + 1});
}

// A replica whose votes are lost stops now, while a majority of the others is likely well, and not at the
// next start, when many may come back with losses at once. Values and the journal's own facts are written
// again while they are in memory.
void server::host::on_damage(time_point now, journal_damage const& damage) {
    mark(marks_, sometimes::damage_reported);
    std::string const what = std::string(name_of(damage.kind)) + ": " + std::string(name_of(damage.record)) +
                             " at offset " + std::to_string(damage.offset) + " of segment " +
                             std::to_string(damage.segment);
    events_.push_back(damage_reported{damage.cell, what});
    bool const votes = damage.kind == damage_kind::voting;
    if ((!votes && damage.kind != damage_kind::value) || damage.superseded) return;
    if (damage.record == record_kind::server) {
        for (peer_state& peer : peers_.all())
            peer.claim_changed = peer.claim_changed || !peer.claims.empty();
        if (rolled_back_) batch_.push_back(dead_journal_record());
        if (recorded_hold_ > duration::zero()) batch_.push_back(to_record(held_promises{recorded_hold_}));
        if (secured_) batch_.push_back(to_record(lives_));
        return;
    }
    auto const named = reservations_.find(damage.cell);
    bool const is_named = named != reservations_.end() && named->second.replica == damage.replica;
    if (is_named && damage.record == record_kind::reserved) batch_.push_back(to_record(named->second));
    auto const cell = index_of(damage.cell);
    if (!cell || cells_[*cell].replica.self().replica != damage.replica) return;
    if (votes) return step(now, *cell, votes_lost{"its journal lost votes, " + what});
    lost_values_.push_back({*cell, damage.at});
}

// What is left waits for the next turns, and for the journal to keep up.
void server::host::rewrite_values(time_point now) {
    for (std::size_t n = 0; n < rewritten_per_turn_max && !lost_values_.empty() && !is_backlogged(); ++n) {
        auto const [cell, at] = lost_values_.front();
        lost_values_.pop_front();
        ++statistics_.values_rewritten;
        step(now, cell, value_lost{at});
    }
}

void server::host::journal_is_rolled_back(time_point now, server_id told_by) {
    if (rolled_back_) return;
    rolled_back_ = true;
    mark(marks_, sometimes::rolled_back_journal_refused);
    events_.push_back(journal_rolled_back{told_by});
    batch_.push_back(dead_journal_record());
    stop_all_if_rolled_back(now);
}

void server::host::stop_all_if_rolled_back(time_point now) {
    if (!rolled_back_) return;
    for (std::uint32_t cell = 0; cell < cells_.size(); ++cell)
        stop_if_rolled_back(now, cell);
}

// It may have voted before the image was taken back, under this id as well: all that is here loses its votes
// for good (T4), whenever it came and whatever it was stopped for.
void server::host::stop_if_rolled_back(time_point now, std::uint32_t cell) {
    if (rolled_back_) step(now, cell, votes_lost{"the journal was rolled back"});
}

} // namespace zooid

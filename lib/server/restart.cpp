// What a journal gave back after a restart and what it could not; damage that it finds while it runs; a
// journal that was rolled back.
#include "server/host.hpp"

#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

// A value may cost a checkpoint. What more is lost at once waits for the next one of its cell.
constexpr std::size_t rewritten_per_turn_max = 64;

record dead_journal_record() {
    return {{}, {}, record_kind::server, dead_journal, shared_bytes(bytes(1, '\1'))};
}

} // namespace

void server::host::restore(recovered_journal const& recovered) {
    for (recovered_replica const& found : recovered.replicas) {
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
    found_ = recovered.last;
    if (recovered.server_suspect) recorded_hold_ = lease_hold_max; // it may be what was lost
    for (record const& fact : recovered.server) {
        if (fact.at == dead_journal) rolled_back_ = true;
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
        return;
    }
    auto const cell = index_of(damage.cell);
    if (!cell || cells_[*cell].replica.self().replica != damage.replica) return;
    if (!votes) {
        if (rewritten_ == rewritten_per_turn_max || is_backlogged()) return;
        ++rewritten_, ++statistics_.values_rewritten;
        return step(now, *cell, value_lost{damage.at});
    }
    step(now, *cell, votes_lost{"its journal lost votes, " + what});
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

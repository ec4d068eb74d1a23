// What a journal gave back after a restart, and what it could not.
#include "server/host.hpp"

#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

constexpr slot dead_journal{0}; // of the `server` record that says so; peers' records are at their ids

} // namespace

void server::host::restore(recovered_journal const& recovered) {
    for (recovered_replica const& found : recovered.replicas) {
        found_replica back = interpret(found);
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
        host_cell(replica::recover(state, {self, identity_.life, seed}, options_.cells), std::nullopt);
        if (options_.steps) options_.steps->came_back(cells_.back().replica, state);
    }
    found_ = recovered.last;
    for (record const& fact : recovered.server) {
        if (fact.at == dead_journal) rolled_back_ = true;
        reader in(fact.payload.view());
        std::uint8_t const format = in.get<std::uint8_t>();
        server_id const peer = in.get<server_id>();
        std::vector<journal_claim> heard;
        get(in, heard);
        if (format == 1 && peer && in.complete()) peers_.add(peer, {}).claims = heard;
    }
}

// Damage found while running is reported only: the replica still has in memory what the disk lost. The next
// start judges it, and a replica whose votes are damaged then comes back quarantined.
void server::host::on_damage(time_point, journal_damage const& damage) {
    mark(marks_, sometimes::damage_reported);
    events_.push_back(damage_reported{damage.cell, std::string(name_of(damage.kind))});
}

void server::host::journal_is_rolled_back(time_point now, server_id told_by) {
    if (rolled_back_) return;
    rolled_back_ = true;
    mark(marks_, sometimes::rolled_back_journal_refused);
    events_.push_back(journal_rolled_back{told_by});
    batch_.push_back({{}, {}, record_kind::server, dead_journal, shared_bytes(bytes(1, '\1'))});
    std::string const cause = "the journal was rolled back";
    for (std::uint32_t cell = 0; cell < cells_.size(); ++cell) {
        replica const& r = cells_[cell].replica;
        to_records(r.cell(), r.self().replica, quarantine_record{cause}, batch_);
        step(now, cell, apply_failed{r.applied_slot(), cause});
    }
}

} // namespace zooid

#include "sim/oracle.hpp"

#include <algorithm>

namespace zooid::sim {

void oracle::add_cell(cell_id cell, configuration const& members) {
    cells_.push_back({cell, false, {{slot{1}, members}}, {}, {}, {}});
}

void oracle::on_configuration(std::size_t cell, governed const& g) {
    auto const [known, is_new] = cells_[cell].governs.emplace(g.from, g.members);
    if (!is_new && known->second != g.members)
        find_fault(cells_[cell], g.from, "O6: two configurations govern");
}

oracle::cell_account* oracle::find(cell_id cell) {
    auto const found =
        std::find_if(cells_.begin(), cells_.end(), [&](cell_account const& c) { return c.id == cell; });
    return found == cells_.end() ? nullptr : &*found;
}

bool oracle::is_spoilt(cell_id cell) const {
    return std::any_of(cells_.begin(), cells_.end(),
                       [&](cell_account const& c) { return c.id == cell && c.spoilt; });
}

void oracle::find_fault(cell_account const& c, slot at, std::string const& what) {
    if (findings_.size() < 10)
        findings_.push_back("cell " + to_string(c.id) + " slot " + to_string(at) + ": " + what);
}

void oracle::on_fact(durable_fact const& fact) {
    cell_account* c = find(fact.cell);
    if (!c) return;
    ballot& promised = c->promised[fact.replica];
    switch (fact.what) {
    case durable_fact::kind::promise:
        if (fact.in < promised) find_fault(*c, {}, "O4: a promise went down");
        promised = std::max(promised, fact.in);
        return;
    case durable_fact::kind::acceptance:
        if (fact.in < promised && !has_accepted(*c, fact))
            find_fault(*c, fact.at,
                       "O4: accepted in " + to_string(fact.in) + " after a promise of " +
                           to_string(promised));
        return on_acceptance(*c, fact.replica, fact.at, fact.in, fact.value_digest);
    case durable_fact::kind::chosen: return on_choice(*c, fact);
    }
}

void oracle::on_recovered(cell_id cell, replica_id replica, slot at, ballot in, digest value) {
    cell_account* c = find(cell);
    if (c) on_acceptance(*c, replica, at, in, value);
}

bool oracle::has_accepted(cell_account const& c, durable_fact const& fact) const {
    if (c.slots.size() < fact.at.value) return false;
    auto const& all = c.slots[fact.at.value - 1].accepted;
    return std::any_of(all.begin(), all.end(), [&](accepted_in const& a) {
        return a.in == fact.in && std::find(a.voters.begin(), a.voters.end(), fact.replica) != a.voters.end();
    });
}

void oracle::on_acceptance(cell_account& c, replica_id voter, slot at, ballot const& in,
                           digest const& value) {
    if (!at) return;
    if (c.slots.size() < at.value) c.slots.resize(at.value);
    slot_account& s = c.slots[at.value - 1];
    auto found =
        std::find_if(s.accepted.begin(), s.accepted.end(), [&](accepted_in const& a) { return a.in == in; });
    if (found == s.accepted.end()) found = s.accepted.insert(s.accepted.end(), {in, value, {}});
    if (found->value != value) find_fault(c, at, "O3: two values in " + to_string(in)); // O3
    if (std::find(found->voters.begin(), found->voters.end(), voter) == found->voters.end())
        found->voters.push_back(voter);
}

void oracle::on_choice(cell_account& c, durable_fact const& fact) {
    if (c.slots.size() < fact.at.value) c.slots.resize(fact.at.value);
    slot_account& s = c.slots[fact.at.value - 1];
    if (!s.chosen) {
        s.chosen = true;
        s.value = fact.value_digest;
        s.state = fact.state_digest;
        ++slots_chosen_;
        configuration const& voters = std::prev(c.governs.upper_bound(fact.at))->second;
        bool const voted = std::any_of(s.accepted.begin(), s.accepted.end(), [&](accepted_in const& a) {
            member_set votes;
            for (replica_id voter : a.voters) {
                if (auto const index = voters.index_of(voter)) votes.insert(*index);
            }
            return a.value == fact.value_digest && voters.is_quorum(votes);
        });
        if (!voted) find_fault(c, fact.at, "O2: chosen without a durable quorum");
        return;
    }
    if (s.value != fact.value_digest) find_fault(c, fact.at, "O1: chosen with two values");
    if (s.state != fact.state_digest && !c.spoilt) find_fault(c, fact.at, "O1: two states after it");
}

void oracle::on_read(std::size_t cell, version at, std::uint64_t query, std::uint64_t results) {
    auto const [known, is_new] = cells_[cell].reads.emplace(std::pair(at.value, query), results);
    if (!is_new && known->second != results)
        find_fault(cells_[cell], {}, "O5: two reads of version " + to_string(at) + " differ");
}

} // namespace zooid::sim

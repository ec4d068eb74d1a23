#include "sim/oracle.hpp"

#include <algorithm>

namespace zooid::sim {

void oracle::add_cell(cell_id cell, configuration const& members) {
    cells_.push_back({cell, members, {}, std::vector<ballot>(members.size()), {}});
}

oracle::cell_account* oracle::find(cell_id cell) {
    auto const found =
        std::find_if(cells_.begin(), cells_.end(), [&](cell_account const& c) { return c.id == cell; });
    return found == cells_.end() ? nullptr : &*found;
}

void oracle::find_fault(cell_account const& c, slot at, std::string const& what) {
    if (findings_.size() < 10)
        findings_.push_back("cell " + to_string(c.id) + " slot " + to_string(at) + ": " + what);
}

void oracle::on_fact(durable_fact const& fact) {
    cell_account* c = find(fact.cell);
    auto const voter = c ? c->members.index_of(fact.replica) : std::nullopt;
    if (!voter) return;
    switch (fact.what) {
    case durable_fact::kind::promise:
        if (fact.in < c->promised[*voter]) find_fault(*c, {}, "O4: a promise went down");
        c->promised[*voter] = std::max(c->promised[*voter], fact.in);
        return;
    case durable_fact::kind::acceptance:
        if (fact.in < c->promised[*voter])
            find_fault(*c, fact.at,
                       "O4: accepted in " + to_string(fact.in) + " after a promise of " +
                           to_string(c->promised[*voter]));
        return on_acceptance(*c, *voter, fact.at, fact.in, fact.value_digest);
    case durable_fact::kind::chosen: return on_choice(*c, fact);
    }
}

void oracle::on_recovered(cell_id cell, replica_id replica, slot at, ballot in, digest value) {
    cell_account* c = find(cell);
    auto const voter = c ? c->members.index_of(replica) : std::nullopt;
    if (voter) on_acceptance(*c, *voter, at, in, value);
}

void oracle::on_acceptance(cell_account& c, std::size_t voter, slot at, ballot const& in,
                           digest const& value) {
    if (!at) return;
    if (c.slots.size() < at.value) c.slots.resize(at.value);
    slot_account& s = c.slots[at.value - 1];
    auto found =
        std::find_if(s.accepted.begin(), s.accepted.end(), [&](accepted_in const& a) { return a.in == in; });
    if (found == s.accepted.end()) found = s.accepted.insert(s.accepted.end(), {in, value, {}});
    if (found->value != value) find_fault(c, at, "O3: two values in " + to_string(in)); // O3
    found->voters.insert(voter);
}

void oracle::on_choice(cell_account& c, durable_fact const& fact) {
    if (c.slots.size() < fact.at.value) c.slots.resize(fact.at.value);
    slot_account& s = c.slots[fact.at.value - 1];
    if (!s.chosen) {
        s.chosen = true;
        s.value = fact.value_digest;
        s.state = fact.state_digest;
        ++slots_chosen_;
        bool const voted = std::any_of(s.accepted.begin(), s.accepted.end(), [&](accepted_in const& a) {
            return a.value == fact.value_digest && c.members.is_quorum(a.voters);
        });
        if (!voted) find_fault(c, fact.at, "O2: chosen without a durable quorum");
        return;
    }
    if (s.value != fact.value_digest) find_fault(c, fact.at, "O1: chosen with two values");
    if (s.state != fact.state_digest) find_fault(c, fact.at, "O1: two states after it");
}

void oracle::on_read(std::size_t cell, version at, std::uint64_t query, std::uint64_t results) {
    auto const [known, is_new] = cells_[cell].reads.emplace(std::pair(at.value, query), results);
    if (!is_new && known->second != results)
        find_fault(cells_[cell], {}, "O5: two reads of version " + to_string(at) + " differ");
}

} // namespace zooid::sim

#include "cell/scenario/referee.hpp"

#include <algorithm>

namespace zooid::scenario {

void referee::founded(configuration const& members, std::uint8_t alpha) {
    governed_[slot{1}] = members;
    held_ = {{slot{}, members}};
    alpha_ = alpha;
}

// In the order of slots, since a change is judged by those before it.
void referee::follow_changes() {
    for (auto at = chosen_.find(followed_ + 1); at != chosen_.end(); at = chosen_.find(followed_ + 1)) {
        followed_ = at->first;
        if (auto const change = at->second.changes()) follow(followed_, *change);
        auto const rise = at->second.raises();
        if (rise && rise->base == held_.back().first) version_ = std::max(version_, rise->to);
        slot const released = at->second.releases();
        auto const made = std::find_if(held_.begin(), held_.end(),
                                       [&](auto const& held) { return held.first == released; });
        if (released && made != held_.end()) held_.erase(held_.begin(), made);
    }
}

void referee::follow(slot at, configuration_change const& change) {
    if (change.base != held_.back().first) return;
    for (newcomer const& n : change.newcomers) {
        if (n.version_highest < version_) return;
    }
    for (member const& m : change.members.members()) {
        auto const names = [&](auto const& held) { return held.second.contains(m.replica); };
        if (!names(held_.back()) && std::any_of(held_.begin(), held_.end(), names)) return;
    }
    held_.emplace_back(at, change.members);
    governed_[at + alpha_] = change.members;
}

configuration const* referee::config(slot at) const {
    auto const above = governed_.upper_bound(at);
    return above == governed_.begin() ? nullptr : &std::prev(above)->second;
}

entry const* referee::chosen(slot at) const {
    auto const found = chosen_.find(at);
    return found == chosen_.end() ? nullptr : &found->second;
}

void referee::drawn(member const& by, ballot const& b) {
    auto const known = proposers_.emplace(b, by.replica).first;
    if (known->second != by.replica)
        findings_.push_back("O6: two replicas propose in one ballot, of round " + to_string(b.round));
}

void referee::durable(member const& who, durable_record const& record) {
    if (auto const* p = std::get_if<promise_record>(&record)) {
        ballot& promised = promised_[who.replica];
        if (p->in < promised) findings_.push_back("O4: a durable promise went down");
        promised = std::max(promised, p->in);
    }
    if (auto const* a = std::get_if<acceptance_record>(&record)) vote(who, *a);
}

void referee::vote(member const& who, acceptance_record const& record) {
    if (record.chosen || !record.accepted) return; // learned, not voted
    if (record.accepted < promised_[who.replica])
        findings_.push_back("O4: slot " + to_string(record.at) + " was accepted below a durable promise");
    proposal& p = proposals_.emplace(std::pair(record.at, record.accepted), proposal{record.value_digest, {}})
                      .first->second;
    if (p.value != record.value_digest)
        findings_.push_back("O3: slot " + to_string(record.at) + " has two values in one ballot");
    p.voters.insert(who.replica);
    configuration const* const voters = config(record.at);
    if (!voters) return;
    std::size_t counted = 0;
    for (member const& m : voters->members())
        counted += p.voters.count(m.replica);
    if (counted >= voters->majority()) choose(record.at, record.value);
}

void referee::choose(slot at, entry const& value) {
    auto const [known, is_new] = chosen_.emplace(at, value);
    if (is_new) {
        news_.emplace_back(at, value);
        follow_changes();
    } else if (known->second != value) {
        findings_.push_back("O1: slot " + to_string(at) + " is chosen with two values");
    }
}

void referee::delivered(member const&, slot at, entry const& value) {
    entry const* const known = chosen(at);
    if (!known) {
        findings_.push_back("O2: slot " + to_string(at) + " is delivered and was never chosen");
    } else if (*known != value) {
        findings_.push_back("O1: slot " + to_string(at) + " is delivered with another value than was chosen");
    }
}

void referee::read_answered(token request, slot at) {
    if (at < floors_[request.value]) {
        findings_.push_back("O5: a read is answered at slot " + to_string(at) + ", below slot " +
                            to_string(floors_[request.value]) + " that was acknowledged before it arrived");
    }
}

} // namespace zooid::scenario

#include "cell/membership.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

membership::membership(std::vector<governed> held, std::uint8_t alpha)
    : held_(std::move(held)), alpha_(alpha) {
    ZOOID_CHECK(!held_.empty(), "a cell has a configuration");
}

slot membership::governs_from(governed const& g) const {
    bool const early = mutated(mutant::change_governs_at_once) && g.from > slot{alpha_};
    return early ? g.from - alpha_ + 1 : g.from;
}

configuration const& membership::at(slot at) const {
    auto const above =
        std::find_if(held_.begin(), held_.end(), [&](governed const& g) { return governs_from(g) > at; });
    ZOOID_CHECK(above != held_.begin(), "no slot below the first governed one is asked for");
    return std::prev(above)->members;
}

std::vector<governed> membership::between(slot from, slot to) const {
    std::vector<governed> found;
    for (governed const& g : held_) {
        if (governs_from(g) > to) break;
        if (governs_from(g) <= from) found.clear();
        found.push_back(g);
    }
    return found;
}

member const* membership::find(replica_id replica) const {
    for (auto g = held_.rbegin(); g != held_.rend(); ++g) {
        if (auto const index = g->members.index_of(replica)) return &g->members[*index];
    }
    return nullptr;
}

member const* membership::find(server_id server) const {
    for (auto g = held_.rbegin(); g != held_.rend(); ++g) {
        if (auto const index = g->members.index_of(server)) return &g->members[*index];
    }
    return nullptr;
}

// A member that was removed and is not released may not come back: who acts on the release would destroy it.
bool membership::is_lawful(configuration_change const& change, cell_demands const& demands) const {
    if (change.base != base() && !mutated(mutant::unconditional_change)) return false;
    std::size_t described = 0;
    for (member const& m : change.members.members()) {
        if (newest().contains(m.replica)) {
            if (newest()[*newest().index_of(m.replica)] != m) return false;
            continue;
        }
        if (find(m.replica)) return false;
        auto const same = [&](newcomer const& n) { return n.replica == m.replica; };
        auto const who = std::find_if(change.newcomers.begin(), change.newcomers.end(), same);
        if (who == change.newcomers.end()) return false;
        if (who->colour != demands.colour || who->version_highest < demands.cell_version) return false;
        ++described;
    }
    return described == change.newcomers.size();
}

bool membership::follow(slot at, configuration_change const& change, cell_demands const& demands) {
    if (!is_lawful(change, demands)) return false;
    held_.push_back({at + alpha_, change.members});
    return true;
}

bool membership::release(slot of) {
    auto const made = std::find_if(held_.begin(), held_.end(),
                                   [&](governed const& g) { return g.from > slot{1} && made_at(g) == of; });
    if (made == held_.end() || made == held_.begin()) return false;
    held_.erase(held_.begin(), made);
    return true;
}

} // namespace zooid

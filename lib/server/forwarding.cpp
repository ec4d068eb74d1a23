#include "server/forwarding.hpp"

namespace zooid {

void forwarding::note(cell_id cell, replica_id released, configuration const& members, time_point now) {
    pointers_.insert_or_assign(cell, pointer{released, members});
    terms_.push_back({now, cell, released});
}

configuration const* forwarding::find(cell_id cell) const {
    auto const found = pointers_.find(cell);
    return found == pointers_.end() || found->second.members.size() == 0 ? nullptr : &found->second.members;
}

std::optional<replica_id> forwarding::drop(cell_id cell) {
    auto const found = pointers_.find(cell);
    if (found == pointers_.end()) return std::nullopt;
    replica_id const released = found->second.released;
    pointers_.erase(found);
    return released; // its term ends as that of nobody
}

std::optional<forwarding::ended> forwarding::expire(time_point now) {
    while (!terms_.empty()) {
        term const oldest = terms_.front();
        auto const found = pointers_.find(oldest.cell);
        bool const stale = found == pointers_.end() || found->second.released != oldest.released;
        if (!stale && now - oldest.since < retention_ && pointers_.size() <= pointers_max_)
            return std::nullopt;
        terms_.pop_front();
        if (stale) continue;
        pointers_.erase(found);
        return ended{oldest.cell, oldest.released};
    }
    return std::nullopt;
}

void forwarding::begin(time_point now) {
    for (term& t : terms_)
        t.since = now;
}

} // namespace zooid

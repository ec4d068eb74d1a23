#include "client/cells.hpp"

namespace zooid {

known_cell* known_cells::find(cell_id cell) {
    auto const found = cells_.find(cell);
    if (found == cells_.end()) return nullptr;
    touch(cell, found->second);
    return &found->second;
}

cell_id known_cells::find_key(bytes const& key) const {
    auto const found = by_key_.find(key);
    return found == by_key_.end() ? cell_id{} : found->second;
}

known_cell& known_cells::learn(cell_location const& news) {
    known_cell& known = cells_[news.cell];
    touch(news.cell, known);
    if (news.birth) known.birth = news.birth;
    if (news.proposer) known.proposer = news.proposer;
    // A replica that was removed, or lags, reports members of old: whoever has applied more knows better.
    if (!news.members.empty() && (known.members.empty() || news.at >= known.members_at)) {
        known.members = news.members;
        known.members_at = news.at;
    }
    shrink();
    return known;
}

void known_cells::bind_key(cell_id cell, bytes const& key) {
    auto const found = cells_.find(cell);
    if (found == cells_.end() || key.empty()) return;
    forget_key(found->second.key);
    forget_key(key);
    found->second.key = key;
    by_key_[key] = cell;
}

void known_cells::forget_place(cell_id cell) {
    auto const found = cells_.find(cell);
    if (found == cells_.end()) return;
    forget_key(found->second.key);
    found->second.members = {};
    found->second.members_at = {};
    found->second.proposer = {};
}

void known_cells::forget_key(bytes const& key) {
    auto const found = by_key_.find(key);
    if (found == by_key_.end()) return;
    if (auto const cell = cells_.find(found->second); cell != cells_.end()) cell->second.key.clear();
    by_key_.erase(found);
}

void known_cells::touch(cell_id cell, known_cell& known) {
    if (known.used) by_use_.erase(known.used);
    known.used = ++uses_;
    by_use_[known.used] = cell;
}

// Cells with a commit under way stay: `settled` is computed from them. They are few, being bounded in bytes.
void known_cells::shrink() {
    auto oldest = by_use_.begin();
    while (cells_.size() > most_ && oldest != std::prev(by_use_.end())) {
        auto const cell = cells_.find(oldest->second);
        if (!cell->second.outstanding.empty()) {
            ++oldest;
            continue;
        }
        by_key_.erase(cell->second.key);
        cells_.erase(cell);
        oldest = by_use_.erase(oldest);
    }
}

} // namespace zooid

#include "placement/chooser.hpp"
#include "placement/sort_stably.hpp"

#include <algorithm>

namespace zooid::placement {

shape_memory::shape_memory() : table_(1 << 12) {}

decision const* shape_memory::find(std::uint64_t key) const {
    auto const mask = table_.size() - 1;
    for (auto i = key & mask; table_[i].count != 0; i = (i + 1) & mask) {
        if (table_[i].key == key) return &table_[i];
    }
    return nullptr;
}

decision const& shape_memory::put(decision const& d) {
    if (used_ * 2 >= table_.size()) grow();
    auto const mask = table_.size() - 1;
    auto i = d.key & mask;
    while (table_[i].count != 0) {
        i = (i + 1) & mask;
    }
    ++used_;
    return table_[i] = d;
}

void shape_memory::grow() {
    auto const old = std::move(table_);
    bool const full = used_ >= decisions_max;
    table_.assign(full ? std::size_t{1} << 12 : old.size() * 2, {});
    used_ = 0;
    if (full) return;
    for (auto const& d : old) {
        if (d.count != 0) put(d);
    }
}

decision const& chooser::decide(draft const& d, std::uint64_t key) {
    if (auto const* known = memory_.find(key)) return *known;
    decision fresh;
    fresh.key = key;
    std::vector<std::uint64_t> seen;
    for (auto const& c : scratch_) {
        if (std::find(seen.begin(), seen.end(), c.signature) != seen.end()) continue;
        seen.push_back(c.signature);
        double const score = d.score_with(d.representative(c));
        if (fresh.count == 0 || score < fresh.score * (1 - tie))
            fresh.score = score, fresh.count = 0;
        else if (score > fresh.score * (1 + tie))
            continue;
        if (fresh.count < decision::kept_max) {
            fresh.best[fresh.count++] = static_cast<std::uint32_t>(c.signature);
        }
    }
    return memory_.put(fresh);
}

std::uint64_t chooser::next_key(draft& d) {
    return d.candidates(scratch_);
}

bool chooser::extend(draft& d) {
    auto const key = d.candidates(scratch_);
    if (scratch_.empty()) return false;
    if (overlaps_.on()) overlaps_.look_from(d.members());
    auto const& decided = decide(d, key);
    // Of the best candidates take the one whose server is emptiest, starting anywhere.
    std::optional<std::uint32_t> best;
    auto const start = random_.below(scratch_.size());
    unsigned landed = 0;
    for (std::size_t i = 0; i < scratch_.size() && landed < 4; ++i) {
        auto const at = start + i < scratch_.size() ? start + i : start + i - scratch_.size();
        auto const& c = scratch_[at];
        if (!decided.picks(c.signature)) continue;
        auto const server = land(d, c);
        if (!server) continue;
        ++landed;
        if (!best || world_.emptier(*server, *best)) best = server;
    }
    if (!best) return extend_slowly(d);
    d.add(*best);
    return true;
}

/// All of the best are forbidden by overlaps: the best of the rest that is not.
bool chooser::extend_slowly(draft& d) {
    for (auto const& [score, c] : ranked(d)) {
        if (auto const server = land(d, c)) {
            d.add(*server);
            return true;
        }
    }
    return false;
}

std::vector<std::pair<double, candidate>> chooser::ranked(draft& d) {
    d.candidates(scratch_);
    std::vector<std::pair<double, candidate>> out;
    for (auto const& c : scratch_) {
        out.emplace_back(d.score_with(d.representative(c)), c);
    }
    sort_stably(out, [](auto const& a, auto const& b) { return a.first < b.first; });
    return out;
}

bool chooser::fill(draft& d) {
    while (d.chosen() < d.size()) {
        if (!extend(d)) return false;
    }
    return true;
}

chooser::exchange chooser::polish_once(draft& d, unsigned i) {
    auto outcome = exchange::useless;
    double const score = d.score();
    auto const old = d.remove(i);
    auto const key = d.candidates(scratch_);
    if (!scratch_.empty() && decide(d, key).score < score * (1 - tie)) {
        outcome = exchange::out_of_reach;
        if (extend(d)) {
            if (d.score() < score * (1 - tie)) return exchange::made;
            d.remove(d.chosen() - 1);
        }
    }
    d.add(old);
    return outcome;
}

void chooser::polish(draft& d, unsigned first) {
    unsigned const movable = d.size() - first;
    // That a shape cannot be polished is remembered as a decision to do nothing.
    auto const key = first == 0 ? mix(d.surroundings(), 5) : 0;
    if (first == 0 && memory_.find(key)) return;
    bool polished = true;
    // Each try puts the member at `first` to the end, so `movable` tries in a row see all of them.
    for (unsigned unchanged = 0; unchanged < movable;) {
        auto const outcome = polish_once(d, first);
        if (outcome != exchange::useless) polished = false;
        unchanged = outcome == exchange::made ? 0 : unchanged + 1;
    }
    if (first == 0 && polished) memory_.put({key, 0, 1, {}});
}

std::optional<std::uint32_t> chooser::land(draft const& d, candidate const& c) {
    switch (c.kind) {
    case candidate::type::server:
        if (overlaps_.on() && overlaps_.forbids(c.index)) return {};
        return c.index;
    case candidate::type::in_class: return land_in_class(d, world_.classes()[c.index]);
    case candidate::type::in_group: return land_in_group(d, world_.groups()[c.index]);
    case candidate::type::in_kind: return land_in_kind(d, world_.kinds()[c.index]);
    }
    return {};
}

std::optional<std::uint32_t> chooser::land_in_class(draft const& d, server_class const& c) {
    std::optional<std::uint32_t> best;
    auto const start = c.servers.begin() + static_cast<std::ptrdiff_t>(random_.below(c.servers.size()));
    auto const consider = [&](std::uint32_t server) {
        if (!world_.usable(server) || (best && !world_.emptier(server, *best))) return;
        if (d.has(server) || d.is_anchor(server)) return;
        if (overlaps_.on() && overlaps_.forbids(server)) return;
        best = server;
    };
    std::for_each(start, c.servers.end(), consider);
    std::for_each(c.servers.begin(), start, consider);
    return best;
}

/// The emptier of two that chance picks: nearly as even as looking at all of them (Mitzenmacher).
std::optional<std::uint32_t> chooser::land_in_group(draft const& d, class_group const& g) {
    std::optional<std::uint32_t> best;
    unsigned landed = 0;
    auto const start = random_.below(g.classes.size());
    auto const stride = 1 + random_.below(g.classes.size());
    for (std::size_t i = 0; i < 2 * g.classes.size() && landed < 2; ++i) {
        // First by a random stride, then one by one: every class has its turn.
        auto const step = i < g.classes.size() ? i * stride : i;
        auto const& c = world_.classes()[g.classes[(start + step) % g.classes.size()]];
        if (c.usable == 0 || !d.untouched_rack(c.common.rack)) continue;
        auto const server = land_in_class(d, c);
        if (!server) continue;
        ++landed;
        if (!best || world_.emptier(*server, *best)) best = server;
    }
    return best;
}

std::optional<std::uint32_t> chooser::land_in_kind(draft const& d, group_kind const& k) {
    std::optional<std::uint32_t> best;
    unsigned landed = 0;
    auto const start = random_.below(k.groups.size());
    for (std::size_t i = 0; i < k.groups.size() && landed < 2; ++i) {
        auto const& g = world_.groups()[k.groups[(start + i) % k.groups.size()]];
        if (g.usable == 0 || !d.untouched_row(g.row)) continue;
        auto const server = land_in_group(d, g);
        if (!server) continue;
        ++landed;
        if (!best || world_.emptier(*server, *best)) best = server;
    }
    return best;
}

} // namespace zooid::placement

#include "cell/explorer/choices.hpp"

#include <zooid/base/codec.hpp>

#include <algorithm>
#include <bit>
#include <set>

namespace zooid::explore {

namespace {

std::vector<std::uint32_t> numbers_in(std::span<std::uint64_t const> bits) {
    std::vector<std::uint32_t> all;
    for (std::size_t word = 0; word < bits.size(); ++word) {
        for (std::uint64_t left = bits[word]; left != 0; left &= left - 1)
            all.push_back(static_cast<std::uint32_t>(word * 64 + std::countr_zero(left)));
    }
    return all;
}

digest name_of(situation const& now) {
    bytes name;
    writer w(name);
    w.put(now.place), w.put(now.acknowledged), w.put(std::uint32_t{now.may_crash ? 1u : 0u});
    for (std::size_t i = 0; i < now.messages.size(); ++i) {
        if (now.messages[i] != 0) w.put(static_cast<std::uint32_t>(i)), w.put(now.messages[i]);
    }
    return hash128(name);
}

} // namespace

std::vector<choice> const& choices::of(situation const& now) {
    digest const name = name_of(now);
    auto const found = known_.find(name);
    if (found != known_.end()) return found->second;
    return known_.emplace(name, work_out(now)).first->second;
}

std::vector<choice> choices::work_out(situation const& now) {
    std::vector<std::uint32_t> const messages = numbers_in(now.messages);
    std::vector<choice> all;
    std::set<std::pair<std::uint32_t, std::vector<std::uint32_t>>> ends;
    for (listener const& l : listeners(now.place, messages)) {
        for (move const& m : moves(now, messages)) {
            transition const& done = table_.move_at(l.place, m);
            bool const nothing = done.after == l.place && done.sent.empty() && done.broken.empty();
            bool const later = rig_.limits().unmerged ? false : done.quiet;
            if (!done.allowed || nothing || later || may_wait(now, l, m, done)) continue;
            if (done.broken.empty() && !ends.emplace(done.after, done.sent).second) continue;
            all.push_back({m, number_of(l.heard), &done});
        }
    }
    return all;
}

std::vector<choices::listener> choices::listeners(std::uint32_t place,
                                                  std::vector<std::uint32_t> const& messages) {
    std::vector<listener> all{{place, {}}};
    if (rig_.limits().unmerged) return all;
    std::set<std::uint32_t> met{place};
    for (std::size_t i = 0; i < all.size(); ++i) { // grows
        for (std::uint32_t const m : messages) {
            transition const& t = table_.move_at(all[i].place, {kind::deliver, false, m});
            if (!t.allowed || !t.quiet || !met.insert(t.after).second) continue;
            listener next{t.after, all[i].heard};
            next.heard.push_back(m);
            all.push_back(std::move(next));
        }
    }
    return all;
}

std::vector<move> choices::moves(situation const& now, std::vector<std::uint32_t> const& messages) const {
    bounds const& limits = rig_.limits();
    place const& p = table_.at(now.place).place;
    std::vector<move> all = rig_.moves();
    if (limits.reads != 0) all.push_back({kind::read, false, now.acknowledged});
    for (std::uint32_t const m : messages)
        all.push_back({kind::deliver, false, m});
    std::erase_if(all, [&](move const& m) { return m.kind == kind::crash && !now.may_crash && !p.loses; });
    if (limits.unmerged || !now.may_crash || p.loses) return all;
    for (std::size_t i = 0, size = all.size(); i < size; ++i) {
        if (all[i].kind != kind::crash) all.push_back({all[i].kind, true, all[i].argument});
    }
    return all;
}

// Could one of the deliveries that were made first have been made after the move?
bool choices::may_wait(situation const& now, listener const& l, move m, transition const& done) {
    if (!done.broken.empty()) return false;
    for (std::size_t left_out = 0; left_out < l.heard.size(); ++left_out) {
        std::uint32_t place = now.place;
        bool same = true;
        for (std::size_t i = 0; i < l.heard.size() && same; ++i) {
            if (i == left_out) continue;
            transition const& t = table_.move_at(place, {kind::deliver, false, l.heard[i]});
            same = t.allowed && t.quiet;
            place = t.after;
        }
        if (!same) continue;
        transition const& last = table_.move_at(place, {kind::deliver, false, l.heard[left_out]});
        if (!last.allowed || !last.quiet || last.after != l.place) continue;
        if (commutes(place, l.heard[left_out], m, done)) return true;
    }
    return false;
}

// "m, delivery" ends as "delivery, m" does, which is `done`.
bool choices::commutes(std::uint32_t place, std::uint32_t delivery, move m, transition const& done) {
    transition const& first = table_.move_at(place, m);
    if (!first.allowed || !first.broken.empty()) return false;
    transition const& second = table_.move_at(first.after, {kind::deliver, false, delivery});
    if (!second.allowed || !second.broken.empty() || second.after != done.after) return false;
    std::set<std::uint32_t> sent(first.sent.begin(), first.sent.end());
    sent.insert(second.sent.begin(), second.sent.end());
    return sent == std::set<std::uint32_t>(done.sent.begin(), done.sent.end());
}

std::uint32_t choices::number_of(std::vector<std::uint32_t> const& list) {
    auto const [found, is_new] = list_numbers_.emplace(list, static_cast<std::uint32_t>(lists_.size()));
    if (is_new) lists_.push_back(list);
    return found->second;
}

} // namespace zooid::explore

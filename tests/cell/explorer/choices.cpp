#include "cell/explorer/choices.hpp"

#include <boost/container_hash/hash.hpp>

#include <algorithm>
#include <set>

namespace zooid::explore {

std::size_t hash_value(situation const& s) {
    std::size_t h = boost::hash_range(s.letterboxes.begin(), s.letterboxes.end());
    boost::hash_combine(h, s.place);
    boost::hash_combine(h, s.acknowledged);
    boost::hash_combine(h, s.may_crash);
    return h;
}

std::vector<choice> const& choices::of(situation const& now) {
    auto const found = numbers_.find(now);
    if (found != numbers_.end()) return known_[found->second];
    numbers_.emplace(now, known_.size());
    return known_.emplace_back(work_out(now));
}

std::vector<std::uint32_t> choices::messages_of(situation const& now) const {
    std::vector<std::uint32_t> all;
    for (std::uint32_t const number : now.letterboxes) {
        std::vector<std::uint32_t> const& some = sent_.letterbox(number);
        all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::vector<choice> choices::work_out(situation const& now) {
    std::vector<std::uint32_t> const messages = messages_of(now);
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

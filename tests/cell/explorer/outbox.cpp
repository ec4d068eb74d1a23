#include "cell/explorer/outbox.hpp"

#include <algorithm>
#include <iterator>

namespace zooid::explore {

outboxes::outboxes(rig const& r, table const& all) : rig_(r), table_(all) {}

std::uint32_t outboxes::with(std::uint32_t box, transition const& done) {
    std::uint64_t const key = std::uint64_t{box} << 32 | done.number;
    auto const found = grown_.find(key);
    if (found != grown_.end()) return found->second;
    std::uint32_t const number = with(box, done.sent);
    grown_.emplace(key, number);
    return number;
}

std::uint32_t outboxes::with(std::uint32_t box, std::span<std::uint32_t const> added) {
    messages fresh(added.begin(), added.end());
    std::sort(fresh.begin(), fresh.end());
    messages all;
    std::set_union(boxes_[box].all.begin(), boxes_[box].all.end(), fresh.begin(), fresh.end(),
                   std::back_inserter(all));
    return number_of(std::move(all));
}

bool outboxes::has(std::uint32_t box, std::uint32_t message) const {
    messages const& all = boxes_[box].all;
    return std::binary_search(all.begin(), all.end(), message);
}

std::uint32_t outboxes::number_of(messages&& all) {
    auto const next = static_cast<std::uint32_t>(boxes_.size());
    auto const [found, is_new] = box_numbers_.emplace(all, next);
    if (!is_new) return found->second;
    outbox made{std::move(all), {}};
    for (std::size_t to = 0; to < rig_.size(); ++to) {
        messages received;
        std::copy_if(made.all.begin(), made.all.end(), std::back_inserter(received),
                     [&](std::uint32_t m) { return may_receive(to, table_.message_at(m).letter); });
        made.addressed[to] = letterbox_with(std::move(received));
    }
    boxes_.push_back(std::move(made));
    return next;
}

std::uint32_t outboxes::letterbox_with(messages&& all) {
    auto const next = static_cast<std::uint32_t>(letterboxes_.size());
    auto const [found, is_new] = letterbox_numbers_.emplace(all, next);
    if (is_new) letterboxes_.push_back(std::move(all));
    return found->second;
}

// Merged, what a replica tells itself at once is heard in the same turn.
bool outboxes::may_receive(std::size_t to, letter const& l) const {
    return l.to == to && (l.to != l.from || (!rig_.limits().unmerged && l.passes_to_self()));
}

} // namespace zooid::explore

#include "cell/explorer/table.hpp"

#include "cell/state.hpp"

#include <zooid/base/codec.hpp>

namespace zooid::explore {

std::uint8_t table::number_of(digest const& value) {
    auto const next = static_cast<std::uint8_t>(value_numbers_.size() + 1);
    std::uint8_t const number = value_numbers_.emplace(value, next).first->second;
    values_[number].name = value;
    return number;
}

std::uint32_t table::add(place&& p) {
    digest const name = hash128(p.canonical(rig_.limits()));
    auto const [found, is_new] = place_numbers_.emplace(name, static_cast<std::uint32_t>(places_.size()));
    if (!is_new) return found->second;
    known_place known{std::move(p), {}, {}, false};
    replica_state const& s = known.place.running->state();
    for (std::size_t i = 0; i < slots_max; ++i) {
        log_slot const* held = s.log.find(slot{i + 1});
        if (held && held->chosen) known.chosen[i] = number_of(held->value_digest);
    }
    known.retired = s.retired;
    if (rig_.limits().releases) known.durable = known.place.durable_prefix();
    places_.push_back(std::make_unique<known_place>(std::move(known)));
    return found->second;
}

std::uint32_t table::add(letter const& l) {
    bytes name;
    writer w(name);
    w.put(static_cast<std::uint8_t>(l.from)), w.put(static_cast<std::uint8_t>(l.to));
    encode(l.content, name);
    auto const number = static_cast<std::uint32_t>(messages_.size());
    auto const [found, is_new] = message_numbers_.emplace(name, number);
    if (!is_new) return found->second;
    known_message known{l, 0, 0, 0};
    bytes where;
    writer key(where);
    if (auto const* a = std::get_if<accepted>(&l.content)) {
        key.put(a->at), key.put(a->in), key.put(a->value_digest);
        auto const next = static_cast<std::uint32_t>(boxes_.size());
        known.vote = box_numbers_.emplace(where, next).first->second;
        if (known.vote == next) boxes_.push_back({a->at.value - 1, number_of(a->value_digest), {}});
        boxes_[known.vote].votes.push_back(number);
    }
    if (auto const* a = std::get_if<accept>(&l.content)) {
        key.put(a->at), key.put(a->in);
        auto const next = static_cast<std::uint32_t>(proposals_.size());
        known.proposal = proposal_numbers_.emplace(where, next).first->second;
        if (known.proposal == next) proposals_.emplace_back();
        proposals_[known.proposal].push_back(number);
        known.value = number_of(a->value.value_digest());
        known_value& value = values_[known.value];
        value.releases = a->value.releases();
        auto const change = a->value.changes();
        for (std::size_t i = 0; change && i < rig_.size(); ++i) {
            if (change->members.contains(rig_.members()[i].replica)) value.members |= 1u << i;
        }
    }
    messages_.push_back(std::move(known));
    return number;
}

transition const& table::move_at(std::uint32_t place, move m) {
    std::uint64_t const key =
        (std::uint64_t{place} << 32) | (m.lost ? 1u << 31 : 0u) | (std::uint64_t(m.kind) << 24) | m.argument;
    auto const found = moves_.find(key);
    if (found != moves_.end()) return *transitions_[found->second];
    letter const* const delivered = m.kind == kind::deliver ? &messages_[m.argument].letter : nullptr;
    auto performed = rig_.perform(at(place).place, m, delivered);
    auto made = std::make_unique<transition>();
    if (performed) {
        made->allowed = true;
        made->broken = std::move(performed->broken);
        for (letter const& l : performed->sent)
            made->sent.push_back(add(l));
        made->after = add(std::move(performed->after));
        known_place const& was = at(place);
        known_place const& is = at(made->after);
        made->quiet = m.kind == kind::deliver && made->sent.empty() && made->broken.empty() &&
                      !performed->wrote && was.chosen == is.chosen && was.place.floor == is.place.floor &&
                      was.place.acknowledged == is.place.acknowledged && was.retired == is.retired;
    }
    made->number = static_cast<std::uint32_t>(transitions_.size());
    moves_.emplace(key, made->number);
    transitions_.push_back(std::move(made));
    return *transitions_.back();
}

} // namespace zooid::explore

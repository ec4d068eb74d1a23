#include "journal/inspect.hpp"

namespace zooid {
namespace {

journal_damage damage_at(batch_header const& h, damage_kind kind, std::uint64_t offset, std::uint64_t size) {
    return {.kind = kind, .segment = h.position.segment, .offset = h.position.offset + offset, .size = size};
}

journal_damage lost_payload(batch_header const& h, journal_entry const& e) {
    if (e.internal()) return damage_at(h, damage_kind::unattributed, e.payload_offset, e.payload_bytes);
    auto const kind = value_kind(e.kind) ? damage_kind::value : damage_kind::voting;
    auto d = damage_at(h, kind, e.payload_offset, e.payload_bytes);
    d.cell = e.cell, d.replica = e.replica, d.record = e.as_record(), d.at = e.at;
    return d;
}

// Neighbours are one damage: whoever has to know what lay there walks the index for each.
void note_undecodable(journal_damage const& one, std::vector<journal_damage>& all) {
    bool const adjoins =
        !all.empty() && all.back().kind == one.kind && all.back().offset + all.back().size == one.offset;
    adjoins ? void(all.back().size += one.size) : all.push_back(one);
}

} // namespace

void inspect_batch(bytes_view segment, batch_header const& h, inspected_batch& out) {
    out.entries.clear(), out.damage.clear(), out.unknown_kind = false;
    bool const intact = body_intact(segment, h);
    for (std::uint64_t i = 0; i < h.entries; ++i) {
        std::uint64_t const offset = batch_header_bytes + i * entry_bytes;
        auto const e = decode_entry(segment, h, i);
        if (!e) {
            note_undecodable(damage_at(h, damage_kind::unattributed, offset, entry_bytes), out.damage);
            continue;
        }
        if (!known_kind(e->kind)) {
            out.unknown_kind = true;
            continue;
        }
        bool const payload_intact = intact || payload_of(segment, h, *e);
        if (!payload_intact) out.damage.push_back(lost_payload(h, *e));
        if (e->internal()) continue;
        entry_place const place{static_cast<std::uint32_t>(h.position.segment),
                                static_cast<std::uint32_t>(h.position.offset + offset)};
        out.entries.push_back({*e, place, payload_intact});
    }
    if (!intact && out.damage.empty()) { // padding
        out.damage.push_back(damage_at(h, damage_kind::harmless, 0, h.size));
    }
}

record record_of(bytes_view segment, batch_header const& h, journal_entry const& e) {
    bytes_view const payload = segment.substr(h.position.offset + e.payload_offset, e.payload_bytes);
    return {e.cell, e.replica, e.as_record(), e.at, shared_bytes(payload)};
}

} // namespace zooid

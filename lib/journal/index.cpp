#include "journal/index.hpp"

#include <algorithm>

namespace zooid {
namespace {

bool per_slot(record_kind kind) {
    return kind == record_kind::acceptance || kind == record_kind::value || kind == record_kind::server;
}

// The key within a replica: kinds of which only the latest counts have one key each.
std::pair<record_kind, slot> key_of(record_kind kind, slot at) {
    return {kind, per_slot(kind) ? at : slot{}};
}

template <class Entries>
auto position_of(Entries& entries, record_kind kind, slot at) {
    return std::lower_bound(
        entries.begin(), entries.end(), key_of(kind, at),
        [](indexed_entry const& e, auto const& key) { return key_of(e.kind, e.at) < key; });
}

template <class Iterator>
bool is(Iterator it, Iterator end, record_kind kind, slot at) {
    return it != end && key_of(it->kind, it->at) == key_of(kind, at);
}

bool obsoleted_by_checkpoint(record_kind kind) {
    return kind == record_kind::acceptance || kind == record_kind::value || kind == record_kind::checkpoint;
}

} // namespace

void journal_index::add(entry_place place, std::uint32_t payload_bytes) {
    usage_.add(place.segment, entry_bytes + payload_bytes);
    ++records_;
}

void journal_index::drop(entry_place place, std::uint32_t payload_bytes) {
    usage_.drop(place.segment, entry_bytes + payload_bytes);
    --records_;
}

void journal_index::forget(journal_entry const& e, entry_place place) {
    if (auto const it = replicas_.find(e.replica); it != replicas_.end()) {
        drop_all(it->second);
        replicas_.erase(it);
    }
    auto const [note, fresh] = forgotten_.try_emplace(e.replica, forget_note{e.born, place});
    if (!fresh) {
        drop(note->second.place, 0);
        note->second.place = place;
    }
    add(place, 0);
}

void journal_index::drop_all(indexed_replica& r) {
    for (auto const& old : r.entries)
        drop(old.place, old.payload_bytes);
    r.entries.clear();
}

void journal_index::drop_below_checkpoint(indexed_replica& r, slot checkpoint) {
    std::erase_if(r.entries, [&](indexed_entry const& e) {
        bool const obsolete =
            e.kind != record_kind::checkpoint && obsoleted_by_checkpoint(e.kind) && e.at <= checkpoint;
        if (obsolete) drop(e.place, e.payload_bytes);
        return obsolete;
    });
}

void journal_index::apply(journal_entry const& e, entry_place place) {
    auto const kind = e.as_record();
    if (kind == record_kind::forget) return forget(e, place);
    if (forgotten(e.replica)) return;
    if (obsoleted_by_checkpoint(kind)) {
        auto const checkpoint = checkpoint_of(e.replica);
        bool const late =
            checkpoint && (kind == record_kind::checkpoint ? e.at < *checkpoint : e.at <= *checkpoint);
        if (late) return;
    }
    auto& r = replicas_[e.replica];
    bool const destroyed = !r.entries.empty() && r.entries.back().kind == record_kind::moved;
    if (destroyed && kind != record_kind::moved) return;
    r.cell = e.cell;
    if (kind == record_kind::moved) drop_all(r);
    indexed_entry const fresh{e.at, place, e.payload_bytes, kind};
    auto const it = position_of(r.entries, kind, e.at);
    if (is(it, r.entries.end(), kind, e.at)) {
        drop(it->place, it->payload_bytes);
        *it = fresh;
    } else {
        r.entries.insert(it, fresh);
    }
    add(place, e.payload_bytes);
    if (kind == record_kind::checkpoint) drop_below_checkpoint(r, e.at);
}

bool journal_index::live(journal_entry const& e, entry_place place) const {
    if (e.as_record() == record_kind::forget) {
        auto const it = forgotten_.find(e.replica);
        return it != forgotten_.end() && it->second.place == place;
    }
    auto const* r = find(e.replica);
    if (r == nullptr) return false;
    auto const it = position_of(r->entries, e.as_record(), e.at);
    return is(it, r->entries.end(), e.as_record(), e.at) && it->place == place;
}

void journal_index::expire_forgets(std::uint64_t oldest_batch) {
    std::erase_if(forgotten_, [&](auto const& note) {
        bool const needed = note.second.born >= oldest_batch;
        if (!needed) drop(note.second.place, 0);
        return !needed;
    });
}

indexed_replica const* journal_index::find(replica_id replica) const {
    auto const it = replicas_.find(replica);
    return it == replicas_.end() ? nullptr : &it->second;
}

std::vector<journal_index::live_entry> journal_index::lying_in(std::uint64_t segment, std::uint64_t from,
                                                               std::uint64_t to) const {
    std::vector<live_entry> found;
    for (auto const& [replica, r] : replicas_) {
        for (auto const& e : r.entries) {
            bool const inside = e.place.segment == segment && e.place.offset >= from && e.place.offset < to;
            if (inside) found.push_back({r.cell, replica, e});
        }
    }
    std::sort(found.begin(), found.end(),
              [](live_entry const& a, live_entry const& b) { return a.content.place < b.content.place; });
    return found;
}

std::optional<slot> journal_index::checkpoint_of(replica_id replica) const {
    auto const* r = find(replica);
    if (r == nullptr) return {};
    auto const it = position_of(r->entries, record_kind::checkpoint, {});
    if (!is(it, r->entries.end(), record_kind::checkpoint, slot{})) return {};
    return it->at;
}

std::uint64_t journal_index::memory_bytes() const {
    constexpr std::uint64_t per_replica = sizeof(indexed_replica) + 4 * sizeof(void*);
    return records_ * sizeof(indexed_entry) + replicas_.size() * per_replica + forgotten_.size() * 64;
}

} // namespace zooid

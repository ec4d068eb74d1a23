// The commit lane: from pending appends to a flushed batch.
#include "journal/core.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace zooid {
namespace {

// To give back a segment that is half dead frees half of it; twice that leaves something in hand.
constexpr std::uint64_t reclaim_bytes_per_byte = 4;

entry_content content_of(record const& r) {
    return {static_cast<std::uint8_t>(r.kind), r.cell, r.replica, r.at, 0, r.payload.view()};
}

} // namespace

void journal_log::core::secured(journal_effects& out) {
    phase_ = phase::idle;
    is_secured_ = true;
    s_->rewrites = {};
    to_remove_ = std::move(s_->leftovers);
    out.events.emplace_back(journal_secured{});
}

// To secure says the same bytes again, so it may be repeated where no flush has failed.
void journal_log::core::commit_failed(error reason, journal_effects& out) {
    bool const passing = reason == errc::no_space || reason == errc::overloaded;
    if (phase_ != phase::securing || !passing) return latch(std::move(reason), out);
    phase_ = phase::idle;
    secure_again_ = true;
    out.events.emplace_back(journal_stalled{std::move(reason)});
}

void journal_log::core::committed(journal_effects& out) {
    phase_ = phase::idle;
    durable_number_ = s_->number;
    durable_chain_ = s_->chain;
    durable_life_ = life_;
    s_->recent.insert(s_->number, s_->chain);
    inflight_since_.reset();
    to_remove_.insert(to_remove_.end(), removing_.begin(), removing_.end());
    removing_.clear();
    if (inflight_sequence_ != 0) out.events.emplace_back(journal_persisted{inflight_sequence_});
    inflight_sequence_ = 0;
}

bool journal_log::core::anything_to_commit() const {
    return pending_head_ < pending_.size() || probe_since_ || moved_ < moving_.size() || any_removable();
}

journal_log::core::draft journal_log::core::draft_appends() const {
    draft d;
    for (std::size_t i = pending_head_; i < pending_.size(); ++i) {
        auto const entries = d.entries + pending_[i].records;
        auto const payload = d.payload_bytes + pending_[i].payload_bytes;
        bool const fits =
            batch_bytes(entries, payload, s_->options.block_bytes) <= s_->options.batch_bytes_max;
        if (d.appends != 0 && !fits) break;
        d.entries = entries, d.payload_bytes = payload;
        ++d.appends;
    }
    return d;
}

// Whatever is moved comes in addition, under its own budget.
void journal_log::core::draft_moves(draft& d) const {
    std::uint64_t budget = s_->options.reclaim_bytes_max;
    d.moved_until = moved_;
    for (; d.moved_until < moving_.size() && budget != 0; ++d.moved_until) {
        auto const& m = moving_[d.moved_until];
        std::uint64_t const size = entry_bytes + m.payload.size();
        d.entries += 1;
        d.payload_bytes += m.payload.size();
        budget -= std::min(budget, size);
    }
}

// The last blocks of a segment without a successor belong to reclaiming: else a full disk could never be
// emptied.
std::uint64_t journal_log::core::room_for_appends() const {
    if (active_.number == 0) return 0;
    std::uint64_t const room = active_.size - s_->end.offset;
    std::uint64_t const reserve = next_ || !create_blocked_ ? 0 : s_->options.segment_bytes / 8;
    return room - std::min(room, reserve);
}

bool journal_log::core::place(draft const& d) {
    // A table of segments and two notes may come along; their size is counted generously. What is discarded
    // is in no table, and is noted all the same.
    std::uint64_t const rows = s_->segments.size() + discarded_.size() + 2;
    auto const size = batch_bytes(d.entries + 3, d.payload_bytes + rows * (segment_row_bytes + 2 * 8) + 64,
                                  s_->options.block_bytes);
    auto const room =
        d.appends != 0 ? room_for_appends() : (active_.number == 0 ? 0 : active_.size - s_->end.offset);
    return size <= room || enter_next_segment(size);
}

bool journal_log::core::enter_next_segment(std::uint64_t bytes_needed) {
    if (!next_) return needed_bytes_ = std::max(needed_bytes_, bytes_needed), false;
    if (next_->size < s_->options.block_bytes + bytes_needed) {
        discarded_.push_back(next_->number);
        next_.reset();
        needed_bytes_ = bytes_needed;
        return false;
    }
    active_ = *next_;
    next_.reset();
    needed_bytes_ = 0;
    return true;
}

bool journal_log::core::form_batch(journal_effects& out) {
    if (!anything_to_commit()) return false;
    draft d = draft_appends();
    draft_moves(d);
    if (!place(d)) {
        d = draft{}; // no room: at least what makes room, if that fits
        draft_moves(d);
        if (active_.number == 0 || !(moved_ < moving_.size() || any_removable())) return false;
        if (!place(d)) return false;
    }
    gather(d);
    emit_batch(out);
    if (d.appends != 0) pay_for_reclaiming(reclaim_bytes_per_byte * batch_.size());
    drop_consumed(d);
    return true;
}

// Moved records first: what is appended in the same batch is newer.
void journal_log::core::gather(draft const& d) {
    contents_.clear();
    gather_notes();
    gather_moves(d);
    gather_appends(d);
}

void journal_log::core::gather_notes() {
    std::vector<std::uint64_t> numbers;
    auto& usage = s_->index.usage();
    removing_.insert(removing_.end(), usage.empty().begin(), usage.empty().end());
    for (auto const number : removing_)
        s_->segments.erase(number), usage.forget(number);
    if (s_->end.segment != active_.number) { // S3: the first batch of a segment
        std::vector<segment_row> rows;
        for (auto const& [number, segment] : s_->segments) {
            rows.push_back({number, segment.end, segment.first_batch});
        }
        encode_segments(rows, table_payload_);
        contents_.push_back({.kind = kind_segments, .payload = table_payload_});
    }
    numbers = removing_;
    numbers.insert(numbers.end(), discarded_.begin(), discarded_.end());
    removing_.insert(removing_.end(), discarded_.begin(), discarded_.end());
    discarded_.clear();
    if (!numbers.empty()) {
        encode_numbers(numbers, removed_payload_);
        contents_.push_back({.kind = kind_removed, .payload = removed_payload_});
    }
    if (next_ && !next_announced_) {
        encode_numbers({&next_->number, 1}, prepared_payload_);
        contents_.push_back({.kind = kind_prepared, .payload = prepared_payload_});
        next_announced_ = true;
    }
}

void journal_log::core::gather_moves(draft const& d) {
    for (; moved_ < d.moved_until; ++moved_) {
        auto const& m = moving_[moved_];
        auto const& e = m.found.content;
        if (!s_->index.live(e, m.found.place)) continue; // superseded since the segment was read
        contents_.push_back({e.kind, e.cell, e.replica, e.at, e.born, m.payload});
        ++stats_.records_moved;
    }
}

void journal_log::core::gather_appends(draft const& d) {
    auto const first = contents_.size();
    std::size_t r = records_head_;
    for (std::size_t i = pending_head_; i < pending_head_ + d.appends; ++i) {
        for (std::size_t n = 0; n < pending_[i].records; ++n) {
            contents_.push_back(content_of(pending_records_[r++]));
        }
    }
    stats_.records += contents_.size() - first;
}

void journal_log::core::emit_batch(journal_effects& out) {
    bool const opening = s_->end.segment != active_.number;
    log_position const at = opening ? log_position{active_.number, s_->options.block_bytes} : s_->end;
    batch_header h{.journal = s_->journal,
                   .position = at,
                   .number = s_->number + 1,
                   .life = life_,
                   .durable_below = at, // L1
                   .previous_end = s_->end,
                   .previous_chain = s_->chain};
    encode_batch(h, contents_, s_->options.block_bytes, batch_);
    ZOOID_CHECK(h.end().offset <= active_.size, "a batch fits into its segment");
    if (opening) s_->segments[active_.number] = {.size = active_.size, .end = 0, .first_batch = h.number};
    s_->segments[active_.number].end = h.end().offset;
    auto const sealed = std::exchange(s_->end, h.end()).segment;
    s_->number = h.number, s_->chain = h.chain;
    if (opening) restate(sealed), restate(active_.number);
    apply_contents(h);
    ++stats_.batches;
    stats_.bytes_written += h.size;
    phase_ = phase::committing;
    commit_task_ = emit({io_write{at.segment, at.offset, batch_}, io_flush{at.segment}}, out);
}

void journal_log::core::apply_contents(batch_header const& h) {
    std::uint64_t offset = h.position.offset + batch_header_bytes;
    for (auto const& c : contents_) {
        entry_place const place{static_cast<std::uint32_t>(h.position.segment),
                                static_cast<std::uint32_t>(offset)};
        offset += entry_bytes;
        if (c.kind >= kind_segments) continue;
        journal_entry const e{.kind = c.kind,
                              .payload_bytes = static_cast<std::uint32_t>(c.payload.size()),
                              .cell = c.cell,
                              .replica = c.replica,
                              .at = c.at,
                              .born = c.born != 0 ? c.born : h.number};
        s_->index.apply(e, place);
        bool const destroyed = e.as_record() == record_kind::forget || e.as_record() == record_kind::moved;
        if (destroyed) settle(e.replica);
    }
    if (!removing_.empty()) expire_forgets();
}

// Which `forget` is still needed changes only when a segment leaves the log.
void journal_log::core::expire_forgets() {
    std::uint64_t oldest = s_->number;
    for (auto const& [number, s] : s_->segments)
        oldest = std::min(oldest, s.first_batch);
    if (oldest <= oldest_batch_) return;
    oldest_batch_ = oldest;
    s_->index.expire_forgets(oldest);
}

// Evidence against a replica that is destroyed is no longer needed.
void journal_log::core::settle(replica_id forgotten) {
    for (auto& [number, s] : s_->segments) {
        if (!s.evidence || s.unsettled) continue;
        auto const it = std::lower_bound(s.concerned.begin(), s.concerned.end(), forgotten);
        if (it != s.concerned.end() && *it == forgotten) s.concerned.erase(it);
        if (s.concerned.empty()) s.evidence = false, restate(number);
    }
}

void journal_log::core::drop_consumed(draft const& d) {
    if (d.appends != 0) {
        inflight_since_ = pending_[pending_head_].since;
        auto const end = pending_head_ + d.appends;
        inflight_sequence_ = pending_[end - 1].sequence;
        auto const first_left =
            std::accumulate(pending_.begin() + static_cast<std::ptrdiff_t>(pending_head_),
                            pending_.begin() + static_cast<std::ptrdiff_t>(end), records_head_,
                            [](std::size_t sum, pending_append const& p) { return sum + p.records; });
        // A backlog may never become empty: what is consumed keeps its place for a while, but no bytes.
        for (; records_head_ < first_left; ++records_head_)
            pending_records_[records_head_].payload = {};
        pending_head_ = end;
    }
    if (probe_since_) inflight_since_ = std::min(inflight_since_.value_or(*probe_since_), *probe_since_);
    probe_since_.reset();
    if (pending_head_ == pending_.size() || pending_head_ > 4096) {
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(pending_head_));
        pending_records_.erase(pending_records_.begin(),
                               pending_records_.begin() + static_cast<std::ptrdiff_t>(records_head_));
        pending_head_ = records_head_ = 0;
    }
    bool const emptied = !moving_.empty() && moved_ == moving_.size();
    if (emptied) moving_.clear(), moved_ = 0, victim_bytes_.clear(), release_victim();
}

void journal_log::core::latch(error reason, journal_effects& out) {
    latched_ = true;
    mark(s_->marks, sometimes::flush_error_latched);
    out.events.emplace_back(journal_failed{std::move(reason)});
}

} // namespace zooid

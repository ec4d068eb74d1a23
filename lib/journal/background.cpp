// The background lane: segments are prepared, emptied, verified and removed while appends go on.
#include "journal/core.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <utility>

namespace zooid {

void journal_log::core::start_background(journal_effects& out) {
    if (job_ != job::none || latched_) return;
    start_create(out) || start_remove(out) || start_reclaim(out) || start_scrub(out);
}

bool journal_log::core::start_create(journal_effects& out) {
    if (next_ || create_blocked_) return false;
    std::vector<io_step> steps;
    if (s_->spare) { // as J4 says of all that was read: written again, and flushed
        creating_ = {s_->spare->number, s_->spare->size};
    } else {
        ZOOID_CHECK(s_->segment_next <= segment_number_max, "segments are numbered in 32 bits");
        creating_ = {s_->segment_next, size_of_next()};
        steps.emplace_back(io_create{creating_.number, creating_.size});
    }
    encode_segment_header({s_->options.block_bytes, s_->journal, creating_.number, creating_.size},
                          segment_head_);
    steps.emplace_back(io_write{creating_.number, 0, segment_head_});
    steps.emplace_back(io_flush{creating_.number});
    steps.emplace_back(io_sync_directory{});
    steps.emplace_back(io_open{creating_.number});
    job_ = job::create;
    background_task_ = emit(std::move(steps), out);
    return true;
}

// Each segment begins with a table of all: kept small beside what it is there for, or reclaiming would make
// as many segments as it empties.
std::uint64_t journal_log::core::size_of_next() const {
    auto const& o = s_->options;
    std::uint64_t const table_bytes = s_->segments.size() * segment_row_bytes;
    auto const needed = std::max(needed_bytes_ + o.block_bytes, 8 * table_bytes);
    return std::max(o.segment_bytes, round_up(needed, o.block_bytes));
}

void journal_log::core::created(io_outcome const& outcome, journal_effects& out) {
    if (outcome.status.has_value()) {
        next_ = creating_;
        next_announced_ = false;
        if (std::exchange(s_->spare, {})) return;
        ++s_->segment_next;
        ++stats_.segments_created;
        return;
    }
    create_blocked_ = true; // until a probe asks again
    pay_for_reclaiming(s_->index.usage().reclaimable().bytes);
    out.events.emplace_back(journal_stalled{outcome.status.error()});
}

bool journal_log::core::start_remove(journal_effects& out) {
    if (to_remove_.empty()) return false;
    std::vector<io_step> steps;
    for (auto const number : to_remove_)
        steps.emplace_back(io_remove{number});
    steps.emplace_back(io_sync_directory{});
    stats_.segments_removed += to_remove_.size();
    to_remove_.clear();
    job_ = job::remove;
    background_task_ = emit(std::move(steps), out);
    return true;
}

bool journal_log::core::any_removable() const {
    return active_.number != 0 && !s_->index.usage().empty().empty();
}

// Tells the accounting whether a segment may be given back; called whenever that may have changed.
void journal_log::core::restate(std::uint64_t number) {
    auto const it = s_->segments.find(number);
    if (it == s_->segments.end()) return;
    auto const& s = it->second;
    bool const open = number == active_.number || number == s_->end.segment;
    bool const kept = open || s.evidence || number == victim_;
    s_->index.usage().set(number, s.size,
                          kept      ? standing::kept
                          : s.stuck ? standing::stuck
                                    : standing::reclaims);
}

// The sealed segment with the smallest share of live bytes, or 0 if reclaiming isn't worth it.
std::uint64_t journal_log::core::choose_victim() const {
    auto const& o = s_->options;
    auto const& all = s_->index.usage().reclaimable();
    bool const worth = all.count > o.sealed_segments_min && all.live * 100 < all.bytes * o.live_percent_min;
    auto const [number, live_percent] = s_->index.usage().emptiest();
    return worth && live_percent < o.live_percent_min ? number : 0;
}

void journal_log::core::release_victim() {
    restate(std::exchange(victim_, 0));
}

void journal_log::core::pay_for_reclaiming(std::uint64_t size) {
    auto const round = std::max(size, s_->index.usage().reclaimable().bytes);
    reclaim_credit_ = std::min(reclaim_credit_ + size, round);
}

// Records are moved into segments that are not full either: with small segments they may hold less than is
// asked for, and moving would go on for ever. So it is paid for by what is appended, several times over; a
// start, and a disk that is full, give a round through all segments for nothing.
bool journal_log::core::start_reclaim(journal_effects& out) {
    if (victim_ != 0 || active_.number == 0 || reclaim_credit_ == 0) return false;
    victim_ = choose_victim();
    if (victim_ == 0) return false;
    reclaim_credit_ -= std::min(reclaim_credit_, s_->segments.at(victim_).size);
    restate(victim_);
    job_ = job::reclaim;
    background_task_ = emit({io_read{victim_, 0, s_->segments.at(victim_).end}}, out);
    return true;
}

// Visits every trusted batch of a segment and reports what is damaged.
template <class Visit>
void journal_log::core::verify_segment(std::uint64_t number, bytes_view content, Visit visit,
                                       journal_effects& out) {
    auto const block = s_->options.block_bytes;
    auto const end = s_->segments.at(number).end;
    inspected_batch inspected;
    std::uint64_t hole = 0;
    for (std::uint64_t at = block; at < end;) {
        auto const h = decode_batch_header(content, {number, at}, s_->journal, block);
        if (!h) {
            if (hole == 0) hole = at;
            at += block;
            continue;
        }
        if (hole != 0) report_hole(number, hole, at, out), hole = 0;
        inspect_batch(content, *h, inspected);
        report(inspected, out);
        visit(*h, inspected);
        at = h->end().offset;
    }
    if (hole != 0) report_hole(number, hole, end, out);
}

void journal_log::core::report(inspected_batch const& batch, journal_effects& out) {
    for (auto d : batch.damage) {
        d.superseded = std::none_of(batch.entries.begin(), batch.entries.end(), [&](found_entry const& f) {
            return !f.payload_intact && f.content.replica == d.replica && f.content.as_record() == d.record &&
                   f.content.at == d.at && s_->index.live(f.content, f.place);
        });
        if (d.kind == damage_kind::unattributed) {
            d.superseded = false;
            report_hole(d.segment, d.offset, d.offset + d.size, out);
            continue;
        }
        if (!s_->reported.try_emplace({d.segment, d.offset}, 0).second) continue;
        mark(s_->marks, sometimes::damage_reported);
        out.events.emplace_back(journal_damage_found{d});
    }
}

// The index knows which live records lay in those bytes, so they are named, each as damage of its own. The
// next start can't know, and counts the bytes against every replica that was there before.
void journal_log::core::report_hole(std::uint64_t segment, std::uint64_t from, std::uint64_t to,
                                    journal_effects& out) {
    auto& known = s_->reported[{segment, from}];
    if (known >= to - from) return;
    std::uint64_t const news = from + std::exchange(known, to - from); // it may have grown
    auto& s = s_->segments.at(segment);
    s.evidence = s.unsettled = true;
    restate(segment);
    mark(s_->marks, sometimes::damage_reported);
    out.events.emplace_back(journal_damage_found{
        {.kind = damage_kind::unattributed, .segment = segment, .offset = from, .size = to - from}});
    for (auto const& lost : s_->index.lying_in(segment, news, to)) {
        auto const& e = lost.content;
        out.events.emplace_back(
            journal_damage_found{{.kind = is_voting(e.kind) ? damage_kind::voting : damage_kind::value,
                                  .segment = segment,
                                  .offset = e.place.offset,
                                  .size = entry_bytes,
                                  .cell = lost.cell,
                                  .replica = lost.replica,
                                  .record = e.kind,
                                  .at = e.at}});
    }
}

void journal_log::core::victim_read(bytes content, journal_effects& out) {
    victim_bytes_ = std::move(content);
    moving_.clear(), moved_ = 0;
    bool unmovable = false;
    auto const collect = [&](batch_header const& h, inspected_batch const& batch) {
        for (auto const& f : batch.entries) {
            if (!s_->index.live(f.content, f.place)) continue;
            unmovable |= !f.payload_intact;
            if (!f.payload_intact) continue; // R1: it stays where it is, and so does its segment
            auto const at = h.position.offset + f.content.payload_offset;
            moving_.push_back({f, bytes_view(victim_bytes_).substr(at, f.content.payload_bytes)});
        }
    };
    verify_segment(victim_, victim_bytes_, collect, out);
    s_->segments.at(victim_).stuck |= unmovable;
    mark(s_->marks, sometimes::segment_reclaimed);
    if (moving_.empty()) release_victim();
}

// Another one is tried meanwhile, and this one when a probe asks again.
void journal_log::core::victim_unread() {
    s_->segments.at(victim_).stuck = true;
    unread_.push_back(victim_);
    release_victim();
}

void journal_log::core::forgive_unread() {
    if (unread_.empty()) return;
    std::uint64_t size = 0;
    for (auto const number : std::exchange(unread_, {})) {
        auto const it = s_->segments.find(number);
        if (it == s_->segments.end()) continue;
        it->second.stuck = false;
        size += it->second.size;
        restate(number);
    }
    pay_for_reclaiming(size);
}

bool journal_log::core::start_scrub(journal_effects& out) {
    if (scrub_budget_ == 0 || !is_secured_) return false;
    auto it = s_->segments.upper_bound(scrub_cursor_);
    while (it != s_->segments.end() && (it->first == s_->end.segment || it->second.size == 0))
        ++it;
    if (it == s_->segments.end()) { // a round is complete; the next call begins anew
        scrub_cursor_ = scrub_budget_ = 0;
        return false;
    }
    scrub_cursor_ = it->first;
    job_ = job::scrub;
    background_task_ = emit({io_read{it->first, 0, it->second.end}}, out);
    return true;
}

void journal_log::core::scrubbed(bytes content, journal_effects& out) {
    if (!s_->segments.contains(scrub_cursor_)) return; // removed while it was read
    scrub_budget_ -= std::min<std::uint64_t>(scrub_budget_, content.size());
    stats_.scrubbed_bytes += content.size();
    verify_segment(
        scrub_cursor_, content, [](auto const&, auto const&) {}, out);
}

void journal_log::core::background_done(io_outcome outcome, journal_effects& out) {
    auto const done = std::exchange(job_, job::none);
    bool const failed = outcome.status.has_error();
    bool const reads = done == job::reclaim || done == job::scrub;
    if (failed && !reads && outcome.status.error() == errc::io_failed) {
        return latch(outcome.status.error(), out); // L4: who fails to flush here may fail to flush there
    }
    if (done == job::create) created(outcome, out);
    if (done == job::reclaim && failed) victim_unread();
    if (done == job::reclaim && !failed) victim_read(std::move(outcome.read), out);
    if (done == job::scrub && !failed) scrubbed(std::move(outcome.read), out);
}

} // namespace zooid

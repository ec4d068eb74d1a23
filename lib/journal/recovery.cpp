// The second half of recovery: which records are live, which replicas the damage concerns.
//
// R1  A live record whose payload is damaged is never replaced by an older one: the index names the damaged
//     place, and the replica is told.
// R2  Damage that nobody can attribute concerns every replica unless its reservation is known to be newer.
//     A later checkpoint does not help: it says what was learned, not what was promised.
// R3  Reclaiming may not remove a segment with unattributed damage before all whom it concerns are forgotten.
#include <zooid/journal/recovery.hpp>

#include "journal/inspect.hpp"
#include "journal/state.hpp"
#include "journal/survey.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

namespace zooid {
namespace {

// Unattributed damage: everything reserved before this batch is concerned.
struct suspicion {
    std::uint64_t segment = 0;
    std::uint64_t before = 0;
};

struct live_record {
    found_entry found;
    batch_header const* batch = nullptr;
};

class recoverer {
  public:
    recoverer(journal_id journal, journal_options const& options, disk_image const& image) : image_(image) {
        out_.state.reset(new log_state);
        out_.state->journal = journal;
        out_.state->options = options;
    }

    result<journal_recovery> run() {
        auto& s = *out_.state;
        ZOOID_TRY(auto surveyed, survey_image(s.journal, s.options.block_bytes, image_));
        survey_ = std::move(surveyed);
        if (survey_.lost) return error(errc::damaged, "not one batch of the journal is left");
        for (auto const& segment : survey_.segments)
            if (auto done = read(segment); done.has_error()) return done.error();
        for (auto const& h : survey_.holes)
            add_hole(h);
        take_over_head();
        s.index.expire_forgets(oldest_batch());
        decide_superseded();
        collect_replicas();
        judge();
        plan_securing();
        finish();
        return std::move(out_);
    }

  private:
    bytes_view content(std::uint64_t segment) const {
        auto const it = image_.find(segment);
        return it == image_.end() ? bytes_view() : bytes_view(it->second);
    }

    result<void> read(surveyed_segment const& segment) {
        auto& s = out_.state->segments[segment.number];
        s.size = content(segment.number).size();
        s.end = segment.end;
        s.first_batch = segment.first_batch;
        if (segment.header_damaged) {
            damage_.push_back(
                {.kind = damage_kind::harmless, .segment = segment.number, .size = segment_header_bytes});
        }
        for (auto const& h : segment.batches)
            if (auto done = read(h); done.has_error()) return done.error();
        return outcome::success();
    }

    result<void> read(batch_header const& h) {
        inspect_batch(content(h.position.segment), h, inspected_);
        if (inspected_.unknown_kind) {
            return error(errc::unsupported_version,
                         "batch " + std::to_string(h.number) + " holds a kind of record of a newer format");
        }
        for (auto const& d : inspected_.damage) {
            damage_.push_back(d);
            note_lost(d);
            if (d.kind == damage_kind::unattributed) suspicions_.push_back({d.segment, h.number + 1});
        }
        for (auto const& f : inspected_.entries) {
            out_.state->index.apply(f.content, f.place);
            entries_.push_back({f, &h});
        }
        out_.state->recent.insert(h.number, h.chain);
        return outcome::success();
    }

    void note_lost(journal_damage const& d) {
        for (auto const& f : inspected_.entries) {
            bool const same = std::tuple(f.content.replica, f.content.as_record(), f.content.at) ==
                              std::tuple(d.replica, d.record, d.at);
            if (!f.payload_intact && same) lost_.emplace_back(damage_.size() - 1, f);
        }
    }

    void add_hole(hole const& h) {
        damage_.push_back(
            {.kind = damage_kind::unattributed, .segment = h.segment, .offset = h.offset, .size = h.size});
        suspicions_.push_back({h.segment, h.before});
    }

    void take_over_head() {
        auto& s = *out_.state;
        s.end = survey_.end;
        s.number = survey_.number;
        s.chain = survey_.chain;
        s.life = survey_.life;
        s.segment_next = survey_.segment_last + 1;
    }

    std::uint64_t oldest_batch() const {
        std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
        for (auto const& [number, s] : out_.state->segments)
            oldest = std::min(oldest, s.first_batch);
        return oldest;
    }

    void decide_superseded() {
        for (auto const& [index, e] : lost_) {
            damage_[index].superseded = !out_.state->index.live(e.content, e.place);
        }
    }

    // By replica, then kind, then slot; what is not live is dropped.
    void collect_replicas() {
        std::erase_if(entries_, [&](live_record const& e) {
            return e.found.content.as_record() == record_kind::forget ||
                   !out_.state->index.live(e.found.content, e.found.place);
        });
        std::sort(entries_.begin(), entries_.end(), [](live_record const& a, live_record const& b) {
            auto const key = [](journal_entry const& e) { return std::tuple(e.replica, e.kind, e.at); };
            return key(a.found.content) < key(b.found.content);
        });
        for (auto const& e : entries_)
            add(e);
    }

    void add(live_record const& e) {
        auto const& content_of = e.found.content;
        auto const segment = content(e.batch->position.segment);
        if (!content_of.replica) {
            if (e.found.payload_intact) {
                out_.content.server.push_back(record_of(segment, *e.batch, content_of));
            } else {
                out_.content.server_suspect = true;
            }
            return;
        }
        auto& replicas = out_.content.replicas;
        if (replicas.empty() || replicas.back().replica != content_of.replica) {
            replicas.push_back({.cell = content_of.cell, .replica = content_of.replica});
        }
        auto& r = replicas.back();
        auto const kind = content_of.as_record();
        if (kind == record_kind::reserved) r.born = content_of.born;
        if (e.found.payload_intact) {
            r.records.push_back(record_of(segment, *e.batch, content_of));
        } else if (is_voting(kind)) {
            r.voting_suspect = true;
            if (kind == record_kind::quarantine) r.unreadable.push_back({kind, content_of.at});
        } else {
            r.unreadable.push_back({kind, content_of.at});
        }
    }

    // R2, R3.
    void judge() {
        for (auto const& s : suspicions_) {
            auto& segment = out_.state->segments.at(s.segment);
            segment.evidence = true;
            out_.content.server_suspect = true;
            for (auto& r : out_.content.replicas) {
                if (r.born >= s.before) continue;
                r.voting_suspect = r.records_suspect = true;
                segment.concerned.push_back(r.replica);
            }
        }
        for (auto& [number, s] : out_.state->segments) {
            std::sort(s.concerned.begin(), s.concerned.end());
            s.concerned.erase(std::unique(s.concerned.begin(), s.concerned.end()), s.concerned.end());
            if (s.concerned.empty()) s.evidence = false;
        }
    }

    void plan_securing() {
        auto& s = *out_.state;
        for (auto const& h : survey_.tail) {
            auto const batch = content(h.position.segment).substr(h.position.offset, h.size);
            s.rewrites.push_back({h.position, bytes(batch)});
        }
        std::set<std::uint64_t> unused; // listed as prepared
        for (auto const& segment : survey_.segments) {
            bool const evidence = s.segments.at(segment.number).evidence;
            if (segment.end == 0 && image_.contains(segment.number) && !evidence)
                unused.insert(segment.number);
        }
        for (auto const number : unused)
            s.segments.erase(number);
        take_over_spare();
        for (auto const& [number, bytes_of] : image_) {
            if (s.segments.contains(number) || (s.spare && s.spare->number == number)) continue;
            bool const cut = number > s.end.segment && !blank(number); // its headers say what was flushed
            (unused.contains(number) || cut ? s.obsolete : s.leftovers).push_back(number);
        }
    }

    /// Holds nothing but, perhaps, the header of a segment.
    bool blank(std::uint64_t number) const {
        return content(number).find_first_not_of('\0', segment_header_bytes) == bytes_view::npos;
    }

    // Where a disk is nearly full no other segment may be had. Behind all that was ever written, since
    // batches are ordered by place: one that was cut must not lie behind the next.
    void take_over_spare() {
        auto& s = *out_.state;
        std::uint64_t const last_used = s.segments.empty() ? 0 : s.segments.rbegin()->first;
        for (auto it = image_.rbegin(); it != image_.rend() && it->first > last_used; ++it) {
            if (!blank(it->first)) return;
            segment_header h;
            bool const whole =
                decode_segment_header(it->second, s.journal, it->first, h) == segment_check::fine &&
                it->second.size() == h.size;
            if (!whole) continue;
            s.spare = {it->first, h.size};
            return;
        }
    }

    void finish() {
        auto& c = out_.content;
        std::sort(damage_.begin(), damage_.end(), [](journal_damage const& a, journal_damage const& b) {
            return std::tuple(a.segment, a.offset, a.size, a.kind) <
                   std::tuple(b.segment, b.offset, b.size, b.kind);
        });
        c.damage = std::move(damage_);
        for (auto const& d : c.damage)
            out_.state->reported[{d.segment, d.offset}] = d.kind == damage_kind::unattributed ? d.size : 0;
        c.tail_bytes_cut = survey_.tail_bytes_cut;
        auto const& s = *out_.state;
        c.last = {s.journal, s.life, s.number, s.chain};
        if (!c.damage.empty()) mark(out_.state->marks, sometimes::damage_reported);
        if (c.tail_bytes_cut != 0) mark(out_.state->marks, sometimes::torn_tail_cut);
        out_.marks = out_.state->marks;
    }

    disk_image const& image_;
    journal_recovery out_;
    survey survey_;
    inspected_batch inspected_;
    std::vector<live_record> entries_;
    std::vector<journal_damage> damage_;
    std::vector<std::pair<std::size_t, found_entry>> lost_; // index into damage_, and whose payload it was
    std::vector<suspicion> suspicions_;
};

} // namespace

disk_image format_journal(journal_id journal, journal_options const& options) {
    ZOOID_CHECK(explain_invalid(options).empty(), explain_invalid(options));
    bytes content;
    encode_segment_header({options.block_bytes, journal, 1, options.segment_bytes}, content);
    entry_content const table{.kind = kind_segments};
    batch_header h{.journal = journal,
                   .position = {1, options.block_bytes},
                   .number = 1,
                   .durable_below = {1, options.block_bytes},
                   .previous_end = {1, options.block_bytes}};
    bytes batch;
    encode_batch(h, {&table, 1}, options.block_bytes, batch);
    content += batch;
    content.resize(options.segment_bytes, '\0');
    disk_image image;
    image.emplace(1, std::move(content));
    return image;
}

result<journal_recovery> recover_journal(journal_id journal, journal_options const& options,
                                         disk_image const& image) {
    if (auto wrong = explain_invalid(options); !wrong.empty()) return error(errc::invalid_argument, wrong);
    return recoverer(journal, options, image).run();
}

} // namespace zooid

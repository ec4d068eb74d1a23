#include "journal/survey.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace zooid {
namespace {

constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

class surveyor {
  public:
    surveyor(journal_id journal, std::uint32_t block, disk_image const& image)
        : journal_(journal), block_(block), image_(image) {}

    result<survey> run() {
        for (auto const& [number, content] : image_) {
            if (auto done = check_header(number, content); done.has_error()) return done.error();
            scan(number, content);
            out_.segment_last = std::max(out_.segment_last, number);
        }
        if (found_.empty()) {
            out_.lost = true;
            return std::move(out_);
        }
        split_tail();
        accept_tail();
        expect_segments();
        for (auto const& row : expected_)
            examine(row.second);
        count_cut_bytes();
        return std::move(out_);
    }

  private:
    result<void> check_header(std::uint64_t number, bytes_view content) {
        segment_header h;
        auto const where = [&] { return "segment " + to_hex(number); };
        if (number > segment_number_max)
            return error(errc::malformed, where() + " has a number that no journal gives");
        switch (decode_segment_header(content, journal_, number, h)) {
        case segment_check::newer: return error(errc::unsupported_version, where() + " has a newer format");
        case segment_check::foreign:
            return error(errc::wrong_owner, where() + " belongs to journal " + to_string(h.journal));
        case segment_check::unreadable:
        case segment_check::misplaced:
            damaged_headers_.insert(number);
            if (content.size() < 8ull * block_) shortened_.insert(number); // shorter than any segment
            break;
        case segment_check::fine:
            if (h.block_bytes != block_) {
                return error(errc::unsupported_version,
                             where() + " has blocks of " + std::to_string(h.block_bytes) + " bytes");
            }
            if (content.size() < h.size) shortened_.insert(number);
        }
        return outcome::success();
    }

    void scan(std::uint64_t number, bytes_view content) {
        std::uint64_t at = block_;
        while (at + batch_header_bytes <= content.size()) {
            auto const h = decode_batch_header(content, {number, at}, journal_, block_);
            if (h) found_.push_back(*h);
            at = h ? h->end().offset : at + block_;
        }
    }

    bytes_view segment(std::uint64_t number) const {
        auto const it = image_.find(number);
        return it == image_.end() ? bytes_view() : bytes_view(it->second);
    }

    // S1. Splits what was found into `found_`, flushed, and `candidates_`, perhaps not.
    void split_tail() {
        log_position boundary;
        for (auto const& h : found_)
            boundary = std::max(boundary, h.durable_below);
        auto const first = std::find_if(found_.begin(), found_.end(),
                                        [&](batch_header const& h) { return h.position >= boundary; });
        candidates_.assign(first, found_.end());
        auto const& head = candidates_.front(); // its header is trusted, even if its body is torn
        out_.end = head.previous_end;
        out_.number = head.number - 1;
        out_.chain = head.previous_chain;
        found_.erase(first, found_.end());
        std::erase_if(found_, [&](batch_header const& h) { return h.position >= out_.end; }); // S2
        if (!found_.empty()) out_.life = found_.back().life;
    }

    bool follows(batch_header const& h) const {
        return h.previous_end == out_.end && h.number == out_.number + 1 && h.previous_chain == out_.chain;
    }

    void accept_tail() {
        for (auto const& h : candidates_) {
            if (!follows(h) || !body_intact(segment(h.position.segment), h)) break;
            out_.tail.push_back(h);
            found_.push_back(h);
            out_.end = h.end();
            out_.number = h.number;
            out_.chain = h.chain;
            out_.life = h.life;
        }
    }

    std::optional<std::vector<segment_row>> table_of(batch_header const& h) const {
        auto const content = segment(h.position.segment);
        auto const e = decode_entry(content, h, 0);
        if (!e || e->kind != kind_segments) return {};
        auto const payload = payload_of(content, h, *e);
        return payload ? decode_segments(*payload) : std::nullopt;
    }

    // S3. The newest readable table, what came after it, and less what was removed since.
    void expect_segments() {
        log_position listed; // by number would be wrong: a batch that was cut shares its number with another
        for (auto it = found_.rbegin(); it != found_.rend(); ++it) {
            auto const rows = it->position.offset == block_ ? table_of(*it) : std::nullopt;
            if (!rows) continue;
            for (auto const& row : *rows)
                expected_[row.segment] = row;
            listed = it->position;
            break;
        }
        for (auto const& h : found_) {
            if (h.position >= listed) note_segment(h);
        }
        if (out_.end.segment != 0) {
            auto& last = expected_[out_.end.segment];
            last = {out_.end.segment, out_.end.offset, last.first_batch};
        }
        for (auto const& h : found_) {
            if (h.position > listed) apply_notes(h);
        }
    }

    // A batch whose segment no readable table lists, or which is newer than the table.
    void note_segment(batch_header const& h) {
        auto const [row, fresh] =
            expected_.try_emplace(h.position.segment, segment_row{h.position.segment, 0, h.number});
        row->second.end = std::max(row->second.end, h.end().offset);
        auto const before = expected_.find(h.previous_end.segment);
        if (before != expected_.end() && h.previous_end.segment != h.position.segment) {
            before->second.end = h.previous_end.offset;
        }
    }

    void apply_notes(batch_header const& h) {
        auto const content = segment(h.position.segment);
        for (std::uint64_t i = 0; i < h.entries; ++i) {
            auto const e = decode_entry(content, h, i);
            if (!e || !e->internal()) continue;
            auto const payload = payload_of(content, h, *e);
            auto const numbers = payload ? decode_numbers(*payload) : std::nullopt;
            if (!numbers) continue;
            for (auto const n : *numbers) {
                if (e->kind == kind_prepared) expected_.try_emplace(n, segment_row{n, 0, 0});
                if (e->kind == kind_removed) expected_.erase(n);
            }
        }
    }

    // The number of the first batch of a segment behind `number`: newer than all that was in `number`.
    std::uint64_t first_batch_after(std::uint64_t number) const {
        auto const it = expected_.upper_bound(number);
        return it == expected_.end() || it->second.first_batch == 0 ? everything : it->second.first_batch;
    }

    void examine(segment_row const& row) {
        surveyed_segment s{row.segment, row.end, row.first_batch, false, {}};
        out_.segment_last = std::max(out_.segment_last, row.segment);
        if (!image_.contains(row.segment)) {
            out_.holes.push_back({row.segment, 0, 0, first_batch_after(row.segment)});
            out_.segments.push_back(std::move(s));
            return;
        }
        s.header_damaged = damaged_headers_.contains(row.segment);
        std::uint64_t at = block_;
        for (auto const& h : found_) {
            if (h.position.segment != row.segment || h.position.offset >= row.end) continue;
            if (h.position.offset > at) add_hole(row.segment, at, h.position.offset, h.number);
            s.batches.push_back(h);
            at = h.end().offset;
        }
        if (at < row.end) add_hole(row.segment, at, row.end, first_batch_after(row.segment));
        // Its zeros were flushed before it was used. The end of a sealed one may itself be where an earlier
        // start found it cut, so that is told at every start (J5), at the price of telling of a cut that lost
        // nothing.
        if (at >= row.end && shortened_.contains(row.segment))
            add_hole(row.segment, at, at + block_, first_batch_after(row.segment));
        out_.segments.push_back(std::move(s));
    }

    void add_hole(std::uint64_t number, std::uint64_t from, std::uint64_t to, std::uint64_t before) {
        out_.holes.push_back({number, from, to - from, before});
    }

    // What was written behind the end and is dropped.
    void count_cut_bytes() {
        for (auto const& [number, content] : image_) {
            if (number < out_.end.segment) continue;
            std::uint64_t const from = number == out_.end.segment ? out_.end.offset : block_;
            auto const last = bytes_view(content).find_last_not_of('\0');
            if (last != bytes_view::npos && last >= from) out_.tail_bytes_cut += last + 1 - from;
        }
    }

    journal_id journal_;
    std::uint32_t block_;
    disk_image const& image_;
    std::vector<batch_header> found_;
    std::vector<batch_header> candidates_;
    std::set<std::uint64_t> damaged_headers_;
    std::set<std::uint64_t> shortened_;
    std::map<std::uint64_t, segment_row> expected_;
    survey out_;
};

} // namespace

result<survey> survey_image(journal_id journal, std::uint32_t block_bytes, disk_image const& image) {
    return surveyor(journal, block_bytes, image).run();
}

} // namespace zooid

#include "journal/usage.hpp"

#include <zooid/base/check.hpp>

namespace zooid {

void segment_usage::list(std::uint64_t segment, row const& r) {
    if (r.how == standing::kept) return;
    if (r.live == 0) empty_.insert(segment);
    if (r.how != standing::reclaims || r.size == 0) return; // a segment that is missing can't be read
    reclaimable_.count += 1;
    reclaimable_.bytes += r.size;
    reclaimable_.live += r.live;
    if (r.live != 0) by_share_.emplace(r.percent(), segment);
}

void segment_usage::unlist(std::uint64_t segment, row const& r) {
    if (r.how == standing::kept) return;
    if (r.live == 0) empty_.erase(segment);
    if (r.how != standing::reclaims || r.size == 0) return;
    reclaimable_.count -= 1;
    reclaimable_.bytes -= r.size;
    reclaimable_.live -= r.live;
    if (r.live != 0) by_share_.erase({r.percent(), segment});
}

void segment_usage::add(std::uint64_t segment, std::uint64_t size) {
    row& r = rows_[segment];
    unlist(segment, r);
    r.live += size;
    live_ += size;
    list(segment, r);
}

void segment_usage::drop(std::uint64_t segment, std::uint64_t size) {
    auto const it = rows_.find(segment);
    ZOOID_CHECK(it != rows_.end() && it->second.live >= size,
                "the live bytes of a segment are the sum of its live entries");
    unlist(segment, it->second);
    it->second.live -= size;
    live_ -= size;
    list(segment, it->second);
}

void segment_usage::set(std::uint64_t segment, std::uint64_t size, standing how) {
    row& r = rows_[segment];
    unlist(segment, r);
    r.size = size;
    r.how = how;
    list(segment, r);
}

void segment_usage::forget(std::uint64_t segment) {
    auto const it = rows_.find(segment);
    if (it == rows_.end()) return;
    ZOOID_CHECK(it->second.live == 0, "what is removed holds nothing live");
    unlist(segment, it->second);
    rows_.erase(it);
}

std::uint64_t segment_usage::live_bytes(std::uint64_t segment) const {
    auto const it = rows_.find(segment);
    return it == rows_.end() ? 0 : it->second.live;
}

segment_usage::emptiest_segment segment_usage::emptiest() const {
    if (by_share_.empty()) return {};
    auto const [percent, segment] = *by_share_.begin();
    return {segment, percent};
}

} // namespace zooid

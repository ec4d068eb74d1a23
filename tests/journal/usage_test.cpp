// The accounting of live bytes names the victim that a scan of all segments would name.
#include "journal/usage.hpp"
#include "support/catch.hpp"

#include <zooid/base/prng.hpp>

#include <map>
#include <vector>

using namespace zooid;

namespace {

struct plain_row {
    std::vector<std::uint64_t> records; ///< their sizes
    std::uint64_t size = 0;
    standing how = standing::kept;
    std::uint64_t live() const {
        std::uint64_t sum = 0;
        for (auto const r : records)
            sum += r;
        return sum;
    }
};
using plain = std::map<std::uint64_t, plain_row>;

void require_equal(segment_usage const& usage, plain const& rows) {
    std::uint64_t live = 0, count = 0, bytes = 0, live_there = 0, victim = 0, percent = 0;
    std::set<std::uint64_t> empty;
    for (auto const& [number, r] : rows) {
        live += r.live();
        REQUIRE(usage.live_bytes(number) == r.live());
        if (r.how != standing::kept && r.live() == 0) empty.insert(number);
        if (r.how != standing::reclaims || r.size == 0) continue;
        ++count, bytes += r.size, live_there += r.live();
        auto const share = r.live() * 100 / r.size;
        if (r.live() == 0 || (victim != 0 && share >= percent)) continue;
        victim = number, percent = share;
    }
    REQUIRE(usage.live_bytes() == live);
    REQUIRE(usage.empty() == empty);
    REQUIRE(usage.reclaimable().count == count);
    REQUIRE(usage.reclaimable().bytes == bytes);
    REQUIRE(usage.reclaimable().live == live_there);
    REQUIRE(usage.emptiest().number == victim);
    REQUIRE(usage.emptiest().live_percent == percent);
}

} // namespace

TEST_CASE("the accounting of live bytes names what a scan of all segments would name") {
    std::uint64_t const seed = 411;
    INFO("seed " << seed);
    prng random(seed);
    segment_usage usage;
    plain rows;
    for (int i = 0; i < 4000; ++i) {
        std::uint64_t const number = 1 + random.below(12);
        auto& r = rows[number];
        auto const what = random.below(10);
        if (what < 4) {
            r.records.push_back(72 + random.below(500));
            usage.add(number, r.records.back());
        } else if (what < 8 && !r.records.empty()) {
            std::swap(r.records[random.below(r.records.size())], r.records.back());
            usage.drop(number, r.records.back());
            r.records.pop_back();
        } else if (what == 8 && r.live() == 0) {
            usage.forget(number);
            rows.erase(number);
        } else if (what == 9) {
            r.size = random.chance(1, 8) ? 0 : 8192;
            r.how = static_cast<standing>(random.below(3));
            usage.set(number, r.size, r.how);
        }
        require_equal(usage, rows);
    }
}

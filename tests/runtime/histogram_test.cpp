#include "support/catch.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/runtime/histogram.hpp>

#include <algorithm>
#include <vector>

using namespace zooid;

TEST_CASE("a quantile of a histogram is within a thirty-second of the exact one, at every magnitude") {
    prng random(7);
    histogram h;
    std::vector<std::uint64_t> exact;
    for (int i = 0; i < 20'000; ++i) {
        std::uint64_t const shift = random.below(63);
        std::uint64_t const value = random.next() >> shift;
        exact.push_back(value);
        h.record(value);
    }
    std::sort(exact.begin(), exact.end());
    for (std::uint64_t per_mille : {1u, 10u, 250u, 500u, 900u, 990u, 999u, 1000u}) {
        std::uint64_t const truth = exact[(exact.size() * per_mille + 999) / 1000 - 1];
        std::uint64_t const got = h.quantile(per_mille, 1000);
        INFO(per_mille << ": " << truth << " " << got);
        CHECK(got >= truth);
        CHECK(got - truth <= truth / 32);
    }
    CHECK(h.min() == exact.front());
    CHECK(h.max() == exact.back());
}

TEST_CASE("an empty histogram has no quantiles, small values are exact, and the largest value has a bucket") {
    histogram h;
    CHECK(h.quantile(1, 2) == 0);
    CHECK(h.min() == 0);
    for (std::uint64_t v = 0; v < 64; ++v) {
        histogram one;
        one.record(v);
        CHECK(one.quantile(1, 2) == v);
    }
    h.record(~std::uint64_t{0});
    CHECK(h.quantile(1, 1) == ~std::uint64_t{0});
}

TEST_CASE("two histograms merged are the histogram of all their records") {
    histogram a, b, all;
    for (std::uint64_t i = 1; i < 5000; i = i * 3 / 2 + 1) {
        (i % 2 ? a : b).record(i * 1000);
        all.record(i * 1000);
    }
    a.merge(b);
    CHECK(a == all);
}

// A histogram of fixed size with logarithmic buckets: 64-bit values to about 3 %, no allocation, mergeable.
//
// Each power of two is cut into 32 equal buckets, in the manner of an HDR histogram: a value is counted with
// a shift and an increment, whatever its size. Latencies are recorded in nanoseconds.
#pragma once

#include <zooid/base/time.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace zooid {

/// A value; 15 KiB. Not thread-safe.
class histogram {
  public:
    void record(std::uint64_t value, std::uint64_t times = 1) {
        counts_[bucket_of(value)] += times;
        count_ += times;
        sum_ += value * times;
        if (value < min_) min_ = value;
        if (value > max_) max_ = value;
    }
    /// A negative duration counts as none.
    void record(duration d) { record(d.count() < 0 ? 0 : static_cast<std::uint64_t>(d.count())); }

    void merge(histogram const& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        count_ += other.count_;
        sum_ += other.sum_;
        if (other.min_ < min_) min_ = other.min_;
        if (other.max_ > max_) max_ = other.max_;
    }

    std::uint64_t count() const { return count_; }
    std::uint64_t min() const { return count_ ? min_ : 0; } ///< exact
    std::uint64_t max() const { return max_; }              ///< exact
    std::uint64_t mean() const { return count_ ? sum_ / count_ : 0; }

    /// The value that at least `numerator` of `denominator` of the records don't exceed, to the width of its
    /// bucket and never above `max`: quantile(999, 1000) is p99.9. 0 if there are no records.
    std::uint64_t quantile(std::uint64_t numerator, std::uint64_t denominator) const {
        if (count_ == 0) return 0;
        // Divided first: the product of a count and a numerator may not fit.
        std::uint64_t const whole = count_ / denominator * numerator;
        std::uint64_t const part = (count_ % denominator * numerator + denominator - 1) / denominator;
        std::uint64_t const rank = whole + part == 0 ? 1 : whole + part;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen >= rank) return highest_in(i) < max_ ? highest_in(i) : max_;
        }
        return max_;
    }

    /// Calls visit(highest value of the bucket, records in it) for each bucket that is not empty, ascending.
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i]) visit(highest_in(i), counts_[i]);
        }
    }

    friend bool operator==(histogram const&, histogram const&) = default;

  private:
    static constexpr unsigned sub_bits = 5;
    static constexpr std::size_t sub_buckets = 1u << sub_bits;

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < sub_buckets) return static_cast<std::size_t>(value);
        unsigned const shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
        return shift * sub_buckets + static_cast<std::size_t>(value >> shift);
    }
    static std::uint64_t highest_in(std::size_t bucket) {
        if (bucket < 2 * sub_buckets) return bucket;
        std::size_t const shift = bucket / sub_buckets - 1;
        std::uint64_t const head = bucket % sub_buckets + sub_buckets;
        return (head << shift) + ((std::uint64_t{1} << shift) - 1);
    }

    std::array<std::uint64_t, (64 - sub_bits + 1) * sub_buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t min_ = ~std::uint64_t{0};
    std::uint64_t max_ = 0;
};

} // namespace zooid

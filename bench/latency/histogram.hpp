// A histogram of nanoseconds to three significant digits, in the manner of HDR: for ratios of medians, where
// the 3 % buckets of runtime/histogram.hpp would be as wide as the differences that are looked for.
//
// A plain value without pointers: a child process fills one in shared memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace latency {

class histogram {
  public:
    void record(std::int64_t nanoseconds) {
        auto const value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0));
        ++counts_[std::min(bucket_of(value), counts_.size() - 1)];
        ++count_;
        sum_ += value;
        max_ = std::max(max_, value);
    }
    void merge(histogram const& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        count_ += other.count_;
        sum_ += other.sum_;
        max_ = std::max(max_, other.max_);
    }
    std::uint64_t count() const { return count_; }
    std::uint64_t max() const { return max_; }
    double mean() const { return count_ ? static_cast<double>(sum_) / static_cast<double>(count_) : 0; }

    /// The value that a share of the records does not exceed; 0 if there are none.
    std::uint64_t quantile(double share) const {
        auto const rank = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > rank) return std::min(middle_of(i), max_);
        }
        return max_;
    }

  private:
    static constexpr unsigned sub_bits = 10; // 1,024 buckets for each power of two: 0.1 %
    static constexpr std::size_t sub_buckets = std::size_t{1} << sub_bits;
    static constexpr unsigned bits_max = 38; // up to 4.5 minutes; longer ones count as that

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < sub_buckets) return static_cast<std::size_t>(value);
        unsigned const shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
        return shift * sub_buckets + static_cast<std::size_t>(value >> shift);
    }
    static std::uint64_t middle_of(std::size_t bucket) {
        if (bucket < 2 * sub_buckets) return bucket;
        std::size_t const shift = bucket / sub_buckets - 1;
        return ((bucket % sub_buckets + sub_buckets) << shift) + (std::uint64_t{1} << shift) / 2;
    }

    std::array<std::uint64_t, (bits_max - sub_bits + 1) * sub_buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
};

} // namespace latency

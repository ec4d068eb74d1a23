// Decisions: the best next member, remembered by shape, and the server that it lands on.
#pragma once

#include "placement/draft.hpp"
#include "placement/overlaps.hpp"

#include <zooid/base/prng.hpp>

#include <optional>
#include <vector>

namespace zooid::placement {

/// Scores closer than this share are equal: load and chance decide between them.
inline constexpr double tie = 1e-9;

/// What was once decided for a key: the best score, and the signatures that reach it (as many as are kept,
/// and half of each: a collision costs quality, never a floor). One line of the cache.
struct alignas(64) decision {
    static constexpr unsigned kept_max = 11;
    std::uint64_t key = 0;
    double score = 0;
    std::uint32_t count = 0; ///< of `best`; 0 marks an empty place in the table
    std::array<std::uint32_t, kept_max> best{};

    bool picks(std::uint64_t signature) const {
        for (std::uint32_t i = 0; i < count; ++i) {
            if (best[i] == static_cast<std::uint32_t>(signature)) return true;
        }
        return false;
    }
};
static_assert(sizeof(decision) == 64);

/// Key to decision, open addressing. A collision of two 64-bit keys costs quality, never a floor: only
/// candidates that are lawful now are ever chosen. When it is full it forgets everything and starts again.
class shape_memory {
  public:
    shape_memory();
    decision const* find(std::uint64_t key) const;
    decision const& put(decision const& d);
    std::size_t size() const { return used_; }
    std::size_t bytes() const { return table_.size() * sizeof(decision); }

  private:
    static constexpr std::size_t decisions_max = 1 << 20;
    void grow();
    std::vector<decision> table_;
    std::size_t used_ = 0;
};

class chooser {
  public:
    chooser(catalogue& world, overlap_index& overlaps, std::uint64_t seed)
        : world_(world), overlaps_(overlaps), random_(seed), counts_(world) {}

    /// Adds the best next member to the draft; false if there is no lawful one.
    bool extend(draft& d);
    /// Fills the draft up; false, with the draft as far as it got, at a dead end.
    bool fill(draft& d);
    /// Exchanges members from position `first` on, one at a time, while that makes the cell better.
    void polish(draft& d, unsigned first);
    /// The key and candidates of the next decision, for those who compare pools.
    std::uint64_t next_key(draft& d);
    /// Every candidate of the next step with its score, best first; computed, not remembered.
    std::vector<std::pair<double, candidate>> ranked(draft& d);

    usage_counts& counts() { return counts_; }
    prng& random() { return random_; }
    shape_memory const& memory() const { return memory_; }

    /// A usable server behind the candidate, little loaded; nothing if overlaps forbid all of them.
    std::optional<std::uint32_t> land(draft const& d, candidate const& c);

  private:
    decision const& decide(draft const& d, std::uint64_t key);
    bool extend_slowly(draft& d);
    std::optional<std::uint32_t> land_in_class(draft const& d, server_class const& c);
    std::optional<std::uint32_t> land_in_group(draft const& d, class_group const& g);
    std::optional<std::uint32_t> land_in_kind(draft const& d, group_kind const& k);
    enum class exchange : std::uint8_t { made, useless, out_of_reach };
    exchange polish_once(draft& d, unsigned i);

    catalogue& world_;
    overlap_index& overlaps_;
    prng random_;
    shape_memory memory_;
    usage_counts counts_;
    std::vector<candidate> scratch_;
};

} // namespace zooid::placement

// Which cells have how many servers in common: by subsets that come twice, never by comparing all pairs.
#include "placement/overlap_search.hpp"

#include "placement/catalogue.hpp"

#include <algorithm>
#include <array>

namespace zooid::placement {
namespace {

/// A set of (hash of a set of servers, cell), filled for one part of all hashes at a time to bound memory.
class subset_table {
  public:
    explicit subset_table(std::size_t expected) {
        std::size_t size = 1024;
        while (size < 2 * expected) {
            size *= 2;
        }
        entries_.resize(size);
    }
    void clear() { std::fill(entries_.begin(), entries_.end(), entry{}); }
    /// The cell that had this hash before, or `cell` itself if none had.
    std::uint32_t insert(std::uint64_t hash, std::uint32_t cell) {
        auto const mask = entries_.size() - 1;
        for (auto i = hash & mask;; i = (i + 1) & mask) {
            if (entries_[i].hash == 0) return entries_[i] = {hash, cell}, cell;
            if (entries_[i].hash == hash) return entries_[i].cell;
        }
    }

  private:
    struct entry {
        std::uint64_t hash = 0;
        std::uint32_t cell = 0;
    };
    std::vector<entry> entries_;
};

unsigned shared(cell const& a, cell const& b) {
    return static_cast<unsigned>(std::count_if(a.members.begin(), a.members.end(), [&](server_ref m) {
        return std::find(b.members.begin(), b.members.end(), m) != b.members.end();
    }));
}

/// Two cells have t servers in common exactly if they have a subset of t servers in common: look for one that
/// comes twice.
class overlap_search {
  public:
    overlap_search(std::span<cell const> cells, unsigned t) : cells_(cells), t_(t) {
        for (unsigned size = 1; size <= cell_size_max; ++size) {
            for (unsigned m = 0; m < (1u << size); ++m) {
                if (static_cast<unsigned>(__builtin_popcount(m)) == t) masks_[size].push_back(m);
            }
        }
    }
    /// Calls `use` with each cell that repeats a subset, and the first cell that had it, until it returns
    /// true.
    template <class Use>
    void each_repeat(Use use) {
        std::size_t total = 0;
        for (auto const& c : cells_) {
            total += masks_[c.members.size()].size();
        }
        constexpr std::size_t part_max = std::size_t{1} << 22;
        auto const parts = total / part_max + 1;
        subset_table table(total / parts + total / parts / 8);
        for (std::size_t part = 0; part < parts; ++part) {
            if (part > 0) table.clear();
            if (scan(table, part, parts, use)) return;
        }
    }

  private:
    template <class Use>
    bool scan(subset_table& table, std::size_t part, std::size_t parts, Use use) {
        for (std::uint32_t i = 0; i < cells_.size(); ++i) {
            auto const& members = cells_[i].members;
            std::array<std::uint64_t, cell_size_max> value{};
            for (std::size_t k = 0; k < members.size(); ++k) {
                value[k] = mix(members[k].value, 0x5EED);
            }
            for (auto const mask : masks_[members.size()]) {
                std::uint64_t hash = 0;
                for (auto bits = mask; bits != 0; bits &= bits - 1) {
                    hash += value[static_cast<unsigned>(__builtin_ctz(bits))];
                }
                if (parts > 1 && (hash >> 32) % parts != part) continue;
                auto const other = table.insert(hash | 1, i);
                if (other != i && use(other, i)) return true;
            }
        }
        return false;
    }
    std::span<cell const> cells_;
    unsigned t_;
    std::array<std::vector<unsigned>, cell_size_max + 1> masks_;
};

} // namespace

overlap largest_overlap(std::span<cell const> cells) {
    std::size_t largest = 0;
    for (auto const& c : cells) {
        largest = std::max(largest, c.members.size());
    }
    for (auto t = static_cast<unsigned>(largest); t > 0; --t) {
        overlap found;
        overlap_search(cells, t).each_repeat([&](std::uint32_t first, std::uint32_t second) {
            auto const n = shared(cells[first], cells[second]);
            if (n >= t) found = {n, first, second};
            return n >= t;
        });
        if (found.servers > 0) return found;
    }
    return {};
}

std::vector<char> sharing_more_than(std::span<cell const> cells, unsigned t) {
    std::vector<char> out(cells.size());
    if (t >= cell_size_max) return out;
    // All cells with one subset in common meet the first of them, so each is marked.
    overlap_search(cells, t + 1).each_repeat([&](std::uint32_t first, std::uint32_t second) {
        bool const news = !out[first] || !out[second];
        if (news && shared(cells[first], cells[second]) > t) out[first] = out[second] = 1;
        return false;
    });
    return out;
}

} // namespace zooid::placement

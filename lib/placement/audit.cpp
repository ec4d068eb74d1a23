// Looking at everything that is placed: floors, scores, loads, mixing, and what failures would do.
#include "placement/catalogue.hpp"

#include <zooid/base/hash.hpp>
#include <zooid/placement/solver.hpp>

#include <algorithm>
#include <numeric>

namespace zooid::placement {

blast what_if(topology const& t, std::span<cell const> cells, failures const& down) {
    blast out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        auto const reached = reachable_under(t, cells[i], down);
        if (!reached)
            out.anchors_gone.push_back(i);
        else if (*reached < majority_of(cells[i].size))
            out.dead.push_back(i);
        else if (*reached < cells[i].members.size())
            out.lost_margin.push_back(i);
    }
    return out;
}

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
    std::optional<overlap> find() {
        std::size_t total = 0;
        for (auto const& c : cells_) {
            total += masks_[c.members.size()].size();
        }
        constexpr std::size_t part_max = std::size_t{1} << 22;
        auto const parts = total / part_max + 1;
        subset_table table(total / parts + total / parts / 8);
        for (std::size_t part = 0; part < parts; ++part) {
            if (part > 0) table.clear();
            if (auto const found = scan(table, part, parts)) return found;
        }
        return {};
    }

  private:
    std::optional<overlap> scan(subset_table& table, std::size_t part, std::size_t parts) {
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
                if (other != i && shared(cells_[other], cells_[i]) >= t_) {
                    return overlap{shared(cells_[other], cells_[i]), other, i};
                }
            }
        }
        return {};
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
        if (auto const found = overlap_search(cells, t).find()) return *found;
    }
    return {};
}

namespace {

/// Counts of replicas, and a hash of the set of cells, for each server.
struct tally {
    std::vector<std::uint32_t> load;
    std::vector<std::uint64_t> cells;
};

tally count_replicas(topology const& t, std::span<cell const> cells) {
    tally out{std::vector<std::uint32_t>(t.servers.size()), std::vector<std::uint64_t>(t.servers.size())};
    for (auto const& c : cells) {
        auto const hash = hash64(c.key);
        for (auto const m : c.members) {
            ++out.load[m.value];
            out.cells[m.value] += hash;
        }
    }
    return out;
}

void report_loads(topology const& t, tally const& n, audit_report& r) {
    std::uint64_t taking = 0, sum = 0;
    std::vector<std::uint64_t> mixes;
    for (std::size_t i = 0; i < t.servers.size(); ++i) {
        auto const& s = t.servers[i];
        sum += n.load[i];
        taking += s.draining || s.failed ? 0 : 1;
        r.load_max = std::max(r.load_max, n.load[i]);
        r.servers_over_capacity += n.load[i] > s.capacity ? 1 : 0;
        if (s.draining) r.on_draining += n.load[i];
        if (s.failed) r.on_failed += n.load[i];
        if (n.load[i] > 0) mixes.push_back(n.cells[i]);
    }
    r.load_mean = taking > 0 ? static_cast<double>(sum) / static_cast<double>(taking) : 0;
    std::sort(mixes.begin(), mixes.end());
    for (std::size_t i = 0; i < mixes.size(); ++i) {
        bool const twin =
            (i > 0 && mixes[i] == mixes[i - 1]) || (i + 1 < mixes.size() && mixes[i] == mixes[i + 1]);
        r.servers_with_twin += twin ? 1 : 0;
    }
}

void report_scores(audit_report& r) {
    if (r.unavailable.empty()) return;
    auto sorted = r.unavailable;
    std::sort(sorted.begin(), sorted.end());
    auto const at = [&](double share) {
        return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    };
    r.unavailable_p50 = at(0.5), r.unavailable_p99 = at(0.99), r.unavailable_max = sorted.back();
    r.unavailable_mean =
        std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(sorted.size());
    r.worst = static_cast<std::size_t>(std::max_element(r.unavailable.begin(), r.unavailable.end()) -
                                       r.unavailable.begin());
}

} // namespace

audit_report audit(topology const& t, std::span<cell const> cells, floors const& f) {
    audit_report r;
    r.cells = cells.size();
    constexpr std::size_t kept_max = 100;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        auto const broken = violations(t, cells[i], f);
        r.floors_violated += broken.empty() ? 0 : 1;
        if (!broken.empty() && r.violations.size() < kept_max) r.violations.emplace_back(i, broken[0]);
        r.unavailable.push_back(cells[i].members.empty() ? 1 : unavailability_of(t, cells[i]));
    }
    report_loads(t, count_replicas(t, cells), r);
    report_scores(r);
    r.shared = largest_overlap(cells);
    return r;
}

} // namespace zooid::placement

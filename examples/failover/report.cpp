#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace failover {

namespace {

std::string milliseconds(std::uint64_t ns) {
    return fmt::format("{:.2f}", static_cast<double>(ns) / 1e6);
}

void print_latency(char const* name, zooid::histogram const& h) {
    fmt::print("  {:<7} {:>8}   {:>9} {:>9} {:>9} {:>9}\n", name, h.count(),
               milliseconds(h.quantile(50, 100)), milliseconds(h.quantile(99, 100)),
               milliseconds(h.quantile(999, 1000)), milliseconds(h.max()));
}

// For the whole colony, and for the volume that waited longest: from the kill to its next commit.
void print_gap(kill_mark const& kill, std::vector<commit_mark> const& commits, std::size_t cells) {
    std::int64_t first = 0;
    std::vector<std::int64_t> next(cells, 0);
    for (commit_mark const& c : commits) {
        if (c.at_ns < kill.at_ns) continue;
        if (!first) first = c.at_ns;
        if (!next[c.cell]) next[c.cell] = c.at_ns;
    }
    std::int64_t worst = 0;
    std::size_t none = 0;
    for (std::int64_t at : next)
        at ? void(worst = std::max(worst, at - kill.at_ns)) : void(++none);
    fmt::print("  {:<12} {:>12} {:>16}{}\n", fmt::format("{}", fmt::join(kill.servers, ", ")),
               first ? milliseconds(static_cast<std::uint64_t>(first - kill.at_ns)) : "-",
               milliseconds(static_cast<std::uint64_t>(worst)),
               none ? fmt::format("   ({} volumes were not written again)", none) : "");
}

} // namespace

bool report(workload const& load, chaos const& what, zooid::sim::check_report const& verdict) {
    tally const& t = load.counts();
    fmt::print("\ntransactions: {} committed, {} rejected (somebody else was first), {} unknown, {} did not "
               "happen\n",
               t.committed, t.rejected, t.unknown, t.failed);
    for (auto const& [name, count] : t.errors)
        fmt::print("  {:>6} x {}\n", count, name);
    fmt::print("\nlatency, ms      count         p50       p99     p99.9       max\n");
    print_latency("writes", load.write_latency());
    print_latency("reads", load.read_latency());
    std::size_t cells = 0;
    for (commit_mark const& c : load.commits())
        cells = std::max(cells, c.cell + 1);
    fmt::print("\nkilled       no commit, ms   slowest volume, ms\n");
    for (kill_mark const& kill : what.kills())
        print_gap(kill, load.commits(), cells);
    fmt::print("\nverdict over {} calls: {}\n", load.calls().size(), name_of(verdict.decided));
    for (auto const& cell : verdict.cells) {
        if (cell.decided == zooid::sim::verdict::linearizable) continue;
        fmt::print("  {}: {}: {}\n", cell.cell, name_of(cell.decided), cell.reason);
        if (!cell.smallest.empty()) fmt::print("{}", zooid::sim::to_json_lines(cell.smallest));
    }
    return verdict.decided == zooid::sim::verdict::linearizable;
}

bool report(std::vector<move_mark> const& moves) {
    zooid::histogram took;
    std::size_t failed = 0;
    std::size_t replaced = 0;
    for (move_mark const& m : moves) {
        if (m.failed.empty()) {
            replaced += m.replaced;
            took.record(std::chrono::nanoseconds(m.ended_ns - m.began_ns));
        } else if (++failed <= 10) {
            fmt::print("  a move of volume {} did not end: {}\n", m.cell + 1, m.failed);
        }
    }
    fmt::print("\nmoves: {} volumes moved by {} replacements, {} moves did not end\n", took.count(), replaced,
               failed);
    fmt::print("moves, ms        count         p50       p99     p99.9       max\n");
    print_latency("volume", took);
    auto const slowest = std::max_element(moves.begin(), moves.end(), [](auto const& a, auto const& b) {
        return a.ended_ns - a.began_ns < b.ended_ns - b.began_ns;
    });
    if (slowest != moves.end()) fmt::print("the slowest:\n{}", slowest->steps);
    return failed == 0;
}

} // namespace failover

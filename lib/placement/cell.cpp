// Cells and their floors, checked on one cell from first principles: the solver keeps them, this says so.
#include <zooid/placement/cell.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>

namespace zooid::placement {
namespace {

error bad(std::string path, std::string_view what) {
    return {errc::invalid_argument, fmt::format("{}: {}", path, what)};
}

result<void> check_anchors(topology const& t, cell const& c) {
    if (c.anchors.size() > anchors_max) return bad("anchors", fmt::format("more than {}", anchors_max));
    for (std::size_t i = 0; i < c.anchors.size(); ++i) {
        if (c.anchors[i].server.value >= t.servers.size()) {
            return bad(fmt::format("anchors[{}].server", i), "unknown server");
        }
        if (!std::isfinite(c.anchors[i].weight) || c.anchors[i].weight < 0 || c.anchors[i].weight > 1e12) {
            return bad(fmt::format("anchors[{}].weight", i), "not a number from 0 to 1e12");
        }
    }
    return outcome::success();
}

result<void> check_members(topology const& t, cell const& c) {
    if (c.members.empty()) return outcome::success();
    if (c.members.size() != c.size) {
        return bad("members", fmt::format("{} of a cell of {}", c.members.size(), c.size));
    }
    for (std::size_t i = 0; i < c.members.size(); ++i) {
        if (c.members[i].value >= t.servers.size())
            return bad(fmt::format("members[{}]", i), "unknown server");
        if (i > 0 && c.members[i] <= c.members[i - 1]) {
            return bad(fmt::format("members[{}]", i), "not in ascending order, or twice");
        }
    }
    return outcome::success();
}

/// Counts members by a domain and reports those over the limit.
template <class Domains>
void over_limit(std::map<std::uint32_t, unsigned> const& counts, unsigned limit, Domains const& domains,
                std::string_view kind, unsigned size, std::vector<std::string>& out) {
    for (auto const& [index, count] : counts) {
        if (count <= limit) continue;
        out.push_back(
            fmt::format("{} of {} in {} {}, at most {}", count, size, kind, domains[index].id, limit));
    }
}

/// C(n, k), or the largest value if a step does not fit.
std::uint64_t choose(std::uint64_t n, unsigned k) {
    auto const most = std::numeric_limits<std::uint64_t>::max();
    if (k > n) return 0;
    std::uint64_t value = 1;
    for (unsigned i = 1; i <= k; ++i) {
        if (value > most / (n - k + i)) return most;
        value = value * (n - k + i) / i;
    }
    return value;
}

} // namespace

std::string_view name_of(constraint c) {
    switch (c) {
    case constraint::distinct_servers: return "distinct_servers";
    case constraint::capacity: return "capacity";
    case constraint::not_draining: return "not_draining";
    case constraint::healthy: return "healthy";
    case constraint::one_colour: return "one_colour";
    case constraint::rack_spread: return "rack_spread";
    case constraint::power_spread: return "power_spread";
    case constraint::row_spread: return "row_spread";
    case constraint::overlap: return "overlap";
    }
    return "unknown";
}

std::vector<std::string> violations(topology const& t, cell const& c, floors const& f) {
    std::vector<std::string> out;
    std::map<std::uint32_t, unsigned> racks, rows, powers, colours, servers;
    for (auto const m : c.members) {
        auto const& s = t.servers[m.value];
        ++servers[m.value], ++racks[s.rack.value], ++rows[t.row_of(m).value], ++colours[s.colour.value];
        if (s.power.size() == 1) ++powers[s.power[0].value];
    }
    auto const limit = spread_limit_of(c.size);
    if (servers.size() != c.members.size()) out.push_back("one server twice");
    if (c.members.size() != c.size) {
        out.push_back(fmt::format("{} members of a cell of {}", c.members.size(), c.size));
    }
    if (f.colour && colours.size() > 1) out.push_back(fmt::format("{} colours", colours.size()));
    if (f.rack) over_limit(racks, limit, t.racks, "rack", c.size, out);
    if (f.power) over_limit(powers, limit, t.powers, "power", c.size, out);
    if (f.row) over_limit(rows, limit, t.rows, "row", c.size, out);
    return out;
}

result<void> validate(topology const& t, cell const& c) {
    if (c.size < 1 || c.size > cell_size_max || c.size % 2 == 0) {
        return bad("size", fmt::format("{} is not an odd number from 1 to {}", c.size, cell_size_max));
    }
    ZOOID_TRY(check_anchors(t, c));
    return check_members(t, c);
}

std::uint64_t cells_max(std::uint64_t servers, unsigned size, unsigned overlap_max) {
    if (overlap_max + 1 > size) return std::numeric_limits<std::uint64_t>::max();
    return choose(servers, overlap_max + 1) / choose(size, overlap_max + 1);
}

} // namespace zooid::placement

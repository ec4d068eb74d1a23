// Why these members: the scores, the floors that bind, what was rejected and why, what would kill the cell.
//
// For people: every class of servers is tried in every member's place, lawful or not.
#include "placement/solver_impl.hpp"
#include "placement/sort_stably.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace zooid::placement {
namespace {

struct counts {
    std::map<std::uint32_t, unsigned> racks, rows, powers;
    counts(topology const& t, std::vector<server_ref> const& members) {
        for (auto const m : members) {
            auto const& s = t.servers[m.value];
            ++racks[s.rack.value], ++rows[t.row_of(m).value];
            if (s.power.size() == 1) ++powers[s.power[0].value];
        }
    }
};

std::vector<std::string> binding_floors(topology const& t, cell const& c, floors const& f) {
    counts const n(t, c.members);
    std::vector<std::string> out;
    auto const limit = spread_limit_of(c.size);
    auto const full = [&](auto const& used, auto const& things, std::string_view kind) {
        for (auto const& [index, count] : used) {
            if (count == limit)
                out.push_back(fmt::format("{} {} holds {} of {}", kind, things[index].id, count, c.size));
        }
    };
    if (f.rack) full(n.racks, t.racks, "rack");
    if (f.power) full(n.powers, t.powers, "power");
    if (f.row) full(n.rows, t.rows, "row");
    return out;
}

/// The cell's overlap with all others, while it is taken off the index.
class overlap_view {
  public:
    overlap_view(overlap_index& index, std::uint64_t key, cell const& c)
        : index_(index), key_(key), members_(c.members), recorded_(index.recorded(key, c.members)) {
        if (recorded_) index_.remove(key_, members_);
    }
    ~overlap_view() {
        if (recorded_) index_.add(key_, members_);
    }
    overlap_view(overlap_view const&) = delete;
    overlap_view& operator=(overlap_view const&) = delete;

    /// The most servers that these have in common with another cell.
    unsigned largest(std::vector<server_ref> const& members) {
        server_list plain;
        for (auto const m : members) {
            plain.push_back(m.value);
        }
        return index_.largest(plain);
    }
    unsigned most() const { return index_.most(); }
    bool limited() const { return index_.on(); }

  private:
    overlap_index& index_;
    std::uint64_t key_;
    std::vector<server_ref> const& members_;
    bool recorded_;
};

/// Why this newcomer may not join these others, or nothing.
std::optional<std::string> forbidden(topology const& t, catalogue const& world, overlap_view& overlaps,
                                     std::vector<server_ref> members, server_ref in, unsigned size,
                                     floors const& f) {
    auto const& s = t.servers[in.value];
    if (s.failed || !world.up(in.value)) return "is down";
    if (s.draining) return "is draining";
    if (world.load(in.value) >= s.capacity) return "is full";
    if (f.colour && !members.empty() && t.servers[members[0].value].colour != s.colour)
        return "is of another colour";
    members.push_back(in);
    counts const n(t, members);
    auto const limit = spread_limit_of(size);
    auto const row = t.row_of(in).value;
    if (f.rack && n.racks.at(s.rack.value) > limit) {
        return fmt::format("rack {} would hold {} of {}", t.racks[s.rack.value].id, n.racks.at(s.rack.value),
                           size);
    }
    if (f.power && s.power.size() == 1 && n.powers.at(s.power[0].value) > limit) {
        return fmt::format("power {} would feed {} of {}", t.powers[s.power[0].value].id,
                           n.powers.at(s.power[0].value), size);
    }
    if (f.row && n.rows.at(row) > limit)
        return fmt::format("row {} would hold {} of {}", t.rows[row].id, n.rows.at(row), size);
    auto const common = overlaps.limited() ? overlaps.largest(members) : 0;
    if (common > overlaps.most()) return fmt::format("would share {} of {} with another cell", common, size);
    return {};
}

std::string compare(double theirs, double ours) {
    if (theirs <= ours * (1 + tie) && theirs >= ours * (1 - tie))
        return "equally available: load or chance decided";
    if (ours <= 0) return fmt::format("{:.3g} against 0", theirs);
    auto const ratio = theirs / ours;
    if (std::abs(ratio - 1) < 0.005) {
        return fmt::format("{:.1g}% {} likely out of reach", std::abs(ratio - 1) * 100,
                           ratio > 1 ? "more" : "less");
    }
    return ratio >= 1 ? fmt::format("{:.3g} times as likely out of reach", ratio)
                      : fmt::format("only {:.3g} times as likely out of reach", ratio);
}

} // namespace

namespace {

/// One server of every class that is no member, anchors' servers first since they are classes of their own.
std::vector<server_ref> newcomers(catalogue const& world, cell const& c) {
    std::set<std::uint32_t> out;
    auto const member = [&](std::uint32_t s) {
        return std::find(c.members.begin(), c.members.end(), server_ref{s}) != c.members.end();
    };
    for (auto const& a : c.anchors) {
        if (!member(a.server.value)) out.insert(a.server.value);
    }
    for (auto const& k : world.classes()) {
        auto const free = std::find_if(k.servers.begin(), k.servers.end(),
                                       [&](auto s) { return !member(s) && world.usable(s); });
        if (free != k.servers.end())
            out.insert(*free);
        else if (!member(k.servers[0]))
            out.insert(k.servers[0]);
    }
    std::vector<server_ref> refs;
    for (auto const s : out) {
        refs.push_back({s});
    }
    return refs;
}

std::vector<alternative> alternatives(topology const& t, catalogue const& world, overlap_view& overlaps,
                                      cell const& c, solver_options const& o, double ours, unsigned most) {
    std::vector<alternative> all;
    for (auto const out : c.members) {
        auto rest = c;
        std::erase(rest.members, out);
        for (auto const in : newcomers(world, c)) {
            auto other = rest;
            other.members.push_back(in);
            auto const value = unavailability_of(t, other, o.minimise);
            auto const floor = forbidden(t, world, overlaps, rest.members, in, c.size, o.hard);
            // Unlawful ones are worth a line only if they were better.
            if (floor && value >= ours * (1 - tie)) continue;
            auto const verdict = compare(value, ours);
            all.push_back({{out, in}, value, floor ? fmt::format("{} but {}", verdict, *floor) : verdict});
        }
    }
    sort_stably(all, [](auto const& a, auto const& b) { return a.unavailable < b.unavailable; });
    // The same newcomer for another member, with the same verdict, says nothing new.
    std::vector<alternative> out;
    for (auto const& a : all) {
        auto const told =
            std::any_of(out.begin(), out.end(), [&](alternative const& b) { return b.why == a.why; });
        if (!told && out.size() < most) out.push_back(a);
    }
    return out;
}

} // namespace

explanation solver::explain(cell const& c, unsigned rejected_max, unsigned cut_order) {
    auto const& t = impl_->world;
    explanation e;
    e.violated = violations(t, c, impl_->options.hard);
    if (c.members.size() != c.size) return e;
    e.probabilities = score_of(t, c);
    e.binding = binding_floors(t, c, impl_->options.hard);
    overlap_view overlaps(impl_->overlaps, impl_->number_of(c), c);
    if (overlaps.limited() && overlaps.largest(c.members) == overlaps.most())
        e.binding.push_back(fmt::format("{} of {} shared with another cell", overlaps.most(), c.size));
    auto const ours =
        impl_->options.minimise == objective::joint ? e.probabilities.unavailable : e.probabilities.weighted;
    e.rejected = alternatives(t, impl_->servers, overlaps, c, impl_->options, ours, rejected_max);
    e.cuts = minimal_cut_sets(t, c, cut_order);
    return e;
}

std::string to_line(topology const& t, cell const& c, explanation const& e) {
    std::map<std::string, unsigned> places;
    for (auto const m : c.members) {
        auto const& s = t.servers[m.value];
        std::string feeds;
        for (auto const p : s.power) {
            feeds += (feeds.empty() ? "" : "+") + t.powers[p.value].id;
        }
        ++places[fmt::format("{}/{}/{}", t.rows[t.row_of(m).value].id, t.racks[s.rack.value].id, feeds)];
    }
    std::vector<std::string> where;
    for (auto const& [place, count] : places) {
        where.push_back(count > 1 ? fmt::format("{}x{}", place, count) : place);
    }
    auto line = fmt::format("unavailable {:.3g} given anchors, {:.3g} weighted; not durable {:.3g}; in {}",
                            e.probabilities.unavailable, e.probabilities.weighted,
                            e.probabilities.not_durable, fmt::join(where, " "));
    if (!e.violated.empty()) line += fmt::format("; violated: {}", fmt::join(e.violated, ", "));
    if (!e.binding.empty()) line += fmt::format("; binding: {}", fmt::join(e.binding, ", "));
    for (auto const& r : e.rejected) {
        line += fmt::format("; rejected {} for {}: {}", t.servers[r.change.in.value].id,
                            t.servers[r.change.out.value].id, r.why);
    }
    if (!e.cuts.empty()) {
        std::vector<std::string> parts;
        for (auto const& x : e.cuts[0].elements) {
            parts.push_back(to_string(t, x));
        }
        line += fmt::format("; dies if {} ({:.3g})", fmt::join(parts, " and "), e.cuts[0].probability);
    }
    return line;
}

} // namespace zooid::placement

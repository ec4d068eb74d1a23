// Orders swaps: depth first over "who leaves next, who comes", most urgent first, each step lawful.
#include <zooid/placement/plan.hpp>

#include "placement/sort_stably.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

namespace zooid::placement {
namespace {

/// Members that are not of the colour that most are of. Servers of two colours do not talk to each other, so
/// a cell never changes its colour by swaps.
unsigned strangers(topology const& t, std::vector<server_ref> const& members) {
    std::map<std::uint32_t, unsigned> colours;
    unsigned most = 0;
    for (auto const m : members) {
        most = std::max(most, ++colours[t.servers[m.value].colour.value]);
    }
    return static_cast<unsigned>(members.size()) - most;
}

/// How many members are too many, over all limited domains; a step may not raise it.
unsigned excess(topology const& t, std::vector<server_ref> const& members, unsigned limit, floors const& f) {
    std::map<std::uint32_t, unsigned> racks, rows, powers;
    unsigned over = f.colour ? strangers(t, members) : 0;
    auto const count = [&](auto& counts, std::uint32_t x) { over += ++counts[x] > limit ? 1 : 0; };
    for (auto const m : members) {
        auto const& s = t.servers[m.value];
        if (f.rack) count(racks, s.rack.value);
        if (f.row) count(rows, t.row_of(m).value);
        if (f.power && s.power.size() == 1) count(powers, s.power[0].value);
    }
    return over;
}

struct search {
    topology const& t;
    cell const& c;
    floors const& f;
    failures const& down; ///< with the servers that are marked failed
    std::vector<server_ref> leaving = {};
    std::vector<server_ref> coming = {};
    plan steps = {};
    unsigned budget = 20000;

    bool alive(server_ref s) const {
        return reachable_under(t, {c.key, 1, {}, {s}}, only_things()).value_or(0) == 1;
    }
    /// Failures without cut links: whether a server is up does not depend on them.
    failures only_things() const {
        failures out;
        std::copy_if(down.begin(), down.end(), std::back_inserter(out), [](element const& e) {
            return e.kind != element_kind::rack_link && e.kind != element_kind::row_link;
        });
        return out;
    }
    /// The largest number of members on one side of the cuts: whoever carries out the change must be there.
    bool has_majority(std::vector<server_ref> const& members) const {
        for (auto const from : members) {
            cell const seen{c.key, c.size, {{from, 1}}, members};
            if (reachable_under(t, seen, down).value_or(0) >= majority_of(c.size)) return true;
        }
        return false;
    }
    bool step_allowed(std::vector<server_ref> const& before, std::vector<server_ref> const& after) const {
        auto const limit = spread_limit_of(c.size);
        return has_majority(before) && has_majority(after) &&
               excess(t, after, limit, f) <= excess(t, before, limit, f);
    }
    bool visit(std::vector<server_ref> const& members) {
        if (steps.size() == leaving.size()) return true;
        for (auto const out : leaving) {
            if (std::find(members.begin(), members.end(), out) == members.end()) continue;
            for (auto const in : coming) {
                if (std::find(members.begin(), members.end(), in) != members.end()) continue;
                if (budget == 0) return false;
                --budget;
                auto next = members;
                *std::find(next.begin(), next.end(), out) = in;
                if (!step_allowed(members, next)) continue;
                steps.push_back({out, in});
                if (visit(next)) return true;
                steps.pop_back();
            }
        }
        return false;
    }
};

failures with_marked(topology const& t, cell const& c, std::vector<server_ref> const& target,
                     failures const& down) {
    auto out = down;
    auto const add = [&](server_ref s) {
        if (t.servers[s.value].failed) out.push_back({element_kind::server, s.value});
    };
    std::for_each(c.members.begin(), c.members.end(), add);
    std::for_each(target.begin(), target.end(), add);
    return out;
}

} // namespace

result<plan> plan_swaps(topology const& t, cell const& c, std::vector<server_ref> const& target,
                        floors const& f, failures const& down) {
    if (target.size() != c.members.size())
        return error(errc::invalid_argument, "target: not of the cell's size");
    auto const all_down = with_marked(t, c, target, down);
    search s{t, c, f, all_down};
    std::set_difference(c.members.begin(), c.members.end(), target.begin(), target.end(),
                        std::back_inserter(s.leaving));
    std::set_difference(target.begin(), target.end(), c.members.begin(), c.members.end(),
                        std::back_inserter(s.coming));
    sort_stably(s.leaving, [&](server_ref a, server_ref b) { return !s.alive(a) && s.alive(b); });
    if (s.leaving.empty()) return plan{};
    if (!s.has_majority(c.members)) {
        return error(errc::conflict,
                     "no majority of the members is up and connected: this is for emergency recovery");
    }
    if (!s.visit(c.members)) {
        return error(errc::conflict,
                     fmt::format("no order of {} swaps keeps the floors and a majority at every step",
                                 s.leaving.size()));
    }
    return s.steps;
}

std::optional<std::size_t> steps_done(std::vector<server_ref> from, plan const& p,
                                      std::vector<server_ref> const& members) {
    for (std::size_t done = 0;; ++done) {
        if (from == members) return done;
        if (done == p.size()) return {};
        std::replace(from.begin(), from.end(), p[done].out, p[done].in);
        std::sort(from.begin(), from.end());
    }
}

} // namespace zooid::placement

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

/// How many members share each limited domain of one server.
struct company {
    unsigned rack = 0, row = 0, power = 0;
};
company company_of(topology const& t, std::vector<server_ref> const& members, server_ref of) {
    company n;
    auto const& own = t.servers[of.value];
    for (auto const m : members) {
        auto const& s = t.servers[m.value];
        n.rack += s.rack == own.rack ? 1 : 0;
        n.row += t.row_of(m) == t.row_of(of) ? 1 : 0;
        n.power += own.power.size() == 1 && s.power == own.power ? 1 : 0;
    }
    return n;
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
    /// Only the newcomer's own rack, row and power domain can get more members than before.
    bool keeps_floors(std::vector<server_ref> const& before, std::vector<server_ref> const& after,
                      server_ref in) const {
        auto const was = company_of(t, before, in), is = company_of(t, after, in);
        auto const worse = [limit = spread_limit_of(c.size)](unsigned now, unsigned then) {
            return now > limit && now > then;
        };
        if (f.rack && worse(is.rack, was.rack)) return false;
        if (f.row && worse(is.row, was.row)) return false;
        if (f.power && worse(is.power, was.power)) return false;
        return !f.colour || strangers(t, after) <= strangers(t, before);
    }
    bool step_allowed(std::vector<server_ref> const& before, std::vector<server_ref> const& after,
                      server_ref in) const {
        return has_majority(before) && has_majority(after) && keeps_floors(before, after, in);
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
                if (!step_allowed(members, next, in)) continue;
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
    for (auto const in : s.coming) {
        auto const& server = t.servers[in.value];
        if (s.alive(in) && !server.draining) continue;
        return error(errc::conflict, fmt::format("server {} that should join is {}", server.id,
                                                 server.draining ? "draining" : "down"));
    }
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

// The independent checker: reads a plan as a suspicious operator would. One page, and deliberately not one
// line shared with the planner, the floors or the availability code.
#include <zooid/placement/plan.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace zooid::placement {
namespace {

struct sceptic {
    topology const& t;
    std::set<element> down;

    bool off(element_kind k, std::size_t i) const {
        return down.count({k, static_cast<std::uint32_t>(i)}) > 0;
    }
    bool dead(std::uint32_t s) const {
        auto const& server = t.servers[s];
        std::size_t lit = 0;
        for (auto const& p : server.power)
            lit += off(element_kind::power, p.value) ? 0 : 1;
        return server.failed || lit == 0 || off(element_kind::server, s) ||
               off(element_kind::rack, server.rack.value) ||
               off(element_kind::row, t.racks[server.rack.value].row.value);
    }
    /// An island is named by the highest thing that it still reaches.
    std::string island(std::uint32_t s) const {
        auto const r = t.servers[s].rack.value;
        auto const w = t.racks[r].row.value;
        if (off(element_kind::rack_link, r)) return "rack " + std::to_string(r);
        return off(element_kind::row_link, w) ? "row " + std::to_string(w) : "core";
    }
    bool live(std::set<std::uint32_t> const& members) const {
        for (auto const a : members) {
            std::size_t together = 0;
            for (auto const b : members)
                together += !dead(b) && island(a) == island(b) ? 1 : 0;
            if (2 * together > members.size()) return true;
        }
        return false;
    }
    using crowd = std::map<std::string, std::size_t>;
    /// For each domain the members beyond what is allowed, and the members of a second colour.
    crowd crowding(std::set<std::uint32_t> const& members, floors const& f) const {
        std::multiset<std::string> in;
        for (auto const m : members) {
            auto const& s = t.servers[m];
            if (f.rack) in.insert("rack" + std::to_string(s.rack.value));
            if (f.row) in.insert("row" + std::to_string(t.racks[s.rack.value].row.value));
            if (f.power && s.power.size() == 1) in.insert("power" + std::to_string(s.power[0].value));
        }
        std::map<std::uint32_t, std::size_t> colours;
        std::size_t alike = 0;
        for (auto const m : members)
            alike = std::max(alike, ++colours[t.servers[m].colour.value]);
        std::size_t const allowed = members.size() > 2 ? (members.size() - 1) / 2 : 1;
        crowd out;
        if (f.colour) out["colour"] = members.size() - alike;
        for (auto it = in.begin(); it != in.end(); it = in.upper_bound(*it)) {
            if (in.count(*it) > allowed) out[*it] = in.count(*it) - allowed;
        }
        return out;
    }
    static bool worse(crowd before, crowd const& after) {
        return std::any_of(after.begin(), after.end(), [&](auto& x) { return x.second > before[x.first]; });
    }
};

} // namespace

std::optional<std::string> check_plan(topology const& t, cell const& c, std::vector<server_ref> const& target,
                                      plan const& p, floors const& f, failures const& down) {
    sceptic const s{t, {down.begin(), down.end()}};
    std::set<std::uint32_t> members, wanted;
    for (auto const m : c.members)
        members.insert(m.value);
    for (auto const m : target)
        wanted.insert(m.value);
    for (std::size_t i = 0; i < p.size(); ++i) {
        auto const at = "step " + std::to_string(i + 1) + ": ";
        auto const crowded = s.crowding(members, f);
        if (!s.live(members)) return at + "the members before it have no live majority";
        if (members.erase(p[i].out.value) == 0) return at + "who leaves is no member";
        if (!members.insert(p[i].in.value).second) return at + "who comes is a member already";
        auto const& in = t.servers[p[i].in.value];
        if (in.draining) return at + "who comes is draining";
        if (s.dead(p[i].in.value)) return at + "who comes is down";
        if (s.worse(crowded, s.crowding(members, f)))
            return at + "a spread floor or the one colour is broken";
        if (!s.live(members)) return at + "the members after it have no live majority";
    }
    if (members != wanted) return "the plan does not end where it should";
    return {};
}

} // namespace zooid::placement

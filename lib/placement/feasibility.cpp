#include "placement/feasibility.hpp"
#include "placement/sort_stably.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace zooid::placement {
namespace {

/// Maximum flow by augmenting paths; flows here are at most nine.
class network {
  public:
    explicit network(std::size_t nodes) : first_(nodes, none), seen_(nodes) {}

    std::uint32_t add_node() {
        first_.push_back(none), seen_.push_back(0);
        return static_cast<std::uint32_t>(first_.size() - 1);
    }
    std::uint32_t connect(std::uint32_t from, std::uint32_t to, unsigned capacity) {
        edges_.push_back({to, capacity, first_[from]});
        first_[from] = static_cast<std::uint32_t>(edges_.size() - 1);
        edges_.push_back({from, 0, first_[to]});
        first_[to] = static_cast<std::uint32_t>(edges_.size() - 1);
        return first_[from];
    }
    /// Flow that an edge carries.
    unsigned carried(std::uint32_t e) const { return edges_[e ^ 1].left; }
    bool augment(std::uint32_t source, std::uint32_t sink) {
        std::fill(seen_.begin(), seen_.end(), 0);
        return push(source, sink);
    }

  private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    struct edge {
        std::uint32_t to;
        unsigned left;
        std::uint32_t next;
    };
    bool push(std::uint32_t at, std::uint32_t sink) {
        if (at == sink) return true;
        seen_[at] = 1;
        for (auto e = first_[at]; e != none; e = edges_[e].next) {
            if (edges_[e].left == 0 || seen_[edges_[e].to] || !push(edges_[e].to, sink)) continue;
            --edges_[e].left, ++edges_[e ^ 1].left;
            return true;
        }
        return false;
    }
    std::vector<edge> edges_;
    std::vector<std::uint32_t> first_;
    std::vector<char> seen_;
};

/// What members that stay use up of each limit.
struct usage {
    std::map<std::uint32_t, unsigned> rows, racks, powers;

    usage(catalogue const& world, std::vector<std::uint32_t> const& members) {
        for (auto const m : members) {
            auto const& s = world.class_of(m).common;
            ++rows[s.row], ++racks[s.rack];
            if (s.feeds == 1) ++powers[s.feed[0]];
        }
    }
    static unsigned left(std::map<std::uint32_t, unsigned> const& used, std::uint32_t x, unsigned limit) {
        auto const found = used.find(x);
        auto const n = found == used.end() ? 0 : found->second;
        return n < limit ? limit - n : 0;
    }
    bool exceeds(regime const& r) const {
        auto const over = [](auto const& used, unsigned limit) {
            return std::any_of(used.begin(), used.end(), [&](auto const& u) { return u.second > limit; });
        };
        return over(rows, r.row_limit) || over(racks, r.rack_limit) || over(powers, r.power_limit);
    }
};

} // namespace

regime regime_of(unsigned size, floors const& f) {
    regime r;
    auto const limit = spread_limit_of(size);
    r.size = size;
    r.one_colour = f.colour, r.overlap = f.overlap_max.has_value();
    r.rack_limit = f.rack ? limit : size;
    r.power_limit = f.power ? limit : size;
    r.row_limit = f.row ? limit : size;
    return r;
}

bool feasibility::allowed(regime const& r, std::uint32_t server) const {
    if (r.healthy && !world_.up(server)) return false;
    if (r.not_draining && topology_.servers[server].draining) return false;
    if (r.not_draining && world_.up(server) && !world_.eligible(server)) return false;
    return !r.capacity || world_.load(server) < topology_.servers[server].capacity;
}

std::vector<std::uint32_t> feasibility::flow(regime const& r, std::vector<std::uint32_t> const& fixed,
                                             std::vector<std::uint32_t> const& pools) const {
    usage const used(world_, fixed);
    if (used.exceeds(r)) return {};
    constexpr std::uint32_t source = 0, sink = 1;
    network net(2);
    std::map<std::uint32_t, std::uint32_t> rows, racks, powers;
    struct offer {
        std::uint32_t edge;
        std::vector<std::uint32_t> servers;
    };
    std::vector<offer> offers;
    auto const node = [&](auto& known, std::uint32_t x) {
        auto const [it, fresh] = known.try_emplace(x, 0);
        if (fresh) it->second = net.add_node();
        return std::pair(it->second, fresh);
    };
    for (auto const p : pools) {
        for (auto const index : world_.pools()[p].classes) {
            auto const& c = world_.classes()[index];
            std::vector<std::uint32_t> servers;
            for (auto const s : c.servers) {
                if (!allowed(r, s)) continue;
                auto const room = r.capacity ? topology_.servers[s].capacity - world_.load(s) : r.size;
                bool const member = std::find(fixed.begin(), fixed.end(), s) != fixed.end();
                auto const copies = r.distinct ? (member ? 0u : 1u) : std::min(room, r.size);
                servers.insert(servers.end(), copies, s);
                if (servers.size() >= r.size) break;
            }
            if (servers.empty()) continue;
            auto const& site = c.common;
            auto const [row, fresh_row] = node(rows, site.row);
            if (fresh_row) net.connect(source, row, usage::left(used.rows, site.row, r.row_limit));
            auto const [rack, fresh_rack] = node(racks, site.rack);
            if (fresh_rack) net.connect(row, rack, usage::left(used.racks, site.rack, r.rack_limit));
            auto to = sink;
            if (site.feeds == 1) {
                auto const [power, fresh_power] = node(powers, site.feed[0]);
                if (fresh_power) {
                    net.connect(power, sink, usage::left(used.powers, site.feed[0], r.power_limit));
                }
                to = power;
            }
            auto const edge = net.connect(rack, to, static_cast<unsigned>(servers.size()));
            offers.push_back({edge, std::move(servers)});
        }
    }
    auto out = fixed;
    auto missing = r.size - static_cast<unsigned>(fixed.size());
    while (missing > 0 && net.augment(source, sink)) {
        --missing;
    }
    if (missing > 0) return {};
    for (auto const& o : offers) {
        auto const n = net.carried(o.edge);
        out.insert(out.end(), o.servers.begin(), o.servers.begin() + n);
    }
    return out;
}

namespace {

/// Depth first over servers in order; floors and overlaps prune. Bounded by a number of nodes.
struct set_search {
    catalogue const& world;
    overlap_index& overlaps;
    regime const& r;
    std::vector<std::uint32_t> const& offered;
    std::vector<std::uint32_t> chosen;
    std::uint64_t budget = 300000;

    bool lawful(std::uint32_t server) {
        if (r.distinct && std::find(chosen.begin(), chosen.end(), server) != chosen.end()) return false;
        auto next = chosen;
        next.push_back(server);
        if (usage(world, next).exceeds(r)) return false;
        overlaps.look_from(chosen);
        return !overlaps.forbids(server);
    }
    bool visit(std::size_t from) {
        if (chosen.size() == r.size) return true;
        for (auto i = from; i < offered.size() && budget > 0; ++i) {
            --budget;
            if (!lawful(offered[i])) continue;
            chosen.push_back(offered[i]);
            if (visit(r.distinct ? i + 1 : i)) return true;
            chosen.pop_back();
        }
        return false;
    }
};

} // namespace

possibility feasibility::search(regime const& r, std::vector<std::uint32_t> const& fixed,
                                std::vector<std::uint32_t> const& pools) {
    std::vector<std::uint32_t> offered;
    for (auto const p : pools) {
        for (auto const c : world_.pools()[p].classes) {
            for (auto const s : world_.classes()[c].servers) {
                if (allowed(r, s)) offered.push_back(s);
            }
        }
    }
    // Emptier servers first: they share the least with anybody.
    sort_stably(offered, [&](auto a, auto b) { return world_.load(a) < world_.load(b); });
    set_search s{world_, overlaps_, r, offered, fixed};
    if (s.visit(0)) return {possibility::verdict::possible, s.chosen};
    return {s.budget > 0 ? possibility::verdict::impossible : possibility::verdict::undecided, {}};
}

possibility feasibility::find(regime const& r, std::vector<std::uint32_t> const& fixed,
                              std::optional<std::uint32_t> only) {
    std::vector<std::vector<std::uint32_t>> choices;
    for (std::uint32_t p = 0; p < world_.pools().size(); ++p) {
        if (only && p != *only) continue;
        if (r.one_colour || choices.empty())
            choices.push_back({p});
        else
            choices[0].push_back(p);
    }
    bool undecided = false;
    for (auto const& pools : choices) {
        auto servers = flow(r, fixed, pools);
        if (servers.empty()) continue;
        if (!r.overlap || !overlaps_.on()) return {possibility::verdict::possible, servers};
        auto found = search(r, fixed, pools);
        if (found.is == possibility::verdict::possible) return found;
        undecided = undecided || found.is == possibility::verdict::undecided;
    }
    return {undecided ? possibility::verdict::undecided : possibility::verdict::impossible, {}};
}

std::vector<constraint> feasibility::minimal_conflict(unsigned size) {
    auto r = regime_of(size, floors_);
    std::vector<constraint> conflict;
    // Deletion filter: what can be given up without making it possible is not part of the conflict.
    auto const probe = [&](constraint c, regime without) {
        if (find(without).is == possibility::verdict::possible)
            conflict.push_back(c);
        else
            r = without;
    };
    auto const give_up = [&](constraint c, auto change) {
        auto without = r;
        change(without);
        probe(c, without);
    };
    if (r.overlap) give_up(constraint::overlap, [](regime& w) { w.overlap = false; });
    give_up(constraint::capacity, [](regime& w) { w.capacity = false; });
    give_up(constraint::not_draining, [](regime& w) { w.not_draining = false; });
    give_up(constraint::healthy, [](regime& w) { w.healthy = false; });
    if (floors_.row) give_up(constraint::row_spread, [&](regime& w) { w.row_limit = size; });
    if (floors_.colour) give_up(constraint::one_colour, [](regime& w) { w.one_colour = false; });
    if (floors_.rack) give_up(constraint::rack_spread, [&](regime& w) { w.rack_limit = size; });
    if (floors_.power) give_up(constraint::power_spread, [&](regime& w) { w.power_limit = size; });
    give_up(constraint::distinct_servers, [](regime& w) { w.distinct = false; });
    return conflict;
}

namespace {

struct option {
    double cost = 0;
    regime demands;
    std::vector<std::string> parts = {};
};

/// Every way to give something up, with its price; the prices are in the public header.
class options {
  public:
    options(unsigned size, floors const& f) : size_(size), floors_(f) {
        for (unsigned n = size;; n -= 2) {
            for (unsigned switches = 0; switches < 16; ++switches) {
                add_switches(n, switches);
            }
            if (n == 1) break;
        }
        sort_stably(all, [](auto const& a, auto const& b) { return a.cost < b.cost; });
    }
    std::vector<option> all;

  private:
    static void give(option& o, double cost, std::string part) {
        o.cost += cost;
        o.parts.push_back(std::move(part));
    }
    void add_switches(unsigned n, unsigned switches) {
        bool const mix = (switches & 4) != 0, lift = (switches & 8) != 0;
        if ((mix && !floors_.colour) || (lift && !floors_.overlap_max)) return;
        option o{0, regime_of(n, floors_)};
        if (n < size_) give(o, 10.0 * (size_ - n), fmt::format("a cell of {}", n));
        if ((switches & 1) != 0) o.demands.not_draining = false, give(o, 1, "use draining servers");
        if ((switches & 2) != 0) o.demands.capacity = false, give(o, 2, "exceed capacities by one");
        if (mix) o.demands.one_colour = false, give(o, 16, "mix colours");
        if (lift) o.demands.overlap = false, give(o, 8, "lift the overlap limit");
        add_limits(n, o, 0);
    }
    /// Raises each of the three limits in turn, by every amount.
    void add_limits(unsigned n, option const& o, unsigned which) {
        static constexpr unsigned regime::*limits[] = {&regime::rack_limit, &regime::power_limit,
                                                       &regime::row_limit};
        static constexpr std::string_view names[] = {"rack", "power domain", "row"};
        if (which == 3) {
            all.push_back(o);
            return;
        }
        add_limits(n, o, which + 1);
        auto const from = o.demands.*limits[which];
        for (auto to = from + 1; to <= n; ++to) {
            auto raised = o;
            raised.demands.*limits[which] = to;
            give(raised, 4 * (to - from), fmt::format("allow {} of {} in one {}", to, n, names[which]));
            add_limits(n, raised, which + 1);
        }
    }
    unsigned size_;
    floors floors_;
};

} // namespace

relaxation feasibility::cheapest(unsigned size) {
    for (auto const& o : options(size, floors_).all) {
        if (find(o.demands).is == possibility::verdict::possible) {
            return {o.cost, fmt::format("{}", fmt::join(o.parts, " and "))};
        }
    }
    return {};
}

std::string feasibility::describe(unsigned size, std::vector<constraint> const& conflict) const {
    std::size_t usable = 0;
    std::set<std::uint32_t> racks, powers, colours;
    for (std::uint32_t i = 0; i < world_.servers(); ++i) {
        if (!world_.usable(i)) continue;
        ++usable;
        racks.insert(world_.class_of(i).common.rack), colours.insert(topology_.servers[i].colour.value);
        for (auto const p : topology_.servers[i].power) {
            powers.insert(p.value);
        }
    }
    auto const number = [](std::size_t n, std::string_view of) {
        return fmt::format("{} {}{}", n, of, n == 1 ? "" : "s");
    };
    auto text = fmt::format("no {} can be found: {} usable, in {}, {}, {}", number(size, "server"), usable,
                            number(racks.size(), "rack"), number(powers.size(), "power domain"),
                            number(colours.size(), "colour"));
    auto const has = [&](constraint c) {
        return std::find(conflict.begin(), conflict.end(), c) != conflict.end();
    };
    if (has(constraint::power_spread)) {
        text += fmt::format("; at most {} of {} may be fed by one power domain alone", spread_limit_of(size),
                            size);
    }
    if (has(constraint::overlap) && floors_.overlap_max) {
        auto const bound = cells_max(usable, size, *floors_.overlap_max);
        text += fmt::format("; {} cells are placed, at most {} can share no more than {} servers",
                            overlaps_.cells(), bound, *floors_.overlap_max);
    }
    return text;
}

infeasibility feasibility::explain(unsigned size) {
    infeasibility out;
    out.conflict = minimal_conflict(size);
    out.cheapest = cheapest(size);
    out.reason = describe(size, out.conflict);
    return out;
}

} // namespace zooid::placement

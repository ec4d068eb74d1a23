#include "placement/catalogue.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

namespace zooid::placement {
namespace {

std::uint64_t bits(double d) {
    return std::bit_cast<std::uint64_t>(d);
}

std::uint64_t row_rates(site const& s) {
    return mix(bits(s.row_down), bits(s.row_link));
}

/// Feeds as a comparable value, whatever order they were listed in.
std::vector<std::uint32_t> sorted_feeds(site const& s) {
    std::vector<std::uint32_t> feeds(s.feed.begin(), s.feed.begin() + s.feeds);
    std::sort(feeds.begin(), feeds.end());
    return feeds;
}

bool is_down(topology const& t, std::uint32_t i, failures const& sorted) {
    auto const has = [&](element_kind k, std::uint32_t x) {
        return std::binary_search(sorted.begin(), sorted.end(), element{k, x});
    };
    auto const& s = t.servers[i];
    if (s.failed || has(element_kind::server, i) || has(element_kind::rack, s.rack.value)) return true;
    if (has(element_kind::row, t.row_of({i}).value)) return true;
    return std::all_of(s.power.begin(), s.power.end(),
                       [&](power_ref p) { return has(element_kind::power, p.value); });
}

} // namespace

catalogue::catalogue(topology const& t, failures const& down, bool one_colour) {
    auto sorted = down;
    std::sort(sorted.begin(), sorted.end());
    for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
        sites_.push_back(site_of(t, {i}));
        capacity_.push_back(t.servers[i].capacity);
        up_.push_back(!is_down(t, i, sorted));
        eligible_.push_back(up_.back() && !t.servers[i].draining);
    }
    for (auto const& p : t.powers) {
        power_rates_.push_back(bits(p.rate));
    }
    load_.resize(sites_.size());
    pools_.resize(one_colour ? t.colours.size() : 1);
    for (auto& p : pools_) {
        p.classes_by_rack.resize(t.racks.size());
        p.groups_by_row.resize(t.rows.size());
    }
    build_classes(t, one_colour);
    build_groups();
    build_kinds();
    for (std::uint32_t i = 0; i < sites_.size(); ++i) {
        if (!eligible_[i]) continue;
        auto& p = pools_[pool_of(i)];
        p.capacity += capacity_[i], ++p.eligible;
        count_usable(i, 1);
    }
}

void catalogue::build_classes(topology const& t, bool one_colour) {
    using features = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::vector<std::uint32_t>>;
    std::map<features, std::uint32_t> known;
    for (std::uint32_t i = 0; i < sites_.size(); ++i) {
        auto const& s = sites_[i];
        auto const p = one_colour ? t.servers[i].colour.value : 0;
        auto const next = static_cast<std::uint32_t>(classes_.size());
        auto const [entry, fresh] = known.try_emplace({s.rack, p, bits(s.rate), sorted_feeds(s)}, next);
        if (fresh) {
            auto const rates =
                mix(mix(bits(s.rate), mix(bits(s.rack_down), bits(s.rack_link))), row_rates(s));
            classes_.push_back({s.rack, s.row, p, 0, {s.rack, s.row, next, s.feeds, s.feed}, rates, {}, 0});
            pools_[p].classes_by_rack[s.rack].push_back(next);
            pools_[p].classes.push_back(next);
        }
        tags_.push_back({s.rack, s.row, entry->second, s.feeds, s.feed});
        classes_[entry->second].servers.push_back(i);
    }
}

void catalogue::build_groups() {
    using features = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::vector<std::uint32_t>>;
    std::map<features, std::uint32_t> known;
    for (std::uint32_t i = 0; i < classes_.size(); ++i) {
        auto& c = classes_[i];
        auto const next = static_cast<std::uint32_t>(groups_.size());
        auto const [entry, fresh] =
            known.try_emplace({c.row, c.pool, c.rates, sorted_feeds(sites_[c.servers[0]])}, next);
        if (fresh) {
            groups_.push_back({c.row, c.pool, 0, {}, 0});
            pools_[c.pool].groups_by_row[c.row].push_back(next);
        }
        c.group = entry->second;
        groups_[c.group].classes.push_back(i);
    }
}

void catalogue::build_kinds() {
    using features = std::tuple<std::uint32_t, std::uint64_t, std::vector<std::uint32_t>>;
    std::map<features, std::uint32_t> known;
    for (std::uint32_t i = 0; i < groups_.size(); ++i) {
        auto& g = groups_[i];
        auto const& first = classes_[g.classes[0]];
        auto const next = static_cast<std::uint32_t>(kinds_.size());
        auto const [entry, fresh] =
            known.try_emplace({g.pool, first.rates, sorted_feeds(sites_[first.servers[0]])}, next);
        if (fresh) {
            kinds_.push_back({g.pool, {}, 0});
            pools_[g.pool].kinds.push_back(next);
        }
        g.kind = entry->second;
        kinds_[g.kind].groups.push_back(i);
    }
}

/// One server more or fewer is usable; a class, group or kind that becomes or stops being usable tells the
/// next.
void catalogue::count_usable(std::uint32_t server, int change) {
    auto const step = [change](std::uint32_t& count) {
        auto const before = count;
        count += static_cast<std::uint32_t>(change);
        return change > 0 ? before == 0 : count == 0;
    };
    auto& c = classes_[class_of(server)];
    if (!step(c.usable)) return;
    auto& g = groups_[c.group];
    if (step(g.usable)) step(kinds_[g.kind].usable);
}

void catalogue::add_load(std::uint32_t server) {
    bool const was = usable(server);
    ++load_[server];
    ++pools_[pool_of(server)].load;
    if (was && !usable(server)) count_usable(server, -1);
}

void catalogue::remove_load(std::uint32_t server) {
    ZOOID_CHECK(load_[server] > 0, "a replica that is taken off was counted");
    bool const was = usable(server);
    --load_[server];
    --pools_[pool_of(server)].load;
    if (!was && usable(server)) count_usable(server, 1);
}

void catalogue::make_ineligible(std::uint32_t server) {
    if (!eligible_[server]) return;
    bool const was = usable(server);
    eligible_[server] = 0;
    auto& p = pools_[pool_of(server)];
    p.capacity -= capacity_[server], --p.eligible;
    if (was) count_usable(server, -1);
}

} // namespace zooid::placement

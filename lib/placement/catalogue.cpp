#include "placement/catalogue.hpp"
#include "placement/reach.hpp"

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

bool is_down(topology const& t, std::uint32_t i, down_set const& down) {
    return t.servers[i].failed || !is_up(t, {i}, down);
}

} // namespace

index_lists::index_lists(std::vector<std::vector<std::uint32_t>> const& lists) {
    start_.push_back(0);
    for (auto const& l : lists) {
        items_.insert(items_.end(), l.begin(), l.end());
        start_.push_back(static_cast<std::uint32_t>(items_.size()));
    }
}

std::uint64_t catalogue::feed_hash(double rate, std::uint64_t name) {
    return mix(name, bits(rate));
}

catalogue::catalogue(topology const& t, failures const& down, bool one_colour)
    : class_of_(t.servers.size()), seats_(t.servers.size()),
      pools_(one_colour ? t.colours.size() : std::size_t{1}) {
    down_set const sorted(down);
    for (auto const& p : t.powers) {
        feed_rates_.push_back(p.rate);
        fresh_feeds_.push_back(feed_hash(p.rate, fresh_name));
    }
    build_classes(t, one_colour);
    build_groups(t);
    build_kinds();
    for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
        up_.push_back(!is_down(t, i, sorted));
        set_room(i, up_.back() && !t.servers[i].draining ? t.servers[i].capacity : 0);
    }
}

void catalogue::build_classes(topology const& t, bool one_colour) {
    using features = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::vector<std::uint32_t>>;
    std::map<features, std::uint32_t> known;
    std::vector<std::vector<std::vector<std::uint32_t>>> by_rack(
        pools_.size(), std::vector<std::vector<std::uint32_t>>(t.racks.size()));
    for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
        auto const s = site_of(t, {i});
        auto const p = one_colour ? t.servers[i].colour.value : 0;
        auto const next = static_cast<std::uint32_t>(classes_.size());
        auto const [entry, fresh] = known.try_emplace({s.rack, p, bits(s.rate), sorted_feeds(s)}, next);
        if (fresh) {
            auto const rates =
                mix(mix(bits(s.rate), mix(bits(s.rack_down), bits(s.rack_link))), row_rates(s));
            classes_.push_back({0, p, 0, rates, s, {}});
            by_rack[p][s.rack].push_back(next);
            pools_[p].classes.push_back(next);
        }
        class_of_[i] = entry->second;
        classes_[entry->second].servers.push_back(i);
    }
    for (std::size_t p = 0; p < pools_.size(); ++p) {
        pools_[p].classes_by_rack = index_lists(by_rack[p]);
    }
}

void catalogue::build_groups(topology const& t) {
    using features = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::vector<std::uint32_t>>;
    std::map<features, std::uint32_t> known;
    std::vector<std::vector<std::vector<std::uint32_t>>> by_row(
        pools_.size(), std::vector<std::vector<std::uint32_t>>(t.rows.size()));
    for (std::uint32_t i = 0; i < classes_.size(); ++i) {
        auto& c = classes_[i];
        auto const row = c.common.row;
        auto const next = static_cast<std::uint32_t>(groups_.size());
        auto const [entry, fresh] = known.try_emplace({row, c.pool, c.rates, sorted_feeds(c.common)}, next);
        if (fresh) {
            groups_.push_back({row, c.pool, 0, {}, 0});
            by_row[c.pool][row].push_back(next);
        }
        c.group = entry->second;
        groups_[c.group].classes.push_back(i);
    }
    for (std::size_t p = 0; p < pools_.size(); ++p) {
        pools_[p].groups_by_row = index_lists(by_row[p]);
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
            known.try_emplace({g.pool, first.rates, sorted_feeds(first.common)}, next);
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
    auto& c = classes_[class_of_[server]];
    if (!step(c.usable)) return;
    auto& g = groups_[c.group];
    if (step(g.usable)) step(kinds_[g.kind].usable);
}

void catalogue::add_load(std::uint32_t server) {
    bool const was = usable(server);
    ++seats_[server].load;
    ++pools_[pool_of(server)].load;
    if (was && !usable(server)) count_usable(server, -1);
}

void catalogue::remove_load(std::uint32_t server) {
    auto& s = seats_[server];
    ZOOID_CHECK(s.load > 0, "a replica that is taken off was counted");
    bool const was = usable(server);
    --s.load;
    --pools_[pool_of(server)].load;
    if (!was && usable(server)) count_usable(server, 1);
}

void catalogue::refresh(topology const& t, std::uint32_t server, failures const& down) {
    down_set const sorted(down);
    up_[server] = !is_down(t, server, sorted);
    set_room(server, up_[server] && !t.servers[server].draining ? t.servers[server].capacity : 0);
}

void catalogue::set_room(std::uint32_t server, std::uint32_t room) {
    auto& s = seats_[server];
    auto& p = pools_[pool_of(server)];
    bool const was = usable(server);
    p.capacity += room, p.capacity -= s.room;
    p.eligible += room > 0 ? 1 : 0, p.eligible -= s.room > 0 ? 1 : 0;
    s.room = room;
    if (was != usable(server)) count_usable(server, was ? -1 : 1);
}

} // namespace zooid::placement

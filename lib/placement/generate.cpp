// Data centres and volumes out of a seed.
#include <zooid/placement/generate.hpp>

#include <zooid/base/prng.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace zooid::placement {
namespace {

/// What is peculiar about one rack.
struct rack_shape {
    std::uint32_t servers;
    std::uint32_t power_offset;
    double rate_factor;
};

rack_shape draw_rack(data_centre const& d, std::uint32_t number, prng& random) {
    if (!random.chance(d.irregular_percent, 100)) return {d.servers_per_rack, number, 1};
    auto const servers = 1 + random.below(d.servers_per_rack);
    auto const offset = random.below(d.powers);
    auto const factor = 1 + random.below(4);
    return {static_cast<std::uint32_t>(servers), static_cast<std::uint32_t>(offset),
            static_cast<double>(factor) / 2};
}

std::vector<power_ref> feeds_of(data_centre const& d, std::uint32_t offset) {
    std::vector<power_ref> feeds;
    for (std::uint32_t f = 0; f < std::min(d.feeds, d.powers); ++f) {
        feeds.push_back({(offset + f) % d.powers});
    }
    return feeds;
}

void add_rack(topology& t, data_centre const& d, prng& random) {
    auto const number = static_cast<std::uint32_t>(t.racks.size());
    if (number % d.racks_per_row == 0) {
        t.rows.push_back({fmt::format("w{}", t.rows.size()), d.rates.row, d.rates.row_link});
    }
    auto const shape = draw_rack(d, number, random);
    t.racks.push_back({fmt::format("r{}", number),
                       {static_cast<std::uint32_t>(t.rows.size() - 1)},
                       d.rates.rack * shape.rate_factor,
                       d.rates.rack_link * shape.rate_factor});
    for (std::uint32_t i = 0; i < shape.servers && t.servers.size() < d.servers; ++i) {
        server s;
        s.id = fmt::format("s{}", t.servers.size());
        s.rack = {number};
        s.power = feeds_of(d, shape.power_offset);
        s.colour = {i % d.colours};
        s.capacity = d.capacity;
        s.draining = random.chance(d.draining_percent, 100);
        s.rate = std::min(0.9, d.rates.server * shape.rate_factor);
        t.servers.push_back(std::move(s));
    }
}

} // namespace

topology generate(data_centre const& d, std::uint64_t seed) {
    prng random(seed);
    topology t;
    t.rates = d.rates;
    for (std::uint32_t p = 0; p < d.powers; ++p) {
        t.powers.push_back({fmt::format("p{}", p), d.rates.power});
    }
    for (std::uint32_t c = 0; c < d.colours; ++c) {
        t.colours.push_back(fmt::format("c{}", c));
    }
    while (t.servers.size() < d.servers) {
        add_rack(t, d, random);
    }
    return t;
}

namespace {

/// Servers by rack and by row, to draw neighbours from.
struct map_of_servers {
    std::vector<std::vector<server_ref>> racks;
    std::vector<std::vector<server_ref>> rows;
};

map_of_servers survey(topology const& t) {
    map_of_servers m;
    m.racks.resize(t.racks.size()), m.rows.resize(t.rows.size());
    for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
        m.racks[t.servers[i].rack.value].push_back({i});
        m.rows[t.row_of({i}).value].push_back({i});
    }
    return m;
}

server_ref draw(std::vector<server_ref> const& from, prng& random) {
    return from[random.below(from.size())];
}

/// A server of `from` in another rack than all of `taken`, if a few draws find one.
server_ref draw_apart(topology const& t, std::vector<server_ref> const& from,
                      std::vector<anchor> const& taken, prng& random) {
    server_ref s = draw(from, random);
    for (int attempt = 0; attempt < 16; ++attempt) {
        auto const rack = t.servers[s.value].rack;
        auto const near = std::any_of(taken.begin(), taken.end(), [&](anchor const& a) {
            return t.servers[a.server.value].rack == rack;
        });
        if (!near) break;
        s = draw(from, random);
    }
    return s;
}

} // namespace

std::vector<cell> generate_cells(topology const& t, std::uint32_t count, volume_mix const& m,
                                 std::uint64_t seed) {
    prng random(seed);
    auto const servers = survey(t);
    std::vector<cell> cells(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        auto& c = cells[i];
        c.key = fmt::format("v{}", i), c.size = m.size;
        auto const client = server_ref{static_cast<std::uint32_t>(random.below(t.servers.size()))};
        c.anchors.push_back({client, 1});
        auto const kind = random.below(100);
        auto const& rack = servers.racks[t.servers[client.value].rack.value];
        auto const& row = servers.rows[t.row_of(client).value];
        for (double const weight : {0.5, 0.25}) {
            if (kind < m.same_rack_percent) {
                c.anchors.push_back({draw(rack, random), weight});
                continue;
            }
            // A row of a generated data centre always has a server.
            auto const& far = servers.rows[random.below(servers.rows.size())];
            bool const near = kind < m.same_rack_percent + m.same_row_percent;
            c.anchors.push_back({draw_apart(t, near ? row : far, c.anchors, random), weight});
        }
    }
    return cells;
}

} // namespace zooid::placement

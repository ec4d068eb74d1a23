// Small and odd worlds for tests, out of a seed.
#pragma once

#include <zooid/base/prng.hpp>
#include <zooid/placement/generate.hpp>

#include <algorithm>
#include <string>

namespace worlds {

using namespace zooid;
using namespace zooid::placement;

inline double drawn(prng& random) {
    return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

struct extent {
    std::uint64_t rows = 3, racks = 6, powers = 4, colours = 1, servers_min = 4, servers = 12, feeds = 1;
    std::uint64_t capacity = 3;
    std::uint64_t zero_rate_percent = 0; ///< of the elements, so many never fail
    double rate = 0.3;
    bool uniform = false; ///< one rate per class
    std::uint64_t draining_percent = 0;
    std::uint64_t failed_percent = 0;
};

inline double rate(extent const& e, prng& random, double uniform) {
    if (e.uniform) return uniform;
    auto const never = random.chance(e.zero_rate_percent, 100);
    auto const r = drawn(random) * e.rate;
    return never ? 0 : r;
}

inline topology make(extent const& e, prng& random) {
    topology t;
    double const base[6] = {drawn(random) * e.rate, drawn(random) * e.rate, drawn(random) * e.rate,
                            drawn(random) * e.rate, drawn(random) * e.rate, drawn(random) * e.rate};
    auto const rows = random.between(1, e.rows);
    auto const racks = random.between(1, e.racks);
    auto const powers = random.between(1, e.powers);
    auto const colours = random.between(1, e.colours);
    auto const servers = random.between(e.servers_min, e.servers);
    for (std::uint64_t i = 0; i < rows; ++i) {
        auto const down = rate(e, random, base[0]);
        t.rows.push_back({"w" + std::to_string(i), down, rate(e, random, base[1])});
    }
    for (std::uint64_t i = 0; i < racks; ++i) {
        auto const row = static_cast<std::uint32_t>(random.below(rows));
        auto const down = rate(e, random, base[2]);
        t.racks.push_back({"r" + std::to_string(i), {row}, down, rate(e, random, base[3])});
    }
    for (std::uint64_t i = 0; i < powers; ++i) {
        t.powers.push_back({"p" + std::to_string(i), rate(e, random, base[4])});
    }
    for (std::uint64_t i = 0; i < colours; ++i) {
        t.colours.push_back("c" + std::to_string(i));
    }
    for (std::uint64_t i = 0; i < servers; ++i) {
        server s;
        s.id = "s" + std::to_string(i);
        s.rack = {static_cast<std::uint32_t>(random.below(racks))};
        auto const feeds = random.between(1, std::min(e.feeds, powers));
        auto const from = random.below(powers);
        for (std::uint64_t f = 0; f < feeds; ++f) {
            s.power.push_back({static_cast<std::uint32_t>((from + f) % powers)});
        }
        s.colour = {static_cast<std::uint32_t>(random.below(colours))};
        s.capacity = static_cast<std::uint32_t>(random.between(1, e.capacity));
        s.draining = random.chance(e.draining_percent, 100);
        s.rate = rate(e, random, base[5]);
        s.failed = e.failed_percent > 0 && random.chance(e.failed_percent, 100);
        t.servers.push_back(std::move(s));
    }
    return t;
}

inline std::vector<server_ref> draw_distinct(topology const& t, std::size_t count, prng& random) {
    std::vector<server_ref> all;
    for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
        all.push_back({i});
    }
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(all[i], all[i + random.below(all.size() - i)]);
    }
    all.resize(count);
    std::sort(all.begin(), all.end());
    return all;
}

inline std::vector<anchor> draw_anchors(topology const& t, std::uint64_t most, prng& random) {
    std::vector<anchor> anchors;
    auto const count = random.below(most + 1);
    for (std::uint64_t i = 0; i < count; ++i) {
        auto const s = static_cast<std::uint32_t>(random.below(t.servers.size()));
        anchors.push_back({{s}, static_cast<double>(random.below(4)) / 2});
    }
    return anchors;
}

} // namespace worlds

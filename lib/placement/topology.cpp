// Validation: every way in which a topology can make no sense, named by its path in the document.
#include <zooid/placement/topology.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace zooid::placement {
namespace {

error bad(std::string path, std::string_view what) {
    return {errc::invalid_argument, fmt::format("{}: {}", path, what)};
}

bool is_probability(double p) {
    return std::isfinite(p) && p >= 0 && p < 1;
}

result<void> check_rate(double p, std::string path) {
    if (!is_probability(p)) return bad(std::move(path), fmt::format("{} is not a probability in [0, 1)", p));
    return outcome::success();
}

/// Names of one kind must differ; sorting finds a pair without a hash table.
template <class Things, class Name>
result<void> check_names(Things const& things, std::string_view kind, Name name) {
    std::vector<std::pair<std::string_view, std::size_t>> names;
    for (std::size_t i = 0; i < things.size(); ++i) {
        if (name(things[i]).empty()) return bad(fmt::format("{}[{}].id", kind, i), "empty name");
        names.emplace_back(name(things[i]), i);
    }
    std::sort(names.begin(), names.end());
    for (std::size_t i = 1; i < names.size(); ++i) {
        if (names[i - 1].first != names[i].first) continue;
        return bad(fmt::format("{}[{}].id", kind, names[i].second),
                   fmt::format("\"{}\" is also {}[{}]", names[i].first, kind, names[i - 1].second));
    }
    return outcome::success();
}

result<void> check_power(topology const& t, std::size_t i) {
    auto const& feeds = t.servers[i].power;
    auto const path = fmt::format("servers[{}].power", i);
    if (feeds.empty()) return bad(path, "no power domain");
    if (feeds.size() > power_feeds_max) {
        return bad(path, fmt::format("{} domains, at most {}", feeds.size(), power_feeds_max));
    }
    for (std::size_t j = 0; j < feeds.size(); ++j) {
        if (feeds[j].value >= t.powers.size()) return bad(path, "unknown power domain");
        if (std::count(feeds.begin(), feeds.end(), feeds[j]) > 1) return bad(path, "the same domain twice");
    }
    return outcome::success();
}

result<void> check_server(topology const& t, std::size_t i) {
    auto const& s = t.servers[i];
    if (s.rack.value >= t.racks.size()) return bad(fmt::format("servers[{}].rack", i), "unknown rack");
    if (s.colour.value >= t.colours.size())
        return bad(fmt::format("servers[{}].colour", i), "unknown colour");
    if (s.capacity < 1) return bad(fmt::format("servers[{}].capacity", i), "0 is not at least 1");
    ZOOID_TRY(check_rate(s.rate, fmt::format("servers[{}].rate", i)));
    return check_power(t, i);
}

result<void> check_domains(topology const& t) {
    for (std::size_t i = 0; i < t.racks.size(); ++i) {
        if (t.racks[i].row.value >= t.rows.size()) return bad(fmt::format("racks[{}].row", i), "unknown row");
        ZOOID_TRY(check_rate(t.racks[i].rate, fmt::format("racks[{}].rate", i)));
        ZOOID_TRY(check_rate(t.racks[i].link_rate, fmt::format("racks[{}].link_rate", i)));
    }
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        ZOOID_TRY(check_rate(t.rows[i].rate, fmt::format("rows[{}].rate", i)));
        ZOOID_TRY(check_rate(t.rows[i].link_rate, fmt::format("rows[{}].link_rate", i)));
    }
    for (std::size_t i = 0; i < t.powers.size(); ++i) {
        ZOOID_TRY(check_rate(t.powers[i].rate, fmt::format("powers[{}].rate", i)));
    }
    return outcome::success();
}

} // namespace

result<void> validate(topology const& t) {
    if (t.servers.empty()) return bad("servers", "there is none");
    auto const id = [](auto const& thing) -> std::string_view { return thing.id; };
    ZOOID_TRY(check_names(t.servers, "servers", id));
    ZOOID_TRY(check_names(t.racks, "racks", id));
    ZOOID_TRY(check_names(t.rows, "rows", id));
    ZOOID_TRY(check_names(t.powers, "powers", id));
    ZOOID_TRY(check_names(t.colours, "colours", [](auto const& name) -> std::string_view { return name; }));
    ZOOID_TRY(check_domains(t));
    for (std::size_t i = 0; i < t.servers.size(); ++i) {
        ZOOID_TRY(check_server(t, i));
    }
    return outcome::success();
}

} // namespace zooid::placement

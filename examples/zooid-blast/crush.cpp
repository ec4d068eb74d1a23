// The same data centre for CRUSH, and both sides in one table.
//
// CRUSH places by hashing down a tree; it knows neither clients nor links. It gets its best chance here:
// rules that spread over power domains and racks, and besides the rule for the whole data centre one for each
// row, used for the cells with their client there.
#include "studies.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/placement/solver.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <sstream>

namespace zooid_blast {

comparison comparison_of(study_options const& o) {
    comparison c;
    c.world = generate({.colours = 1}, o.seed);
    c.cells = generate_cells(c.world, o.cells, {}, o.seed + 1);
    c.by_row.resize(c.world.rows.size());
    for (std::uint32_t i = 0; i < c.cells.size(); ++i) {
        c.by_row[c.world.row_of(c.cells[i].anchors[0].server).value].push_back(i);
    }
    return c;
}

namespace {

class map_writer {
  public:
    explicit map_writer(topology const& t) : t_(t), rack_weight_(t.racks.size()) {}

    std::string write() {
        out_ = "tunable choose_local_tries 0\ntunable choose_local_fallback_tries 0\ntunable "
               "choose_total_tries 50\n"
               "tunable chooseleaf_descend_once 1\ntunable chooseleaf_vary_r 1\ntunable chooseleaf_stable 1\n"
               "tunable straw_calc_version 1\n";
        for (std::size_t i = 0; i < t_.servers.size(); ++i) {
            out_ += fmt::format("device {} osd.{}\n", i, i);
        }
        out_ += "type 0 osd\ntype 1 rack\ntype 2 power\ntype 3 row\ntype 4 root\n";
        racks();
        for (std::uint32_t w = 0; w < t_.rows.size(); ++w) {
            tree(fmt::format("row{}", w), "row", [&](rack const& r) { return r.row.value == w; });
        }
        tree("all", "root", [](rack const&) { return true; });
        for (std::size_t w = 0; w <= t_.rows.size(); ++w) {
            rule(w, w < t_.rows.size() ? fmt::format("row{}", w) : "all");
        }
        return out_;
    }

  private:
    void racks() {
        std::vector<std::string> items(t_.racks.size());
        for (std::size_t i = 0; i < t_.servers.size(); ++i) {
            auto const r = t_.servers[i].rack.value;
            items[r] += fmt::format("\titem osd.{} weight 1.000\n", i);
            rack_weight_[r] += 1;
        }
        for (std::size_t r = 0; r < t_.racks.size(); ++r) {
            bucket("rack", fmt::format("rack{}", r), items[r]);
        }
    }
    void bucket(std::string_view type, std::string const& name, std::string const& items) {
        out_ +=
            fmt::format("{} {} {{\n\tid {}\n\talg straw2\n\thash 0\n{}}}\n", type, name, next_id_--, items);
    }
    /// A root over power domains over the racks that `has` takes.
    template <class Has>
    void tree(std::string const& name, std::string_view type, Has has) {
        std::map<std::uint32_t, std::pair<std::string, double>> powers;
        std::vector<std::uint32_t> power_of(t_.racks.size());
        for (auto const& s : t_.servers) {
            power_of[s.rack.value] = s.power[0].value;
        }
        for (std::size_t r = 0; r < t_.racks.size(); ++r) {
            if (!has(t_.racks[r])) continue;
            auto& [items, weight] = powers[power_of[r]];
            items += fmt::format("\titem rack{} weight {:.3f}\n", r, rack_weight_[r]);
            weight += rack_weight_[r];
        }
        std::string items;
        for (auto const& [p, content] : powers) {
            auto const power = fmt::format("{}-power{}", name, p);
            bucket("power", power, content.first);
            items += fmt::format("\titem {} weight {:.3f}\n", power, content.second);
        }
        bucket(type, name, items);
    }
    void rule(std::size_t id, std::string const& from) {
        out_ += fmt::format(
            "rule {}_rule {{\n\tid {}\n\ttype replicated\n\tmin_size 1\n\tmax_size 10\n\tstep take {}\n"
            "\tstep choose firstn 4 type power\n\tstep chooseleaf firstn 2 type rack\n\tstep emit\n}}\n",
            from, id, from);
    }
    topology const& t_;
    std::vector<double> rack_weight_;
    std::string out_;
    int next_id_ = -1;
};

struct column {
    std::string name;
    double client = 0, joint = 0, worst = 0, deviation = 0, fullest = 0, rate = 0;
    std::size_t failures = 0, violations = 0;
};

column measure(std::string name, comparison const& c, std::vector<cell> const& cells, double seconds) {
    column out;
    out.name = std::move(name);
    std::vector<double> load(c.world.servers.size());
    std::size_t placed = 0;
    for (auto const& x : cells) {
        if (x.members.size() != x.size) {
            ++out.failures;
            continue;
        }
        ++placed;
        auto from_client = x;
        from_client.anchors.resize(1);
        double const u = unavailability_of(c.world, from_client);
        out.client += u, out.joint += unavailability_of(c.world, x), out.worst = std::max(out.worst, u);
        out.violations += violations(c.world, x, {}).empty() ? 0 : 1;
        for (auto const m : x.members) {
            load[m.value] += 1;
        }
    }
    out.client /= static_cast<double>(placed), out.joint /= static_cast<double>(placed);
    double const mean = 7.0 * static_cast<double>(placed) / static_cast<double>(load.size());
    for (auto const l : load) {
        out.deviation += (l - mean) * (l - mean) / static_cast<double>(load.size());
        out.fullest = std::max(out.fullest, l / mean);
    }
    out.deviation = std::sqrt(out.deviation) / mean;
    out.rate = static_cast<double>(cells.size()) / seconds;
    return out;
}

/// "CRUSH rule 3 x 17 [1,2,3]" into members of the cell that (3, 17) stands for.
void read_mappings(comparison const& c, std::string const& text, std::vector<cell>& rows,
                   std::vector<cell>& all) {
    std::istringstream in(text);
    std::string line;
    while (std::getline(in, line)) {
        unsigned rule = 0, x = 0;
        int consumed = 0;
        if (std::sscanf(line.c_str(), "CRUSH rule %u x %u [%n", &rule, &x, &consumed) != 2) continue;
        std::vector<server_ref> members;
        std::istringstream list(line.substr(static_cast<std::size_t>(consumed)));
        for (std::string item; std::getline(list, item, ',');) {
            auto const server = std::strtoul(item.c_str(), nullptr, 10);
            if (server < c.world.servers.size()) members.push_back({static_cast<std::uint32_t>(server)});
        }
        std::sort(members.begin(), members.end());
        members.erase(std::unique(members.begin(), members.end()), members.end());
        auto& target = rule < c.by_row.size() ? rows[c.by_row[rule].at(x)] : all.at(x);
        target.members = std::move(members);
    }
}

} // namespace

std::string crush_map(topology const& t) {
    return map_writer(t).write();
}

std::string compare(comparison const& c, std::string const& mappings, double seconds_rows,
                    double seconds_all) {
    auto rows = c.cells, all = c.cells, ours = c.cells, client = c.cells;
    read_mappings(c, mappings, rows, all);
    auto const place = [&](std::vector<cell>& cells, bool only_client) {
        auto s = solver::create(c.world).value();
        auto const start = std::clock();
        for (auto& x : cells) {
            auto request = x;
            if (only_client) request.anchors.resize(1);
            x.members = s->place(request).value().members;
        }
        return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    double const seconds = place(ours, false), seconds_client = place(client, true);
    std::vector<column> const columns = {measure("CRUSH, whole data centre", c, all, seconds_all),
                                         measure("CRUSH, client's row", c, rows, seconds_rows),
                                         measure("zooid, client, primary, replica", c, ours, seconds),
                                         measure("zooid, client alone", c, client, seconds_client)};
    std::string out =
        "| | unavailable given client | worst | given all three anchors | fullest / mean | "
        "deviation / mean | mapping "
        "failures | floors violated | cells/s of CPU time |\n|---|---|---|---|---|---|---|---|---|\n";
    for (auto const& x : columns) {
        out +=
            fmt::format("| {} | {:.3g} | {:.3g} | {:.3g} | {:.2f} | {:.3f} | {} | {} | {:.0f} |\n", x.name,
                        x.client, x.worst, x.joint, x.fullest, x.deviation, x.failures, x.violations, x.rate);
    }
    return out;
}

} // namespace zooid_blast

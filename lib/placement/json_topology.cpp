// A topology from JSON: servers name their row, rack and power; `domains` adds what is particular about
// those.
//
// Order of work: domains first (kinds, parents, rates), then servers, which found rows, racks and power
// domains that nobody declared. A rack's name is its row's matter unless `domains` declares it.
#include "placement/json_cursor.hpp"

#include <zooid/placement/json.hpp>

#include <fmt/format.h>

#include <map>
#include <set>

namespace zooid::placement {
namespace {

result<double> probability(cursor const& at) {
    ZOOID_TRY(auto p, at.number());
    if (!(p >= 0 && p < 1)) return at.complain(fmt::format("{} is not a probability in [0, 1)", p));
    return p;
}

class topology_reader {
  public:
    result<topology_document> read(cursor const& root) {
        ZOOID_TRY(root.object());
        ZOOID_TRY(auto rates, root.require("rates"));
        ZOOID_TRY(read_rates(rates));
        if (auto const domains = root.find("domains")) {
            ZOOID_TRY(read_domains(*domains));
        }
        ZOOID_TRY(auto servers, root.require("servers"));
        ZOOID_TRY(auto list, servers.array());
        if (list->empty()) return servers.complain("there is none");
        out_.numeric_ids = true;
        for (std::size_t i = 0; i < list->size(); ++i) {
            ZOOID_TRY(read_server(servers.at(i)));
        }
        ZOOID_TRY(validate(out_.world));
        return std::move(out_);
    }

  private:
    result<void> read_rates(cursor const& at) {
        ZOOID_TRY(at.object());
        auto& r = out_.world.rates;
        std::pair<char const*, double*> const fields[] = {
            {"server", &r.server},     {"rack", &r.rack},           {"row", &r.row},
            {"row_link", &r.row_link}, {"rack_link", &r.rack_link}, {"power", &r.power}};
        for (auto const& [name, into] : fields) {
            *into = 0;
            auto const field = at.find(name);
            if (!field) continue;
            ZOOID_TRY(*into, probability(*field));
        }
        return outcome::success();
    }

    // --- domains

    struct declared {
        std::string kind, id;
        std::optional<std::string> parent;
        std::optional<double> rate, link_rate;
        bool failed = false, link_failed = false;
    };

    result<declared> read_domain(cursor const& at) {
        declared d;
        ZOOID_TRY(auto kind, at.require("kind"));
        ZOOID_TRY(d.kind, kind.name());
        if (d.kind != "row" && d.kind != "rack" && d.kind != "power") {
            return kind.complain(fmt::format("\"{}\" is not row, rack or power", d.kind));
        }
        ZOOID_TRY(auto id, at.require("id"));
        ZOOID_TRY(d.id, id.name());
        if (auto const parent = at.find("parent")) {
            ZOOID_TRY(d.parent, parent->name());
        }
        if (auto const rate = at.find("rate")) {
            ZOOID_TRY(d.rate, probability(*rate));
        }
        if (auto const rate = at.find("link_rate")) {
            ZOOID_TRY(d.link_rate, probability(*rate));
        }
        if (auto const failed = at.find("failed")) {
            ZOOID_TRY(d.failed, failed->boolean());
        }
        if (auto const failed = at.find("link_failed")) {
            ZOOID_TRY(d.link_failed, failed->boolean());
        }
        return d;
    }

    result<void> read_domains(cursor const& at) {
        ZOOID_TRY(auto list, at.array());
        std::vector<declared> all;
        for (std::size_t i = 0; i < list->size(); ++i) {
            ZOOID_TRY(auto d, read_domain(at.at(i)));
            all.push_back(std::move(d));
        }
        ZOOID_TRY(check_parents(at, all));
        for (std::string_view const kind : {"row", "power", "rack"}) {
            for (std::size_t i = 0; i < all.size(); ++i) {
                if (all[i].kind != kind) continue;
                ZOOID_TRY(declare(at.at(i), all[i]));
            }
        }
        return outcome::success();
    }

    /// Follows parents upwards; whoever is met twice closes a cycle.
    result<void> check_parents(cursor const& at, std::vector<declared> const& all) {
        std::map<std::string, std::size_t> by_id;
        for (std::size_t i = 0; i < all.size(); ++i) {
            by_id.try_emplace(all[i].id, i);
        }
        std::vector<char> fine(all.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            std::set<std::size_t> met;
            for (auto j = i; !fine[j] && all[j].parent;) {
                if (!met.insert(j).second) {
                    auto const here = at.at(i);
                    return here.require("parent").value().complain(
                        fmt::format("a cycle through \"{}\"", all[j].id));
                }
                auto const up = by_id.find(*all[j].parent);
                if (up == by_id.end()) break;
                j = up->second;
            }
            for (auto const j : met) {
                fine[j] = 1;
            }
        }
        return outcome::success();
    }

    result<void> declare(cursor const& at, declared const& d) {
        if (d.kind == "rack") return declare_rack(at, d);
        if (d.parent) return at.complain(fmt::format("a {} has no parent", d.kind));
        bool const known = d.kind == "row" ? rows_.count(d.id) > 0 : powers_.count(d.id) > 0;
        if (known) return at.complain(fmt::format("{} \"{}\" again", d.kind, d.id));
        if (d.kind == "row") {
            auto const row = row_named(d.id);
            auto& r = out_.world.rows[row.value];
            r.rate = d.rate.value_or(r.rate), r.link_rate = d.link_rate.value_or(r.link_rate);
            mark(element_kind::row, element_kind::row_link, row.value, d);
        } else {
            auto const power = power_named(d.id);
            auto& p = out_.world.powers[power.value];
            p.rate = d.rate.value_or(p.rate);
            mark(element_kind::power, element_kind::power, power.value, d);
        }
        return outcome::success();
    }

    result<void> declare_rack(cursor const& at, declared const& d) {
        if (!d.parent) return at.complain("a rack needs its row as \"parent\"");
        if (rows_.count(*d.parent) == 0) {
            return at.require("parent").value().complain(fmt::format("unknown row \"{}\"", *d.parent));
        }
        if (declared_racks_.count(d.id) > 0) return at.complain(fmt::format("rack \"{}\" again", d.id));
        auto const rack = rack_named(row_named(*d.parent), d.id);
        declared_racks_.emplace(d.id, rack);
        auto& r = out_.world.racks[rack.value];
        r.rate = d.rate.value_or(r.rate), r.link_rate = d.link_rate.value_or(r.link_rate);
        mark(element_kind::rack, element_kind::rack_link, rack.value, d);
        return outcome::success();
    }

    void mark(element_kind thing, element_kind link, std::uint32_t index, declared const& d) {
        if (d.failed) out_.down.push_back({thing, index});
        if (d.link_failed && link != thing) out_.down.push_back({link, index});
    }

    // --- names

    row_ref row_named(std::string const& id) {
        auto& w = out_.world;
        auto const next = static_cast<std::uint32_t>(w.rows.size());
        auto const [it, fresh] = rows_.try_emplace(id, row_ref{next});
        if (fresh) w.rows.push_back({id, w.rates.row, w.rates.row_link});
        return it->second;
    }
    power_ref power_named(std::string const& id) {
        auto& w = out_.world;
        auto const next = static_cast<std::uint32_t>(w.powers.size());
        auto const [it, fresh] = powers_.try_emplace(id, power_ref{next});
        if (fresh) w.powers.push_back({id, w.rates.power});
        return it->second;
    }
    rack_ref rack_named(row_ref row, std::string const& id) {
        auto& w = out_.world;
        auto const next = static_cast<std::uint32_t>(w.racks.size());
        auto const [it, fresh] = racks_.try_emplace({row.value, id}, rack_ref{next});
        if (!fresh) return it->second;
        auto const unique =
            rack_names_.insert(id).second ? id : fmt::format("{}/{}", w.rows[row.value].id, id);
        rack_names_.insert(unique);
        w.racks.push_back({unique, row, w.rates.rack, w.rates.rack_link});
        return it->second;
    }
    colour_ref colour_named(std::string const& id) {
        auto const next = static_cast<std::uint32_t>(out_.world.colours.size());
        auto const [it, fresh] = colours_.try_emplace(id, colour_ref{next});
        if (fresh) out_.world.colours.push_back(id);
        return it->second;
    }

    // --- servers

    result<void> read_server(cursor const& at) {
        server s;
        ZOOID_TRY(auto id, at.require("id"));
        ZOOID_TRY(s.id, id.name());
        out_.numeric_ids = out_.numeric_ids && !id.value().is_string();
        ZOOID_TRY(s.rack, read_place(at));
        ZOOID_TRY(check_unique(id, s));
        ZOOID_TRY(s.power, read_power(at));
        s.rate = out_.world.rates.server;
        ZOOID_TRY(read_rest(at, s));
        out_.world.servers.push_back(std::move(s));
        return outcome::success();
    }

    result<void> check_unique(cursor const& id, server const& s) {
        auto const index = static_cast<std::uint32_t>(out_.world.servers.size());
        auto const [it, fresh] = servers_.try_emplace(s.id, index);
        if (fresh) return outcome::success();
        auto const& racks = out_.world.racks;
        auto const other = out_.world.servers[it->second].rack;
        if (other == s.rack)
            return id.complain(fmt::format("\"{}\" is servers[{}] already", s.id, it->second));
        return id.complain(fmt::format("\"{}\" is in two racks: {} and, as servers[{}], {}", s.id,
                                       racks[s.rack.value].id, it->second, racks[other.value].id));
    }

    result<rack_ref> read_place(cursor const& at) {
        ZOOID_TRY(auto row, at.require("row"));
        ZOOID_TRY(auto rack, at.require("rack"));
        if (row.value().is_array()) return row.complain("a server is in one row");
        if (rack.value().is_array()) return rack.complain("a server is in one rack");
        ZOOID_TRY(auto row_id, row.name());
        ZOOID_TRY(auto rack_id, rack.name());
        auto const known = declared_racks_.find(rack_id);
        if (known == declared_racks_.end()) return rack_named(row_named(row_id), rack_id);
        auto const& world = out_.world;
        auto const& declared_row = world.rows[world.racks[known->second.value].row.value].id;
        if (declared_row != row_id) {
            return rack.complain(fmt::format("rack \"{}\" is declared in row \"{}\"", rack_id, declared_row));
        }
        return known->second;
    }

    result<std::vector<power_ref>> read_power(cursor const& at) {
        auto const power = at.find("power");
        if (!power || power->value().is_null()) {
            return error(errc::invalid_argument, at.path() + ".power: no power domain");
        }
        std::vector<power_ref> feeds;
        if (!power->value().is_array()) {
            ZOOID_TRY(auto id, power->name());
            feeds.push_back(power_named(id));
            return feeds;
        }
        auto const& list = power->value().get_array();
        if (list.empty()) return power->complain("no power domain");
        if (list.size() > power_feeds_max)
            return power->complain(fmt::format("more than {}", power_feeds_max));
        for (std::size_t i = 0; i < list.size(); ++i) {
            ZOOID_TRY(auto id, power->at(i).name());
            feeds.push_back(power_named(id));
        }
        return feeds;
    }

    result<void> read_rest(cursor const& at, server& s) {
        std::string colour = "none";
        if (auto const c = at.find("colour")) {
            ZOOID_TRY(colour, c->name());
        }
        s.colour = colour_named(colour);
        s.capacity = 1000000;
        if (auto const c = at.find("capacity")) {
            ZOOID_TRY(auto capacity, c->whole(1000000000));
            if (capacity < 1) return c->complain("0 is not at least 1");
            s.capacity = static_cast<std::uint32_t>(capacity);
        }
        for (auto const& [name, into] :
             {std::pair("draining", &s.draining), std::pair("failed", &s.failed)}) {
            auto const field = at.find(name);
            if (!field) continue;
            ZOOID_TRY(*into, field->boolean());
        }
        if (auto const r = at.find("rate")) {
            ZOOID_TRY(s.rate, probability(*r));
        }
        return outcome::success();
    }

    topology_document out_;
    std::map<std::string, row_ref> rows_;
    std::map<std::string, power_ref> powers_;
    std::map<std::pair<std::uint32_t, std::string>, rack_ref> racks_;
    std::map<std::string, rack_ref> declared_racks_;
    std::set<std::string> rack_names_;
    std::map<std::string, colour_ref> colours_;
    std::map<std::string, std::uint32_t> servers_;
};

} // namespace

result<topology_document> read_topology(bytes_view json) {
    boost::json::monotonic_resource memory;
    ZOOID_TRY(auto document, parse_document(json, "", &memory));
    return topology_reader().read(cursor(document, ""));
}

} // namespace zooid::placement

// Cells and failures from JSON; topologies, cells and answers to JSON.
#include "placement/json_cursor.hpp"

#include <zooid/placement/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace zooid::placement {
namespace {

using names = std::unordered_map<std::string, std::uint32_t>;

template <class Things>
names index_of(Things const& things) {
    names out;
    for (std::uint32_t i = 0; i < things.size(); ++i) {
        out.emplace(things[i].id, i);
    }
    return out;
}

result<std::uint32_t> look_up(cursor const& at, names const& known, std::string_view kind) {
    ZOOID_TRY(auto id, at.name());
    auto const found = known.find(id);
    if (found == known.end()) return at.complain(fmt::format("unknown {} \"{}\"", kind, id));
    return found->second;
}

class cells_reader {
  public:
    explicit cells_reader(topology const& t) : t_(t), servers_(index_of(t.servers)) {}

    result<std::vector<cell>> read(cursor const& list) {
        ZOOID_TRY(auto items, list.array());
        std::vector<cell> out;
        for (std::size_t i = 0; i < items->size(); ++i) {
            auto const at = list.at(i);
            ZOOID_TRY(auto c, read_cell(at));
            auto const [it, fresh] = keys_.try_emplace(c.key, static_cast<std::uint32_t>(i));
            if (!fresh) return at.complain(fmt::format("key \"{}\" is cells[{}] already", c.key, it->second));
            out.push_back(std::move(c));
        }
        return out;
    }

  private:
    result<cell> read_cell(cursor const& at) {
        cell c;
        ZOOID_TRY(auto key, at.require("key"));
        ZOOID_TRY(c.key, key.name());
        if (auto const size = at.find("size")) {
            ZOOID_TRY(auto n, size->whole(1000));
            c.size = static_cast<unsigned>(n);
        }
        if (auto const anchors = at.find("anchors")) {
            ZOOID_TRY(c.anchors, read_anchors(*anchors));
        }
        auto const members = at.find("members");
        if (members && !members->value().is_null()) {
            ZOOID_TRY(c.members, read_members(*members));
        }
        auto const valid = validate(t_, c);
        if (!valid)
            return error(valid.error().code(), fmt::format("{}.{}", at.path(), valid.error().detail()));
        return c;
    }

    result<std::vector<anchor>> read_anchors(cursor const& at) {
        ZOOID_TRY(auto list, at.array());
        std::vector<anchor> out;
        for (std::size_t i = 0; i < list->size(); ++i) {
            auto const item = at.at(i);
            ZOOID_TRY(auto server, item.require("server"));
            ZOOID_TRY(auto index, look_up(server, servers_, "server"));
            anchor a{{index}, 1};
            if (auto const weight = item.find("weight")) {
                ZOOID_TRY(a.weight, weight->number());
            }
            out.push_back(a);
        }
        return out;
    }

    result<std::vector<server_ref>> read_members(cursor const& at) {
        ZOOID_TRY(auto list, at.array());
        std::vector<server_ref> out;
        for (std::size_t i = 0; i < list->size(); ++i) {
            ZOOID_TRY(auto index, look_up(at.at(i), servers_, "server"));
            if (std::find(out.begin(), out.end(), server_ref{index}) != out.end()) {
                return at.at(i).complain("the same server twice");
            }
            out.push_back({index});
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    topology const& t_;
    names servers_, keys_;
};

} // namespace

result<std::vector<cell>> read_cells(bytes_view json, topology const& t) {
    boost::json::monotonic_resource memory;
    ZOOID_TRY(auto document, parse_document(json, "cells", &memory));
    return cells_reader(t).read(cursor(document, "cells"));
}

result<failures> read_failures(bytes_view json, topology const& t) {
    boost::json::monotonic_resource memory;
    ZOOID_TRY(auto document, parse_document(json, "failures", &memory));
    cursor const root(document, "failures");
    ZOOID_TRY(auto list, root.array());
    std::pair<std::string_view, element_kind> const kinds[] = {
        {"server", element_kind::server},     {"rack", element_kind::rack},
        {"row", element_kind::row},           {"rack_link", element_kind::rack_link},
        {"row_link", element_kind::row_link}, {"power", element_kind::power}};
    auto const servers = index_of(t.servers), racks = index_of(t.racks), rows = index_of(t.rows),
               powers = index_of(t.powers);
    names const* const by_kind[] = {&servers, &racks, &rows, &racks, &rows, &powers};
    failures out;
    for (std::size_t i = 0; i < list->size(); ++i) {
        auto const at = root.at(i);
        ZOOID_TRY(auto kind, at.require("kind"));
        ZOOID_TRY(auto kind_name, kind.name());
        auto const found = std::find_if(std::begin(kinds), std::end(kinds),
                                        [&](auto const& k) { return k.first == kind_name; });
        if (found == std::end(kinds)) return kind.complain(fmt::format("unknown kind \"{}\"", kind_name));
        ZOOID_TRY(auto id, at.require("id"));
        ZOOID_TRY(auto index, look_up(id, *by_kind[static_cast<std::size_t>(found->second)], kind_name));
        out.push_back({found->second, index});
    }
    return out;
}

namespace {

std::string quoted(std::string_view text) {
    return boost::json::serialize(boost::json::value(boost::json::string_view(text.data(), text.size())));
}

std::string id_of(topology_document const& t, server_ref s) {
    auto const& id = t.world.servers[s.value].id;
    return t.numeric_ids ? id : quoted(id);
}

std::string members_of(topology_document const& t, std::vector<server_ref> const& members) {
    std::string out;
    for (auto const m : members) {
        out += (out.empty() ? "" : ", ") + id_of(t, m);
    }
    return "[" + out + "]";
}

std::string anchors_json(topology_document const& t, cell const& c) {
    std::string out;
    for (auto const& a : c.anchors) {
        out += fmt::format("{}{{\"server\": {}, \"weight\": {}}}", out.empty() ? "" : ", ",
                           id_of(t, a.server), a.weight);
    }
    return "[" + out + "]";
}

std::string refusal_json(infeasibility const& r) {
    std::string conflict;
    for (auto const c : r.conflict) {
        conflict += (conflict.empty() ? "" : ", ") + quoted(name_of(c));
    }
    return fmt::format("{{\"reason\": {}, \"conflict\": [{}], \"cheapest_relaxation\": {}, \"cost\": {}}}",
                       quoted(r.reason), conflict, r.cheapest.text.empty() ? "null" : quoted(r.cheapest.text),
                       r.cheapest.cost);
}

} // namespace

std::string write_topology(topology const& t) {
    auto const& r = t.rates;
    auto out = fmt::format(
        "{{\"rates\": {{\"server\": {}, \"rack\": {}, \"row\": {}, \"row_link\": {}, \"rack_link\": {}, "
        "\"power\": {}}},\n \"domains\": [",
        r.server, r.rack, r.row, r.row_link, r.rack_link, r.power);
    std::string_view separator = "\n";
    auto const add = [&](std::string const& text) {
        out += fmt::format("{}  {}", std::exchange(separator, ",\n"), text);
    };
    for (auto const& x : t.rows) {
        add(fmt::format("{{\"kind\": \"row\", \"id\": {}, \"rate\": {}, \"link_rate\": {}}}", quoted(x.id),
                        x.rate, x.link_rate));
    }
    for (auto const& x : t.racks) {
        add(fmt::format("{{\"kind\": \"rack\", \"id\": {}, \"parent\": {}, \"rate\": {}, \"link_rate\": {}}}",
                        quoted(x.id), quoted(t.rows[x.row.value].id), x.rate, x.link_rate));
    }
    for (auto const& x : t.powers) {
        add(fmt::format("{{\"kind\": \"power\", \"id\": {}, \"rate\": {}}}", quoted(x.id), x.rate));
    }
    out += "],\n \"servers\": [";
    separator = "\n";
    for (auto const& s : t.servers) {
        auto const& rack = t.racks[s.rack.value];
        std::string feeds;
        for (auto const p : s.power) {
            feeds += (feeds.empty() ? "" : ", ") + quoted(t.powers[p.value].id);
        }
        if (s.power.size() != 1) feeds = "[" + feeds + "]";
        add(fmt::format(
            "{{\"id\": {}, \"row\": {}, \"rack\": {}, \"power\": {}, \"colour\": {}, \"capacity\": {}, "
            "\"draining\": {}, \"failed\": {}, \"rate\": {}}}",
            quoted(s.id), quoted(t.rows[rack.row.value].id), quoted(rack.id), feeds,
            quoted(t.colours[s.colour.value]), s.capacity, s.draining, s.failed, s.rate));
    }
    return out + "]}\n";
}

std::string write_cells(topology_document const& t, std::vector<cell> const& cells) {
    std::string out = "[";
    for (std::size_t i = 0; i < cells.size(); ++i) {
        auto const& c = cells[i];
        out += fmt::format("{}\n  {{\"key\": {}, \"size\": {}, \"anchors\": {}", i > 0 ? "," : "",
                           quoted(c.key), c.size, anchors_json(t, c));
        if (!c.members.empty()) out += fmt::format(", \"members\": {}", members_of(t, c.members));
        out += "}";
    }
    return out + "]\n";
}

std::string write_answer(topology_document const& t, cell const& c, answer const& a,
                         std::string_view explanation, std::vector<std::string> const& violated) {
    bool const placed = !a.members.empty();
    std::string steps;
    for (auto const& s : a.steps) {
        steps += fmt::format("{}{{\"out\": {}, \"in\": {}}}", steps.empty() ? "" : ", ", id_of(t, s.out),
                             id_of(t, s.in));
    }
    auto out = fmt::format("{{\"key\": {}, \"members\": {}, \"unavailable_given_anchors\": {}, "
                           "\"floors_ok\": {}, \"explanation\": {}, "
                           "\"size\": {}, \"anchors\": {}, \"changed\": {}",
                           quoted(c.key), members_of(t, a.members),
                           placed ? fmt::format("{}", a.unavailable) : "null", placed && violated.empty(),
                           quoted(explanation), c.size, anchors_json(t, c), a.changed);
    if (!a.steps.empty()) out += fmt::format(", \"plan\": [{}]", steps);
    if (!violated.empty()) {
        std::string list;
        for (auto const& v : violated) {
            list += (list.empty() ? "" : ", ") + quoted(v);
        }
        out += fmt::format(", \"violated\": [{}]", list);
    }
    if (a.refused) out += fmt::format(", \"refused\": {}", refusal_json(*a.refused));
    return out + "}";
}

} // namespace zooid::placement

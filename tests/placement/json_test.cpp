// Bad documents: an error that names the path, and never anything worse.
#include "support/catch.hpp"

#include "placement/worlds.hpp"

#include <zooid/placement/json.hpp>
#include <zooid/placement/picture.hpp>

#include <set>
#include <string>

using namespace worlds;

namespace {

std::string const rates =
    R"("rates": {"server": 0.001, "rack": 0, "row": 0, "row_link": 0.01, "rack_link": 0.01, "power": 0.01})";
std::string listed(std::string const& id, std::string const& more = "") {
    return R"({"id": ")" + id +
           R"(", "row": "w", "rack": "r", "power": "p", "colour": "c", "capacity": 3, "draining": false)" +
           more + "}";
}
std::string document(std::string const& servers, std::string const& more = "") {
    return "{" + rates + more + R"(, "servers": [)" + servers + "]}";
}
std::string complaint(std::string const& json) {
    auto const r = read_topology(json);
    return r ? "accepted" : std::string(r.error().detail());
}
std::string cells_complaint(std::string const& json) {
    auto const t = read_topology(document(listed("a") + "," + listed("b") + "," + listed("d"))).value();
    auto const r = read_cells(json, t.world);
    return r ? "accepted" : std::string(r.error().detail());
}

} // namespace

TEST_CASE("each way to get a topology wrong is told with its path") {
    CHECK(complaint(document(listed("a"))) == "accepted");
    CHECK(complaint("") == "line 1, column 1: incomplete JSON");
    CHECK(complaint("{\n  \"servers\": [}").find("servers[0]: line 2, column 15: ") == 0);
    CHECK(complaint("[]") == "not an object");
    CHECK(complaint(R"({"rates": {}})") == "no \"servers\"");
    CHECK(complaint(document("")) == "servers: there is none");
    CHECK(complaint(document(R"({"id": "a", "row": "w", "rack": "r"})")) ==
          "servers[0].power: no power domain");
    CHECK(complaint(document(R"({"id": "a", "row": "w", "rack": "r", "power": null})")) ==
          "servers[0].power: no power domain");
    CHECK(complaint(document(R"({"id": "a", "row": "w", "rack": "r", "power": []})")) ==
          "servers[0].power: no power domain");
    CHECK(complaint(document(R"({"id": "a", "row": "w", "rack": ["r", "s"], "power": "p"})")) ==
          "servers[0].rack: a server is in one rack");
    CHECK(complaint(document(listed("a") + "," + listed("a"))) ==
          "servers[1].id: \"a\" is servers[0] already");
    CHECK(complaint(document(listed("a") + R"(, {"id": "a", "row": "w", "rack": "s", "power": "p"})")) ==
          "servers[1].id: \"a\" is in two racks: s and, as servers[0], r");
    CHECK(complaint(document(R"({"id": "a", "row": "w", "rack": "r", "power": "p", "capacity": 0})")) ==
          "servers[0].capacity: 0 is not at least 1");
    CHECK(complaint(document(listed("a", R"(, "rate": -0.5)"))) ==
          "servers[0].rate: -0.5 is not a probability in [0, 1)");
    CHECK(complaint(R"({"servers": [], "rates": {"power": 1.5}})") ==
          "rates.power: 1.5 is not a probability in [0, 1)");
    CHECK(complaint(R"({"servers": [], "rates": {"power": -1}})") ==
          "rates.power: -1 is not a probability in [0, 1)");
    CHECK(complaint(R"({"servers": [], "rates": {"power": NaN}})") ==
          "rates.power: line 1, column 36: syntax error");
    CHECK(complaint(
              R"({"rates": {"a": [1, {}], "b": {}}, "servers": [{"id": 1}, {"x": [[], 2, -Infinity]}]})") ==
          "servers[1].x[2]: line 1, column 74: syntax error");
    CHECK(complaint(R"({"rates": {"rack": 1e999}})") == "rates.rack: not a finite number");
    CHECK(complaint(R"({"servers": [], "rates": {"power": "0.1"}})") == "rates.power: not a number");
    CHECK(
        complaint(document(
            listed("a"),
            R"(, "domains": [{"kind": "rack", "id": "x", "parent": "y"}, {"kind": "rack", "id": "y", "parent": "x"}])")) ==
        "domains[0].parent: a cycle through \"x\"");
    CHECK(complaint(
              document(listed("a"), R"(, "domains": [{"kind": "rack", "id": "x", "parent": "nowhere"}])")) ==
          "domains[0].parent: unknown row \"nowhere\"");
    CHECK(complaint(document(
              listed("a"),
              R"(, "domains": [{"kind": "row", "id": "v"}, {"kind": "rack", "id": "r", "parent": "v"}])")) ==
          "servers[0].rack: rack \"r\" is declared in row \"v\"");
    CHECK(complaint(std::string(100000, '[')).find("[0][0]: line 1, column 17: ") != std::string::npos);
}

TEST_CASE("each way to get cells wrong is told with its path") {
    CHECK(cells_complaint(R"([{"key": "k", "size": 3, "anchors": [{"server": "a", "weight": 1}]}])") ==
          "accepted");
    CHECK(cells_complaint("{}") == "cells: not a list");
    CHECK(cells_complaint("") == "cells: line 1, column 1: incomplete JSON");
    CHECK(cells_complaint(R"([{"key": "k", "anchors": [{"server": "a", "weight": NaN}]}])") ==
          "cells[0].anchors[0].weight: line 1, column 53: syntax error");
    CHECK(cells_complaint(R"([{"size": 3}])") == "cells[0]: no \"key\"");
    CHECK(cells_complaint(R"([{"key": "k", "size": 4}])") ==
          "cells[0].size: 4 is not an odd number from 1 to 9");
    CHECK(cells_complaint(R"([{"key": "k", "size": -1}])") == "cells[0].size: not a whole number from 0 on");
    CHECK(cells_complaint(R"([{"key": "k", "anchors": [{"server": "z"}]}])") ==
          "cells[0].anchors[0].server: unknown server \"z\"");
    CHECK(cells_complaint(R"([{"key": "k", "anchors": [{"server": "a", "weight": -1}]}])") ==
          "cells[0].anchors[0].weight: not a number from 0 to 1e12");
    CHECK(cells_complaint(R"([{"key": "k", "size": 3, "members": ["a", "b", "a"]}])") ==
          "cells[0].members[2]: the same server twice");
    CHECK(cells_complaint(R"([{"key": "k", "size": 3, "members": ["a", "b"]}])") ==
          "cells[0].members: 2 of a cell of 3");
    CHECK(cells_complaint(R"([{"key": "k"}, {"key": "k"}])") == "cells[1]: key \"k\" is cells[0] already");
}

TEST_CASE("too few servers, or six of a colour, are refused with the demands that collide") {
    std::string six;
    for (int i = 0; i < 6; ++i) {
        six += (i > 0 ? "," : "") + std::string(R"({"row": "w", "colour": "red", "id": )") +
               std::to_string(i) + R"(, "rack": )" + std::to_string(i) + R"(, "power": )" +
               std::to_string(i) + "}";
    }
    auto const few = read_topology(document(six)).value();
    CHECK(few.numeric_ids);
    auto const a = solver::create(few.world).value()->place({"k", 7, {}, {}}).value();
    REQUIRE(a.refused);
    CHECK(a.refused->conflict == std::vector{constraint::distinct_servers});
    auto const both =
        read_topology(document(six + R"(,{"row": "w", "colour": "blue", "id": 9, "rack": 9, "power": 9})"))
            .value();
    auto const b = solver::create(both.world).value()->place({"k", 7, {}, {}}).value();
    REQUIRE(b.refused);
    CHECK(b.refused->conflict == std::vector{constraint::one_colour, constraint::distinct_servers});
    CHECK(b.refused->cheapest.text == "mix colours");
}

TEST_CASE("what is written is read back as it was") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        prng random(seed);
        auto const t = make({.colours = 3, .feeds = 3, .draining_percent = 20}, random);
        auto const again = read_topology(write_topology(t));
        INFO("seed " << seed);
        REQUIRE(again);
        CHECK(again.value().world.servers.size() == t.servers.size());
        // Indices may differ in order of mention, names and rates may not.
        CHECK(write_topology(read_topology(write_topology(again.value().world)).value().world) ==
              write_topology(again.value().world));
        topology_document const d{t, {}, false};
        cell const c{"a \"quoted\" key", 3, draw_anchors(t, 3, random), draw_distinct(t, 3, random)};
        CHECK(read_cells(write_cells(d, {c}), t).value() == std::vector{c});
    }
}

namespace {

/// A document with one to four bytes or pieces changed, dropped, inserted or doubled.
std::string damaged(std::string text, prng& random) {
    std::string const alphabet = "{}[]\":,0-9.eE+tfn\\ \x01\xff";
    for (auto n = 1 + random.below(4); n > 0; --n) {
        auto const at = random.below(text.size());
        switch (random.below(4)) {
        case 0: text[at] = alphabet[random.below(alphabet.size())]; break;
        case 1: text.erase(at, 1 + random.below(12)); break;
        case 2: text.insert(at, 1, alphabet[random.below(alphabet.size())]); break;
        default: text.insert(at, text.substr(random.below(text.size()), random.below(40))); break;
        }
        if (text.empty()) text = " ";
    }
    return text;
}

} // namespace

TEST_CASE("topologies damaged anywhere are read or refused, never worse") {
    std::string const good = document(
        listed("a") + "," + listed("b", R"(, "power": ["p", "q"], "failed": true)"),
        R"(, "domains": [{"kind": "row", "id": "w", "rate": 0.1}, {"kind": "rack", "id": "r", "parent": "w"}])");
    prng random(12);
    int accepted = 0;
    for (int i = 0; i < 60000; ++i) {
        auto const r = read_topology(damaged(good, random));
        accepted += r.has_value();
        if (r)
            REQUIRE(validate(r.value().world));
        else
            REQUIRE(!r.error().detail().empty());
    }
    CHECK(accepted > 100);
}

TEST_CASE("cells and failures damaged anywhere are read or refused, and what is read can be placed") {
    std::string servers;
    for (int i = 0; i < 9; ++i) {
        servers += (i > 0 ? "," : "") + listed("s" + std::to_string(i));
    }
    auto const t = read_topology(document(servers)).value().world;
    std::string const cells =
        R"([{"key": "k", "size": 3, "anchors": [{"server": "s1", "weight": 0.5}], "members": ["s0", "s2", "s4"]},)"
        R"( {"key": "l", "size": 1, "anchors": []}])";
    std::string const down = R"([{"kind": "rack_link", "id": "r"}, {"kind": "server", "id": "s3"}])";
    prng random(13);
    int accepted = 0;
    for (int i = 0; i < 30000; ++i) {
        bool const first = i % 2 == 0; // one of the two at a time, so that some are read
        auto const c = read_cells(first ? damaged(cells, random) : cells, t);
        auto const f = read_failures(first ? down : damaged(down, random), t);
        if (!c) REQUIRE(!c.error().detail().empty());
        if (!f) REQUIRE(!f.error().detail().empty());
        if (!c || !f) continue;
        ++accepted;
        (void)what_if(t, c.value(), f.value());
        for (auto const& x : c.value()) {
            REQUIRE(validate(t, x));
        }
    }
    CHECK(accepted > 20);
}

TEST_CASE("the heat of risk tells apart servers that bear the same load") {
    auto const t = generate({.servers = 80, .servers_per_rack = 8, .racks_per_row = 10, .colours = 1}, 1);
    // Seven racks against one rack with four of seven: as many replicas, not as safe.
    std::vector<cell> const cells = {{"wide", 7, {}, {{0}, {8}, {16}, {24}, {32}, {40}, {48}}},
                                     {"narrow", 7, {}, {{57}, {58}, {59}, {60}, {65}, {66}, {72}}}};
    auto const shades = [&](heat h) {
        auto const svg = draw_data_centre(t, cells, nullptr, h);
        std::set<std::string> used;
        for (auto at = svg.find("<path fill=\"var(--"); at != std::string::npos;
             at = svg.find("<path fill=\"var(--", at + 1))
            used.insert(svg.substr(at + 16, svg.find(')', at) - at - 16));
        return used;
    };
    CHECK(shades(heat::load) == std::set<std::string>{"--empty", "--h4"});
    CHECK(shades(heat::risk).count("--r0") == 1);
    CHECK(shades(heat::risk).count("--r4") == 1);
    // An anchor's own server is up whenever its cell counts.
    cell const own{"own", 1, {{{5}, 1}}, {{5}}};
    CHECK(draw_data_centre(t, {&own, 1}, nullptr, heat::risk).find("<path fill=\"var(--r") ==
          std::string::npos);
}

TEST_CASE("pictures escape what documents call things") {
    auto t = generate({.servers = 20, .servers_per_rack = 5}, 1);
    t.rows[0].id = "<script>alert(1)</script>";
    auto const svg = draw_data_centre(t, {}, nullptr, heat::load);
    CHECK(svg.find("<script>") == std::string::npos);
    CHECK(make_page("<b>", {{"a&b", "<i>", svg}}).find("<i>") == std::string::npos);
}

// zooid-place from the command line: each mode on the answers of the one before it, and what a stranger gets
// wrong, with its path in the document.
#include "programs/processes.hpp"
#include "support/sanitised.hpp"

#include <set>

using namespace programs;

namespace {

/// A made-up data centre of 400 servers and 50 volumes, in files.
struct documents {
    scratch folder;
    documents() {
        auto const made = run({ZOOID_BLAST_PATH, "--topology-out", at("T.json"), "--cells-out", at("C.json"),
                               "--servers", "400", "--cells", "50"});
        REQUIRE(made.code == 0);
    }
    std::string at(std::string const& name) const { return (folder.path / name).string(); }
    /// Runs a mode from one file of cells to another.
    ended place(std::string const& mode, std::string const& from, std::string const& to,
                std::vector<std::string> const& more = {}) const {
        std::vector<std::string> all = {ZOOID_PLACE_PATH, "--topology", at("T.json"), "--cells", at(from),
                                        "--out",          at(to),       "--mode",     mode};
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    }
    json::array read(std::string const& name) const { return json::parse(read_all(at(name))).as_array(); }
};

std::set<std::string> members(json::value const& answer) {
    std::set<std::string> out;
    for (auto const& m : answer.at("members").as_array())
        out.insert(std::string(m.as_string()));
    return out;
}

/// A member on whose server none of the cell's anchors lives.
std::string member_without_anchor(json::value const& answer) {
    auto left = members(answer);
    for (auto const& a : answer.at("anchors").as_array())
        left.erase(std::string(a.at("server").as_string()));
    return *left.begin();
}

std::size_t users_of(json::array const& answers, std::string const& server) {
    std::size_t count = 0;
    for (auto const& a : answers)
        count += members(a).count(server);
    return count;
}

ended with_topology(std::string const& text) {
    scratch folder;
    auto const at = [&](char const* name) { return (folder.path / name).string(); };
    write_all(at("T.json"), text);
    write_all(at("C.json"), "[]");
    return run(
        {ZOOID_PLACE_PATH, "--topology", at("T.json"), "--cells", at("C.json"), "--out", at("P.json")});
}

} // namespace

TEST_CASE("every mode of zooid-place works on the answers of the one before it") {
    documents const d;
    REQUIRE(d.place("place", "C.json", "placed.json", {"--explain", "--html", d.at("page.html")}).code == 0);
    auto const placed = d.read("placed.json");
    REQUIRE(placed.size() == 50);
    for (auto const& a : placed) {
        CHECK(members(a).size() == 7);
        CHECK(a.at("floors_ok").as_bool());
        CHECK(a.at("unavailable_given_anchors").to_number<double>() < 1e-3);
        CHECK(a.at("explanation").as_string().find("; rejected ") != json::string::npos);
    }
    auto const page = read_all(d.at("page.html"));
    CHECK(page.find("<svg") != std::string::npos);
    CHECK(page.find("src=") == std::string::npos); // opens offline

    auto const victim = member_without_anchor(placed[0]);
    REQUIRE(d.place("drain", "placed.json", "drained.json", {"--drain", victim}).code == 0);
    auto const drained = d.read("drained.json");
    CHECK(users_of(placed, victim) > 0);
    CHECK(users_of(drained, victim) == 0);
    CHECK(drained[0].at("plan").as_array().size() == 1);

    write_all(d.at("F.json"), R"([{"kind": "server", "id": ")" + victim + "\"}]");
    REQUIRE(d.place("repair", "placed.json", "repaired.json", {"--failures", d.at("F.json")}).code == 0);
    CHECK(users_of(d.read("repaired.json"), victim) == 0);
    REQUIRE(d.place("what-if", "placed.json", "supposed.json", {"--failures", d.at("F.json")}).code == 0);
    auto const supposed = d.read("supposed.json");
    CHECK(members(supposed[0]) == members(placed[0]));
    CHECK(supposed[0].at("explanation").as_string().find("6 of 7 reachable") != json::string::npos);

    REQUIRE(d.place("improve", "placed.json", "improved.json").code == 0);
    auto const improved = d.read("improved.json");
    for (std::size_t i = 0; i < placed.size(); ++i)
        CHECK(improved[i].at("unavailable_given_anchors").to_number<double>() <=
              placed[i].at("unavailable_given_anchors").to_number<double>());
    auto const audited = d.place("audit", "placed.json", "audited.json");
    CHECK(audited.code == 0);
    CHECK(audited.out.find("\"floors_violated\": 0") != std::string::npos);
    CHECK(audited.out.find("\"largest_overlap\": ") != std::string::npos);
}

TEST_CASE("what zooid-place can't read is told with its file and its path, and nothing is written") {
    struct row {
        std::string text, said;
    };
    std::string const server = R"({"id": "a", "row": "w", "rack": "r", "power": "p")";
    for (auto const& [text, said] : std::vector<row>{
             {"", "T.json: line 1, column 1: incomplete JSON"},
             {R"({"rates": {}, "servers": []})", "T.json: servers: there is none"},
             {R"({"rates": {"rack": -1}, "servers": [)" + server + "}]}", "T.json: rates.rack: -1 is not"},
             {R"({"rates": {"rack": NaN}, "servers": [)" + server + "}]}",
              "T.json: rates.rack: line 1, column"},
             {R"({"rates": {}, "servers": [)" + server + R"(, "capacity": 0}]})",
              "T.json: servers[0].capacity: 0 is not"},
             {R"({"rates": {}, "servers": [{"id": "a", "row": "w", "rack": ["r", "s"], "power": "p"}]})",
              "T.json: servers[0].rack: a server is in one rack"},
             {R"({"rates": {}, "servers": [{"id": "a", "row": "w", "rack": "r"}]})",
              "T.json: servers[0].power: no power domain"}}) {
        auto const done = with_topology(text);
        INFO(text);
        INFO(done.err);
        CHECK(done.code == 1);
        CHECK(done.err.find(said) != std::string::npos);
    }
    documents const d;
    write_all(d.at("bad.json"), R"([{"key": "k", "anchors": [{"server": "nobody"}]}])");
    auto const unknown = d.place("place", "bad.json", "P.json");
    CHECK(unknown.code == 1);
    CHECK(unknown.err.find("bad.json: cells[0].anchors[0].server: unknown server \"nobody\"") !=
          std::string::npos);
    CHECK_FALSE(fs::exists(d.at("P.json")));
}

TEST_CASE("200 megabytes of servers with one wrong rate are read to the end and refused with its path") {
    std::string text = R"({"rates": {}, "servers": [)";
    std::size_t count = 0;
    for (; text.size() < test_support::in_full(200'000'000u, 20'000'000u); ++count)
        text += R"({"id": )" + std::to_string(count) + R"(, "row": "w1", "rack": "r)" +
                std::to_string(count % 10000) + R"(", "power": "p", "colour": "c", "capacity": 100},)";
    text += R"({"id": "last", "row": "w1", "rack": "r0", "power": "p", "rate": -0.25}]})";
    auto const done = with_topology(text);
    INFO(done.err);
    CHECK(done.code == 1);
    CHECK(done.err.find("T.json: servers[" + std::to_string(count) + "].rate: -0.25 is not a probability") !=
          std::string::npos);
}

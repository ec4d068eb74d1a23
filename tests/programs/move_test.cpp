// Moves: members of a server that lost its disk are replaced where they are, in cells and in the directory
// itself; cells grow and shrink.
#include "programs/processes.hpp"

using namespace programs;

namespace {

void wipe(colony& c, std::size_t server) {
    c.kill(server);
    fs::remove_all(c.data(server));
    c.start(server);
}

json::array steps(ended const& moved) {
    INFO(moved.out << moved.err);
    REQUIRE(moved.code == 0);
    return json::parse(moved.out).at("steps").as_array();
}

std::size_t replaced(ended const& moved) {
    return steps(moved).size();
}

// The servers that leave and that join, step by step.
std::vector<std::pair<json::value, json::value>> changes(ended const& moved) {
    std::vector<std::pair<json::value, json::value>> all;
    for (json::value const& step : steps(moved))
        all.emplace_back(step.at("out"), step.at("in"));
    return all;
}

} // namespace

TEST_CASE("a move to where a cell is replaces the member of a server that lost its disk, and nobody else") {
    colony c(4);
    (void)c.ask({"colony", "init", "--on", "4"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    (void)c.ask({"txn", "volume", count_up});
    std::vector<std::string> const to_itself{"cell", "move", "volume", "--on", "1,2,3"};
    CHECK(replaced(c.ctl(to_itself)) == 0);
    wipe(c, 1);
    CHECK(replaced(c.ctl(to_itself)) == 1);
    CHECK(replaced(c.ctl(to_itself)) == 0);
    c.kill(0); // a majority is left only if server 2 votes again
    CHECK(c.ask({"txn", "volume", count_up}).at("version") == 2);
}

TEST_CASE("a directory server that lost its disk is repaired by moves of the directory's cells") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    wipe(c, 2);
    for (int i = 0; i < 16; ++i) {
        INFO(i);
        CHECK(replaced(c.ctl({"cell", "move", "directory/" + std::to_string(i), "--on", "1,2,3"})) == 1);
    }
    c.kill(1); // a majority is left only if server 3 votes again
    CHECK(c.ctl({"cell", "create", "volume", "--on", "1"}).code == 0);
    auto const beyond = c.ctl({"cell", "move", "directory/16", "--on", "1,2,3"});
    CHECK(beyond.code == 4);
    CHECK(beyond.out.find("is none of the directory's 16 cells") != std::string::npos);
}

TEST_CASE("a move to more or fewer servers replaces first, and then grows or shrinks by two at a time") {
    colony c(6);
    (void)c.ask({"colony", "init", "--on", "6"});
    (void)c.ask({"cell", "create", "volume", "--on", "1"});
    (void)c.ask({"txn", "volume", count_up});
    auto const servers = [](std::initializer_list<std::int64_t> ids) -> json::value {
        return json::array(ids.begin(), ids.end());
    };
    using listed = std::vector<std::pair<json::value, json::value>>;
    CHECK(
        changes(c.ctl({"cell", "move", "volume", "--on", "2,3,4,5,6"})) ==
        listed{{servers({1}), servers({6})}, {servers({}), servers({2, 3})}, {servers({}), servers({4, 5})}});
    c.kill(1);
    c.kill(2); // three of five are left, all of which had to be taught
    CHECK(c.ask({"txn", "volume", count_up}).at("version") == 2);
    c.start(1);
    c.start(2);
    CHECK(changes(c.ctl({"cell", "move", "volume", "--on", "1,3,4"})) ==
          listed{{servers({5}), servers({1})}, {servers({6, 2}), servers({})}});
    CHECK(changes(c.ctl({"cell", "move", "volume", "--on", "4"})) == listed{{servers({3, 1}), servers({})}});
    c.kill(0);
    c.kill(1);
    c.kill(2);
    CHECK(c.ask({"txn", "volume", count_up}).at("version") == 3); // it is alone
}

TEST_CASE(
    "a creation that is repeated after a move says where the cell is, whether it is away or came back") {
    colony c(6);
    (void)c.ask({"colony", "init", "--on", "6"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    std::string const now =
        "founded on servers 1,2,3; its members were replaced since, and it is on servers ";
    for (std::string const on : {"1,4,5", "1,2,3"}) {
        REQUIRE(c.ctl({"cell", "move", "volume", "--on", on}).code == 0);
        auto const again = c.ctl({"cell", "create", "volume", "--on", "1,2,3"});
        INFO(on << ": " << again.out << again.err);
        CHECK(again.code == 4);
        CHECK(says(again, "already_exists"));
        CHECK(says(again, now));
    }
}

TEST_CASE("a move to servers on which no cell can be is refused before anything is changed") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "3"});
    (void)c.ask({"cell", "create", "volume", "--on", "1"});
    auto const refused = [&](std::string const& on, int code, std::string const& why) {
        auto const moved = c.ctl({"cell", "move", "volume", "--on", on});
        INFO(moved.out << moved.err);
        CHECK(moved.code == code);
        CHECK(says(moved, why));
    };
    refused("1,2", 65, "2 replicas: a cell has an odd number of them, from 1 to 9");
    refused("1,2,2", 65, "server 2 is named twice");
    refused("0", 65, "server 0: a server's id is above 0");
    refused("9", 4, "server 9 is not among those of the configuration");
    CHECK(c.ask({"txn", "volume", count_up}).at("version") == 1);
}

TEST_CASE("volumes move between nine servers while their clients go on, linearizably", "[slow]") {
    auto const done = fail_over(
        {"--servers", "9", "--cells", "3", "--clients", "3", "--seconds", "10", "--moves", "--no-kills"});
    INFO(done.out << done.err);
    CHECK(says(done, " replacements, 0 moves did not end"));
    CHECK(says(done, ": 2 members replaced")); // in zooidctl's words
}

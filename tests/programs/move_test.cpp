// Members on a server that lost its disk are replaced where they are, in cells and in the directory itself.
#include "programs/processes.hpp"

using namespace programs;

namespace {

std::string const count_up = R"({"then":[{"add":"n","value":1}]})";

void wipe(colony& c, std::size_t server) {
    c.kill(server);
    fs::remove_all(c.data(server));
    c.start(server);
}

std::size_t replaced(ended const& moved) {
    INFO(moved.out << moved.err);
    REQUIRE(moved.code == 0);
    return json::parse(moved.out).at("replaced").as_array().size();
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

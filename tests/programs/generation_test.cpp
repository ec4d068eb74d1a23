// A birth above an existing cell ends that one: whoever knows only its servers does not go on with it.
#include "programs/processes.hpp"

#include <sstream>

using namespace programs;

namespace {

/// The directory on 7, generation 1 on 1, 2 and 3.
struct two_generations {
    colony c{7};

    two_generations() {
        (void)c.ask({"colony", "init", "--on", "7"});
        (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
        (void)c.ask({"txn", "volume", count_up});
    }
    ended create_second() const {
        return c.ctl({"cell", "create", "volume", "--on", "4,5,6", "--generation", "2"});
    }
    /// As a client that never heard of any server but 1, 2 and 3.
    ended ask_old_servers(std::vector<std::string> arguments) const {
        auto config = json::parse(read_all(c.folder.path / "ctl.json"));
        config.at("servers").as_array().resize(3);
        auto const path = c.folder.path / "old.json";
        write_all(path, json::serialize(config));
        arguments.insert(arguments.begin(), {"--json", "--deadline", "2", "--config", path.string()});
        return zooidctl(arguments);
    }
};

} // namespace

TEST_CASE("a birth above an existing cell ends that one before it is founded") {
    two_generations t;
    CHECK(t.ask_old_servers({"txn", "volume", count_up}).code == 0);
    auto const born = t.create_second();
    INFO(born.out << born.err);
    REQUIRE(born.code == 0);
    CHECK(json::parse(born.out).at("generation") == 2);
    CHECK(json::parse(born.out).at("founded_on") == 3);
    auto const late = t.ask_old_servers({"txn", "volume", count_up});
    INFO(late.out << late.err);
    CHECK(late.code != 0);
    CHECK(t.ask_old_servers({"get", "volume"}).code != 0);
    auto const written = t.c.ask({"txn", "volume", count_up});
    CHECK(written.at("generation") == 2);
    CHECK(written.at("version") == 1);
    auto const again = t.create_second();
    CHECK(again.code == 0);
    CHECK(json::parse(again.out).at("existed") == true);
    // On servers that hold a sealed replica, too; and a third one ends the second.
    CHECK(t.c.ctl({"cell", "create", "volume", "--on", "1,2,5", "--generation", "3"}).code == 0);
    CHECK(t.c.ask({"txn", "volume", count_up}).at("generation") == 3);
}

TEST_CASE("a cell of which too few members answer is not ended, and nothing is changed until they do") {
    two_generations t;
    t.c.kill(1);
    t.c.kill(2);
    auto const refused = t.create_second();
    INFO(refused.out << refused.err);
    CHECK(refused.code == 3);
    CHECK(refused.out.find("generation 1 has to be ended first, and 1 of its 3 members answer") !=
          std::string::npos);
    t.c.start(1);
    CHECK(t.c.ask({"txn", "volume", count_up}).at("generation") == 1);
    CHECK(t.create_second().code == 0);
    CHECK(t.c.ask({"txn", "volume", count_up}).at("generation") == 2);
    t.c.start(2); // it slept: nobody votes with it, and it is told where the cell is
    CHECK(t.ask_old_servers({"txn", "volume", count_up}).code != 0);
}

TEST_CASE("empty disks count only if every server answers, and looking leaves nothing on them before that") {
    two_generations t;
    t.c.kill(2);
    t.c.kill(1);
    fs::remove_all(t.c.data(1));
    t.c.start(1);
    auto const refused = t.create_second();
    INFO(refused.out << refused.err);
    CHECK(refused.code == 3);
    CHECK(says(refused, "1 of its 3 members answer; no word from servers 3 ("));
    CHECK(says(refused, "an empty disk counts only if all servers answer; nothing was changed\""));
    auto const reserved = [&] {
        std::istringstream lines(t.c.ctl({"status"}).out);
        std::vector<std::size_t> all;
        for (std::string line; std::getline(lines, line);) {
            json::value const told = json::parse(line);
            all.push_back(told.at("reservations").as_array().size());
        }
        return all;
    };
    t.c.start(2);
    CHECK(reserved() == std::vector<std::size_t>(7, 0));
    t.c.kill(2);
    fs::remove_all(t.c.data(2));
    t.c.start(2); // now two disks of three are empty, and everybody answers
    CHECK(t.create_second().code == 0);
    CHECK(t.c.ask({"txn", "volume", count_up}).at("generation") == 2);
    CHECK(reserved() == std::vector<std::size_t>{0, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("a creation that was given up after the directory named its cell is ended by a birth above it") {
    colony c(4);
    (void)c.ask({"colony", "init", "--on", "4"});
    CHECK(c.ctl({"cell", "create", "volume", "--on", "1,2,3", "--die-after", "directory"}).code == -SIGKILL);
    CHECK(c.ctl({"cell", "create", "volume", "--on", "2", "--generation", "2"}).code == 0);
    auto const written = c.ask({"txn", "volume", count_up});
    CHECK(written.at("generation") == 2);
    CHECK(written.at("version") == 1);
}

TEST_CASE("a birth above a cell that moved, or of which one member lost its disk, ends it where it is") {
    two_generations t;
    REQUIRE(t.c.ctl({"cell", "move", "volume", "--on", "4,5,6"}).code == 0);
    t.c.kill(4);
    fs::remove_all(t.c.data(4));
    t.c.start(4);
    CHECK(t.c.ctl({"cell", "create", "volume", "--on", "1,2,3", "--generation", "2"}).code == 0);
    auto const written = t.c.ask({"txn", "volume", count_up});
    CHECK(written.at("generation") == 2);
    CHECK(written.at("version") == 1);
}

TEST_CASE(
    "a birth above another that was killed on its way is finished by the same command, and by no other") {
    for (std::string const step : {"directory", "end"}) {
        INFO(step);
        two_generations t;
        std::vector<std::string> create{"cell",  "create",       "volume", "--on",
                                        "4,5,6", "--generation", "2",      "--die-after"};
        create.push_back(step);
        CHECK(t.c.ctl(create).code == -SIGKILL);
        CHECK(t.c.ctl({"cell", "create", "volume", "--on", "1", "--generation", "3"}).code == 4);
        auto const recover = t.c.ctl({"cell", "recover", "volume", "--on", "4,5,6"});
        CHECK(recover.code == 4);
        CHECK(recover.out.find("a creation of generation 2 was begun") != std::string::npos);
        CHECK(t.create_second().code == 0);
        CHECK(t.ask_old_servers({"txn", "volume", count_up}).code != 0);
        CHECK(t.c.ask({"txn", "volume", count_up}).at("generation") == 2);
    }
}

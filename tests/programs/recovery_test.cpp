// A cell that lost its majority for good, on real processes: four of seven killed, their disks gone.
#include "programs/processes.hpp"

#include <algorithm>

using namespace programs;

namespace {

std::string const on_new = "1,2,3,8,9";

/// A colony in which the cell "volume" is to go on on other servers.
struct recovery {
    colony c;
    std::string on, off;

    ended recover(std::vector<std::string> const& more = {}) const {
        std::vector<std::string> all{"cell", "recover", "volume", "--on", on, "--off", off};
        all.insert(all.end(), more.begin(), more.end());
        return c.ctl(all);
    }
    /// The token of the plan as it is now.
    std::string look() const {
        auto const plan = recover();
        INFO(plan.out << plan.err);
        REQUIRE(plan.code == 1);
        return std::string(json::parse(plan.out).at("confirm").as_string());
    }
};

/// Ten servers: the directory on 8, 9 and 10, the cell on 1 to 7; 4 to 7 are killed, and 4 to 6 have no disk
/// any more.
struct disaster : recovery {
    json::value born;

    disaster() : recovery{colony(10), on_new, "4,5,6,7"} {
        (void)c.ask({"colony", "init", "--on", "8,9,10"});
        born = c.ask({"cell", "create", "volume", "--on", "1,2,3,4,5,6,7"});
        for (int i = 0; i < 5; ++i)
            (void)c.ask({"txn", "volume", count_up});
        for (std::size_t i : {3, 4, 5, 6})
            c.kill(i);
        for (std::size_t i : {3, 4, 5})
            fs::remove_all(c.data(i));
    }
    std::string count() {
        auto const seen = c.ask({"get", "volume", "n"});
        return json::serialize(seen.at("results").at(0).at("entries").at(0).at("value").at("int"));
    }
};

} // namespace

TEST_CASE("a cell that lost its majority goes on with all that was acknowledged and surveyed") {
    disaster d;
    colony& c = d.c;
    auto const silent = c.ctl({"cell", "recover", "volume", "--on", on_new, "--off", "4,5,6"});
    CHECK(silent.code == 3);
    CHECK(silent.out.find("unaccounted: servers 7 do not answer") != std::string::npos);
    CHECK(c.ctl({"cell", "survey", "volume"}).code == 3);
    CHECK(c.ctl({"cell", "survey", "volume", "--off", "4,5,6,7"}).code == 0);
    CHECK(d.recover({"--confirm", std::string(32, '0')}).code == 4);
    std::string const token = d.look();

    auto const done = d.recover({"--confirm", token});
    INFO(done.out << done.err);
    REQUIRE(done.code == 0);
    auto const told = json::parse(done.out);
    CHECK(told.at("generation") == 2);
    CHECK(told.at("words").as_string().find("said to be off: 4,5,6,7") != std::string::npos);
    CHECK(d.count() == "\"5\"");
    auto const written = c.ask({"txn", "volume", count_up});
    CHECK(written.at("generation") == 2);
    CHECK(written.at("cell") == told.at("cell"));
    CHECK(d.count() == "\"6\"");
    CHECK(json::parse(d.recover({"--confirm", token}).out).at("existed") == true); // its answer was lost
    auto const again = d.recover();
    CHECK(again.code == 4);
    CHECK(again.out.find("has_majority") != std::string::npos);
    CHECK(c.ctl({"cell", "create", "volume", "--on", on_new, "--generation", "2"}).code == 4);

    // One that was said to stay off comes back with its data: it meets the sealed ones, and is sealed.
    c.start(6);
    wait_until(
        [&] {
            return c.at(6).err().find("recovered as cell " + std::string(told.at("cell").as_string())) !=
                   std::string::npos;
        },
        "the old replica is sealed");
    CHECK(d.count() == "\"6\"");
    CHECK(c.ask({"txn", "volume", count_up}).at("generation") == 2);

    // And so again, for the cell that was founded: 8 and 9 are left of it.
    for (std::size_t i : {0, 1, 2})
        c.kill(i);
    std::vector<std::string> next{"cell", "recover", "volume", "--on", "8,9,10", "--off", "1,2,3,4,5,6"};
    auto const shown = c.ctl(next);
    INFO(shown.out << shown.err);
    REQUIRE(shown.code == 1);
    next.insert(next.end(), {"--confirm", std::string(json::parse(shown.out).at("confirm").as_string())});
    auto const second = c.ctl(next);
    INFO(second.out << second.err);
    REQUIRE(second.code == 0);
    CHECK(json::parse(second.out).at("generation") == 3);
    CHECK(d.count() == "\"7\"");
}

TEST_CASE("a recovery that was killed after any of its steps is finished by the same command") {
    for (std::string const step : {"reserve", "directory", "seal", "fix", "found"}) {
        INFO("killed after " << step);
        disaster d;
        std::string const token = d.look();
        CHECK(d.recover({"--confirm", token, "--die-after", step}).code == -SIGKILL);
        bool const is_founded = step == "found";
        CHECK((is_founded || d.look() == token)); // the seals don't change what was confirmed
        if (step != "reserve" && !is_founded) {   // the servers are decided
            auto const other = d.c.ctl({"cell", "recover", "volume", "--on", "1,2,8", "--off", "4,5,6,7"});
            CHECK(other.code == 4);
        }
        auto const done = d.recover({"--confirm", token});
        INFO(done.out << done.err);
        REQUIRE(done.code == 0);
        CHECK(d.count() == "\"5\"");
        CHECK(d.c.ask({"txn", "volume", count_up}).at("generation") == 2);
    }
}

TEST_CASE("a cell that has its majority is not recovered, and goes on") {
    colony c(4);
    (void)c.ask({"colony", "init", "--on", "4"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    (void)c.ask({"txn", "volume", count_up});
    c.kill(2);
    auto const refused = c.ctl({"cell", "recover", "volume", "--on", "1,2,4", "--off", "3"});
    CHECK(refused.code == 4);
    CHECK(refused.out.find("has_majority") != std::string::npos);
    CHECK(c.ask({"txn", "volume", count_up}).at("generation") == 1);
    CHECK(c.ctl({"cell", "recover", "volume", "--on", "1,2,4", "--off", "1,3"}).code == 65); // 1 is up
    c.kill(1);
    auto const both = c.ctl({"cell", "recover", "volume", "--on", "1,3,4", "--off", "2,3"});
    CHECK(both.code == 65);
    CHECK(both.out.find("server 3 is named by --on, and said to be off") != std::string::npos);
}

namespace {

/// Nine servers: the directory on 9, the cell on 1, 2 and 3, of which 2 and 3 are killed. It goes on on 1, 5
/// and 6.
struct small_disaster : recovery {
    small_disaster() : recovery{colony(9), "1,5,6", "2,3"} {
        (void)c.ask({"colony", "init", "--on", "9"});
        (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
        (void)c.ask({"txn", "volume", count_up});
        (void)c.ask({"cell", "lead", "volume", "1"});
        c.kill(1);
        c.kill(2);
    }
    void die_after(std::string const& step) {
        CHECK(recover({"--confirm", look(), "--die-after", step}).code == -SIGKILL);
    }
    /// With little time, since it can't succeed.
    ended briefly(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(),
                         {"--json", "--deadline", "2", "--config", (c.folder.path / "ctl.json").string()});
        return zooidctl(arguments);
    }
};

} // namespace

TEST_CASE("a recovery that is taken up by another plan is finished by the token of that one") {
    for (std::string const step : {"fix", "found"}) {
        INFO("killed after " << step);
        small_disaster d;
        std::string const first = d.look();
        CHECK(d.recover({"--confirm", first, "--die-after", "directory"}).code == -SIGKILL);
        CHECK(d.briefly({"txn", "volume", count_up}).code != 0); // one more vote, in a slot above
        std::string const second = d.look();
        REQUIRE(second != first);
        CHECK(says(d.recover({"--confirm", first}), "that confirms another plan"));
        CHECK(d.recover({"--confirm", second, "--die-after", step}).code == -SIGKILL);
        CHECK(says(d.recover({"--confirm", first}), "that confirms another plan"));
        CHECK(d.look() == second);
        auto const done = d.recover({"--confirm", second});
        INFO(done.out << done.err);
        CHECK(done.code == 0);
        CHECK(d.c.ctl({"cell", "move", "volume", "--on", "5,6,7"}).code == 0);
        CHECK(d.recover({"--confirm", second}).code == 0); // the directory says so, whoever has it now
    }
}

TEST_CASE("a recovered cell is not moved before the directory says that it was founded") {
    small_disaster d;
    d.die_after("found");
    CHECK(d.c.ask({"txn", "volume", count_up}).at("generation") == 2);
    auto const moved = d.c.ctl({"cell", "move", "volume", "--on", "7,8,9"});
    INFO(moved.out << moved.err);
    CHECK(moved.code == 4);
    CHECK(says(moved, "a recovery as generation 2 was begun on servers 1,5,6 and is not finished"));
    CHECK(says(moved, "said to be off: 2,3"));
    CHECK(says(d.c.ctl({"cell", "survey", "volume", "--off", "2,3"}), R"({"begun":{"recovery":true)"));
    CHECK(says(d.c.ctl({"cell", "recover", "volume", "--on", "1,5,7"}), "begun on servers 1,5,6"));
    // Whoever finds it so needs neither the token of who began nor his list of servers.
    auto const left = d.c.ctl({"cell", "recover", "volume", "--on", "1,5,6"});
    REQUIRE(left.code == 1);
    CHECK(json::parse(left.out).at("founded") == true);
    std::string const token(json::parse(left.out).at("confirm").as_string());
    CHECK(d.c.ctl({"cell", "recover", "volume", "--on", "1,5,6", "--confirm", token}).code == 0);
    CHECK(d.c.ctl({"cell", "move", "volume", "--on", "7,8,9"}).code == 0);
    CHECK(says(d.c.ctl({"cell", "survey", "volume", "--off", "2,3"}), "has_majority"));
    CHECK(d.c.ctl({"cell", "create", "volume", "--on", "4", "--generation", "3"}).code == 0);
}

TEST_CASE("where a recovery was begun and not founded, commands say so and how it is finished") {
    small_disaster d;
    d.die_after("directory");
    std::string const why = "a recovery as generation 2 was begun on servers 1,5,6 and is not finished";
    for (std::vector<std::string> const& command :
         {std::vector<std::string>{"cell", "move", "volume", "--on", "7,8,9"},
          {"cell", "prefer", "volume", "--on", "6,5,1"},
          {"cell", "lead", "volume", "5"},
          {"cell", "finalise", "volume", "1"},
          {"cell", "create", "volume", "--on", "1,5,6", "--generation", "2"},
          {"cell", "create", "volume", "--on", "4", "--generation", "3"}}) {
        auto const refused = d.c.ctl(command);
        INFO(command[1] << ": " << refused.out << refused.err);
        CHECK(refused.code == 4);
        CHECK(says(refused, why));
        CHECK(says(refused, R"(cell recover \"volume\" --on 1,5,6)"));
    }
    auto const seen = d.c.ctl({"cell", "survey", "volume", "--off", "2,3"});
    CHECK(seen.code == 0);
    auto const begun = json::parse(seen.out.substr(0, seen.out.find('\n'))).at("begun");
    CHECK(begun.at("on") == json::value{1, 5, 6});
    CHECK(begun.at("founded") == false);
    CHECK(d.recover({"--confirm", d.look()}).code == 0);
}

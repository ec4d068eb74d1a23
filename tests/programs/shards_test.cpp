// Real servers with several shards, each on a thread of its own, and with different numbers of them.
#include "programs/processes.hpp"

#include <map>
#include <set>

using namespace programs;

namespace {

std::string volume(std::size_t i) {
    return "volume-" + std::to_string(i);
}

json::value value_of(colony const& c, std::string const& key) {
    return c.ask({"get", key, "n"}).at("results").at(0).at("entries").at(0).at("value").at("int");
}

} // namespace

TEST_CASE("servers with 1, 2 and 3 shards lose nothing to kill -9, one by one and all at once") {
    colony c(3, true, {1, 2, 3});
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    constexpr std::size_t volumes = 4;
    std::map<std::string, std::set<std::uint64_t>> answered; // slots, by cell
    for (std::size_t i = 0; i < volumes; ++i)
        (void)c.ask({"cell", "create", volume(i), "--on", "1,2,3"});
    std::uint64_t n = 0;
    auto const write_to_all = [&] {
        for (std::size_t i = 0; i < volumes; ++i) {
            auto const done = c.ask({"txn", volume(i), count_up});
            CHECK(done.at("outcome") == "committed");
            answered[volume(i)].insert(done.at("slot").to_number<std::uint64_t>());
        }
        ++n;
    };
    for (std::size_t victim = 0; victim < 3; ++victim) {
        write_to_all();
        c.kill(victim);
        write_to_all();
        c.start(victim);
    }
    for (std::size_t i = 0; i < 3; ++i)
        c.kill(i);
    for (std::size_t i = 0; i < 3; ++i)
        c.start(i);
    for (std::size_t i = 0; i < volumes; ++i)
        CHECK(value_of(c, volume(i)) == json::value(std::to_string(n)));

    // All shards of all servers wrote into the events files; they agree on every slot.
    std::map<std::pair<std::string, std::uint64_t>, std::set<std::string>> states;
    for (std::size_t i = 0; i < 3; ++i) {
        std::ifstream file(c.events(i));
        for (std::string line; std::getline(file, line);) {
            auto const fact = json::parse(line);
            if (fact.at("fact") != "chosen") continue;
            states[{std::string(fact.at("cell").as_string()), fact.at("slot").to_number<std::uint64_t>()}]
                .insert(std::string(fact.at("state_digest").as_string()));
        }
    }
    CHECK(states.size() >= volumes * n);
    for (auto const& [at, digests] : states)
        CHECK(digests.size() == 1);
    auto const cells = fs::directory_iterator(c.data(2));
    std::size_t const stores = std::count_if(begin(cells), end(cells), [](auto const& entry) {
        return entry.path().filename().string().starts_with("store-");
    });
    CHECK(stores == 3);
    auto const verified = run({ZOOID_JOURNAL_PATH, "--json", c.data(2).string()});
    INFO(verified.out << verified.err);
    CHECK(verified.code == 0);
    CHECK(json::parse(verified.out).at("stores").as_array().size() == 3);
}

TEST_CASE("a sharded server tells its status as one, names shards in its log, and stops on SIGTERM") {
    colony c(3, false, {2, 3, 2});
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    (void)c.ask({"txn", "volume", count_up});
    auto const done = c.ctl({"status"});
    REQUIRE(done.code == 0);
    std::istringstream lines(done.out);
    std::vector<std::uint64_t> shards;
    for (std::string line; std::getline(lines, line);) {
        auto const status = json::parse(line);
        shards.push_back(status.at("shards").to_number<std::uint64_t>());
        CHECK(status.at("counters").at("cells").to_number<std::uint64_t>() == 17); // 16 of the directory
    }
    CHECK(shards == std::vector<std::uint64_t>{2, 3, 2});
    auto const told = c.ctl({"explain", "volume"});
    CHECK(told.code == 0);
    c.at(1).signal(SIGTERM);
    CHECK(c.at(1).wait() == 0);
    CHECK(c.at(1).err().find("\"outcome\":\"complete\"") != std::string::npos);
    CHECK(c.at(1).err().find("\"shard\":2") != std::string::npos);
    CHECK(c.at(1).err().find("\"event\":\"counters\",\"shards\":3") != std::string::npos);
    (void)c.ask({"txn", "volume", count_up});
    c.start(1);
    (void)c.ask({"txn", "volume", count_up});
    CHECK(value_of(c, "volume") == json::value("3"));
}

TEST_CASE("a server is not started with another number of shards than its data directory has") {
    colony c(1, false, {2});
    c.kill(0);
    auto config = json::parse(read_all(c.config(0))).as_object();
    for (unsigned const wrong : {1u, 3u}) {
        config["shards"] = wrong;
        write_all(c.config(0), json::serialize(config));
        auto const done = run({ZOOIDD_PATH, "--config", c.config(0).string()});
        CHECK(done.code == 78);
        CHECK(done.err.find("shards: " + std::to_string(wrong) + " are asked for, and " + c.data(0).string() +
                            "/manifest names 2 stores") != std::string::npos);
    }
    c.start(0);
}

TEST_CASE("volumes on servers with 1, 2 and 3 shards fail over through kill -9, linearizably", "[slow]") {
    (void)fail_over(
        {"--servers", "5", "--shards", "1,2,3", "--cells", "12", "--clients", "4", "--seconds", "15"});
}

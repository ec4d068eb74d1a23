// The example that awaits its calls, against real servers.
#include "programs/processes.hpp"

using namespace programs;

TEST_CASE("the coroutine example fails a volume over, and knows what to say when there is none") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    auto const keys = (c.folder.path / "client.keys").string();
    REQUIRE(zooidctl({"keygen", keys, "--from", c.keys().string(), "--client", "7"}).code == 0);
    auto const fail_over = [&](std::string const& volume, std::string const& to) {
        std::vector<std::string> arguments{ZOOID_COROUTINE_PATH, keys, volume, to};
        auto const config = json::parse(read_all(c.folder.path / "ctl.json"));
        for (auto const& server : config.at("servers").as_array())
            arguments.push_back(json::serialize(server.at("id")) + "=" +
                                std::string(server.at("address").as_string()));
        return run(arguments);
    };
    auto const first = fail_over("volume", "server-a");
    INFO(first.out << first.err);
    CHECK(first.code == 0);
    CHECK(first.out.starts_with("committed, token 1."));
    CHECK(fail_over("volume", "server-b").code == 0);
    auto const entries = c.ask({"get", "volume", "primary", "generation"}).at("results");
    CHECK(entries.at(0).at("entries").at(0).at("value").at("text") == "server-b");
    CHECK(entries.at(1).at("entries").at(0).at("value").at("int") == "2");

    auto const none = fail_over("nowhere", "server-a");
    CHECK(none.code == 1);
    CHECK(none.err.find("cannot read nowhere: not_found") != std::string::npos);
    CHECK(run({ZOOID_COROUTINE_PATH}).code == 64);
    for (std::string const server :
         {"1=127.0.0.1:99999", "1=127.0.0.1:7x", "-1=127.0.0.1:7", "127.0.0.1:7"}) {
        auto const refused = run({ZOOID_COROUTINE_PATH, keys, "volume", "server-a", server});
        CHECK(refused.code == 64);
        CHECK(refused.err.find(server + ": a server is ID=HOST:PORT") != std::string::npos);
    }
}

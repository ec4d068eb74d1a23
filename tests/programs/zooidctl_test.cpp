#include "programs/processes.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include <sys/stat.h>

using namespace programs;

TEST_CASE("keygen writes a file that only its owner can read, replaces none, and issues client keys") {
    scratch folder;
    auto const path = (folder.path / "keys").string();
    CHECK(zooidctl({"keygen", path}).code == 0);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(zooidctl({"keygen", path}).code == 4);
    auto const client = (folder.path / "client").string();
    CHECK(zooidctl({"keygen", client, "--from", path, "--client", "7"}).code == 0);
    CHECK(read_all(client).find("client 7") != std::string::npos);
    CHECK(zooidctl({"keygen", client + "2", "--from", client, "--client", "8"}).code == 65);
}

TEST_CASE("usage errors end with 64, a bad configuration with 78, a bad transaction with 65") {
    scratch folder;
    CHECK(zooidctl({}).code == 64);
    CHECK(zooidctl({"frobnicate"}).code == 64);
    CHECK(zooidctl({"txn", "k"}).code == 64);
    CHECK(zooidctl({"status"}).code == 78);
    auto const config = (folder.path / "ctl.json").string();
    CHECK(zooidctl({"--config", config, "status"}).code == 78);
    write_all(config,
              "{\"servers\":[{\"id\":1,\"address\":\"127.0.0.1:1\"},{\"id\":1,\"address\":\"127.0.0.1:2\"}],"
              "\"keys\":\"k\"}");
    auto const twice = zooidctl({"--config", config, "status"});
    CHECK(twice.code == 78);
    CHECK(twice.err.find("at $.servers[1].id: this server is listed twice") != std::string::npos);
    auto const keys = (folder.path / "keys").string();
    CHECK(zooidctl({"keygen", keys}).code == 0);
    write_all(config, "{\"servers\":[{\"id\":1,\"address\":\"127.0.0.1:1\"}],\"keys\":\"" + keys + "\"}");
    auto const bad = zooidctl({"--config", config, "txn", "k", "{\"then\":[{\"put\":\"a\",\"value\":1.5}]}"});
    CHECK(bad.code == 65);
    CHECK(bad.err.find("transaction:1:29: at $.then[0].value") != std::string::npos);
}

TEST_CASE("unreachable servers and a wrong colony key end within the deadline, and nothing happened") {
    colony c(1);
    auto const other = (c.folder.path / "other.keys").string();
    REQUIRE(zooidctl({"keygen", other}).code == 0);
    auto const config = read_all(c.folder.path / "ctl.json");
    auto wrong = config;
    wrong.replace(wrong.find(c.keys().string()), c.keys().string().size(), other);
    write_all(c.folder.path / "wrong.json", wrong);
    auto const refused =
        zooidctl({"--config", (c.folder.path / "wrong.json").string(), "--deadline", "30", "get", "k"});
    INFO(refused.err);
    CHECK(refused.code == 4);
    c.kill(0);
    auto const gone =
        zooidctl({"--config", (c.folder.path / "ctl.json").string(), "--deadline", "1", "get", "k"});
    INFO(gone.err);
    CHECK(gone.code == 3);
}

TEST_CASE("a command runs while its lease is held, and the lease is free after it") {
    colony c(1);
    REQUIRE(c.ctl({"colony", "init", "--on", "1"}).code == 0);
    REQUIRE(c.ctl({"cell", "create", "volume", "--on", "1"}).code == 0);
    auto const ended = c.ctl({"lease", "hold", "volume", "lock", "--for", "30", "--", "sh", "-c",
                              "test $ZOOID_LEASE_NUMBER -ge 1 && exit 7"});
    INFO(ended.err);
    CHECK(ended.code == 7);
    auto const none = c.ctl({"lease", "hold", "volume", "lock", "--", "/nonexistent"});
    CHECK(none.code == 127);
    CHECK(none.err == "zooidctl: /nonexistent: No such file or directory\n");
    auto const shown = c.ctl({"lease", "show", "volume", "lock"});
    CHECK(shown.code == 1);
    CHECK(json::parse(shown.out).at("held") == false);
    REQUIRE(c.ctl({"txn", "volume", R"({"then":[{"put":"other","value":true}]})"}).code == 0);
    CHECK(c.ctl({"lease", "hold", "volume", "other", "--", "true"}).code == 4); // no lease
}

TEST_CASE("a command that is killed with its lease leaves nothing of it running, and a signal is passed on") {
    colony c(1);
    REQUIRE(c.ctl({"colony", "init", "--on", "1"}).code == 0);
    REQUIRE(c.ctl({"cell", "create", "volume", "--on", "1"}).code == 0);
    auto const pid_file = (c.folder.path / "pid").string();
    // The command starts another one, in a session of its own, and waits for it.
    std::string const command = "setsid sleep 1000 & echo $! > " + pid_file + ".new; mv " + pid_file +
                                ".new " + pid_file + "; wait; true";
    auto const hold = [&](std::string const& seconds) {
        fs::remove(pid_file);
        auto held = std::make_unique<process>(
            std::vector<std::string>{ZOOIDCTL_PATH, "--deadline", "30", "--config",
                                     (c.folder.path / "ctl.json").string(), "lease", "hold", "volume", "lock",
                                     "--for", seconds, "--", "sh", "-c", command},
            c.folder.path / "hold.out", c.folder.path / "hold.err");
        wait_until([&] { return fs::exists(pid_file); }, "the command runs");
        return held;
    };
    // Whoever was killed and has nobody to wait for it may stay as a zombie: it runs no more.
    auto const runs = [&] {
        std::string const stat = read_all("/proc/" + std::to_string(std::stol(read_all(pid_file))) + "/stat");
        return !stat.empty() && stat.find(") Z") == std::string::npos;
    };
    auto const ended = hold("30");
    REQUIRE(runs());
    ended->signal(SIGTERM);
    CHECK(ended->wait() == 128 + SIGTERM);
    wait_until([&] { return !runs(); }, "what the command started has ended");
    CHECK(c.ctl({"lease", "show", "volume", "lock"}).code == 1); // free

    auto const lost = hold("1");
    c.kill(0);
    CHECK(lost->wait() == 3);
    wait_until([&] { return !runs(); }, "what the command started was killed");
    CHECK(lost->err().find("the lease ran out, and the command was killed") != std::string::npos);
}

TEST_CASE("a colony is founded, a cell created, written, read, scanned and explained") {
    colony c(3);
    auto const before = c.ctl({"cell", "create", "volume", "--on", "1,2,3"});
    CHECK(before.code == 4); // no directory yet
    auto const founded = c.ask({"colony", "init", "--on", "1,2,3"});
    CHECK(founded.at("existed") == 0);
    CHECK(c.ask({"colony", "init", "--on", "3,2,1"}).at("existed") ==
          founded.at("directory").as_array().size());
    CHECK(c.ctl({"colony", "init", "--on", "1"}).code == 4);

    auto const created = c.ask({"cell", "create", "volume", "--on", "2,3,1"});
    CHECK(created.at("existed") == false);
    CHECK(created.at("generation") == 1);
    auto const again = c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    CHECK(again.at("existed") == true);
    CHECK(again.at("cell") == created.at("cell"));
    auto const elsewhere = c.ctl({"cell", "create", "volume", "--on", "1"});
    CHECK(elsewhere.code == 4);
    CHECK(elsewhere.out.find(R"(key \"volume\" has generation 1)") != std::string::npos);
    CHECK(elsewhere.out.find("founded on servers ") != std::string::npos);
    CHECK(c.ctl({"cell", "create", "even", "--on", "1,2"}).code == 65);
    CHECK(c.ctl({"cell", "create", "twice", "--on", "1,1,2"}).code == 65);
    CHECK(c.ctl({"cell", "create", "directory/1", "--on", "1"}).code == 65);
    CHECK(c.ctl({"cell", "create", std::string(1025, 'k'), "--on", "1"}).code == 65);

    auto const written = c.ask({"txn", "volume",
                                R"({"if":[{"absent":"generation"}],
                                    "then":[{"put":"primary","value":{"text":"a"}},{"add":"generation","value":1}]})"});
    CHECK(written.at("outcome") == "committed");
    CHECK(written.at("version") == 1);
    CHECK(written.at("cell") == created.at("cell"));
    auto const rejected = c.ctl({"txn", "volume", R"({"if":[{"absent":"generation"}],"then":[]})"});
    CHECK(rejected.code == 1);
    auto const said = json::parse(rejected.out);
    CHECK(said.at("outcome") == "rejected");
    CHECK(said.at("met").at("value").at("int") == "1");

    CHECK(
        c.ask({"get", "volume", "primary"}).at("results").at(0).at("entries").at(0).at("value").at("text") ==
        "a");
    CHECK(c.ask({"get", "volume"}).at("results").at(0).at("entries").as_array().size() == 2);
    CHECK(c.ask({"scan", "volume", "--prefix", "gen"}).at("results").at(0).at("entries").as_array().size() ==
          1);
    CHECK(c.ctl({"get", "volume", "--leased", "primary"}).code == 0);
    CHECK(c.ctl({"get", "volume", "--leased", "--stale"}).code == 64);
    CHECK(c.ctl({"get", "volume", "nothing"}).code == 1);
    CHECK(c.ctl({"get", "nowhere"}).code == 4);
    auto const scanned = c.ask({"scan"});
    CHECK(scanned.at("key") == "volume");
    CHECK(scanned.at("founders") == json::value{2, 3, 1});
    CHECK(created.at("founders") == scanned.at("founders"));
    CHECK(c.tell({"scan"}).out.find("founded on servers 2,3,1\n") != std::string::npos);
    auto const status = c.ctl({"status"});
    CHECK(status.code == 0);
    CHECK(std::count(status.out.begin(), status.out.end(), '\n') == 3);
    auto const explained = c.ctl({"explain", "volume"});
    CHECK(explained.code == 0);
    CHECK(explained.out.find("\"role\":\"leading\"") != std::string::npos);
    CHECK(c.ctl({"explain", "nowhere"}).code == 4);
}

TEST_CASE("of creators that race for one key all end with the same cell, or are told whose it is") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    for (int round = 0; round < 3; ++round) {
        std::string const key = "raced-" + std::to_string(round);
        std::vector<std::unique_ptr<process>> racers;
        scratch folder;
        for (int i = 0; i < 4; ++i) {
            auto const name = folder.path / std::to_string(i);
            racers.push_back(std::make_unique<process>(
                std::vector<std::string>{ZOOIDCTL_PATH, "--json", "--deadline", "30", "--config",
                                         (c.folder.path / "ctl.json").string(), "cell", "create", key, "--on",
                                         i == 3 ? "1" : "1,2,3"},
                name.string() + ".out", name.string() + ".err"));
        }
        std::set<std::string> cells;
        for (auto& racer : racers) {
            int const code = racer->wait();
            INFO(racer->out() << racer->err());
            CHECK((code == 0 || code == 4));
            if (code == 0) cells.insert(std::string(json::parse(racer->out()).at("cell").as_string()));
        }
        CHECK(cells.size() == 1);
        CHECK(c.ask({"txn", key, count_up}).at("version") == 1);
    }
}

TEST_CASE("a creation that was killed on its way is finished by the same command") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    for (int at_ms : {0, 5, 10, 20, 40, 80}) { // cut at whatever point that is
        std::string const key = "cut-" + std::to_string(at_ms);
        scratch folder;
        process creator({ZOOIDCTL_PATH, "--config", (c.folder.path / "ctl.json").string(), "cell", "create",
                         key, "--on", "1,2,3"},
                        folder.path / "out", folder.path / "err");
        auto const cut = steady::now() + std::chrono::milliseconds(at_ms);
        while (creator.running() && steady::now() < cut)
            process::pause();
        creator.signal(SIGKILL);
        CHECK(c.ask({"cell", "create", key, "--on", "1,2,3"}).at("founded_on") == 3);
        CHECK(c.ask({"txn", key, count_up}).at("version") == 1);
    }
}

TEST_CASE("a move that runs out of time after it asked for a change is unknown, and names the replacement") {
    colony c(4);
    (void)c.ask({"colony", "init", "--on", "4"});
    (void)c.ask({"cell", "create", "k", "--on", "1,2,3"});
    c.kill(1);
    c.kill(2); // one of three is left: it tells of the cell, and no change can be chosen
    auto const moved =
        zooidctl({"--json", "--deadline", "4", "--config", (c.folder.path / "ctl.json").string(), "cell",
                  "move", "k", "--on", "1,2,4"});
    INFO(moved.out << moved.err);
    CHECK(moved.code == 2);
    CHECK(moved.out.find("replacing server 3 by 4") != std::string::npos);
}

TEST_CASE("the lead is handed over in a cell that nobody used since its founding, or since a restart") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    (void)c.ask({"cell", "create", "k", "--on", "1,2,3"});
    auto const leads = [&](std::string const& server) {
        auto const handed = c.ctl({"cell", "lead", "k", server});
        INFO(handed.out << handed.err);
        CHECK(handed.code == 0);
        std::istringstream explained(c.ctl({"explain", "k"}).out);
        std::string line, leading;
        while (std::getline(explained, line)) {
            if (line.find(R"("role":"leading")") != std::string::npos) leading = line;
        }
        CHECK(leading.find(R"("server":)" + server + ",") != std::string::npos);
    };
    leads("2");
    for (std::size_t i : {0, 1, 2})
        c.kill(i);
    for (std::size_t i : {0, 1, 2})
        c.start(i);
    leads("3");
    leads("1");
}

TEST_CASE("the help of a move says what becomes of the order, and does not promise the one that was typed") {
    auto const help = zooidctl({"cell", "move", "--help"});
    CHECK(help.code == 0);
    CHECK(help.out.find("takes the place of") != std::string::npos);
    CHECK(help.out.find("preferred proposer first") == std::string::npos);
}

TEST_CASE("status says that a journal was rolled back, and what to do about it") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    c.kill(2);
    auto const image = c.folder.path / "image";
    fs::copy(c.data(2), image, fs::copy_options::recursive);
    c.start(2);
    (void)c.ask({"cell", "create", "k", "--on", "1,2,3"});
    for (int i = 0; i < 20; ++i)
        (void)c.ask({"txn", "k", count_up});
    c.kill(0); // it comes back and hears in the handshake with server 3 what that has: without 2 they commit
    c.start(0);
    c.kill(1);
    (void)c.ask({"txn", "k", count_up});
    c.start(1);
    c.kill(2);
    fs::remove_all(c.data(2));
    fs::copy(image, c.data(2), fs::copy_options::recursive);
    c.start(2);
    wait_until(
        [&] { return c.tell({"status"}).out.find("  journal was rolled back: ") != std::string::npos; },
        "status tells");
    CHECK(c.tell({"status"}).out.find("its data directory has to be formatted anew") != std::string::npos);
}

// What a stranger gets wrong, program by program: each ends with a code of its own and words that say what
// and where.
#include "programs/processes.hpp"

#include <algorithm>

using namespace programs;

namespace {

std::string put(std::string const& name, std::size_t value_bytes) {
    return R"({"put":")" + name + R"(","value":{"text":")" + std::string(value_bytes, 'v') + R"("}})";
}

std::string then(std::vector<std::string> const& operations) {
    std::string text = R"({"then":[)";
    for (std::string const& o : operations)
        text += (text.back() == '[' ? "" : ",") + o;
    return text + "]}";
}

} // namespace

TEST_CASE("every program explains itself, and refuses what it does not know with 64") {
    for (char const* program : {ZOOIDD_PATH, ZOOIDCTL_PATH, ZOOID_JOURNAL_PATH, ZOOID_SIM_PATH,
                                ZOOID_FAILOVER_PATH, ZOOID_PLACE_PATH, ZOOID_BLAST_PATH}) {
        INFO(program);
        auto const help = run({program, "--help"});
        CHECK(help.code == 0);
        CHECK(says(help, "Usage"));
        auto const unknown = run({program, "--frobnicate"});
        CHECK(unknown.code == 64);
        CHECK(says(unknown, "--help"));
    }
    CHECK(run({ZOOID_SIM_PATH, "--seeds", "one..two"}).code == 64);
    CHECK(says(run({ZOOID_SIM_PATH, "--seeds", "one..two"}), "one..two"));
    CHECK(run({ZOOID_SIM_PATH, "--seed", "minus"}).code == 64);
    CHECK(says(run({ZOOID_SIM_PATH, "--profile", "sunny"}), "sunny"));
    CHECK(run({ZOOID_SIM_PATH, "--profile", "sunny"}).code == 64);
    CHECK(run({ZOOID_FAILOVER_PATH, "--seconds", "1"}).code == 64);
    CHECK(run({ZOOID_PLACE_PATH}).code == 64);
    CHECK(run({ZOOID_BLAST_PATH, "--cells", "0"}).code == 64);
}

TEST_CASE("a number that is negative, too large, octal or none is refused with 64 and named") {
    std::vector<std::string> const above = {"-1", "18446744073709551616", "9007199254740993", "010", "1x"};
    auto const refused = [](std::vector<std::string> const& command, std::string const& given) {
        auto const done = run(command);
        INFO(command.at(0) << " ... " << given << ": " << done.out << done.err);
        CHECK(done.code == 64);
        CHECK(says(done, given + " is not a "));
    };
    for (std::string const& n : above) {
        refused({ZOOIDCTL_PATH, "cell", "create", "k", "--on", "1", "--generation=" + n}, n);
        refused({ZOOIDCTL_PATH, "cell", "create", "k", "--on=1,2," + n}, n);
        refused({ZOOIDCTL_PATH, "cell", "recover", "k", "--on", "1", "--off=" + n}, n);
        refused({ZOOIDCTL_PATH, "keygen", "none", "--from", "none", "--client=" + n}, n);
        refused({ZOOIDD_PATH, "--config", "none", "--report-seconds=" + n}, n);
    }
    for (std::string const n : {"-1", "18446744073709551616", "010"}) {
        refused({ZOOID_SIM_PATH, "--profile", "calm", "--seed=" + n}, n);
        refused({ZOOID_PLACE_PATH, "--topology", "t", "--cells", "c", "--out", "o", "--churn=" + n}, n);
        refused({ZOOID_BLAST_PATH, "--topology-out", "/dev/null", "--seed=" + n}, n);
        refused({ZOOID_FAILOVER_PATH, "--directory", "/dev/null", "--seed=" + n}, n);
    }
    for (std::string const n : {"nan", "inf", "-1", "1e9"}) {
        refused({ZOOIDCTL_PATH, "--deadline=" + n, "status"}, n);
        refused({ZOOIDCTL_PATH, "lease", "hold", "k", "l", "--for=" + n, "--", "true"}, n);
        refused({ZOOIDD_PATH, "--config", "none", "--stop-seconds=" + n}, n);
        refused({ZOOID_PLACE_PATH, "--topology", "t", "--cells", "c", "--out", "o", "--hysteresis=" + n}, n);
    }
}

TEST_CASE(
    "an account of a life that cannot be written is refused before the life, and one cut short is told") {
    for (char const* account : {"--trace", "--history", "--steps"}) {
        INFO(account);
        auto const nowhere = run({ZOOID_SIM_PATH, "--profile", "calm", account, "/nonexist/x"});
        CHECK(nowhere.code == 64);
        CHECK(says(nowhere, "cannot write /nonexist/x"));
        CHECK_FALSE(says(nowhere, "seed 1"));
        auto const full = run({ZOOID_SIM_PATH, "--profile", "calm", account, "/dev/full"});
        CHECK(full.code == 74);
        CHECK(says(full, "cannot write /dev/full"));
        CHECK(says(full, "seed 1"));
    }
}

TEST_CASE("a history or picture that has no place is refused before servers are started") {
    scratch folder;
    for (char const* file : {"--history", "--picture"}) {
        INFO(file);
        auto const nowhere =
            run({ZOOID_FAILOVER_PATH, "--directory", folder.path / "run", file, "/nonexist/x"});
        CHECK(nowhere.code == 64);
        CHECK(says(nowhere, "zooid-failover: cannot write /nonexist/x"));
        CHECK_FALSE(fs::exists(folder.path / "run"));
    }
}

TEST_CASE("what cannot be printed is no success") {
    scratch folder;
    auto const to_nowhere = [&](std::string const& program, std::string const& arguments) {
        auto const done = run({"/bin/sh", "-c", "exec \"$0\" " + arguments + " >/dev/full", program});
        INFO(program << " " << arguments << ": " << done.err);
        CHECK(done.code == 74);
        CHECK(says(done, "cannot write to standard output"));
    };
    colony c(1);
    (void)c.ask({"colony", "init", "--on", "1"});
    (void)c.ask({"cell", "create", "v", "--on", "1"});
    auto const config = "--config " + (c.folder.path / "ctl.json").string();
    to_nowhere(ZOOIDCTL_PATH, config + " get v");
    to_nowhere(ZOOIDCTL_PATH, config + " --json status");
    c.kill(0);
    to_nowhere(ZOOID_JOURNAL_PATH, c.data(0).string());
    to_nowhere(ZOOID_JOURNAL_PATH, "--json --records " + c.data(0).string());
    to_nowhere(ZOOID_SIM_PATH, "--profile calm");
    for (char const* program : {ZOOIDD_PATH, ZOOID_PLACE_PATH, ZOOID_BLAST_PATH, ZOOID_FAILOVER_PATH})
        to_nowhere(program, "--help");
}

TEST_CASE("a campaign without a life, or with the files of one life, is wrong usage") {
    for (std::string const seeds : {"3..1", "1..18446744073709551615"}) {
        auto const none = run({ZOOID_SIM_PATH, "--profile", "calm", "--seeds", seeds});
        CHECK(none.code == 64);
        CHECK(says(none, seeds));
    }
    for (std::string const account : {"--trace", "--history", "--steps"}) {
        INFO(account);
        scratch folder;
        auto const path = folder.path / "account";
        auto const both =
            run({ZOOID_SIM_PATH, "--profile", "calm", "--seeds", "1..1", account, path.string()});
        CHECK(both.code == 64);
        CHECK(says(both, "--seeds excludes " + account));
        CHECK_FALSE(fs::exists(path));
    }
}

TEST_CASE("options of one life and of a campaign are not mixed") {
    auto const both = run({ZOOID_SIM_PATH, "--profile", "calm", "--seed", "1", "--seeds", "1..1"});
    CHECK(both.code == 64);
    CHECK(says(both, "--seeds excludes --seed"));
    auto const hashes = run({ZOOID_SIM_PATH, "--profile", "calm", "--seed", "1", "--hashes"});
    CHECK(hashes.code == 64);
    CHECK(says(hashes, "--hashes requires --seeds"));
}

TEST_CASE("a number of replicas that makes no cell is refused by its number") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    auto const even = c.ctl({"cell", "create", "k", "--on", "1,2"});
    CHECK(even.code == 65);
    CHECK(says(even, "2 replicas: a cell has an odd number of them, from 1 to 9"));
    CHECK(c.ctl({"cell", "create", "k"}).code == 64);
    CHECK(c.ctl({"cell", "create", "k", "--on", ""}).code == 64);
    auto const zero = c.ctl({"cell", "create", "k", "--on", "0"});
    CHECK(zero.code == 65);
    CHECK(says(zero, "server 0: a server's id is above 0"));
    auto const stranger = c.ctl({"cell", "create", "k", "--on", "9"});
    CHECK(stranger.code == 4);
    CHECK(says(stranger, "server 9 is not among those of the configuration"));
    CHECK(says(c.ctl({"explain", "k"}), R"(has the cell of key \"k\")"));
    CHECK(c.ctl({"get", "k"}).code == 4); // nothing was made of it
}

TEST_CASE("a version that no software has, and a generation of 0, are refused by name") {
    colony c(1);
    (void)c.ask({"colony", "init", "--on", "1"});
    (void)c.ask({"cell", "create", "k", "--on", "1"});
    auto const above = c.ctl({"cell", "finalise", "k", "2"});
    CHECK(above.code == 4);
    CHECK(says(above, "version 2: the software of a server of the cell does not understand it"));
    CHECK(c.ctl({"cell", "finalise", "k", "1"}).code == 0);
    auto const unborn = c.ctl({"cell", "create", "l", "--on", "1", "--generation", "0"});
    CHECK(unborn.code == 64);
    CHECK(says(unborn, "--generation: 0 is not a whole number from 1 to 9007199254740992"));
}

TEST_CASE("what is over its limit is refused with its size, before and at the cell, and the cell goes on") {
    colony c(1);
    (void)c.ask({"colony", "init", "--on", "1"});
    (void)c.ask({"cell", "create", "k", "--on", "1"});
    struct row {
        std::string transaction;
        char const* said;
    };
    std::vector<std::string> const many(129, R"({"read":"n"})");
    std::vector<std::string> big;
    for (int i = 0; i < 5; ++i)
        big.push_back(put(std::to_string(i), 60'000));
    row const rows[] = {{then({R"({"read":")" + std::string(1025, 'k') + R"("})"}), "1025"},
                        {then({put("v", 65'537)}), "65537"},
                        {then(many), "129"},
                        {then(big), "262144"}};
    auto const transact = [&](std::string const& text) { // through a file: arguments have limits, too
        write_all(c.folder.path / "transaction", text);
        return run({"/bin/sh", "-c", "exec \"$0\" --json --deadline 30 --config \"$1\" txn k - <\"$2\"",
                    ZOOIDCTL_PATH, (c.folder.path / "ctl.json").string(),
                    (c.folder.path / "transaction").string()});
    };
    for (row const& r : rows) {
        auto const done = transact(r.transaction);
        INFO(done.out << done.err);
        CHECK(done.code == 65);
        CHECK(says(done, "too_large"));
        CHECK(says(done, r.said));
    }
    CHECK(c.ask({"txn", "k", then({put("v", 60'000)})}).at("version") == 1);
    std::vector<std::string> full; // each within its limits; all of them are more than a cell holds
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
        auto const done = transact(then({put("a" + std::to_string(i), 60'000)}));
        refused += done.code == 1 && says(done, "state_too_large") ? 1 : 0;
    }
    CHECK(refused >= 2);
    CHECK(c.ask({"txn", "k", R"({"then":[{"read":"v"}]})"}).at("outcome") == "committed");
}

TEST_CASE(
    "keys of another colony, another secret and a client's: each is refused at once with its own reason") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    (void)c.ask({"cell", "create", "k", "--on", "1,2,3"});
    auto const with_keys = [&](std::string const& path, std::vector<std::string> arguments) {
        auto config = read_all(c.folder.path / "ctl.json");
        config.replace(config.find(c.keys().string()), c.keys().string().size(), path);
        write_all(c.folder.path / "other.json", config);
        arguments.insert(arguments.begin(),
                         {"--json", "--deadline", "30", "--config", (c.folder.path / "other.json").string()});
        return zooidctl(arguments);
    };
    auto const path = (c.folder.path / "other.keys").string();
    REQUIRE(zooidctl({"keygen", path}).code == 0);
    auto const began = steady::now();
    auto const foreign = with_keys(path, {"get", "k"});
    CHECK(foreign.code == 4);
    CHECK(says(foreign, "we are of colony"));

    auto text = read_all(c.keys());
    auto& digit = text[text.size() - 2];
    digit = digit == '0' ? '1' : '0';
    write_all(path, text);
    auto const wrong = with_keys(path, {"get", "k"});
    CHECK(wrong.code == 4);
    CHECK(says(wrong, "authentication_failed"));
    CHECK(says(wrong, "the secret of key 1 is not the same at both ends"));
    CHECK(steady::now() - began < 50s); // both together: not at the end of their deadlines

    CHECK(with_keys((c.folder.path / "none").string(), {"get", "k"}).code == 78);

    auto const client = (c.folder.path / "client.keys").string();
    REQUIRE(zooidctl({"keygen", client, "--from", c.keys().string(), "--client", "7"}).code == 0);
    CHECK(with_keys(client, {"txn", "k", count_up}).code == 0);
    for (std::vector<std::string> const& command :
         {std::vector<std::string>{"cell", "create", "mine", "--on", "1,2,3"},
          {"colony", "init", "--on", "1,2,3"}}) {
        auto const denied = with_keys(client, command);
        INFO(denied.out);
        CHECK(denied.code == 4);
        CHECK(says(denied, "permission_denied"));
        CHECK(says(denied, "needs the keys of an admin; these are a client's"));
    }
    auto const admin = (c.folder.path / "admin.keys").string();
    REQUIRE(zooidctl({"keygen", admin, "--from", c.keys().string(), "--admin", "8"}).code == 0);
    CHECK(with_keys(admin, {"cell", "create", "mine", "--on", "1,2,3"}).code == 0);
    CHECK(zooidctl({"keygen", path + "2", "--from", c.keys().string()}).code == 64); // for whom?
}

TEST_CASE("peers that nobody can reach stop no server, and it says whom it misses") {
    colony c(1);
    auto config = json::parse(read_all(c.config(0)));
    config.as_object()["peers"] = json::array{json::object{{"id", 2}, {"address", "127.0.0.1:1"}}};
    c.kill(0);
    write_all(c.config(0), json::serialize(config));
    process p({ZOOIDD_PATH, "--config", c.config(0).string()}, c.folder.path / "out", c.folder.path / "err");
    wait_until([&] { return p.out().find("\"listening\"") != std::string::npos; }, "listens");
    wait_until([&] { return p.err().find("\"event\":\"suspected\",\"peer\":2") != std::string::npos; },
               "misses 2");
    p.signal(SIGTERM);
    CHECK(p.wait() == 0);
}

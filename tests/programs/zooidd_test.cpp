#include "programs/processes.hpp"

#include <arpa/inet.h>
#include <map>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace programs;

namespace {

struct one_server {
    scratch folder;
    std::string keys = (folder.path / "k").string();
    std::string data = (folder.path / "data").string();

    one_server() { REQUIRE(zooidctl({"keygen", keys}).code == 0); }
    ended start(std::string const& config, std::vector<std::string> more = {}) const {
        write_all(folder.path / "c.json", config);
        std::vector<std::string> arguments{ZOOIDD_PATH, "--config", (folder.path / "c.json").string()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }
    std::string good(std::string const& more = "", std::string const& id = "1") const {
        return "{\"id\":" + id + ",\"listen\":\"127.0.0.1:0\",\"data\":\"" + data + "\",\"keys\":\"" + keys +
               "\"" + more + "}";
    }
};

} // namespace

TEST_CASE("a bad configuration ends zooidd with 78 and names file, line, column and path") {
    one_server s;
    struct row {
        std::string config;
        char const* said;
    };
    row const rows[] = {
        {"", "c.json:1:1: at $: this is no JSON"},
        {"[]", "at $: an object is expected"},
        {"{}", "\"id\" is missing"},
        {s.good(",\"colour\":1"), "at $.colour: \"colour\" is not a field"},
        {s.good(",\n\"id\":2"), "c.json:2:1: at $.id: \"id\" is given twice"},
        {s.good("", "\"1\""), "at $.id: a number is expected"},
        {s.good("", "0"), "at $.id: a server id"},
        {s.good("", "-1"), "at $.id: -1 is not"},
        {s.good(",\"peers\":{}"), "at $.peers: an array"},
        {s.good(
             ",\"peers\":[{\"id\":2,\"address\":\"127.0.0.1:7\"},\n{\"id\":2,\"address\":\"127.0.0.1:8\"}]"),
         "c.json:2:7: at $.peers[1].id: server 2 is listed twice, first in line 1"},
        {s.good(",\"peers\":[{\"id\":1,\"address\":\"127.0.0.1:7\"}]"),
         "at $.peers[0].id: is this server's own"},
        {s.good(",\"peers\":[{\"id\":2,\"address\":\"nowhere\"}]"), "at $.peers[0].address: an address is"},
        {s.good(",\"peers\":[{\"id\":2,\"address\":\"127.0.0.1:0\"}]"),
         "at $.peers[0].address: a peer's port"},
        {s.good(",\"peers\":[{\"id\":2}]"), "at $.peers[0]: \"address\" is missing"},
        {s.good(",\"journal\":\"ram\""), "at $.journal: one of these is expected: \"file\", \"memory\""},
        {s.good(",\"format_if_empty\":1"), "at $.format_if_empty: a boolean is expected"},
        {s.good(",\"pulse_timeout_ms\":1"), "at $.pulse_timeout_ms: pulse_timeout"},
        {s.good(",\n\"pulse_interval_ms\":1000"), "c.json:1:1: at $: pulse_timeout"},
        {s.good(",\n\"cells_max\":0"), "c.json:2:13: at $.cells_max: cells_max"},
        {s.good(",\n\"lease_hold_ms\":50"), "c.json:2:17: at $.lease_hold_ms: lease.hold: must be at least"},
        {s.good(",\"lease_hold_ms\":1500,\n\"clock_ratio_max\":0"),
         "c.json:2:19: at $.clock_ratio_max: is from 1 to 1000"},
        {s.good(",\"clock_ratio_max\":1001"), "at $.clock_ratio_max: is from 1 to 1000"},
        {s.good(",\"shards\":0"), "at $.shards: is from 1 to 256"},
        {s.good(",\"shards\":257"), "at $.shards: is from 1 to 256"},
        {s.good(",\"shards\":[1]"), "at $.shards: a number is expected"},
        {s.good(",\n\"segment_bytes\":1"), "c.json:2:17: at $.segment_bytes: segment_bytes"},
        {R"({"id":1,"listen":"127.0.0.1:0","data":"d","keys":""})", "at $.keys: the name of a file"},
        {R"({"id":1,"listen":"127.0.0.1:0","data":"","keys":"k"})", "at $.data: the name of a file"},
        {s.good(",\"colony\":\"12\""), "at $.colony: a colony id has 32"},
        {s.good(",\"colony\":\"" + std::string(32, '0') + "\""), "at $.colony: a colony id has 32"},
        {s.good(",\"colony\":\"00000000000000000000000000000001\""), "the keys are of colony"},
    };
    for (row const& r : rows) {
        auto const done = s.start(r.config);
        INFO(r.config << "\n" << done.err);
        CHECK(done.code == 78);
        CHECK(done.err.find(r.said) != std::string::npos);
        CHECK(done.out.empty());
    }
    CHECK_FALSE(fs::exists(s.data));
    auto const folder = run({ZOOIDD_PATH, "--config", s.folder.path.string()});
    CHECK(folder.code == 78);
    CHECK(folder.err.find(s.folder.path.string() + ": is a directory") != std::string::npos);
}

TEST_CASE("a key file that others may read, that is missing or that is wrong ends zooidd with 78") {
    one_server s;
    ::chmod(s.keys.c_str(), 0640);
    auto const open = s.start(s.good());
    CHECK(open.code == 78);
    CHECK(open.err.find("0640") != std::string::npos);
    ::chmod(s.keys.c_str(), 0600);
    write_all(s.keys, "zooid-keys 1\ncolony xyz\n");
    auto const wrong = s.start(s.good());
    CHECK(wrong.code == 78);
    CHECK(wrong.err.find(s.keys + ":2") != std::string::npos);
    fs::remove(s.keys);
    CHECK(s.start(s.good()).code == 78);
}

TEST_CASE("a data directory is formatted only when asked, and not taken from another server") {
    one_server s;
    auto const absent = s.start(s.good());
    CHECK(absent.code == 74);
    CHECK(absent.err.find(s.data) != std::string::npos);
    CHECK(absent.err.find("a first start formats") != std::string::npos);
    CHECK_FALSE(fs::exists(s.data));

    write_all(s.folder.path / "c.json", s.good());
    process first({ZOOIDD_PATH, "--config", (s.folder.path / "c.json").string(), "--format"},
                  s.folder.path / "out", s.folder.path / "err");
    wait_until([&] { return first.out().find('\n') != std::string::npos; }, "listens");
    auto const second = s.start(s.good());
    CHECK(second.code == 74);
    CHECK(second.err.find("in_use") != std::string::npos);
    first.signal(SIGINT);
    CHECK(first.wait() == 0);

    auto const foreign = s.start(s.good("", "2"));
    CHECK(foreign.code == 74);
    CHECK(foreign.err.find("belongs to server 1") != std::string::npos);

    fs::create_directories(s.folder.path / "full");
    write_all(s.folder.path / "full" / "precious", "x");
    s.data = (s.folder.path / "full").string();
    auto const full = s.start(s.good(), {"--format"});
    CHECK(full.code == 74);
    CHECK(full.err.find("not empty") != std::string::npos);
}

TEST_CASE("an address that can't be listened on ends zooidd with 69, and leaves no data directory behind") {
    one_server s;
    write_all(s.folder.path / "other.json", s.good(",\"journal\":\"memory\""));
    process other({ZOOIDD_PATH, "--config", (s.folder.path / "other.json").string()}, s.folder.path / "out",
                  s.folder.path / "err");
    wait_until([&] { return other.out().find('\n') != std::string::npos; }, "listens");
    auto const address = std::string(json::parse(other.out()).at("address").as_string());
    for (std::string const shards : {"1", "2"}) {
        auto config = s.good(",\"shards\":" + shards);
        config.replace(config.find("127.0.0.1:0"), 11, address);
        auto const done = s.start(config, {"--format"});
        INFO(done.err);
        CHECK(done.code == 69);
        CHECK(done.err.find("cannot listen on " + address) != std::string::npos);
        CHECK_FALSE(fs::exists(s.data));
    }
}

TEST_CASE("a server that keeps its journal in memory says so loudly") {
    one_server s;
    write_all(s.folder.path / "c.json", s.good(",\"journal\":\"memory\""));
    process p({ZOOIDD_PATH, "--config", (s.folder.path / "c.json").string()}, s.folder.path / "out",
              s.folder.path / "err");
    wait_until([&] { return p.out().find('\n') != std::string::npos; }, "listens");
    CHECK(p.out().find("MEMORY") != std::string::npos);
    CHECK_FALSE(fs::exists(s.data));
    p.signal(SIGTERM);
    CHECK(p.wait() == 0);
}

TEST_CASE("commits survive kill -9 of all servers, and a minority down stops nothing") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    std::uint64_t n = 0;
    for (std::size_t victim = 0; victim < 3; ++victim) {
        for (int i = 0; i < 3; ++i, ++n)
            CHECK(c.ask({"txn", "volume", count_up}).at("outcome") == "committed");
        c.kill(victim);
        for (int i = 0; i < 3; ++i, ++n)
            CHECK(c.ask({"txn", "volume", count_up}).at("outcome") == "committed");
        c.start(victim);
    }
    for (std::size_t i = 0; i < 3; ++i)
        c.kill(i);
    for (std::size_t i = 0; i < 3; ++i)
        c.start(i);
    auto const read = c.ask({"get", "volume", "n"});
    CHECK(read.at("results").at(0).at("entries").at(0).at("value").at("int") ==
          json::value(std::to_string(n)));
}

TEST_CASE("SIGTERM stops a server gracefully: it hands over, ends with 0, and comes back") {
    colony c(3);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    (void)c.ask({"cell", "create", "volume", "--on", "1,2,3"});
    (void)c.ask({"txn", "volume", count_up});
    c.at(0).signal(SIGTERM);
    CHECK(c.at(0).wait() == 0);
    CHECK(c.at(0).err().find("\"event\":\"stopped\"") != std::string::npos);
    CHECK(c.at(0).err().find("\"outcome\":\"complete\"") != std::string::npos);
    (void)c.ask({"txn", "volume", count_up});
    c.start(0);
    (void)c.ask({"txn", "volume", count_up});
}

TEST_CASE("the events files agree on every chosen slot, and hold what a reply rests on, also after kill -9") {
    colony c(3, true);
    (void)c.ask({"colony", "init", "--on", "1,2,3"});
    auto const cell = c.ask({"cell", "create", "volume", "--on", "1,2,3"}).at("cell");
    std::set<std::uint64_t> answered;
    for (int i = 0; i < 5; ++i)
        answered.insert(c.ask({"txn", "volume", count_up}).at("slot").to_number<std::uint64_t>());
    for (std::size_t i = 0; i < 3; ++i)
        c.kill(i);
    std::map<std::uint64_t, std::set<std::string>> states;
    std::map<std::uint64_t, std::set<std::uint64_t>> acceptors;
    for (std::size_t i = 0; i < 3; ++i) {
        std::ifstream file(c.events(i));
        for (std::string line; std::getline(file, line);) {
            auto const fact = json::parse(line);
            if (fact.at("cell") != cell || fact.at("fact") == "promise") continue;
            auto const at = fact.at("slot").to_number<std::uint64_t>();
            if (fact.at("fact") == "chosen")
                states[at].insert(std::string(fact.at("state_digest").as_string()));
            if (fact.at("fact") == "acceptance")
                acceptors[at].insert(fact.at("server").to_number<std::uint64_t>());
        }
    }
    for (std::uint64_t at : answered) {
        INFO(at);
        CHECK(states[at].size() == 1);
        CHECK(acceptors[at].size() >= 2);
    }
    for (auto const& [at, digests] : states)
        CHECK(digests.size() == 1);
}

TEST_CASE(
    "zooidd takes all descriptors that it may have, and a flood of strangers gets a few lines with counts") {
    one_server s;
    write_all(s.folder.path / "c.json", s.good());
    auto const began = std::chrono::steady_clock::now();
    process server({"/bin/sh", "-c", "ulimit -Sn 128 && exec \"$0\" --config \"$1\" --format", ZOOIDD_PATH,
                    (s.folder.path / "c.json").string()},
                   s.folder.path / "out", s.folder.path / "err");
    wait_until([&] { return server.out().find('\n') != std::string::npos; }, "listens");
    auto const listening = json::parse(server.out());

    auto const limits = read_all("/proc/" + std::to_string(server.id()) + "/limits");
    std::istringstream line(limits.substr(limits.find("Max open files") + 14));
    std::string soft, hard;
    line >> soft >> hard;
    CHECK(soft == hard);

    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(listening.at("port").to_number<std::uint16_t>());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int const strangers = 300;
    for (int i = 0; i < strangers; ++i) {
        int const stranger = ::socket(AF_INET, SOCK_STREAM, 0);
        REQUIRE(::connect(stranger, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        std::string text(200, '?');
        REQUIRE(::send(stranger, text.data(), text.size(), MSG_NOSIGNAL) > 0);
        while (::recv(stranger, text.data(), text.size(), 0) > 0) {
        }
        ::close(stranger);
    }
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(steady::now() - began).count();
    std::istringstream lines(server.err());
    std::int64_t told = 0, counted = 0;
    for (std::string text; std::getline(lines, text);) {
        auto const event = json::parse(text);
        if (event.at("event").as_string() != "connection_refused") continue;
        ++told;
        counted += event.at("count").to_number<std::int64_t>();
        CHECK(event.at("reason").as_string() == "malformed");
    }
    CHECK(counted == strangers);
    CHECK(told <= seconds + 2);
    CHECK(told > 0);
}

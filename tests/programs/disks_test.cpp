// zooidd on a disk that is full or read-only: a small file system in a mount namespace, which a process of
// its own holds. Servers enter it, and the test reaches into it by /proc.
#include "programs/processes.hpp"

#include <sstream>

using namespace programs;

namespace {

class small_disk {
  public:
    small_disk() {
        fs::create_directories(inside());
        holder_ = std::make_unique<process>(
            std::vector<std::string>{
                "/usr/bin/unshare", "-m", "/bin/sh", "-c",
                "mount -t tmpfs -o size=4m none \"$0\" && echo mounted && exec sleep 1000",
                inside().string()},
            folder.path / "holder.out", folder.path / "holder.err");
        wait_until([&] { return !holder_->running() || !holder_->out().empty(); }, "a mount, or its refusal");
    }
    /// Where mounting is not allowed there is nothing to test.
    bool is_there() const { return !holder_->out().empty(); }
    fs::path inside() const { return folder.path / "disk"; }
    fs::path outside() const {
        return "/proc/" + std::to_string(holder_->id()) + "/root" + inside().string();
    }
    std::vector<std::string> entering(std::vector<std::string> command) const {
        std::vector<std::string> const enter{"/usr/bin/nsenter", "-t", std::to_string(holder_->id()), "-m"};
        command.insert(command.begin(), enter.begin(), enter.end());
        return command;
    }
    void fill() const {
        std::ofstream file(outside() / "filler", std::ios::binary);
        std::string const block(4096, 'f');
        while (file.write(block.data(), 4096).flush()) {
        }
    }
    void free() const { fs::remove(outside() / "filler"); }

    scratch folder;

  private:
    std::unique_ptr<process> holder_;
};

// One server on that disk, and an operator.
struct server_on_disk {
    small_disk disk;
    std::unique_ptr<process> server;
    std::string keys = (disk.folder.path / "keys").string();
    std::string server_config = (disk.folder.path / "server.json").string();
    std::string operator_config = (disk.folder.path / "ctl.json").string();
    int added = 0;

    void prepare() {
        REQUIRE(zooidctl({"keygen", keys}).code == 0);
        write_all(server_config, json::serialize(json::object{{"id", 1},
                                                              {"listen", "127.0.0.1:0"},
                                                              {"data", (disk.inside() / "data").string()},
                                                              {"keys", keys},
                                                              {"segment_bytes", 65536}}));
    }
    void launch(std::vector<std::string> more = {}) {
        std::vector<std::string> command{ZOOIDD_PATH, "--config", server_config};
        command.insert(command.end(), more.begin(), more.end());
        auto const name = disk.folder.path / "server";
        server =
            std::make_unique<process>(disk.entering(command), name.string() + ".out", name.string() + ".err");
    }
    void start(std::vector<std::string> more = {}) {
        launch(std::move(more));
        wait_until(
            [&] {
                if (!server->running()) throw std::runtime_error("zooidd: " + server->err());
                return server->out().find('\n') != std::string::npos;
            },
            "a server listens");
        auto const port = json::parse(server->out()).at("port").to_number<int>();
        json::array const servers{json::object{{"id", 1}, {"address", "127.0.0.1:" + std::to_string(port)}}};
        write_all(operator_config, json::serialize(json::object{{"servers", servers}, {"keys", keys}}));
    }
    void kill() {
        server->signal(SIGKILL);
        (void)server->wait();
    }
    ended ctl(std::vector<std::string> arguments, std::string const& deadline = "30") const {
        arguments.insert(arguments.begin(), {"--json", "--deadline", deadline, "--config", operator_config});
        return zooidctl(arguments);
    }
    /// Under another key each time: what is overwritten gives its space back, and a full disk goes on.
    ended add(std::string const& deadline) {
        std::string const big(20'000, 'v'), key = "v" + std::to_string(++added);
        return ctl({"txn", "k",
                    R"({"then":[{"add":"n","value":1},{"put":")" + key + R"(","value":{"text":")" + big +
                        R"("}}]})"},
                   deadline);
    }
    std::string count(std::vector<std::string> const& how) const {
        std::vector<std::string> arguments{"get", "k", "n"};
        arguments.insert(arguments.end(), how.begin(), how.end());
        auto const done = ctl(arguments);
        INFO(done.out << done.err);
        REQUIRE(done.code == 0);
        auto const entry = json::parse(done.out).at("results").at(0).at("entries").at(0);
        return std::string(entry.at("value").at("int").as_string());
    }
};

} // namespace

TEST_CASE(
    "a full disk: nothing acknowledged is lost, reads and starts go on, and writes do when there is space") {
    server_on_disk s;
    if (!s.disk.is_there()) {
        WARN("mounting is not allowed here: not tested");
        return;
    }
    s.prepare();
    s.start({"--format"});
    REQUIRE(s.ctl({"colony", "init", "--on", "1"}).code == 0);
    REQUIRE(s.ctl({"cell", "create", "k", "--on", "1"}).code == 0);
    s.disk.fill();
    int acknowledged = 0;
    ended last;
    while (acknowledged < 100 && (last = s.add("2")).code == 0)
        ++acknowledged;
    INFO(last.out);
    CHECK((last.code == 2 || last.code == 3));
    wait_until([&] { return s.server->err().find("\"event\":\"journal_stalled\"") != std::string::npos; },
               "stalls");
    CHECK(s.server->err().find("No space left") != std::string::npos);
    std::string status;
    wait_until(
        [&] {
            status = zooidctl({"--deadline", "30", "--config", s.operator_config, "status"}).out;
            return status.find("  journal hangs: its writes do not end\n") != std::string::npos;
        },
        "the status says so");
    CHECK(std::stoi(s.count({"--stale"})) >= acknowledged);

    // It starts and answers from its log. The last slots are not known as chosen there before a proposer,
    // which must write to lead, has asked for them again.
    s.kill();
    s.start();
    CHECK(std::stoi(s.count({"--stale"})) > 0);
    s.disk.free();
    CHECK(s.add("30").code == 0);
    int const counted = std::stoi(s.count({}));
    CHECK(counted >= acknowledged + 1);
    CHECK(counted <= acknowledged + 2); // the one that was not acknowledged may have happened
}

TEST_CASE("the status tells that a journal failed for good, and why") {
    colony c(1);
    (void)c.ask({"colony", "init", "--on", "1"});
    (void)c.ask({"cell", "create", "k", "--on", "1"});
    for (int i = 1; i < 16; ++i) { // where the next segments would be
        std::string const name = std::string(15, '0') + "0123456789abcdef"[i] + ".segment";
        if (!fs::exists(c.data(0) / "store-0" / name)) fs::create_directory(c.data(0) / "store-0" / name);
    }
    std::string const big(60'000, 'v');
    ended last;
    for (int i = 0; i < 100 && last.code == 0; ++i)
        last = zooidctl({"--deadline", "2", "--config", (c.folder.path / "ctl.json").string(), "txn", "k",
                         R"({"then":[{"put":"v","value":{"text":")" + big + R"("}}]})"});
    CHECK(last.code != 0);
    auto const status = zooidctl({"--config", (c.folder.path / "ctl.json").string(), "status"});
    INFO(status.out << status.err);
    CHECK(status.code == 0);
    CHECK(status.out.find("  journal failed for good: io_failed: open ") != std::string::npos);
    CHECK(status.out.find("Is a directory") != std::string::npos);
}

TEST_CASE("a read-only disk is named, and the server on it acknowledges nothing") {
    server_on_disk s;
    if (!s.disk.is_there()) {
        WARN("mounting is not allowed here: not tested");
        return;
    }
    s.prepare();
    s.start({"--format"});
    REQUIRE(s.ctl({"colony", "init", "--on", "1"}).code == 0);
    s.server->signal(SIGTERM);
    REQUIRE(s.server->wait() == 0);
    REQUIRE(run(s.disk.entering({"/bin/mount", "-o", "remount,ro", s.disk.inside().string()})).code == 0);
    s.launch();
    wait_until(
        [&] { return !s.server->running() || s.server->err().find("journal_latched") != std::string::npos; },
        "ends, or says that its journal failed");
    auto const said = s.server->err();
    INFO(said);
    CHECK(said.find(s.disk.inside().string()) != std::string::npos);
    CHECK(said.find("Read-only file system") != std::string::npos);

    write_all(s.server_config, json::serialize(json::object{{"id", 2},
                                                            {"listen", "127.0.0.1:0"},
                                                            {"data", (s.disk.inside() / "other").string()},
                                                            {"keys", s.keys}}));
    s.launch({"--format"});
    CHECK(s.server->wait() == 74);
    CHECK(s.server->err().find((s.disk.inside() / "other").string()) != std::string::npos);
    CHECK(s.server->err().find("Read-only file system") != std::string::npos);
}

TEST_CASE("an events file that can't be written is named at the start, and later in the log") {
    colony c(1);
    c.kill(0);
    c.write_config(0);
    auto const bad = run({ZOOIDD_PATH, "--config", c.config(0).string(), "--events", "/proc/nothing"});
    CHECK(bad.code == 74);
    CHECK(bad.err.find("/proc/nothing") != std::string::npos);
    process p({ZOOIDD_PATH, "--config", c.config(0).string(), "--events", "/dev/full"}, c.folder.path / "out",
              c.folder.path / "err");
    wait_until([&] { return p.out().find("\"listening\"") != std::string::npos; }, "listens");
    CHECK(c.ctl({"colony", "init", "--on", "1"}).code == 0);
    CHECK(c.ctl({"cell", "create", "k", "--on", "1"}).code == 0); // a commit: something becomes durable
    wait_until([&] { return p.err().find("events_file_failed") != std::string::npos; }, "says so");
}

TEST_CASE("a flipped byte is found by zooid-journal and told by zooidd, a cut tail is no damage") {
    colony c(1);
    (void)c.ask({"colony", "init", "--on", "1"});
    (void)c.ask({"cell", "create", "k", "--on", "1"});
    for (int i = 0; i < 5; ++i)
        (void)c.ask({"txn", "k", count_up});
    c.kill(0);
    auto const data = c.data(0).string();
    auto const whole = run({ZOOID_JOURNAL_PATH, data});
    CHECK(whole.code == 0);
    CHECK(whole.out.find("no damage") != std::string::npos);
    auto const as_json = run({ZOOID_JOURNAL_PATH, "--json", "--records", data});
    CHECK(json::parse(as_json.out).at("damaged") == false);
    CHECK(json::parse(as_json.out).at("stores").at(0).at("replicas").as_array().size() == 17);

    std::size_t const batch = 5 * 4096; // long flushed, in whichever segment has that many
    for (auto const& entry : fs::directory_iterator(c.data(0) / "store-0")) {
        auto content = read_all(entry.path());
        if (content.compare(batch, 8, "zooidbat") != 0) continue;
        content[batch + 150] ^= 1; // of its first entry
        write_all(entry.path(), content);
    }
    auto const flipped = run({ZOOID_JOURNAL_PATH, data});
    INFO(flipped.out);
    CHECK(flipped.code == 1);
    CHECK(flipped.out.find("damage: ") != std::string::npos);
    CHECK(flipped.out.find("DAMAGED") != std::string::npos);
    process p({ZOOIDD_PATH, "--config", c.config(0).string()}, c.folder.path / "out", c.folder.path / "err");
    std::string told; // whole lines, up to the one that names the place, and one that names a replica
    auto const tells = [&](std::string const& event) {
        return told.find("\"event\":\"" + event + "\"") != std::string::npos;
    };
    auto const look = [&] {
        told = p.err();
        told.erase(told.rfind('\n') + 1);
        return tells("damage") && tells("journal_damaged");
    };
    wait_until(look, "tells of the damage");
    std::istringstream lines(told);
    std::size_t places = 0;
    for (std::string line; std::getline(lines, line);) {
        auto const said = json::parse(line);
        if (said.at("event") != "journal_damaged") continue;
        ++places;
        CHECK(said.at("offset").to_number<std::size_t>() / 4096 == batch / 4096);
    }
    CHECK(places == 1);
    p.signal(SIGTERM);
    CHECK(p.wait() == 0);

    auto const nowhere = run({ZOOID_JOURNAL_PATH, (c.folder.path / "nowhere").string()});
    CHECK(nowhere.code == 2);
    CHECK(nowhere.err.find("nowhere") != std::string::npos);
    CHECK(run({ZOOID_JOURNAL_PATH}).code == 64);
}

TEST_CASE("a data directory of a newer format ends zooidd with 74 and is left as it was") {
    colony c(1);
    c.kill(0);
    auto const path = c.data(0) / "manifest";
    auto text = read_all(path);
    std::string const mine = "\"zooid_data_directory\":1";
    text.replace(text.find(mine), mine.size(), "\"zooid_data_directory\":9");
    write_all(path, text);
    auto const done = run({ZOOIDD_PATH, "--config", c.config(0).string()});
    CHECK(done.code == 74);
    CHECK(done.err.find(path.string() + ": format 9, this software reads 1") != std::string::npos);
    CHECK(run({ZOOIDD_PATH, "--config", c.config(0).string(), "--format"}).code == 74);
    CHECK(read_all(path) == text);
}

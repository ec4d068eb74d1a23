// What a server refuses to start with, and what it says then.
#include "runtime/rig.hpp"

#include <fstream>

using namespace rig;

namespace {

struct bench_of_one {
    asio::io_context io;
    asio::thread_pool disk{1};
    scratch folder;
    recorder seen;

    running_server_options options() const {
        running_server_options o;
        o.server = {1};
        o.keys = colony();
        o.listen = {"127.0.0.1", 0};
        o.directory = (folder.path / "data").string();
        o.policy = directory_policy::format_if_empty;
        o.journal.journal.segment_bytes = 1 << 20;
        return o;
    }
    result<std::unique_ptr<running_server>> open(running_server_options const& o) {
        return open_server(o, io.get_executor(), disk.get_executor(), seen);
    }
    void expect(running_server_options const& o, errc code, std::string const& said) {
        auto const opened = open(o);
        REQUIRE(!opened);
        CHECK(opened.error().code() == code);
        INFO(opened.error().message());
        CHECK(opened.error().message().find(said) != std::string::npos);
    }
};

} // namespace

TEST_CASE("options that make no server are refused by the name of the field") {
    bench_of_one b;
    struct row {
        std::function<void(running_server_options&)> spoil;
        char const* said;
    };
    row const rows[] = {
        {[](auto& o) { o.server = {}; }, "server"},
        {[](auto& o) { o.keys = issue_client_keys(hmac_sha256(), colony(), {3}); }, "keys"},
        {[](auto& o) { o.keys.keys.clear(); }, "keys"},
        {[](auto& o) { o.shards = 0; }, "shards: 0 is not from 1 to 256"},
        {[](auto& o) { o.shards = 257; }, "shards: 257 is not from 1 to 256"},
        {[](auto& o) { o.directory.clear(); }, "directory"},
        {[](auto& o) { o.tuning.pulse_interval = {}; }, "pulse_interval"},
        {[](auto& o) { o.journal.journal.segment_bytes = 1; }, "journal"},
        {[](auto& o) {
             o.peers = {{{1}, {"127.0.0.1", 1}}};
         },
         "peers[0]"},
        {[](auto& o) {
             o.peers = {{{2}, {"127.0.0.1", 1}}, {{2}, {"127.0.0.1", 2}}};
         },
         "2"},
        {[](auto& o) {
             o.listen = {"not an address", 0};
         },
         "not an address"},
    };
    for (row const& r : rows) {
        auto o = b.options();
        r.spoil(o);
        b.expect(o, errc::invalid_argument, r.said);
    }
}

TEST_CASE("a data directory that is not this server's is not opened, and the message names it") {
    bench_of_one b;
    auto o = b.options();
    o.policy = directory_policy::must_exist;
    b.expect(o, errc::not_found, "data");

    auto first = b.open(b.options());
    REQUIRE(first);
    b.expect(b.options(), errc::in_use, "data");
    first.value().reset();
    b.disk.join(); // what was in flight has ended

    auto other = b.options();
    other.server = {2};
    b.expect(other, errc::wrong_owner, "server 1");
    auto foreign = b.options();
    foreign.keys = make_colony_keys().value();
    b.expect(foreign, errc::wrong_owner, "server 1");
}

TEST_CASE("a data directory of a newer format is left alone") {
    bench_of_one b;
    { REQUIRE(b.open(b.options())); }
    b.disk.join();
    auto const manifest = b.folder.path / "data" / "manifest";
    std::ifstream in(manifest);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    in.close();
    std::string const mine = "\"zooid_data_directory\":1";
    auto const at = text.find(mine);
    REQUIRE(at != std::string::npos);
    text.replace(at, mine.size(), "\"zooid_data_directory\":9");
    std::ofstream(manifest) << text;
    b.expect(b.options(), errc::unsupported_version, "manifest");
}

TEST_CASE("an address that is taken is an error that names it, and the directory is free again") {
    bench_of_one b;
    auto first = b.open(b.options());
    REQUIRE(first);
    auto o = b.options();
    o.directory = (b.folder.path / "other").string();
    o.server = {2};
    o.listen.port = first.value()->port();
    b.expect(o, errc::in_use, std::to_string(o.listen.port));
    o.listen.port = 0;
    CHECK(b.open(o));
}

TEST_CASE("a journal that was cut is told of at the start, place by place, even if it concerns no replica") {
    bench_of_one b;
    auto first = b.open(b.options());
    REQUIRE(first);
    run_until(b.io, [&] { return first.value()->snapshot().journal.batches >= 2; }); // the first is durable
    CHECK(!b.seen.saw<journal_damaged>());
    first.value().reset();
    b.disk.join();
    b.io.restart(), b.io.poll(); // what was in flight let go of the directory
    auto const store = b.folder.path / "data" / "store-0";
    auto const served = store / "0000000000000002.segment"; // the first that a life appends to
    REQUIRE(std::filesystem::exists(served));
    std::filesystem::resize_file(served, 2 * 4096); // its header and its first batch are left

    asio::thread_pool disk(1);
    recorder seen;
    auto second = open_server(b.options(), b.io.get_executor(), disk.get_executor(), seen);
    INFO((second ? "opened" : second.error().message()));
    REQUIRE(second);
    run_until(b.io, [&] { return seen.saw<server_ready>(); });
    auto const& told = seen.runtime_events;
    REQUIRE(std::holds_alternative<journal_damaged>(told.front()));
    auto const& place = std::get<journal_damaged>(told.front()).damage;
    CHECK(place.segment == 2);
    CHECK(place.offset == 2 * 4096);
    CHECK(place.kind == damage_kind::unattributed);
    second.value().reset();
    disk.join();
}

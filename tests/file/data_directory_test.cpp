// Real files: who may open a directory, what is refused, and a journal that survives its process.
#include "file/store.hpp"

#include <fstream>

#include <csignal>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace zooid;
using namespace zooid::file_test;
namespace fs = std::filesystem;

namespace {

file_journal_options small() {
    file_journal_options o;
    o.journal.segment_bytes = 64 * 1024;
    return o;
}

} // namespace

TEST_CASE("what was persisted is there after reopening, with every flush method, whoever flushes") {
    auto const method = GENERATE(flush_method::fdatasync, flush_method::dsync, flush_method::direct_dsync);
    auto const thread = GENERATE(flush_thread::blocking, flush_thread::owner);
    scratch s;
    auto const path = formatted(s);
    auto options = small();
    options.method = method;
    options.thread = thread;
    for (int round = 0; round < 3; ++round) {
        opened_store store(path, options);
        auto const& found = store.journal->recovered();
        CHECK(found.damage.empty());
        REQUIRE(found.replicas.size() == (round == 0 ? 0 : 1));
        if (round != 0)
            CHECK(found.replicas[0].records.at(0).payload.view() == "p" + std::to_string(round - 1));
        for (int i = 0; i < 40; ++i)
            store.append("x"), store.settle();
        store.append("p" + std::to_string(round));
        store.settle();
        INFO(name_of(method));
        CHECK(store.heard.is_secured);
        CHECK(store.heard.last == 41);
        CHECK(!store.heard.failure);
    }
}

TEST_CASE("with the owner's thread nothing is written before the owner says so") {
    scratch s;
    auto options = small();
    options.thread = flush_thread::owner;
    opened_store store(formatted(s), options);
    store.settle();
    REQUIRE(store.heard.is_secured);
    store.append("x");
    store.io.restart(), store.io.run();
    CHECK(store.heard.last == 0);
    store.journal->flush();
    CHECK(store.heard.last == 1);
    store.append("y");
    store.journal->flush_elsewhere();
    CHECK(store.heard.last == 1);
    store.io.restart(), store.io.run();
    CHECK(store.heard.last == 2);
}

TEST_CASE("a directory is opened by its owner, once, and only in a format that is known") {
    scratch s;
    auto const path = formatted(s);
    {
        auto const first = data_directory::open(path, owner);
        REQUIRE(first);
        CHECK(data_directory::open(path, owner).error() == errc::in_use);
        auto const child = ::fork();
        if (child == 0) {
            auto const second = data_directory::open(path, owner);
            ::_exit(!second && second.error() == errc::in_use ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(status == 0);
    }
    CHECK(data_directory::open(path, owner));
    CHECK(data_directory::open(path, {server_id{8}, owner.colony}).error() == errc::wrong_owner);
    CHECK(data_directory::open(path, {owner.server, colony_id{9, 9}}).error() == errc::wrong_owner);
    CHECK(data_directory::open(s.path / "absent", owner).error() == errc::not_found);
    CHECK(data_directory::format(path, {.owner = owner}).error() == errc::already_exists);
    CHECK(data_directory::format(s.path / "x", {.owner = owner, .stores = 0}).error() ==
          errc::invalid_argument);

    std::stringstream text;
    text << std::ifstream(path / "manifest").rdbuf();
    auto manifest = text.str();
    auto const rewrite = [&](std::string const& to) { std::ofstream(path / "manifest") << to; };
    for (std::size_t at = 0; at < manifest.size(); ++at) {
        auto flipped = manifest;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        rewrite(flipped);
        REQUIRE(!data_directory::open(path, owner));
        rewrite(manifest.substr(0, at));
        REQUIRE(!data_directory::open(path, owner));
    }
    manifest.replace(manifest.find("_directory\":1"), 13, "_directory\":2");
    rewrite(manifest);
    CHECK(data_directory::open(path, owner).error() == errc::unsupported_version);
}

TEST_CASE("a store that is missing, emptied or foreign is never an empty journal") {
    scratch s;
    auto const path = formatted(s);
    boost::asio::io_context io;
    auto const open_store = [&]() -> std::optional<errc> {
        auto d = data_directory::open(path, owner);
        REQUIRE(d);
        auto j = d.value()->open_journal(0, life_id{3}, small(), io.get_executor(), io.get_executor());
        if (j) return {};
        return j.error().code();
    };
    CHECK(!open_store());
    scratch other;
    auto const foreign = formatted(other);
    fs::rename(path / "store-0", s.path / "aside");
    CHECK(open_store() == errc::not_found);
    fs::create_directory(path / "store-0");
    CHECK(open_store() == errc::damaged);
    fs::copy(foreign / "store-0", path / "store-0", fs::copy_options::recursive);
    CHECK(open_store() == errc::wrong_owner);
}

TEST_CASE("on a full disk a start goes on in the segment that was prepared, then stalls, and goes on when "
          "there is space") {
    scratch s;
    auto const path = formatted(s);
    {
        opened_store store(path, small());
        store.append("kept");
        store.settle();
        REQUIRE(store.heard.last == 1);
    }
    // A child may write files of at most 64 KiB: larger segments can't be created, as if the disk were full.
    auto const child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        auto const before = limit;
        limit.rlim_cur = 64 * 1024;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto larger = small();
        larger.journal.segment_bytes = 128 * 1024;
        opened_store store(path, larger);
        bool ok = store.journal->recovered().replicas.size() == 1;
        store.append("goes on");
        store.settle();
        ok = ok && store.heard.is_secured && store.heard.last == 1;
        for (int i = 0; i < 20; ++i)
            store.append(std::string(4000, 'x')), store.settle();
        store.append("waits");
        store.settle();
        ok = ok && store.heard.last > 2 && store.heard.last < 20 && store.heard.stall == errc::no_space &&
             !store.heard.failure && store.heard.stall_detail.find("store-0") != std::string::npos;
        ::setrlimit(RLIMIT_FSIZE, &before);
        store.journal->probe({});
        store.settle();
        ok = ok && store.heard.last == 22;
        ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    opened_store after(path, small());
    CHECK(after.journal->recovered().replicas.at(0).records.at(0).payload.view() == "waits");
}

TEST_CASE(
    "without a free descriptor appends go on while their segment lasts, then wait, and nothing latches") {
    scratch s;
    auto const path = formatted(s);
    auto const child = ::fork();
    if (child == 0) {
        opened_store store(path, small());
        store.append("first");
        store.settle();
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        auto const before = limit;
        limit.rlim_cur = 3; // what is open stays so
        ::setrlimit(RLIMIT_NOFILE, &limit);
        std::string const payload(4000, 'x');
        for (int i = 0; i < 60; ++i)
            store.append(payload), store.settle();
        auto const persisted = store.heard.last;
        bool ok = persisted > 10 && persisted < 60 && !store.heard.failure &&
                  store.heard.stall == errc::overloaded &&
                  store.heard.stall_detail.find("Too many open files") != std::string::npos &&
                  store.heard.stall_detail.find("store-0") != std::string::npos;
        ::setrlimit(RLIMIT_NOFILE, &before);
        store.journal->probe({});
        store.settle();
        ok = ok && store.heard.last == 61 && !store.heard.failure;
        ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("a store holds a few descriptors, however many segments it has, with every flush method") {
    auto const method = GENERATE(flush_method::fdatasync, flush_method::dsync, flush_method::direct_dsync);
    scratch s;
    auto const path = formatted(s);
    auto options = small();
    options.method = method;
    options.journal.sealed_segments_min = 1000; // nothing is given back
    auto const open_segments = [] {
        int n = 0;
        for (auto const& entry : fs::directory_iterator("/proc/self/fd")) {
            std::error_code ignored;
            n += fs::read_symlink(entry.path(), ignored).string().ends_with(".segment");
        }
        return n;
    };
    for (int life = 0; life < 2; ++life) {
        opened_store store(path, options);
        store.settle();
        CHECK(open_segments() <= 2);
        for (std::uint64_t i = 1; i <= 200; ++i) {
            store.append(std::vector<record>{{cell_id{0, 1}, replica_id{1}, record_kind::value,
                                              slot{1000 * life + i}, shared_bytes(std::string(6000, 'v'))}});
            store.settle();
            REQUIRE(store.heard.last == i);
        }
        CHECK(store.journal->statistics().segments > 20);
        CHECK(open_segments() <= 2);
    }
    CHECK(open_segments() == 0);
}

TEST_CASE("a journal may be destroyed while its write is in flight") {
    scratch s;
    auto const path = formatted(s);
    opened_store store(path, small());
    store.settle();
    store.append("in flight");
    store.journal.reset();
    store.settle();
    CHECK(store.heard.last == 0);
}

TEST_CASE("a directory that may not be written is refused with its path") {
    if (::geteuid() == 0) { // root may write anywhere but into /proc
        auto const refused = data_directory::format("/proc/zooid", {.owner = owner});
        REQUIRE(!refused);
        CHECK(refused.error().detail().find("/proc/zooid") != std::string_view::npos);
        return;
    }
    scratch s;
    fs::permissions(s.path, fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(data_directory::format(s.path / "data", {.owner = owner}).error() == errc::permission_denied);
}

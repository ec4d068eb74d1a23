// Every write and every flush of a workload fails once, on real files.
//
// What must hold, whatever fails: nothing is acknowledged after a failure; a restart finds all that was
// acknowledged and no damage; what is appended then survives the next restart as well.
#include "file/faults.hpp"
#include "file/store.hpp"
#include "journal/rig.hpp"

using namespace zooid;
using namespace zooid::file_test;
using journal_test::make;
using journal_test::model;
using journal_test::models_of;
using journal_test::workload;

namespace {

// Small enough that segments are made, reclaimed and removed.
file_journal_options small_segments() {
    file_journal_options o;
    o.journal.segment_bytes = 16 * 512;
    o.journal.batch_bytes_max = 8 * 512;
    o.journal.reclaim_bytes_max = 2048;
    return o;
}

workload work(std::string const& salt, std::uint64_t first_slot, std::uint64_t appends) {
    workload all;
    for (std::uint64_t i = first_slot; i < first_slot + appends; ++i) {
        std::uint64_t const replica = 1 + i % 2;
        std::vector<record> append;
        append.push_back(make(record_kind::reserved, replica, 0, "here"));
        append.push_back(make(record_kind::promise, replica, 0, "p" + salt + std::to_string(i)));
        append.push_back(make(record_kind::acceptance, replica, i, "a" + salt));
        append.push_back(make(record_kind::value, replica, i, std::string(i * 131 % 900, 'v')));
        if (i % 4 == 0) append.push_back(make(record_kind::checkpoint, replica, i - 1, "state" + salt));
        all.push_back(std::move(append));
    }
    return all;
}

// Appends one after the other until all is acknowledged or the journal failed.
void run(opened_store& store, workload const& all) {
    for (auto const& append : all) {
        store.append(append);
        store.settle();
    }
}

struct outcome_of_run {
    std::size_t acknowledged = 0;
    std::size_t submitted = 0;
    bool struck = false;
};

outcome_of_run run_with(fault what, std::uint64_t at, std::filesystem::path const& path,
                        workload const& all) {
    armed_fault const armed(what, at);
    opened_store store(path, small_segments());
    store.settle();
    run(store, all);
    outcome_of_run const o{store.heard.last, store.sequence_last, armed.struck()};
    REQUIRE(store.heard.failures <= 1);
    store.journal->probe({});
    store.settle();
    if (store.heard.failure) { // latched: even a disk that is well again changes nothing
        REQUIRE(store.heard.last == o.acknowledged);
        REQUIRE(store.heard.failure_detail.find("store-0") != std::string::npos);
    } else if (o.struck && !store.heard.stall) {
        REQUIRE(store.heard.last == all.size());
    }
    return o;
}

// Opens the store and says how many of the appends it shows; a number below `acknowledged` is not legal.
std::size_t require_legal(std::filesystem::path const& path, std::vector<model> const& models,
                          outcome_of_run const& o) {
    auto const image = data_directory::read_store(path, 0);
    REQUIRE(image);
    auto const manifest = data_directory::read_manifest(path);
    REQUIRE(manifest);
    auto options = small_segments().journal;
    options.block_bytes = 512;
    auto const found = recover_journal(manifest.value().journals[0], options, image.value());
    REQUIRE(found);
    REQUIRE(found.value().content.damage.empty());
    auto const n = journal_test::legal_state(found.value().content, models, o.acknowledged, o.submitted);
    REQUIRE(n);
    return *n;
}

// Fails call after call of one kind, until the workload makes no more of them. The number of calls.
std::uint64_t fail_each(fault what) {
    auto const first = work("first", 1, 16), second = work("second", 100, 3);
    auto const models = models_of({}, first);
    for (std::uint64_t at = 0;; ++at) {
        INFO("fault " << static_cast<int>(what) << " at call " << at);
        scratch s;
        auto const path = formatted(s, 512);
        auto const o = run_with(what, at, path, first);
        auto const n = require_legal(path, models, o);
        {
            opened_store again(path, small_segments());
            again.settle();
            run(again, second);
            REQUIRE(again.heard.last == second.size());
        }
        require_legal(path, models_of(models[n], second), {second.size(), second.size(), false});
        if (!o.struck) return at;
    }
}

} // namespace

TEST_CASE("each flush of a workload fails once and loses what was written: nothing acknowledged is lost") {
    CHECK(fail_each(fault::flush_fails) > 20);
}

TEST_CASE("each write of a workload fails once, half done: nothing acknowledged is lost") {
    CHECK(fail_each(fault::write_fails) > 20);
}

TEST_CASE("the disk becomes full at each write of a workload: nothing acknowledged is lost, and it starts") {
    auto const what = GENERATE(fault::disk_full, fault::disk_full_half);
    CHECK(fail_each(what) > 20);
}

TEST_CASE("each write of a workload is cut short once by the system, and nobody notices") {
    CHECK(fail_each(fault::write_is_short) > 20);
}

TEST_CASE("each open of a workload fails once for want of a descriptor: it stalls, and loses nothing") {
    auto const method = GENERATE(flush_method::fdatasync, flush_method::dsync);
    auto const first = work("first", 1, 24);
    auto options = small_segments();
    options.method = method;
    bool struck = true;
    for (std::uint64_t at = 0; struck; ++at) {
        INFO("open " << at);
        scratch s;
        auto const path = formatted(s, 512);
        {
            opened_store store(path, options);
            armed_fault const armed(fault::no_descriptor, at);
            store.settle();
            for (auto const& append : first) {
                store.append(append);
                store.settle();
                if (store.heard.last != store.sequence_last) store.journal->probe({}), store.settle();
                REQUIRE(!store.heard.failure);
                REQUIRE(store.heard.last == store.sequence_last);
            }
            struck = armed.struck();
            if (store.heard.stall) CHECK(store.heard.stall == errc::overloaded);
        }
        REQUIRE(require_legal(path, models_of({}, first), {first.size(), first.size(), false}) ==
                first.size());
        CHECK((!struck || at < 1000));
        if (!struck) CHECK(at > 20);
    }
}

TEST_CASE(
    "each flush of a format fails once: no manifest is left, so nobody takes the directory for complete") {
    bool struck = true;
    for (std::uint64_t at = 0; struck; ++at) {
        INFO("flush " << at);
        scratch s;
        armed_fault const armed(fault::flush_fails, at);
        auto const done = data_directory::format(s.path / "data", {.owner = owner, .stores = 2});
        struck = armed.struck();
        CHECK(done.has_value() == !struck);
        CHECK(data_directory::read_manifest(s.path / "data").has_value() == !struck);
        if (!struck) CHECK(at > 5);
    }
}

TEST_CASE("where the file system refuses O_DIRECT the journal is refused at once, with the way out") {
    scratch s;
    auto const path = formatted(s);
    armed_fault const armed(fault::no_direct, 0);
    boost::asio::io_context io;
    auto d = data_directory::open(path, owner);
    REQUIRE(d);
    file_journal_options options;
    auto const open_with = [&](flush_method method) {
        options.method = method;
        return d.value()->open_journal(0, life_id{3}, options, io.get_executor(), io.get_executor());
    };
    auto const refused = open_with(flush_method::direct_dsync);
    REQUIRE(!refused);
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().detail().find("store-0") != std::string_view::npos);
    CHECK(refused.error().detail().find("dsync") != std::string_view::npos);
    CHECK(open_with(flush_method::dsync));
}

TEST_CASE("a read-only disk is read, and the failure to secure it names the path") {
    scratch s;
    auto const path = formatted(s, 512);
    {
        opened_store store(path, small_segments());
        store.append("kept");
        store.settle();
        REQUIRE(store.heard.last == 1);
    }
    armed_fault const armed(fault::read_only, 0);
    opened_store store(path, small_segments());
    CHECK(store.journal->recovered().replicas.at(0).records.at(0).payload.view() == "kept");
    store.append("never");
    store.settle();
    CHECK(!store.heard.is_secured);
    CHECK(store.heard.last == 0);
    CHECK(store.heard.failure == errc::permission_denied);
    CHECK(store.heard.failure_detail.find("store-0") != std::string::npos);
}

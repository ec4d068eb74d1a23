// A data directory in a folder of its own, and its journal, run by hand: blocking work and completions happen
// when the test says so.
#pragma once

#include "support/catch.hpp"
#include "support/scratch.hpp"

#include <zooid/file/data_directory.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zooid::file_test {

inline directory_owner const owner{server_id{7}, colony_id{1, 2}};

using test_support::scratch;

struct listener final : journal_listener {
    void secured() override { is_secured = true; }
    void persisted(std::uint64_t n) override { last = n; }
    void failed(error const& e) override {
        failure = e.code(), failure_detail = std::string(e.detail()), ++failures;
    }
    void stalled(error const& e) override { stall = e.code(), stall_detail = std::string(e.detail()); }
    void damage_found(journal_damage const&) override {}
    bool is_secured = false;
    std::uint64_t last = 0;
    std::optional<errc> failure, stall;
    std::string failure_detail, stall_detail;
    int failures = 0;
};

struct opened_store {
    explicit opened_store(std::filesystem::path const& path, file_journal_options const& options = {}) {
        auto d = data_directory::open(path, owner);
        REQUIRE(d);
        directory = std::move(d.value());
        auto j = directory->open_journal(0, life_id{3}, options, io.get_executor(), io.get_executor());
        REQUIRE(j);
        journal = std::move(j.value());
        journal->start(heard);
    }
    void settle() {
        if (journal) journal->flush(); // what the owner's thread is to write, if it is
        io.restart(), io.run();
    }
    void append(std::vector<record> records) { journal->append({}, ++sequence_last, records); }
    void append(std::string const& payload) {
        append(std::vector<record>{
            {cell_id{0, 1}, replica_id{1}, record_kind::promise, {}, shared_bytes(payload)}});
    }

    boost::asio::io_context io;
    listener heard;
    std::unique_ptr<data_directory> directory;
    std::unique_ptr<file_journal> journal;
    std::uint64_t sequence_last = 0;
};

inline std::filesystem::path formatted(scratch const& s, std::uint32_t block_bytes = 4096) {
    auto const path = s.path / "data";
    REQUIRE(data_directory::format(path, {.owner = owner, .block_bytes = block_bytes}));
    return path;
}

} // namespace zooid::file_test

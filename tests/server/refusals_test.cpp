// What a server refuses before it asks a cell: each refusal is typed, comes at once and costs the cell
// nothing.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include <zooid/base/check.hpp>
#include <zooid/kv/sessions.hpp>

#include <algorithm>
#include <functional>

using namespace zooid;

namespace {

cell_id const ledger{3, 3};

bytes commit_request(std::uint64_t sequence) {
    bytes inner;
    encode(kv::request{{9}, {sequence}, {}, {}, encode(kv::transaction().add("n", 1))}, inner);
    return inner;
}

/// Hands a request over and takes what the server says in the same turn; nothing is flushed or delivered.
struct caller {
    colony& all;
    std::size_t number;
    std::uint64_t links = 0;

    std::vector<std::pair<std::uint64_t, kept_reply>> replies{};
    std::vector<server_event> events{};

    std::uint64_t send(request r) {
        r.correlation = {++links};
        r.remaining_ms = 5000;
        bytes encoded;
        encode(r, encoded);
        all.at(number).on_request(all.now(), {link_id{7000 + links}, party_role::admin}, encoded);
        server_output out;
        all.at(number).finish(all.now(), out);
        for (auto& reply : out.replies) {
            kept_reply kept{std::move(reply.payload), {}};
            replies.emplace_back(reply.to.value - 7000, std::move(kept));
            auto& stored = replies.back().second;
            stored.content = decode_reply(stored.encoded).value();
        }
        events.insert(events.end(), out.events.begin(), out.events.end());
        return links;
    }
    /// The failure that this request was answered with; nothing if it waits.
    std::optional<errc> failure_of(std::uint64_t link) const {
        for (auto const& [to, reply] : replies)
            if (to == link) return reply.content.failure;
        return {};
    }
    std::string detail_of(std::uint64_t link) const {
        for (auto const& [to, reply] : replies)
            if (to == link) return std::string(reply.content.detail);
        return {};
    }
};

} // namespace

TEST_CASE("requests beyond those that may wait are overloaded at once, and the ones before are answered") {
    server_options options;
    options.requests_max = 3;
    colony c(3, options);
    c.found(ledger, "ledger", 3);
    REQUIRE(c.commit(ledger, kv::transaction().add("n", 1)).has_value());
    caller client{c, c.leader(ledger)};
    for (std::uint64_t i = 1; i <= 5; ++i) {
        bytes const inner = commit_request(i);
        request r;
        r.cell = ledger, r.payload = inner;
        auto const link = client.send(r);
        if (i <= 3) CHECK_FALSE(client.failure_of(link).has_value());
        if (i > 3) CHECK(client.failure_of(link) == errc::overloaded);
    }
    auto const said = std::count_if(client.events.begin(), client.events.end(), [](server_event const& e) {
        return std::holds_alternative<requests_overloaded>(e);
    });
    CHECK(said == 2);
    auto const looked = c.ask(c.leader(ledger), operation::explain, ledger, {}); // looking is no load
    CHECK_FALSE(looked->content.failure.has_value());
    c.run_for(std::chrono::seconds(1));
    auto const done = c.commit(ledger, kv::transaction().add("n", 1));
    REQUIRE(done.has_value()); // whoever waited made room
}

TEST_CASE("a request for another generation of the key is a conflict that names the one that is here") {
    colony c(3);
    snapshot const founding = c.found(ledger, "ledger", 3);
    REQUIRE(c.commit(ledger, kv::transaction().add("n", 1)).has_value());
    caller client{c, c.leader(ledger)};
    bytes const inner = commit_request(1);
    request r;
    r.cell = ledger, r.payload = inner;
    r.birth = generation{founding.birth.value + 1};
    auto const other = client.send(r);
    CHECK(client.failure_of(other) == errc::conflict);
    CHECK(client.detail_of(other) == "the key's generation is " + to_string(founding.birth));
    r.birth = founding.birth;
    auto const same = client.send(r);
    CHECK_FALSE(client.failure_of(same).has_value());
}

TEST_CASE("a place that is reserved for one generation is not given to another") {
    colony c(3);
    auto const ask = [&](std::uint64_t birth) {
        return c.ask(1, operation::reserve, {}, encode(reserve_request{ledger, {birth}}))->content.failure;
    };
    CHECK_FALSE(ask(1).has_value());
    CHECK(ask(2) == errc::conflict);
    CHECK_FALSE(ask(1).has_value());
}

TEST_CASE("a journal that does not get on fills with so much and no more, and its cell goes on without it") {
    server_options options;
    options.unflushed_bytes_max = 600'000;
    colony c(3, options);
    c.found(ledger, "ledger", 3);
    std::size_t const hung = c.leader(ledger) == 3 ? 2 : 3;
    c.hang_journal(hung);
    unsigned const writes = 64;
    for (unsigned i = 0; i < writes; ++i)
        REQUIRE(c.commit(ledger, kv::transaction().put("k", bytes(60'000, 'x'))).has_value());
    // Ten writes reach the bound, and what waits in frames may pass it once.
    std::uint64_t const dropped = c.at(hung).statistics().messages_dropped;
    CHECK(dropped >= writes - 12);
    // Nor does it keep answers that wait for a flush.
    std::size_t const leads = c.leader(ledger);
    unsigned const reads = 20;
    for (unsigned i = 0; i < reads; ++i) {
        auto const answer = c.ask(leads, operation::strict_read, ledger, encode(kv::transaction().read("k")));
        REQUIRE(answer);
        CHECK_FALSE(answer->content.failure);
    }
    CHECK(c.at(hung).statistics().messages_dropped >= dropped + reads);
    c.kill(hung);
    c.restart(hung);
    c.run_for(std::chrono::seconds(5));
    slot const known = c.at(c.leader(ledger)).find_replica(ledger)->prefix();
    CHECK(c.at(hung).find_replica(ledger)->prefix() == known);
    CHECK(c.at(hung).statistics().messages_dropped == 0);
}

TEST_CASE("a server whose journal hangs takes no request that needs it, and shows what it knows") {
    colony c(5);
    c.found(ledger, "ledger", 5);
    REQUIRE(c.commit(ledger, kv::transaction().add("n", 1)).has_value());
    std::size_t const hung = c.leader(ledger);
    c.hang_journal(hung);
    c.run_for(std::chrono::seconds(3));
    caller client{c, hung};
    bytes const inner = commit_request(1);
    request r;
    r.cell = ledger, r.payload = inner;
    CHECK(client.failure_of(client.send(r)) == errc::unreachable);
    r.op = operation::explain, r.payload = {};
    auto const looked = client.send(r);
    CHECK_FALSE(client.failure_of(looked).has_value());
    CHECK(client.replies.size() == 2);
}

TEST_CASE("options outside of their range are refused by name, and no server is made of them") {
    using std::chrono::hours, std::chrono::milliseconds, std::chrono::microseconds;
    struct row {
        std::function<void(server_options&)> spoil;
        std::string said;
    };
    row const rows[] = {
        {[](auto& o) { o.pulse_interval = {}; }, "pulse_interval: must be 1 ms to 1 h"},
        {[](auto& o) { o.pulse_timeout = hours(2); }, "pulse_timeout: must be 1 ms to 1 h"},
        {[](auto& o) { o.pulse_timeout = milliseconds(199); }, "pulse_timeout: must be at least two pulse"},
        {[](auto& o) { o.probe_interval = microseconds(999); }, "probe_interval: must be 1 ms to 1 h"},
        {[](auto& o) { o.lease.clock_ratio_max = 0; }, "lease.clock_ratio_max: must be at least 1"},
        {[](auto& o) { o.requests_max = 0; }, "requests_max: must be above 0"},
        {[](auto& o) { o.cells_max = 1ull << 32; }, "cells_max: must be 1 to 2^32 - 1"},
        {[](auto& o) { o.candidates_max = 0; }, "candidates_max: must be above 0"},
        {[](auto& o) { o.teach_bytes_per_second = 32767; }, "teach_bytes_per_second: must be 0, or at least"},
        {[](auto& o) { o.pointer_retention = -hours(1); }, "pointer_retention: must not be negative"},
        {[](auto& o) { o.cells.retransmit = {}; }, "cells.retransmit: must be 1 ms to 1 h"},
        {[](auto& o) { o.cells.retransmit_max = milliseconds(99); }, "cells.retransmit: must be at most"},
        {[](auto& o) { o.cells.candidacy_step = {}; }, "cells.candidacy_step: must be"},
        {[](auto& o) { o.cells.candidacy_jitter = -hours(1); }, "cells.candidacy_jitter: must be 0 to 1 h"},
        {[](auto& o) { o.cells.candidacy_timeout = hours(2); }, "cells.candidacy_timeout: must be"},
        {[](auto& o) { o.cells.probe_timeout = {}; }, "cells.probe_timeout: must be"},
        {[](auto& o) { o.cells.quiet = {}; }, "cells.quiet: must be"},
        {[](auto& o) { o.cells.newcomer_timeout = {}; }, "cells.newcomer_timeout: must be"},
        {[](auto& o) { o.cells.pending_bytes_max = 0; }, "cells.pending_bytes_max: must be above 0"},
        {[](auto& o) { o.cells.pending_count_max = 0; }, "cells.pending_count_max: must be above 0"},
        {[](auto& o) { o.cells.reads_max = 0; }, "cells.reads_max: must be above 0"},
        {[](auto& o) { o.cells.checkpoint_log_bytes = 0; }, "cells.checkpoint_log_bytes: must be above 0"},
        {[](auto& o) { o.cells.checkpoint_log_entries = 0; }, "cells.checkpoint_log_entries: must be above"},
        {[](auto& o) { o.cells.slice_bytes_max = 0; }, "cells.slice_bytes_max: must be above 0"},
        {[](auto& o) { o.cells.slots_ahead_max = 0; }, "cells.slots_ahead_max: must be above 0"}};
    for (row const& r : rows) {
        server_options spoilt;
        r.spoil(spoilt);
        INFO(r.said);
        CHECK(explain_invalid(spoilt).find(r.said) == 0);
        CHECK_THROWS_AS(colony(1, spoilt), broken_invariant);
    }
}

TEST_CASE("a cell commits with the least of every option") {
    server_options least;
    least.requests_max = 1, least.cells_max = 1, least.candidates_max = 1;
    least.teach_bytes_per_second = teach_bytes_per_second_min;
    least.pointer_retention = {}, least.pointers_max = 0;
    least.cells.candidacy_jitter = {};
    least.cells.pending_count_max = 1, least.cells.reads_max = 1;
    least.cells.checkpoint_log_bytes = 1, least.cells.checkpoint_log_entries = 1;
    least.cells.kept_log_entries = 0, least.cells.slice_bytes_max = 1;
    least.cells.slots_ahead_max = 1, least.cells.caught_up_within = 0;
    REQUIRE(explain_invalid(least).empty());
    colony c(3, least);
    c.found(ledger, "ledger", 3);
    for (int i = 0; i < 10; ++i)
        REQUIRE(c.commit(ledger, kv::transaction().add("n", 1)).has_value());
}

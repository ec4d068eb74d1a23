// What a server sends to those that fell behind is bounded, and everybody catches up nevertheless.
#include "server/colony.hpp"
#include "support/catch.hpp"

using namespace zooid;

namespace {

constexpr std::size_t cells = 8;
constexpr std::size_t value_bytes = 20'000;

cell_id nth(std::size_t n) {
    return {7, n};
}

/// Server 3 was away while each of the cells committed, and is here again; no time has passed since.
void let_one_fall_behind(colony& c) {
    for (std::size_t n = 1; n <= cells; ++n)
        c.found(nth(n), "volume-" + std::to_string(n), 3);
    c.kill(3);
    for (std::size_t n = 1; n <= cells; ++n)
        REQUIRE(c.commit(nth(n), kv::transaction().put("k", bytes(value_bytes, 'x'))).has_value());
    c.restart(3);
}

server_options with_budget(std::uint64_t teach_bytes_per_second) {
    server_options options;
    options.teach_bytes_per_second = teach_bytes_per_second;
    return options;
}

std::size_t caught_up(colony& c) {
    std::size_t count = 0;
    for (std::size_t n = 1; n <= cells; ++n) {
        std::size_t const leads = c.leader(nth(n));
        if (leads == 0) continue;
        count +=
            c.at(3).find_replica(nth(n))->applied_slot() == c.at(leads).find_replica(nth(n))->applied_slot();
    }
    return count;
}

std::uint64_t taught(colony& c) {
    return c.at(1).statistics().bytes_taught + c.at(2).statistics().bytes_taught;
}

std::uint64_t refused(colony& c) {
    return c.at(1).statistics().lessons_refused + c.at(2).statistics().lessons_refused;
}

} // namespace

TEST_CASE("a server teaches as much as it may, then as fast as it may, until all have caught up") {
    std::uint64_t const per_second = 2 * value_bytes;
    colony c(3, with_budget(per_second));
    let_one_fall_behind(c);
    std::uint64_t const before = taught(c);
    time_point const began = c.now();
    std::uint64_t most = 0;
    while (caught_up(c) < cells && c.now() - began < std::chrono::seconds(60)) {
        c.run_for(std::chrono::milliseconds(100));
        auto const tenths = (c.now() - began) / std::chrono::milliseconds(100);
        // Two teachers with a second's worth each at first, and each may overdraw it by one lesson.
        std::uint64_t const allowed =
            2 * (per_second + per_second * static_cast<std::uint64_t>(tenths) / 10 + 2 * value_bytes);
        CHECK(taught(c) - before <= allowed);
        most = std::max(most, taught(c) - before);
    }
    CHECK(caught_up(c) == cells);
    CHECK(most >= cells * value_bytes);
    CHECK(refused(c) > 0);
}

TEST_CASE("without a budget nobody is refused a lesson") {
    colony c(3, with_budget(0));
    let_one_fall_behind(c);
    c.run_for(std::chrono::seconds(2));
    CHECK(caught_up(c) == cells);
    CHECK(taught(c) >= cells * value_bytes);
    CHECK(refused(c) == 0);
}

TEST_CASE("a budget above 8 GiB a second is refused by its name") {
    CHECK(explain_invalid(with_budget((1ull << 33) + 1)) == "teach_bytes_per_second: must be at most 2^33");
}

TEST_CASE("a slice is used whole, however little may be held above a gap") {
    server_options options;
    options.cells.slots_ahead_max = 4;
    colony c(3, options);
    c.found(nth(1), "volume", 3);
    c.kill(3);
    for (int i = 0; i < 100; ++i)
        REQUIRE(c.commit(nth(1), kv::transaction().put("k", bytes(100, 'x'))).has_value());
    std::uint64_t const before = taught(c);
    c.restart(3);
    c.run_for(std::chrono::seconds(2));
    std::size_t const leads = c.leader(nth(1));
    REQUIRE(leads != 0);
    CHECK(c.at(3).find_replica(nth(1))->applied_slot() == c.at(leads).find_replica(nth(1))->applied_slot());
    // At its start both others are asked, and each has the whole of it: about 20 kB.
    CHECK(taught(c) - before < 3 * 100 * 200);
}

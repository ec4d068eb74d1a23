#include "support/catch.hpp"

#include <zooid/journal/memory_journal.hpp>

#include "runtime/measured_journal.hpp"

using namespace zooid;

namespace {

struct forwarding final : journal_listener {
    measured_journal* to = nullptr;
    void secured() override {}
    void persisted(std::uint64_t through) override { to->note_persisted({}, through); }
    void failed(error const&) override { to->note_failed(); }
    void stalled(error const&) override {}
    void damage_found(journal_damage const&) override {}
};

} // namespace

TEST_CASE("appends are timed until they are durable, and a latched journal keeps no list of those that never "
          "will be") {
    journal_id const id{1, 2};
    auto opened = memory_journal::open(id, life_id{3}, {}, format_journal(id, {}));
    REQUIRE(opened);
    memory_journal& inner = *opened.value();
    measured_journal measured(inner);
    forwarding heard;
    heard.to = &measured;
    measured.start(heard);
    std::uint64_t sequence = 0;
    auto const append = [&] {
        std::vector<record> one{{cell_id{0, 1}, replica_id{1}, record_kind::promise, {}, shared_bytes("p")}};
        measured.append({}, ++sequence, one);
    };
    append();
    append();
    CHECK(measured.waiting() == 2);
    inner.flush();
    CHECK(measured.waiting() == 0);
    CHECK(measured.latency().count() == 2);
    append();
    inner.fail_next_task();
    inner.flush();
    CHECK(measured.waiting() == 0);
    for (int i = 0; i < 100; ++i)
        append();
    CHECK(measured.waiting() == 0);
    CHECK(measured.latency().count() == 2);
}

// A packet-loss test of one's own, as short as it should be.
#include "support/catch.hpp"

#include <zooid/sim/world.hpp>

using namespace zooid;

TEST_CASE("a commit and a read survive the loss of every third frame") {
    sim::world w({.seed = 1, .servers = 7});
    auto const cell = w.found_cell(7);
    w.network().loss_ppm = 333'333;
    CHECK(std::holds_alternative<kv::committed>(w.commit(cell, kv::transaction().put("k", true))));
    auto const found = w.strict_read(cell, kv::transaction().read("k"));
    CHECK(std::get<kv::committed>(found).find("k")->content == kv::value(true));
    CHECK(w.failures().empty());
}

// A packet-loss test of your own: a simulated colony, a lossy network, a claim. It needs no socket and no
// disk, its minutes take no time, and the same seed is the same world on every machine.
#include <zooid/sim/world.hpp>

#include <iostream>
#include <string_view>

using namespace zooid;

namespace {

std::string_view name_of(sim::ending const& e) {
    constexpr std::string_view names[] = {"committed", "rejected", "unknown", "failed"};
    return names[e.index()];
}

bool commits_and_reads_survive_loss(std::uint64_t seed) {
    sim::world w({.seed = seed, .servers = 7});
    auto const cell = w.found_cell(7);
    w.network().loss_ppm = 333'333; // every third frame
    auto const minute = std::chrono::seconds(60);
    auto const written = w.commit(cell, kv::transaction().put("k", "v"), minute);
    auto const seen = w.strict_read(cell, kv::transaction().read("k"), minute);
    std::cout << "seed " << seed << ": " << name_of(written) << ", read " << name_of(seen) << '\n';
    auto const* read = std::get_if<kv::committed>(&seen);
    return std::holds_alternative<kv::committed>(written) && read && read->find("k")->content &&
           w.failures().empty();
}

} // namespace

int main() {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        if (!commits_and_reads_survive_loss(seed)) return 1;
    }
    std::cout << "10 worlds, every third frame lost: every write was committed and read\n";
}

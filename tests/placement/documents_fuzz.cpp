// Documents made by libFuzzer: whatever the bytes are, they are read or refused, and what is read can be
// placed, audited and written.
//
//   cmake --preset fuzz && cmake --build build/fuzz --target fuzz_placement
//   build/fuzz/tests/fuzz_placement -max_total_time=600 FOLDER tests/placement/corpus
//
// The first byte says what the rest is: 't' a topology, 'c' cells, 'f' failures of a fixed data centre.
#include <zooid/placement/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace zooid::placement;

/// A claim about what was read; libFuzzer keeps the input that breaks it.
void claim(bool holds) {
    if (!holds) std::abort();
}

topology_document const& fixed() {
    static topology_document const t = [] {
        std::string servers;
        for (int i = 0; i < 9; ++i) {
            auto const n = std::to_string(i);
            servers += std::string(i > 0 ? "," : "") + R"({"id": "s)" + n + R"(", "row": "w", "rack": "r)" +
                       std::to_string(i / 3) + R"(", "power": "p)" + std::to_string(i % 3) + "\"}";
        }
        return read_topology(R"({"rates": {"server": 0.01}, "servers": [)" + servers + "]}").value();
    }();
    return t;
}

void use_topology(std::string_view json) {
    auto const t = read_topology(json);
    if (!t) return claim(!t.error().detail().empty());
    auto const& world = t.value().world;
    claim(validate(world).has_value());
    claim(read_topology(write_topology(world)).has_value());
    auto const solver = solver::create(world);
    claim(solver.has_value());
    cell c{"k", 3, {{{0}, 1}}, {}};
    auto const a = solver.value()->place(c).value();
    if (a.refused) return claim(!a.refused->conflict.empty());
    c.members = a.members;
    claim(violations(world, c, {}).empty());
}

void use_cells(std::string_view json) {
    auto const cells = read_cells(json, fixed().world);
    if (!cells) return claim(!cells.error().detail().empty());
    claim(read_cells(write_cells(fixed(), cells.value()), fixed().world).value() == cells.value());
    claim(audit(fixed().world, cells.value(), {}).cells <= cells.value().size());
}

void use_failures(std::string_view json) {
    auto const down = read_failures(json, fixed().world);
    if (!down) return claim(!down.error().detail().empty());
    cell const c{"k", 3, {{{0}, 1}}, {{1}, {4}, {8}}};
    claim(what_if(fixed().world, std::span(&c, 1), down.value()).dead.size() <= 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const json(reinterpret_cast<char const*>(data) + 1, size - 1);
    if (data[0] == 't') use_topology(json);
    if (data[0] == 'c') use_cells(json);
    if (data[0] == 'f') use_failures(json);
    return 0;
}

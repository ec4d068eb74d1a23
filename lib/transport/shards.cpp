#include <zooid/transport/shards.hpp>

#include <zooid/base/codec.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/transport/wire.hpp>

#include <array>
#include <numeric>

namespace zooid {

namespace {

constexpr std::uint64_t shard_seed = 0x647261687364697aull; // the bytes "zidshard"

} // namespace

std::uint16_t shard_of(cell_id cell, std::uint16_t shards) {
    if (shards == 1) return 0;
    std::array<char, 16> id{};
    for (std::size_t i = 0; i < 8; ++i) {
        id[i] = static_cast<char>(cell.low >> (8 * i));
        id[i + 8] = static_cast<char>(cell.high >> (8 * i));
    }
    return static_cast<std::uint16_t>(hash64({id.data(), id.size()}, shard_seed) % shards);
}

bool are_joined(shard_place a, shard_place b) {
    auto const common = std::gcd(a.shards, b.shards);
    return a.shard < a.shards && b.shard < b.shards && a.shard % common == b.shard % common;
}

std::vector<std::uint16_t> joined_shards(shard_place self, std::uint16_t shards) {
    auto const common = static_cast<std::uint16_t>(std::gcd(self.shards, shards));
    std::vector<std::uint16_t> joined;
    for (unsigned k = self.shard % common; k < shards; k += common)
        joined.push_back(static_cast<std::uint16_t>(k));
    return joined;
}

std::optional<arrival> look_at_hello(bytes_view first) {
    if (first.size() < arrival_bytes) return std::nullopt;
    reader in(first);
    in.get<std::uint32_t>(); // length
    auto const kind = in.get<std::uint16_t>();
    in.get<std::uint16_t>(); // reserved
    auto const magic = in.get<std::uint64_t>();
    in.get<std::uint32_t>(); // versions
    in.get<std::uint64_t>(); // features
    if (kind != static_cast<std::uint16_t>(frame_kind::hello) || magic != wire::magic) return std::nullopt;
    arrival a;
    a.is_server = in.get<std::uint8_t>() == 1;
    a.from.shards = static_cast<std::uint16_t>(in.get<std::uint8_t>() + 1);
    a.from.shard = in.get<std::uint8_t>();
    a.wanted = in.get<std::uint8_t>();
    return a;
}

std::uint16_t receiving_shard(arrival const& a, std::uint16_t shards) {
    if (are_joined(a.from, {a.wanted, shards})) return a.wanted;
    return static_cast<std::uint16_t>(a.from.shard % shards);
}

} // namespace zooid

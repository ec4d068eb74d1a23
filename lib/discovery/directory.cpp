#include <zooid/discovery/directory.hpp>

#include <zooid/base/codec.hpp>
#include <zooid/base/limits.hpp>
#include <zooid/base/system_key.hpp>

namespace zooid {

namespace {

// Part of the format: changed, every key would be looked for in another cell.
constexpr std::uint64_t spread_seed = 0x6469726563746f72ull;
constexpr std::uint8_t entry_version = 2; // 1 has no origin, and is what is written without one

} // namespace

std::uint32_t directory_index(bytes_view key) {
    return static_cast<std::uint32_t>(hash64(key, spread_seed) % directory_cells);
}

bytes directory_key(std::uint32_t index) {
    return bytes(directory_key_prefix) + std::to_string(index);
}

cell_id directory_cell_id(colony_id const& colony, std::uint32_t index) {
    bytes name;
    writer w(name);
    w.put(colony);
    w.put_raw(directory_key(index));
    digest const d = hash128(name, spread_seed);
    return {d.high, d.low};
}

result<void> check_partition_key(bytes_view key) {
    if (key.empty()) return error(errc::invalid_argument, "a partition key is not empty");
    if (is_system_key(key))
        return error(errc::invalid_argument, "keys that begin with \"directory/\" are the directory's own");
    if (key.size() > limits::key_bytes_max) {
        return error(errc::too_large, "a partition key of " + std::to_string(key.size()) +
                                          " bytes, at most " + std::to_string(limits::key_bytes_max));
    }
    return outcome::success();
}

bytes encode(directory_entry const& entry) {
    bytes out;
    writer w(out);
    w.put(entry.origin ? entry_version : std::uint8_t{1});
    w.put(entry.cell), w.put(entry.birth), w.put(entry.founders);
    if (!entry.origin) return out;
    fork_origin const& o = *entry.origin;
    w.put(o.from), w.put(o.birth), w.put(o.confirmed), w.put(o.founding), w.put_sized(o.words);
    w.put(static_cast<std::uint8_t>(o.is_founded ? 1 : 0));
    return out;
}

result<directory_entry> decode_directory_entry(bytes_view encoded) {
    reader in(encoded);
    auto const format = in.get<std::uint8_t>();
    if (format > entry_version) return errc::unsupported_version;
    directory_entry entry;
    in.get(entry.cell), in.get(entry.birth), in.get(entry.founders);
    if (format == entry_version) {
        fork_origin& o = entry.origin.emplace();
        in.get(o.from), in.get(o.birth), in.get(o.confirmed), in.get(o.founding);
        o.words = in.get_sized();
        o.is_founded = in.get<std::uint8_t>() != 0;
    }
    bool const whole = in.complete() && format != 0 && entry.cell && entry.birth;
    if (!whole || entry.founders.empty()) return error(errc::malformed, "not a directory entry");
    return entry;
}

} // namespace zooid

#include <zooid/cell/snapshot.hpp>

#include <zooid/base/codec.hpp>
#include <zooid/base/limits.hpp>

namespace zooid {

namespace {

constexpr std::uint8_t snapshot_kind = 'S';
constexpr std::uint8_t snapshot_version = 1;

bool well_formed(snapshot const& s) {
    if (!s.cell || s.cell_version == 0 || s.alpha == 0 || s.alpha > limits::alpha_max ||
        s.configurations.empty())
        return false;
    if (s.key.size() > limits::key_bytes_max) return false;
    if (s.configurations.front().from > s.at + 1) return false;
    for (std::size_t i = 0; i < s.configurations.size(); ++i) {
        if (s.configurations[i].members.empty()) return false;
        if (i > 0 && s.configurations[i].from <= s.configurations[i - 1].from) return false;
    }
    return true;
}

} // namespace

bytes encode(snapshot const& s) {
    bytes out;
    writer w(out);
    w.put(snapshot_kind);
    w.put(snapshot_version);
    w.put(s.cell_version);
    w.put(s.cell);
    w.put_sized(s.key);
    w.put(s.birth);
    w.put(s.alpha);
    w.put(s.colour);
    w.put(s.at);
    w.put(static_cast<std::uint8_t>(s.configurations.size()));
    for (governed const& g : s.configurations)
        w.put(g.from), w.put(g.members);
    w.put(s.state_digest);
    w.put_sized(s.state.view());
    return out;
}

result<snapshot> decode_snapshot(bytes_view encoded) {
    reader in(encoded);
    snapshot s;
    if (in.get<std::uint8_t>() != snapshot_kind) return error(errc::malformed, "not a snapshot");
    std::uint8_t const format = in.get<std::uint8_t>();
    in.get(s.cell_version);
    if (in.failed()) return error(errc::malformed, "snapshot: cut");
    if (format != snapshot_version)
        return error(errc::unsupported_version, "snapshot: format " + std::to_string(format));
    in.get(s.cell);
    s.key = in.get_sized();
    in.get(s.birth);
    in.get(s.alpha);
    in.get(s.colour);
    in.get(s.at);
    std::size_t const count = in.get<std::uint8_t>();
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        governed g;
        in.get(g.from);
        in.get(g.members);
        s.configurations.push_back(g);
    }
    in.get(s.state_digest);
    s.state = shared_bytes(in.get_sized());
    if (!in.complete() || !well_formed(s)) return error(errc::malformed, "snapshot: fields out of range");
    return s;
}

} // namespace zooid

#include <zooid/cell/entry.hpp>

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

constexpr std::uint8_t entry_version = 1;
constexpr std::uint64_t value_domain = 0x7a6f6f69642f7631; // "zooid/v1": separates values from other digests

bool batch_decodes(bytes_view payload) {
    reader in(payload);
    while (!in.at_end())
        (void)in.get_sized();
    return !in.failed() && !payload.empty();
}

bytes headed(entry_kind kind) {
    bytes out;
    writer w(out);
    w.put(static_cast<std::uint8_t>(kind));
    w.put(entry_version);
    return out;
}

} // namespace

bytes encode(configuration_change const& c) {
    bytes out;
    writer w(out);
    w.put(c.base), w.put(c.members);
    w.put(static_cast<std::uint8_t>(c.newcomers.size()));
    for (newcomer const& n : c.newcomers)
        w.put(n.replica), w.put(n.colour), w.put(n.version_highest);
    return out;
}

result<configuration_change> decode_change(bytes_view encoded) {
    reader in(encoded);
    configuration_change c;
    in.get(c.base), in.get(c.members);
    std::size_t const count = in.get<std::uint8_t>();
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        newcomer n;
        in.get(n.replica), in.get(n.colour), in.get(n.version_highest);
        c.newcomers.push_back(n);
    }
    if (!in.complete() || c.members.empty()) return error(errc::malformed, "a change of members");
    return c;
}

bytes encode(version_rise const& r) {
    bytes out;
    writer w(out);
    w.put(r.base), w.put(r.to);
    return out;
}

result<version_rise> decode_rise(bytes_view encoded) {
    reader in(encoded);
    version_rise r;
    in.get(r.base), in.get(r.to);
    if (!in.complete() || r.to == 0) return error(errc::malformed, "a rise of the version");
    return r;
}

bytes encode(recovery_mark const& m) {
    bytes out;
    writer w(out);
    w.put(m.from), w.put(m.known), w.put(m.taken), w.put_sized(m.words);
    return out;
}

result<recovery_mark> decode_mark(bytes_view encoded) {
    reader in(encoded);
    recovery_mark m;
    in.get(m.from), in.get(m.known), in.get(m.taken);
    m.words = in.get_sized();
    if (!in.complete() || !m.from) return error(errc::malformed, "the mark of a recovery");
    return m;
}

entry entry::no_op() {
    return entry(shared_bytes(headed(entry_kind::no_op)));
}

entry entry::change(configuration_change const& c) {
    return entry(shared_bytes(headed(entry_kind::change) + encode(c)));
}

entry entry::release(slot of) {
    bytes out = headed(entry_kind::release);
    writer(out).put(of);
    return entry(shared_bytes(out));
}

entry entry::raise(version_rise const& r) {
    return entry(shared_bytes(headed(entry_kind::raise) + encode(r)));
}

entry entry::recovered(recovery_mark const& m) {
    return entry(shared_bytes(headed(entry_kind::recovered) + encode(m)));
}

entry entry::batch(std::span<shared_bytes const> commands) {
    ZOOID_CHECK(!commands.empty(), "a batch holds at least one command");
    std::size_t size = 2;
    for (shared_bytes const& command : commands)
        size += 4 + command.size();
    bytes out = headed(entry_kind::commands);
    out.reserve(size);
    writer w(out);
    for (shared_bytes const& command : commands)
        w.put_sized(command.view());
    return entry(shared_bytes(out));
}

digest entry::value_digest() const {
    return hash128(encoded_.view(), value_domain);
}

bool entry::understood() const {
    bytes_view const all = encoded_.view();
    if (all.size() < 2 || static_cast<std::uint8_t>(all[1]) != entry_version) return false;
    switch (kind()) {
    case entry_kind::no_op: return all.size() == 2;
    case entry_kind::commands: return batch_decodes(all.substr(2));
    case entry_kind::change: return decode_change(all.substr(2)).has_value();
    case entry_kind::release: return all.size() == 2 + sizeof(slot::value);
    case entry_kind::raise: return decode_rise(all.substr(2)).has_value();
    case entry_kind::recovered: return decode_mark(all.substr(2)).has_value();
    }
    return false;
}

entry_kind entry::kind() const {
    bytes_view const all = encoded_.view();
    return all.empty() ? entry_kind{} : static_cast<entry_kind>(all[0]);
}

std::vector<bytes_view> entry::commands() const {
    std::vector<bytes_view> found;
    if (kind() != entry_kind::commands) return found;
    reader in(encoded_.view().substr(2));
    while (!in.at_end())
        found.push_back(in.get_sized());
    return found;
}

std::optional<configuration_change> entry::changes() const {
    if (kind() != entry_kind::change) return std::nullopt;
    return decode_change(encoded_.view().substr(2)).value();
}

slot entry::releases() const {
    if (kind() != entry_kind::release) return {};
    return reader(encoded_.view().substr(2)).get<slot>();
}

std::optional<version_rise> entry::raises() const {
    if (kind() != entry_kind::raise) return std::nullopt;
    return decode_rise(encoded_.view().substr(2)).value();
}

std::optional<recovery_mark> entry::recovers() const {
    if (kind() != entry_kind::recovered) return std::nullopt;
    return decode_mark(encoded_.view().substr(2)).value();
}

} // namespace zooid

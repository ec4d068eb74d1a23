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

} // namespace

entry entry::no_op() {
    bytes out;
    writer w(out);
    w.put(static_cast<std::uint8_t>(entry_kind::no_op));
    w.put(entry_version);
    return entry(shared_bytes(out));
}

entry entry::batch(std::span<shared_bytes const> commands) {
    ZOOID_CHECK(!commands.empty(), "a batch holds at least one command");
    std::size_t size = 2;
    for (shared_bytes const& command : commands)
        size += 4 + command.size();
    bytes out;
    out.reserve(size);
    writer w(out);
    w.put(static_cast<std::uint8_t>(entry_kind::commands));
    w.put(entry_version);
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
    case entry_kind::change:
    case entry_kind::release:
    case entry_kind::raise: return false; // reserved in the format, not part of cell version 1 yet
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

} // namespace zooid

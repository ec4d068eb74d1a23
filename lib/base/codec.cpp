#include <zooid/base/codec.hpp>

#include <zooid/base/check.hpp>

namespace zooid {

void writer::put(configuration const& c) {
    put(static_cast<std::uint8_t>(c.size()));
    for (member const& m : c.members())
        put(m);
}

void writer::put_sized(bytes_view content) {
    ZOOID_CHECK(content.size() <= 0xFFFFFFFFu, "a sized byte string is shorter than 4 GiB");
    put(static_cast<std::uint32_t>(content.size()));
    put_raw(content);
}

bytes_view reader::get_raw(std::size_t size) {
    if (size > in_.size()) {
        fail();
        return {};
    }
    bytes_view const taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
}

void reader::get(configuration& c) {
    c = {};
    std::size_t const count = get<std::uint8_t>();
    if (failed_ || count == 0) return;
    if (count > members_max) return fail();
    std::array<member, members_max> members;
    for (std::size_t i = 0; i < count; ++i)
        get(members[i]);
    std::span<member const> const read(members.data(), count);
    if (failed_ || !configuration::valid(read)) return fail();
    c = configuration(read);
}

} // namespace zooid

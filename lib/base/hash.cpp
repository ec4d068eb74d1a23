#include <zooid/base/hash.hpp>

#include <zooid/base/ids.hpp>

#define XXH_INLINE_ALL // the one place where xxHash is compiled
#include <xxhash.h>

namespace zooid {

std::string to_string(digest const& d) {
    return to_hex(d.high, d.low);
}

std::uint64_t hash64(bytes_view content, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(content.data(), content.size(), seed);
}

digest hash128(bytes_view content, std::uint64_t seed) noexcept {
    XXH128_hash_t const hash = XXH3_128bits_withSeed(content.data(), content.size(), seed);
    return {hash.high64, hash.low64};
}

} // namespace zooid

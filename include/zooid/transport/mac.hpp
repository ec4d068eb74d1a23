// Message authentication as a value: the pure rooms take whatever an edge, or a test, gives them.
#pragma once

#include <zooid/base/bytes.hpp>

#include <array>
#include <memory>

namespace zooid {

/// 256 bits that only those who may speak know. Never printed, never compared for order.
using secret = std::array<char, 32>;
using mac_tag = std::array<char, 32>;
/// Bytes that nobody uses twice: one from each side makes a session's keys unique.
using nonce = std::array<char, 32>;

/// A key, ready to compute tags: one for each direction of a connection, used again for every frame.
/// Not thread-safe. Throws nothing but std::bad_alloc.
class mac_key {
  public:
    virtual ~mac_key() = default;
    /// Writes the tag of `content`.
    virtual void compute(bytes_view content, mac_tag& out) = 0;
};

/// An algorithm. Production uses `hmac_sha256()` of the tcp room; it must be a pseudo-random function, since
/// keys are derived with it too.
class mac_suite {
  public:
    virtual ~mac_suite() = default;
    virtual std::unique_ptr<mac_key> make_key(secret const& key) const = 0; ///< copies the secret
};

/// A keyed hash for simulation and tests, cheap and deterministic. It detects accidents and withstands nobody
/// who means harm: never put it on a network.
mac_suite const& insecure_keyed_hash();

/// True when both are equal, in a time that does not depend on where they differ.
bool equal_in_constant_time(bytes_view a, bytes_view b);

} // namespace zooid

// HMAC-SHA256 and random bytes, both OpenSSL's.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/transport/mac.hpp>

namespace zooid {

/// The production algorithm, for any thread. A key holds one OpenSSL context and uses it for each tag.
mac_suite const& hmac_sha256();

/// 256 random bits for a nonce, a secret or an id; `io_failed` if the system has none.
result<nonce> random_bytes();

} // namespace zooid

// What a failed attempt means for its call: the table of lib/client/README.md, as code.
#pragma once

#include <zooid/base/error.hpp>

namespace zooid {

enum class verdict : std::uint8_t {
    elsewhere, ///< this attempt did nothing, and this server can't: ask another
    absent,    ///< the same, and the server says that it has no such cell
    busy,      ///< this attempt did nothing: ask the same server again, later
    unknown,   ///< this attempt may take effect yet: ask again with the same envelope
    stale,     ///< this copy was not applied and never will be; an earlier copy may have been
    refused,   ///< this attempt did nothing, and no other would: the call ends
};

verdict verdict_of(errc failure);

} // namespace zooid

// A replica's state as canonical bytes, for explorers that have to recognise a state that they have seen.
//
// Left out is what decides only when something happens, or by which chance: points in time (a timer is armed
// or not), how long a back-off has become, the prng, and the options, which never change. All else is in:
// equal bytes mean that two replicas answer every event alike, in everything but time and chance. The sources
// unpack each struct by name, so that a field which is added and not encoded does not compile.
#pragma once

#include "cell/state.hpp"

#include <zooid/base/bytes.hpp>

namespace zooid {

/// Appends.
void encode_canonical(replica_state const& state, bytes& out);

} // namespace zooid

// A server's and a cell's state as JSON text, for operators.
#pragma once

#include "server/host.hpp"

namespace zooid {

/// {"cell": "...", "role": "leading", ...}: why the replica does what it does.
bytes describe(explanation const& e);
/// Counters, peers and the journal.
bytes describe(server::host const& h);

} // namespace zooid

// Counts what operator new is asked for by this thread, in the whole test program.
#pragma once

#include <cstddef>

namespace zooid::tests {

std::size_t allocations();

} // namespace zooid::tests

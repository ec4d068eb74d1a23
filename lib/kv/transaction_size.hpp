// The size of a transaction before there is any encoding of it: what is over its limit costs no allocation.
#pragma once

#include <zooid/kv/transaction.hpp>

namespace zooid::kv {

/// The bytes that `encode` appends for it.
std::size_t encoded_size(transaction const& t);

} // namespace zooid::kv

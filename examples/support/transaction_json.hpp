// Transactions as JSON:
//
//     {"if":   [{"equal":"generation","value":{"int":"7"}}, {"absent":"k"}, {"exists":"k"},
//               {"compare":"n","is":"<","value":5}, {"unchanged":"k","since":12}],
//      "then": [{"put":"primary","value":{"text":"b"}}, {"erase":"k"}, {"add":"n","value":1},
//               {"read":"n"}, {"scan":"pre"}]}
//
// Both fields may be absent. Keys are strings, or {"bytes":"base64"}. Comparisons: < <= > >= !=
#pragma once

#include "support/strict_json.hpp"

#include <zooid/kv/transaction.hpp>

namespace support {

/// Errors have line, column and path; what is over a limit is `too_large`, as `transaction::validate` says.
zooid::result<zooid::kv::transaction> transaction_of(json_node const& node, std::string_view source);

} // namespace support

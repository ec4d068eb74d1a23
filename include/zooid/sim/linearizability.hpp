// The linearizability checker: is there an order of the calls in which one cell could have answered so?
//
// Whole transactions are checked against the store itself, cell by cell (linearizability is local). Two ways:
//
//   1. The order that the replies claim: each carries the cell's count of commits. Sorting by it and
//      running the store along it takes linear time, and nearly always proves the history linearizable.
//      Nothing is trusted: every reply must be what the store answers there, and the order must respect
//      real time.
//   2. A search over all orders that real time allows (Wing and Gong), remembering visited pairs of state and
//      calls done (Lowe). It knows nothing of 1, ends after a stated number of steps, and only it can say
//      `violated`.
//
// An unknown call may take effect at any time after its invocation, or never. The store's answers include
// versions, so a history whose values are right and whose versions are not is violated (they fence writes);
// `replies::values` looks at values only.
#pragma once

#include <zooid/kv/store.hpp>
#include <zooid/sim/history.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace zooid::sim {

enum class verdict : std::uint8_t { linearizable, violated, undecided };
std::string_view name_of(verdict v); ///< "linearizable"

enum class replies : std::uint8_t { whole, values };
enum class check_method : std::uint8_t { claimed_order_then_search, search_only };
enum class minimising : std::uint8_t { on, off };

struct check_options {
    /// Transactions that the search may try on one cell before it gives up: about a second.
    std::uint64_t steps_max = 1'000'000;
    replies compare = replies::whole;
    check_method method = check_method::claimed_order_then_search;
    /// Reduce a violated history; costs further searches, up to 400 short ones.
    minimising minimise = minimising::on;
    /// What every cell holds before its first call.
    kv::store initial{};
};

struct cell_verdict {
    std::string cell;
    verdict decided = verdict::undecided;
    std::uint64_t steps = 0; ///< of the search; 0: the claimed order was enough
    /// For `violated`, the smallest history found that is violated still: cut after the response that breaks
    /// it, without the reads and rejections that it does not need. Calls open at the cut are unknown in it.
    history smallest;
    /// What the cell held before `smallest`: it may begin late, after calls that all orders have in common.
    kv::store smallest_initial{};
    /// For people: what could not be explained. Empty for `linearizable`.
    std::string reason;
};

struct check_report {
    /// The worst of the cells': violated, else undecided, else linearizable (also without any call).
    verdict decided = verdict::linearizable;
    std::vector<cell_verdict> cells; // by name
};

/// Checks calls of one cell.
cell_verdict check_cell(history const& calls, check_options const& options = {});
/// Checks each cell of a history.
check_report check_linearizability(history const& calls, check_options const& options = {});

} // namespace zooid::sim

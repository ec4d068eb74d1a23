// What both ways of the checker ask of a cell: would it have answered so, here?
#pragma once

#include <zooid/sim/linearizability.hpp>

namespace zooid::sim {

/// Runs a call, a strict read as a query. Changes the store only if it commits.
kv::outcome answer(kv::store& state, call const& c);

/// Whether a call's known ending is that answer.
bool is_answer(ending const& given, kv::outcome const& computed, replies compare);

/// A call that was answered without changing the store.
bool is_pure(call const& c);

inline bool is_known(call const& c) {
    return std::holds_alternative<kv::committed>(c.ended) || std::holds_alternative<kv::rejected>(c.ended);
}

/// A known ending as what the store answered.
kv::outcome known_outcome(ending const& given);

/// All that an outcome shows of keys.
std::vector<kv::observation> shown_in(kv::outcome const& o);

/// What a read of one key finds.
kv::observation observe(kv::store const& state, bytes const& key);

/// The key that an operation writes; null for one that only reads.
bytes const* written_key(kv::operation const& o);

/// Keys that a transaction writes when it commits, each once or more.
std::vector<bytes const*> written_keys(kv::transaction const& t);

/// The cell's count of commits that a known ending claims.
version claimed_version(ending const& given);

/// True if the order that the replies claim explains the history; false says nothing.
bool claimed_order_holds(history const& calls, kv::store initial);

struct search_result {
    verdict decided = verdict::undecided;
    std::uint64_t steps = 0;
    std::vector<std::size_t> stuck; ///< violated: the calls that fitted nowhere when most others were placed
    version stuck_at;
};
search_result search_order(history const& calls, check_options const& options);

/// Both ways, as the options say.
verdict decide_order(history const& calls, check_options const& options, search_result& found);

struct small_history {
    history calls;
    kv::store initial; ///< what the cell held before them
};
/// Of a history that is violated.
small_history smallest_violated(history const& calls, check_options const& options);

/// "transaction of client 00.. [1000, 5000] ns: committed at version 8", for reasons.
std::string describe(call const& c);

} // namespace zooid::sim

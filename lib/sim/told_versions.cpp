#include "sim/told_versions.hpp"

#include <algorithm>

namespace zooid::sim {

namespace {

constexpr std::uint64_t state_seed = 0x746F6C64;

/// A version that nobody can tell from others; no commit has it.
constexpr version any_other{~std::uint64_t{0}};

} // namespace

told_versions::told_versions(history const& calls, replies compare) : compare_(compare) {
    for (call const& c : calls) {
        for (kv::condition const& required : c.asked.conditions())
            if (auto const* u = std::get_if<kv::unchanged>(&required)) told_apart_.emplace(u->key, u->since);
        if (compare_ == replies::whole && is_known(c)) learn(c);
    }
}

// What a commit shows of a key that it wrote itself may be a content on the way: only older versions tell of
// the state before it. What a failed operation met may be its own transaction's too.
void told_versions::learn(call const& c) {
    version const claimed = claimed_version(c.ended);
    for (kv::observation const& e : shown_in(known_outcome(c.ended)))
        told_apart_.emplace(e.key, e.version);
    if (auto const* r = std::get_if<kv::rejected>(&c.ended)) {
        if (r->why == kv::rejection::condition_failed) learn_state(r->met, claimed);
        return;
    }
    version const state{is_pure(c) || claimed.value == 0 ? claimed.value : claimed.value - 1};
    for (kv::observation const& e : shown_in(known_outcome(c.ended)))
        learn_state(e, state);
}

void told_versions::learn_state(kv::observation const& seen, version at) {
    if (!seen.content || seen.version.value == 0 || seen.version > at) return;
    auto& left = left_[seen.version];
    if (std::find(left.begin(), left.end(), seen) == left.end()) left.push_back(seen);
    version& until = untouched_[seen.key][seen.version];
    until = std::max(until, at);
}

bool told_versions::is_untouched(bytes const& key, version at) const {
    auto const of_key = untouched_.find(key);
    if (of_key == untouched_.end()) return false;
    auto const next = of_key->second.lower_bound(at);
    return next != of_key->second.begin() && std::prev(next)->second >= at;
}

bool told_versions::is_written(bytes const& key, version at) const {
    auto const left = left_.find(at);
    return left != left_.end() && std::any_of(left->second.begin(), left->second.end(),
                                              [&](kv::observation const& e) { return e.key == key; });
}

bool told_versions::allow(call const& c, kv::store const& after) const {
    if (compare_ == replies::values) return true;
    auto const keys = written_keys(c.asked);
    if (std::any_of(keys.begin(), keys.end(),
                    [&](bytes const* key) { return is_untouched(*key, after.version()); })) {
        return false;
    }
    auto const left = left_.find(after.version());
    return left == left_.end() ||
           std::all_of(left->second.begin(), left->second.end(),
                       [&](kv::observation const& seen) { return observe(after, seen.key) == seen; });
}

digest told_versions::digest_of(kv::store const& state) const {
    auto seen = state.ask(kv::transaction().scan(""));
    auto* const all = std::get_if<kv::committed>(&seen);
    if (!all) return state.state_digest(); // too large for one reply
    for (kv::observation& e : all->results[0].entries)
        if (!told_apart_.contains({e.key, e.version})) e.version = any_other;
    bytes encoded;
    kv::encode(seen, encoded);
    return hash128(encoded, state_seed);
}

} // namespace zooid::sim

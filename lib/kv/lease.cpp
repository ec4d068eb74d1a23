// Why no two agents hold at once. Let B's put, which replaced number n, be committed. It was sent after B
// waited R x D(n) by its clock from a moment at which it knew of n, so after A had sent the put that made n:
// A's D(n) from that sending is over in true time. A has nothing later: an acquisition or renewal of A that
// was committed after n would have changed the entry, and B's condition would have failed; one that is
// committed after B's put fails its own. A release ended A's holding before it was sent.
#include <zooid/kv/lease.hpp>

#include "kv/format.hpp"

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid::kv {

namespace {

constexpr std::size_t holder_bytes_max = 256;
constexpr duration duration_min = std::chrono::milliseconds(1);
constexpr duration duration_max = std::chrono::hours(1);

bool is_valid(lease_terms const& terms) {
    return !terms.holder.empty() && terms.holder.size() <= holder_bytes_max && terms.lasts >= duration_min &&
           terms.lasts <= duration_max;
}

} // namespace

value encode_lease(lease_terms const& terms) {
    bytes out;
    writer w(out);
    put_header(w, kind::lease);
    w.put_sized(terms.holder);
    w.put(static_cast<std::uint64_t>(terms.lasts.count()));
    return out;
}

result<std::optional<observed_lease>> lease_of(observation const& found) {
    if (!found.content) return std::optional<observed_lease>();
    auto const wrong = [&] { return error(errc::malformed, "the entry \"" + found.key + "\" is no lease"); };
    auto const* content = std::get_if<bytes>(&*found.content);
    if (!content) return wrong();
    reader in(*content);
    if (!expect_header(in, kind::lease)) return wrong();
    lease_terms terms;
    terms.holder = in.get_sized();
    auto const nanoseconds = in.get<std::uint64_t>();
    if (!in.complete() || nanoseconds > static_cast<std::uint64_t>(duration_max.count())) return wrong();
    terms.lasts = duration(static_cast<std::int64_t>(nanoseconds));
    if (!is_valid(terms)) return wrong();
    return std::optional(observed_lease{std::move(terms), found.version});
}

result<lease_agent> lease_agent::make(bytes key, lease_terms terms, lease_agent_options options) {
    if (!is_valid(terms))
        return error(errc::invalid_argument,
                     "a lease: its holder has 1 to 256 bytes, its duration is from 1 ms to 1 h");
    if (options.clock_ratio_max < 1 || options.clock_ratio_max > 1000)
        return error(errc::invalid_argument, "clock_ratio_max: from 1 to 1000");
    ZOOID_TRY(transaction().put(key, encode_lease(terms)).validate());
    return lease_agent(std::move(key), std::move(terms), options);
}

transaction lease_agent::attempt(time_point now) {
    asked_at_ = now;
    return transaction().require_unchanged(key_, expected_).put(key_, encode_lease(terms_));
}

result<void> lease_agent::ended(outcome const& how, time_point now) {
    if (auto const* done = std::get_if<committed>(&how)) {
        expected_ = number_ = done->version;
        other_.reset();
        until_ = (mutated(mutant::holder_counts_from_reply) ? now : asked_at_) + terms_.lasts;
        return zooid::outcome::success();
    }
    auto const& no = std::get<rejected>(how);
    if (no.why != rejection::condition_failed)
        return error(errc::too_large, "the lease was not taken: " + std::string(name_of(no.why)));
    return found(no.met, now);
}

transaction lease_agent::observe(time_point now) {
    asked_at_ = now;
    return transaction().read(key_);
}

result<void> lease_agent::observed(outcome const& how, time_point now) {
    auto const* seen = std::get_if<committed>(&how);
    observation const* entry = seen ? seen->find(key_) : nullptr;
    if (!entry) return error(errc::malformed, "the answer to the read of a lease does not name it");
    // A read may be older than what we know: a prefix read, or one that was answered before our last attempt.
    if (entry->version < number_) return zooid::outcome::success();
    return found(*entry, now);
}

// An entry with our own name is ours: an attempt took effect whose end was not told. It is worth what the
// last one that we know of was, and may be renewed at once. An attempt that rests on an entry which is no
// longer there is rejected.
result<void> lease_agent::found(observation const& entry, time_point now) {
    ZOOID_TRY(auto const lease, lease_of(entry));
    expected_ = entry.version;
    if (lease && lease->terms.holder == terms_.holder) {
        other_.reset();
        number_ = entry.version;
        return zooid::outcome::success();
    }
    until_ = time_point::min();
    if (!lease || lease == other_) {
        if (!lease) other_.reset();
        return zooid::outcome::success();
    }
    other_ = lease;
    other_since_ = mutated(mutant::breaker_counts_from_asking) ? asked_at_ : now;
    return zooid::outcome::success();
}

transaction lease_agent::release() {
    until_ = time_point::min();
    return transaction().require_unchanged(key_, number_).erase(key_);
}

time_point lease_agent::attempt_at() const {
    if (!other_) return time_point::min();
    std::int64_t const ratio = mutated(mutant::breaker_ignores_clock_ratio) ? 1 : options_.clock_ratio_max;
    return other_since_ + other_->terms.lasts * ratio;
}

} // namespace zooid::kv

#include <zooid/cell/leases.hpp>

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

std::string explain_invalid(lease_options const& options, duration pulse_interval) {
    if (options.clock_ratio_max < 1) return "clock_ratio_max: must be at least 1";
    if (!options.on()) return {};
    if (options.hold > lease_hold_max) return "hold: must be at most 10 s";
    if (options.hold / options.clock_ratio_max < 2 * pulse_interval)
        return "hold: must be at least clock_ratio_max times two pulse intervals, or it runs out between "
               "them";
    return {};
}

// G1, G2. Receipts may come out of order: a late one prolongs as well, and the number stays the highest.
void given_grant::prolong(life_id to, std::uint64_t number, duration hold, time_point now) {
    if (to != to_) {
        earlier_until_ = std::max(earlier_until_, until_);
        to_ = to;
        through_ = 0;
        until_ = time_point::min();
    }
    if (now >= until_) ++epoch_;
    through_ = std::max(through_, number);
    hold_ = hold;
    until_ = std::max(until_, now + hold);
}

bool given_grant::holds(life_id life, time_point now) const {
    return now < (life == to_ ? until_ : earlier_until_);
}

// G3. Only what the grantor holds for from a receipt that came after this sending.
void taken_grant::heard(grant_notice const& notice, std::uint32_t clock_ratio_max, time_point sent,
                        time_point now) {
    if (!notice.through || notice.epoch < epoch_) return;
    if (notice.epoch > epoch_) {
        epoch_ = notice.epoch;
        since_ = now;
        until_ = time_point::min();
    }
    time_point const from = mutated(mutant::lease_counts_from_receipt) ? now : sent;
    until_ = std::max(until_, from + notice.hold / clock_ratio_max);
}

// G4. Strictly later: what was sent in the turn that learned of the epoch may have been read before.
bool taken_grant::is_within(time_point asked) const {
    return asked > since_ || mutated(mutant::lease_ignores_epochs);
}

} // namespace zooid

// Grants between two servers, on which leased reads rest (PROTOCOL.md, G1 to G4, G7, G9). The same value
// stands at both ends of a pair, once for each peer: what was granted to it, and what it granted to us.
//
//   holder A                              grantor B
//   pulse 7, asks ──────────────────────► holds until T after this receipt
//   counts until T / R after it sent 7 ◄─ pulse: "for your life, through 7, epoch 2, T"
//
// The grantor's clock runs from a later moment, and for R times as long: it outlasts the holder's as long as
// no clock runs more than R times as fast as another. Nothing here knows of cells.
#pragma once

#include <zooid/base/ids.hpp>
#include <zooid/base/time.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace zooid {

/// No server may hold longer: what one that lost its own record of it waits for after a start.
inline constexpr duration lease_hold_max = std::chrono::seconds(10);

/// Leased reads are off while `hold` is zero. Turn them on when every server runs software that knows them.
/// Give all servers the same number of shards: where a shard talks to several of one peer's nothing is
/// granted (G9), and a read that would have to count on that peer is a strict one.
struct lease_options {
    /// T: how long this server, once it heard a proposer's server, keeps its promises for it. Longer rides
    /// out more lost pulses, and delays a take-over by as much. At least `clock_ratio_max` times two pulse
    /// intervals, at most `lease_hold_max`; 1.5 s does with pulses every 100 ms.
    duration hold{};
    /// R, the clock-rate bound: no clock of the colony runs more than so many times as fast as another. At
    /// least 1. If the bound does not hold, leased reads may be stale; nothing else depends on it.
    std::uint32_t clock_ratio_max = 3;

    bool on() const { return hold > duration::zero(); }
};

/// Empty, or what is wrong, given the interval between pulses.
std::string explain_invalid(lease_options const& options, duration pulse_interval);

/// What a pulse says of grants: whether its sender asks for one, and what it grants to the receiver.
struct grant_notice {
    bool asks = false;
    life_id to;                ///< of the receiver's process
    std::uint64_t through = 0; ///< the receiver's newest pulse that prolonged the hold; 0: nothing is granted
    std::uint64_t epoch = 0;   ///< of the hold; it never goes back within a life of the grantor
    duration hold{};

    friend bool operator==(grant_notice const&, grant_notice const&) = default;
};

/// A hold that is given to the processes of one peer.
class given_grant {
  public:
    /// Pulse `number` of the peer's process `to` was received at `now`, and asks. Prolongs the hold.
    void prolong(life_id to, std::uint64_t number, duration hold, time_point now);
    /// Is a promise in a ballot of that life held?
    bool holds(life_id life, time_point now) const;
    grant_notice notice() const { return {false, to_, through_, epoch_, hold_}; }

  private:
    life_id to_;
    std::uint64_t through_ = 0;
    std::uint64_t epoch_ = 0;
    duration hold_{};
    time_point until_ = time_point::min();
    time_point earlier_until_ = time_point::min(); ///< the same for lives before `to_`
};

/// What one peer holds for us.
class taken_grant {
  public:
    /// The peer says that it holds; our pulse `notice.through` left at `sent`, and this was heard at `now`.
    void heard(grant_notice const& notice, std::uint32_t clock_ratio_max, time_point sent, time_point now);
    /// Counts for a cell whose replica there answered something that we sent at `asked`, with a promise of
    /// exactly our ballot.
    bool counts(time_point asked, time_point now) const { return now < until_ && is_within(asked); }
    time_point until() const { return until_; }

  private:
    bool is_within(time_point asked) const;

    std::uint64_t epoch_ = 0;
    time_point since_ = time_point::max(); ///< when we learned of the epoch
    time_point until_ = time_point::min();
};

} // namespace zooid

// What is done to the servers, and when: kills of one to three at once, one long absence, one wiped disk.
#pragma once

#include "fleet.hpp"

#include <zooid/base/prng.hpp>

#include <string>
#include <vector>

namespace failover {

/// One moment at which servers were killed.
struct kill_mark {
    std::int64_t at_ns = 0;
    std::vector<std::size_t> servers;
};

/// A plan over the length of a run, in steps of a second. Never are more than three servers away at once, and
/// a server whose disk was wiped counts as away for good: of a cell of seven that it served, six are left.
class chaos {
  public:
    chaos(fleet& servers, std::size_t seconds, std::uint64_t seed);

    /// Carries out what is due `second` seconds after the start, and says what it did; empty: nothing.
    zooid::result<std::string> step(std::size_t second);
    /// Starts everybody that is down.
    zooid::result<void> heal();
    std::vector<kill_mark> const& kills() const { return kills_; }

  private:
    std::string kill(std::size_t count);
    zooid::result<std::string> bring_back();
    std::vector<std::size_t> up() const;

    fleet& servers_;
    std::size_t seconds_;
    zooid::prng random_;
    std::vector<kill_mark> kills_;
    std::size_t absent_ = 0; ///< the one that stays away for long; 0: nobody
    std::size_t wiped_ = 0;
};

} // namespace failover

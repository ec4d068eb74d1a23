// Cells on the move: volume after volume goes from the seven servers that hold it to seven others, by seven
// single replacements, while clients write.
#pragma once

#include "fleet.hpp"

#include <zooid/base/prng.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace failover {

/// A volume and the servers that hold it, by number.
struct volume {
    std::string name;
    std::vector<std::size_t> servers;
};

/// A volume's way to other servers: as many single replacements as it has members.
struct move_mark {
    std::size_t cell = 0;
    std::int64_t began_ns = 0;
    std::int64_t ended_ns = 0;
    std::size_t replaced = 0;
    std::string failed; ///< what the operator's program said; empty if it succeeded
    std::string steps;  ///< what it said of each replacement
};

/// Runs zooidctl in a thread of its own, one move after the other, until told to finish.
class mover {
  public:
    mover(fleet const& servers, std::vector<volume> volumes, std::uint64_t seed);
    ~mover();

    void start();
    /// Waits for the move that is on its way.
    void finish();
    /// How many moves ended so far. Any thread.
    std::size_t ended() const { return ended_; }
    /// Only after `finish`.
    std::vector<move_mark> const& moves() const { return moves_; }

  private:
    void run();
    move_mark move(std::size_t cell);

    fleet const& servers_;
    std::vector<volume> volumes_;
    zooid::prng random_;
    std::vector<move_mark> moves_;
    std::atomic<std::size_t> ended_ = 0;
    std::atomic<bool> finishing_ = false;
    std::thread thread_;
};

} // namespace failover

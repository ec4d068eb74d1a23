// config(j): which configuration governs which slot.
//
//   M1  config(j) is a function of the slots <= j - alpha: a change chosen at slot i governs from i + alpha.
//       It is known for every slot up to prefix + alpha and asked for no other.
//   M2  A change that was computed from another configuration than the newest, or that names a newcomer which
//       the cell can't have, is void; the same on every replica, since all of it is in the log.
//   M3  A configuration is held until a release lets go of it. What is held, is carried by every snapshot.
#pragma once

#include <zooid/cell/change.hpp>
#include <zooid/cell/snapshot.hpp>

#include <vector>

namespace zooid {

/// What the cell demands of a newcomer.
struct cell_demands {
    std::uint32_t colour = 0;
    std::uint16_t cell_version = 1;
};

class membership {
  public:
    membership() = default;
    /// Requires at least one configuration, ascending by slot.
    membership(std::vector<governed> held, std::uint8_t alpha);

    /// The configuration that governs `at`. Requires at >= the first held slot.
    configuration const& at(slot at) const;
    /// Every configuration that governs a slot in [from, to], ascending.
    std::vector<governed> between(slot from, slot to) const;
    /// From the one that the last release kept to the newest.
    std::vector<governed> const& held() const { return held_; }
    configuration const& newest() const { return held_.back().members; }
    /// The slot of the change that made the newest configuration; 0 for the founding one. (In a fork: alpha
    /// slots before the first that it governs.)
    slot base() const { return made_at(held_.back()); }
    slot made_at(governed const& g) const { return g.from > slot{alpha_} ? g.from - alpha_ : slot{}; }

    /// The held member with this replica id, or on this server; the newest of several. Null if there is none.
    member const* find(replica_id replica) const;
    member const* find(server_id server) const;

    /// Takes the change that was chosen at `at`; false if it is void (M2).
    bool follow(slot at, configuration_change const& change, cell_demands const& demands);
    /// Lets go of all configurations before the one that the change at `of` made; false if it is not held.
    bool release(slot of);

    friend bool operator==(membership const&, membership const&) = default;

  private:
    slot governs_from(governed const& g) const;
    bool is_lawful(configuration_change const& change, cell_demands const& demands) const;

    std::vector<governed> held_;
    std::uint8_t alpha_ = 3;
};

} // namespace zooid

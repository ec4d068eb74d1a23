// config(j): which configuration governs which slot.
//
// A function of the slots <= j - alpha, so it is known for every slot up to prefix + alpha and asked for no
// other. Changes enter here when they are chosen and are dropped when no slot that they governed matters.
#pragma once

#include <zooid/cell/snapshot.hpp>

#include <vector>

namespace zooid {

class membership {
  public:
    membership() = default;
    /// Requires at least one configuration, ascending by slot.
    explicit membership(std::vector<governed> configurations);

    /// The configuration that governs `at`. Requires at >= the first governed slot.
    configuration const& at(slot at) const;
    /// Every configuration that governs a slot in [from, to], ascending.
    std::vector<governed> between(slot from, slot to) const;
    std::vector<governed> const& all() const { return configurations_; }

    friend bool operator==(membership const&, membership const&) = default;

  private:
    std::vector<governed> configurations_;
};

} // namespace zooid

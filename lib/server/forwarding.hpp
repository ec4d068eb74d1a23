// Where cells went whose replicas here retired: callers and replicas that were left behind are sent there.
// A wrong or missing pointer costs a detour, never safety; so they end after a while, and are bounded in
// number. They survive a restart as `moved` records.
#pragma once

#include <zooid/base/configuration.hpp>
#include <zooid/base/time.hpp>

#include <deque>
#include <map>
#include <optional>

namespace zooid {

class forwarding {
  public:
    forwarding(duration retention, std::size_t pointers_max)
        : retention_(retention), pointers_max_(pointers_max) {}

    /// The cell's replica `released` retired; these were its members.
    void note(cell_id cell, replica_id released, configuration const& members, time_point now);
    /// Null if nothing is known.
    configuration const* find(cell_id cell) const;
    /// The cell is here again. The replica whose record is obsolete now, if there was a pointer.
    std::optional<replica_id> drop(cell_id cell);
    struct ended {
        cell_id cell;
        replica_id released;
    };
    /// The next pointer whose time is over, or that is one too many.
    std::optional<ended> expire(time_point now);
    /// What was noted before the clock was known counts from now.
    void begin(time_point now);

  private:
    struct pointer {
        replica_id released;
        configuration members;
    };
    struct term {
        time_point since;
        cell_id cell;
        replica_id released;
    };

    duration retention_;
    std::size_t pointers_max_;
    std::map<cell_id, pointer> pointers_;
    std::deque<term> terms_; ///< ascending by time
};

} // namespace zooid

// The referee of a scenario: agreement, judged from what became durable and from what callers were told, by
// rules of its own and not by the replicas' account.
//
//   O1  A slot is chosen with one value: a quorum of config(slot) made it durable in one ballot. config(slot)
//       follows from the changes chosen up to alpha slots before; one that was computed from another
//       configuration than the newest, or that names again whom a change removed and no release
//       let go of, changes nothing.
//   O2  What is delivered was chosen.
//   O3  One (slot, ballot) has one value, whoever accepts it.
//   O4  A durable promise never goes down, restarts included, and nothing durable is accepted below one.
//   O5  A strict read sees every write that was acknowledged before it arrived.
//   O6  A ballot is drawn by one replica.
#pragma once

#include <zooid/cell/effects.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace zooid::scenario {

class referee {
  public:
    /// Which configuration governs until a change is chosen.
    void founded(configuration const& members, std::uint8_t alpha);

    void drawn(member const& by, ballot const& b);
    void durable(member const& who, durable_record const& record);
    void delivered(member const& who, slot at, entry const& value);
    void acknowledged(slot at) { acknowledged_ = std::max(acknowledged_, at); }
    void read_arrived(token request) { floors_[request.value] = acknowledged_; }
    void read_answered(token request, slot at);

    /// The value of a slot if it is chosen, else null.
    entry const* chosen(slot at) const;
    /// Slots found chosen since the last call, with their values.
    std::vector<std::pair<slot, entry>> news() { return std::exchange(news_, {}); }
    std::vector<std::string> const& findings() const { return findings_; }

  private:
    struct proposal {
        digest value;
        std::set<replica_id> voters;
    };

    void vote(member const& who, acceptance_record const& record);
    void choose(slot at, entry const& value);
    configuration const* config(slot at) const;
    void follow_changes();
    void follow(slot at, configuration_change const& change);

    std::map<slot, configuration> governed_;           ///< by its first slot
    std::vector<std::pair<slot, configuration>> held_; ///< by the slot of the change; not released
    slot followed_; ///< all slots up to it are chosen, and their changes governed
    std::uint16_t version_ = 1;
    std::uint8_t alpha_ = 3;
    std::map<std::pair<slot, ballot>, proposal> proposals_;
    std::map<slot, entry> chosen_;
    std::map<replica_id, ballot> promised_;
    std::map<ballot, replica_id> proposers_;
    std::map<std::uint64_t, slot> floors_;
    slot acknowledged_;
    std::vector<std::pair<slot, entry>> news_;
    std::vector<std::string> findings_;
};

} // namespace zooid::scenario

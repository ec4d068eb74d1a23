// How a transcript names things: servers and replicas by letters, ballots as round.server, values by their
// commands. A restarted process proposes in ballots with an apostrophe: 3.a' is round 3 of a's second life.
#pragma once

#include <zooid/cell/effects.hpp>

#include <map>
#include <string>

namespace zooid::scenario {

class names {
  public:
    void add_server(server_id server, std::string const& name) { servers_[server] = name; }
    void add_replica(replica_id replica, std::string const& name) { replicas_[replica] = name; }
    void add_life(life_id life, unsigned number) { lives_[life] = number; }
    void add_request(token request, std::string const& name) { requests_[request.value] = name; }

    std::string of(server_id server) const;
    std::string of(replica_id replica) const;
    std::string of(ballot const& b) const;
    std::string of(token request) const;
    std::string of(entry const& value) const;
    std::string of(configuration const& members) const;
    /// One message in words: "accept 1.a: slot 3 = x".
    std::string of(message const& m) const;
    /// "slot 3 = x in 1.a", as a promise reports it.
    std::string of(acceptance const& a) const;

  private:
    std::map<server_id, std::string> servers_;
    std::map<replica_id, std::string> replicas_;
    std::map<life_id, unsigned> lives_;
    std::map<std::uint64_t, std::string> requests_;
};

/// "slot 3".
inline std::string slot_name(slot at) {
    return "slot " + to_string(at);
}

} // namespace zooid::scenario

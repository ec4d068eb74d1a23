// Every step of every replica as JSON lines, for tools that check a whole run against the specification
// (tests/spec/check_trace.py). A line has what an action of lib/cell/spec/Cell.tla is about, and leaves out
// elections, probes and time:
//
//   {"step": "began", "cell": C, "replica": R, "promised": B, "prefix": J, "alpha": 3, "at": J,
//    "members": [R, ...]}
//   {"step": "came_back", "cell": C, "replica": R, "promised": B, "prefix": J, "accepted": [A, ...]}
//   {"step": NAME, "cell": C, "replica": R, "from": R, "received": the message's content, "request": TOKEN,
//    "promised": B, "prefix": J, "delivered": [[J, V], ...], "restored": J, "reads": [[TOKEN, J], ...],
//    "retired": true, "sent": [{"message": NAME, "to": [R, ...], "leaves": "at once" or "durable",
//                              ...: its content}, ...]}
//
// A replica begins as a founder (at 0) or as a newcomer, with the state after slot "at". R is a replica id,
// B a ballot "round.server.life", J a slot, V a value {"digest": D, "kind": NUMBER}, with "base" and
// "members" if it is a change and "of" if it is a release, A an acceptance {"slot": J, "ballot": B, "value":
// V, "chosen": whether it is known to be}. NAME is an event or, for "received", the message. Steps that say
// nothing of the kind have no line. The order is the world's.
#pragma once

#include <zooid/server/options.hpp>

#include <functional>
#include <string>

namespace zooid::sim {

class step_trace final : public step_observer {
  public:
    explicit step_trace(std::function<void(std::string const&)> line) : line_(std::move(line)) {}

    void began(replica const& r, snapshot const& first) override;
    void came_back(replica const& r, recovered_state const& from) override;
    void stepped(replica const& r, event const& what, effects const& done) override;

  private:
    std::function<void(std::string const&)> line_;
};

} // namespace zooid::sim

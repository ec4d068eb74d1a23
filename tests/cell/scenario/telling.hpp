// One step being told: its states, its words so far, and what every teller asks of them.
#pragma once

#include "cell/scenario/narrator.hpp"
#include "cell/turn.hpp"

namespace zooid::scenario {

struct telling {
    telling(moment const& m, names const& n)
        : before(m.before), after(m.after), a(m.before.state()), b(m.after.state()), what(m.what), out(m.out),
          known(n), now(m.now) {}

    void tell(std::string text) { lines.push_back({std::move(text), false}); }
    void essential(std::string text) { lines.push_back({std::move(text), true}); }
    template <class T>
    std::string say(T const& what_for) const {
        return known.of(what_for);
    }
    configuration const& voters() const { return b.members.at(b.learner.prefix + 1); }

    /// The first message of this kind that the step sends, now or when durable; null if there is none.
    template <class Message>
    Message const* sent() const {
        for (auto const* list : {&out.now, &out.after_durable}) {
            for (outgoing const& o : *list) {
                if (auto const* found = std::get_if<Message>(&o.content)) return found;
            }
        }
        return nullptr;
    }

    replica const& before;
    replica const& after;
    replica_state const& a; ///< before
    replica_state const& b; ///< after
    event const& what;
    effects const& out;
    names const& known;
    time_point now;
    std::vector<line> lines;
};

/// What a message made its receiver do.
void tell_message(telling& t, received const& r);
/// What any other event did.
void tell_event(telling& t);

} // namespace zooid::scenario

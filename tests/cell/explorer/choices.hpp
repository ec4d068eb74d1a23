// What a place may do next, given the messages that were sent to it, and how many ways of it are worth a
// look.
//
// A delivery is *quiet* if nothing was sent, written or answered by it and nothing more is known to be
// chosen: a promise or a vote that completes nothing, say. In any order of events a quiet delivery d at a
// place can be put off past every move of another place (it sends nothing, and what was sent stays), and past
// each move m of its own place for which "d, m" and "m, d" end in the same state with the same messages sent.
// So it is only made just before a move that it does not commute with, or never. That it commutes is not a
// claim about the protocol: both orders are played, in the real code, for each place and move, and where they
// differ the delivery is made first.
//
// Hence every world of the unmerged search is one of the worlds here with quiet deliveries put off at some
// places; in both the same is chosen, sent, answered and known to be chosen.
//
// What a place may do follows from its state and its messages alone, so it is worked out once for each pair.
#pragma once

#include "cell/explorer/outbox.hpp"

#include <deque>

namespace zooid::explore {

struct choice {
    move made;
    std::uint32_t before = 0; ///< the number of the quiet deliveries that are made first
    transition const* done = nullptr;
};

/// All that decides what a place may do.
struct situation {
    std::uint32_t place = 0;
    std::uint32_t acknowledged = 0; ///< the highest slot that any caller was told of
    bool may_crash = false;
    std::array<std::uint32_t, replicas_max> letterboxes{}; ///< what came from each server, by number

    bool operator==(situation const&) const = default;
    friend std::size_t hash_value(situation const& s);
};

class choices {
  public:
    choices(rig const& r, table& all, outboxes const& sent) : rig_(r), table_(all), sent_(sent) {}

    /// Those that change something: the place, or what was sent.
    std::vector<choice> const& of(situation const& now);
    /// The quiet deliveries with this number, in order.
    std::vector<std::uint32_t> const& deliveries(std::uint32_t number) const { return lists_[number]; }
    std::size_t situations() const { return numbers_.size(); }

  private:
    /// A place with quiet deliveries made.
    struct listener {
        std::uint32_t place = 0;
        std::vector<std::uint32_t> heard;
    };

    std::vector<choice> work_out(situation const& now);
    std::vector<std::uint32_t> messages_of(situation const& now) const;
    std::vector<listener> listeners(std::uint32_t place, std::vector<std::uint32_t> const& messages);
    std::vector<move> moves(situation const& now, std::vector<std::uint32_t> const& messages) const;
    bool may_wait(situation const& now, listener const& l, move m, transition const& done);
    bool commutes(std::uint32_t place, std::uint32_t delivery, move m, transition const& done);
    std::uint32_t number_of(std::vector<std::uint32_t> const& list);

    rig const& rig_;
    table& table_;
    outboxes const& sent_;
    boost::unordered_flat_map<situation, std::size_t> numbers_;
    std::deque<std::vector<choice>> known_; ///< by number
    std::map<std::vector<std::uint32_t>, std::uint32_t> list_numbers_{{{}, 0}};
    std::vector<std::vector<std::uint32_t>> lists_{{}};
};

} // namespace zooid::explore

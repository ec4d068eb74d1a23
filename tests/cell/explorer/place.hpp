// One server of an exploration: a replica of the real core, its disk, what it has not flushed, and what it
// may still do within the bounds. Moves are pure: a place and a move give another place and the messages
// sent.
//
// What is abstracted, so that every order of events is covered and the states stay finitely many:
//
//   Time      An armed timer may fire at any moment and in any order: it is made due alone and the replica is
//             woken. That allows more than any clock would; safety rests on no clock. How long a back-off has
//             become is forgotten.
//   Liveness  Every server hears every other both ways and has had its answer, and believes that the process
//             of any proposer it knows has ended. So nobody vouches, and everybody may stand at any moment:
//             more than the election would allow. A candidate's canvass is answered at once, by as many as it
//             needs, without telling it of higher rounds; those it learns from refusals.
//   Chance    The prng is reset after every move: it only draws waits, which are forgotten, and whom to ask
//             for what was missed, of which every choice is a move of its own.
//   Election  So nothing of it is left but the highest round seen.
//   Network   Messages are never taken out of the network, so every loss, delay, reordering and duplication
//             is some order of moves. What a replica tells itself at once does not pass it: the host hands
//             that over in the same turn.
//   Flush     No move: the records of a step are durable with it, unless it is *lost*, and then so are those
//             of every step until the crash that follows (or never does). That is the same as flushes at any
//             time: a flush only lets messages go, which the network may delay until then, and of what was
//             flushed and what was not a crash shows only the border. An answer to oneself that waits for a
//             flush passes the network like any other, so it may come at any later time, or never.
//   Crash     A process that dies is back in the same move: one that stays away longer is one that nobody
//             gives a move to.
//   Callers   A command arrives at a proposer that leads; one that arrives before waits for just that.
//   Teaching  Unless asked for, nobody tells or asks what was missed; `commit` alone spreads what is chosen.
//             Nobody reports a prefix then, so no change is released. With `releases` prefixes are reported
//             and asked for, and nobody fetches.
//   Retired   A replica that its log released is destroyed at once: it has no moves any more.
//   Slots     Requests for slots above the bound are lost.
//   Surrender A proposer that may not stand again neither gives up nor hears that it was refused: that is one
//             that nobody gives a move to.
#pragma once

#include "cell/group.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zooid::explore {

/// What an exploration is allowed to do.
struct bounds {
    std::size_t replicas = 3;
    std::size_t proposers = 2; ///< the first so many may stand
    unsigned ballots = 1;      ///< for each of them
    unsigned commands = 1;     ///< for each of them
    unsigned slots = 1;
    unsigned crashes = 0; ///< all together
    unsigned reads = 0;   ///< for each proposer
    std::uint8_t alpha = 3;
    bool replacement = false;      ///< begins in the middle of one: see `beginning`
    bool teaching = false;         ///< laggards are asked, and ask
    bool releases = false;         ///< laggards are asked, and tell what they know
    bool unmerged = false;         ///< nothing that is explored once only: for comparison
    bool resignations = false;     ///< a proposer may step down by itself
    std::uint64_t depth = 0;       ///< of moves; 0: no bound
    std::uint64_t states_max = 0;  ///< stop there; 0: no bound
    std::uint64_t states_hint = 0; ///< room for so many from the start
};

enum class kind : std::uint8_t {
    deliver, ///< argument: the message
    flush,   ///< only if `unmerged`
    stand,
    propose,
    read, ///< argument: the highest slot that any caller was told of
    repeat,
    remind,
    give_up,
    fetch, ///< argument: whom chance would ask
    resign,
    crash,
    change, ///< only on the way to the beginning of a replacement
};
struct move {
    explore::kind kind = kind::flush;
    bool lost = false; ///< no record of this step, nor of a later one before the next crash, becomes durable
    std::uint32_t argument = 0;
};

struct letter {
    std::size_t from = 0;
    std::size_t to = 0;
    message content;

    /// To oneself, and not heard in the same turn: it waited for a flush.
    bool passes_to_self() const {
        return to == from &&
               (std::holds_alternative<promise>(content) || std::holds_alternative<accepted>(content) ||
                std::holds_alternative<confirmed>(content) || std::holds_alternative<learned>(content));
    }
};

/// A replica with everything that its server keeps for it.
struct place {
    std::size_t index = 0;
    std::optional<replica> running;
    group_disk disk;
    std::deque<group_flush> unflushed; ///< only if `unmerged`
    bool loses = false;                ///< since a lost step
    digest applied;                    ///< stands for the state machine
    unsigned crashes = 0, stands = 0, commands = 0, reads = 0;
    slot acknowledged;         ///< the highest that a caller here was told of
    std::optional<slot> floor; ///< of the read that is under way

    place copy() const;
    /// What tells it from others; of its disk only what may matter.
    bytes canonical(bounds const& limits) const;
    /// Every slot up to it would be known after a restart.
    slot durable_prefix() const;
};

struct outcome {
    place after;
    std::vector<letter> sent;
    std::vector<std::string> broken; ///< invariants, and reads that miss an acknowledged write
    bool wrote = false;              ///< there was something to flush
};

/// The constants of an exploration.
class rig {
  public:
    explicit rig(bounds const& limits);

    bounds const& limits() const { return limits_; }
    std::size_t size() const { return members_.size(); }
    /// Founders that know each other and nothing else. Of a replacement: the first founder leads in ballot 1
    /// with the promises of the first two, the second one leads in ballot 2 with those of the second and the
    /// third. It has chosen, in slot 1, that a spare replaces the third, and taught that to the first: both
    /// proposers go on, and the spare knows nothing. Everything ever sent may still arrive.
    struct start {
        std::vector<place> places;
        std::vector<letter> sent;
    };
    start beginning() const;
    /// The moves that do not deliver a message, whether they are allowed or not.
    std::vector<move> const& moves() const { return moves_; }
    /// Nothing if the place does not allow this move.
    std::optional<outcome> perform(place const& before, move m, letter const* delivered) const;
    std::vector<member> const& members() const { return members_; }

  private:
    class turn_of_a_place;
    class prologue;

    std::vector<place> founders() const;
    replica_identity identity(std::size_t index, unsigned life) const;
    liveness view(std::size_t index, unsigned life) const;

    bounds limits_;
    cell_options options_;
    std::vector<member> members_;
    snapshot founding_;
    std::vector<move> moves_;
};

} // namespace zooid::explore

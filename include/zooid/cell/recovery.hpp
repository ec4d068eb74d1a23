// Emergency recovery: a cell that lost its majority for good goes on as another cell.
//
// Nothing here is consensus: a person decides that servers are gone and stay so, and what was chosen only
// there is lost. What can be decided by looking is decided here, as values: whether the cell may still have a
// majority, where the best copy is, what of it is certain. PROTOCOL.md, "Emergency recovery", has the rules.
//
//   survey of all servers ──► plan_recovery ──► a plan, or why there is none
//   answers of the sealed ──► best_base ──► founding of the new cell
//
//   Y1  *Dead.* A plan needs a configuration, among those that govern what is not known to be chosen yet, of
//       which less than a majority can ever vote again. A cell that has its majorities is refused (trap 13),
//       unless its fork is decided already: then there is no way back, and with them nothing is lost.
//   Y2  *Accounted for.* Every server that was asked answered, or is confirmed to be off and to stay so, and
//       so is every server that a held configuration names. Who is merely silent may be choosing: the
//       survivors may not even know the configuration in which.
//   Y3  *Base.* The new cell begins with the state after the highest slot up to which a sound survivor knows
//       everything. Two of them that differ in the state after one slot are refused.
//   Y4  *Taken over.* Above the base, as far as no slot is missing: what is known to be chosen (by one whose
//       state is sound, else by one that was outvoted: its state is in doubt, its log is not), else the
//       value of the highest ballot of those whose votes can be believed. That one was chosen, or was not, or
//       another was in a ballot that only lost members saw: it is named in the plan. At the first slot of
//       which nothing can be read it ends, for what follows rests on it.
//   Y5  Everybody who answered is sealed before the new cell is founded, and its base is computed from what
//       they said when they were; so what they chose between the survey and the seals is in it.
//   Y6  A token identifies what the person looked at: base, values taken over and left out, who is sealed,
//       who is off, where the cell goes on. In another situation it confirms nothing.
#pragma once

#include <zooid/cell/effects.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zooid {

/// What one replica of a cell says to a survey.
struct survey_answer {
    cell_id cell;
    bytes key;
    generation birth;
    member self;
    life_id life;
    ballot promised;
    slot prefix;         ///< all slots up to it are known to be chosen
    slot state_at;       ///< the slot of the state that it can hand out; at most `prefix`. In doubt: of its
                         ///< checkpoint
    digest state_digest; ///< of that state
    std::uint8_t alpha = 3;
    std::uint32_t colour = 0;
    std::uint16_t cell_version = 1;
    std::vector<governed> held;       ///< ascending
    std::vector<acceptance> accepted; ///< above `state_at`, with those that are known to be chosen
    std::string quarantine;           ///< the cause, or empty
    distrust quarantined_for = distrust::state;
    std::optional<successor_cell> sealed_for;

    friend bool operator==(survey_answer const&, survey_answer const&) = default;
};
/// What it learned can be believed: it is well, or only its votes are in doubt, or it is sealed.
bool has_sound_state(survey_answer const& a);
/// The configurations that govern slots which are not known to be chosen, as far as these know, ascending by
/// the first slot that each governs.
std::vector<governed> needed_configurations(std::vector<survey_answer> const& answers);
bytes encode(survey_answer const& a);
result<survey_answer> decode_survey_answer(bytes_view in);

/// What asking one server came to.
struct surveyed_server {
    enum class kind : std::uint8_t {
        answered, ///< `answer` is its replica's
        absent,   ///< it is up and has no replica of the cell
        silent,   ///< no answer: down, cut off, or slow
    };
    server_id server;
    kind what = kind::silent;
    std::optional<survey_answer> answer;
};

/// Of every server of the colony: one that hosts a replica which the survivors have not heard of must not be
/// forgotten.
struct cell_survey {
    cell_id cell;
    std::vector<surveyed_server> servers;
};

/// A value above the base that the new cell takes over.
struct taken_value {
    slot at;
    ballot accepted; ///< zero: taught
    digest value_digest;
    bool chosen = false; ///< known to be; else it may have been, or another value was and is lost
    entry value;

    friend bool operator==(taken_value const&, taken_value const&) = default;
};

/// Where the best copy is, and what can be added to it (Y3, Y4).
struct recovery_base {
    server_id server; ///< has the state
    slot at;
    digest state_digest;            ///< zero at slot 0: that state is in the founding record, which all have
    std::vector<taken_value> taken; ///< of the slots from at + 1 on, without gaps
    std::vector<slot> left_out;     ///< above a slot of which nothing can be read: not taken over

    slot known() const; ///< all slots up to it are known to be chosen, and are here
    slot end() const { return at + taken.size(); }
    friend bool operator==(recovery_base const&, recovery_base const&) = default;
};

/// What an emergency recovery would do. What may be lost besides what it names: everything that was
/// acknowledged in a slot above `base.known()`, of which no survivor tells.
struct recovery_plan {
    cell_id from;
    bytes key;
    generation birth; ///< of the new cell
    std::uint8_t alpha = 3;
    std::uint32_t colour = 0;
    std::uint16_t cell_version = 1;
    recovery_base base;
    std::vector<server_id> to_seal; ///< who answered
    std::vector<server_id> off;     ///< confirmed: must stay off for ever, or come back without their data

    friend bool operator==(recovery_plan const&, recovery_plan const&) = default;
};

/// Why there is no plan.
struct recovery_refusal {
    enum class reason : std::uint8_t {
        has_majority,     ///< Y1: whoever answered may go on choosing
        unaccounted,      ///< Y2: `servers` neither answered nor are confirmed to be off
        off_but_answers,  ///< `servers` are said to be off, and answered
        no_state,         ///< nobody who answered has a state that can be believed
        states_differ,    ///< Y3: `servers` have different states after the same slot
        recovered_before, ///< `servers` are sealed for another cell than the one that is being founded
    };
    reason why = reason::has_majority;
    std::vector<server_id> servers;
};
std::string_view name_of(recovery_refusal::reason why);

/// Pure. `founding` is the cell that an interrupted recovery goes on to found, zero at the first attempt.
std::variant<recovery_plan, recovery_refusal>
plan_recovery(cell_survey const& seen, std::vector<server_id> const& confirmed_off, cell_id founding = {});

/// Y3 and Y4 alone, for answers of sealed replicas. Requires at least one that can be believed.
std::variant<recovery_base, recovery_refusal> best_base(std::vector<survey_answer> const& answers);

/// Identifies what an operator confirms: the base, what is taken over and left out, who is sealed and who is
/// off, and on which servers the cell is to go on. Seals don't change it, nor do ballots.
digest confirmation_of(recovery_plan const& plan, std::vector<server_id> const& on);

/// The new cell as it is founded on each of its servers: a state and the log that follows it, all of it
/// known to be chosen. The last entry is the mark.
struct forked_founding {
    snapshot base; ///< under the new id; its one configuration governs from base.at + 1 on
    std::vector<entry> log;

    slot end() const { return base.at + log.size(); }
    friend bool operator==(forked_founding const&, forked_founding const&) = default;
};
bytes encode(forked_founding const& f);
/// `malformed` besides for one whose log does not end with the mark of a recovery, or holds a change.
result<forked_founding> decode_forked_founding(bytes_view in);

/// `state` is what the survivor kept at base.at. The same arguments, the same record, byte for byte.
forked_founding found_fork(recovery_base const& base, snapshot const& state, successor_cell const& as,
                           bytes words);

/// Which acceptances and slots `f` restores in a founder's journal, besides the checkpoint.
std::vector<acceptance_record> records_of(forked_founding const& f);

/// The payload of operation `seal`.
bytes encode(successor_cell const& s);
result<successor_cell> decode_successor(bytes_view in);

} // namespace zooid

// Every place and message that an exploration meets, once, with a number; and what each move does to each
// place, worked out by the real core the first time it is asked and remembered.
//
// A step is a function of the replica and the event, so a world of three replicas visits far fewer places
// than worlds: this is what makes exploring 1e8 worlds affordable. Places are recognised by the 128-bit hash
// of their canonical bytes.
#pragma once

#include "cell/explorer/place.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <map>
#include <memory>

namespace zooid::explore {

inline constexpr std::size_t slots_max = 4;
inline constexpr std::size_t replicas_max = 9;
/// The value of each slot, by number; 0: none.
using slot_values = std::array<std::uint8_t, slots_max>;

struct known_place {
    explore::place place;
    slot_values chosen{}; ///< what this replica takes for chosen
    slot durable;         ///< `durable_prefix`, if anything is released
    bool retired = false;
};

struct known_message {
    explore::letter letter;
    std::uint32_t vote = 0;     ///< of an `accepted`: which (slot, ballot, value) it votes for
    std::uint32_t proposal = 0; ///< of an `accept`: which (slot, ballot) it proposes in
    std::uint8_t value = 0;
};

/// The votes for one value in one ballot.
struct ballot_box {
    std::size_t at = 0; ///< slot - 1
    std::uint8_t value = 0;
    std::vector<std::uint32_t> votes; ///< messages
};

/// What the rules of the exploration ask of a value.
struct known_value {
    std::uint32_t members = 0; ///< that it makes the next configuration, as bits; 0: it is no change
    slot releases;             ///< the change that it releases
    digest name;
};

struct transition {
    bool allowed = false;
    /// Nothing was sent, written, told or answered, and nothing more is known to be chosen.
    bool quiet = false;
    std::uint32_t number = 0; ///< among all transitions
    std::uint32_t after = 0;
    std::vector<std::uint32_t> sent;
    std::vector<std::string> broken;
};

class table {
  public:
    explicit table(rig const& r) : rig_(r) {}

    std::uint32_t add(place&& p);
    std::uint32_t add(letter const& l);
    known_value const& value_at(std::uint8_t value) const { return values_[value]; }
    known_place const& at(std::uint32_t place) const { return *places_[place]; }
    known_message const& message_at(std::uint32_t m) const { return messages_[m]; }
    ballot_box const& box(std::uint32_t vote) const { return boxes_[vote]; }
    /// The messages that propose in one (slot, ballot).
    std::vector<std::uint32_t> const& proposals(std::uint32_t p) const { return proposals_[p]; }

    transition const& move_at(std::uint32_t place, move m);

    std::size_t places() const { return places_.size(); }
    std::size_t messages() const { return messages_.size(); }
    std::size_t steps() const { return transitions_.size(); }

  private:
    std::uint8_t number_of(digest const& value);

    rig const& rig_;
    std::vector<std::unique_ptr<known_place>> places_;
    std::map<digest, std::uint32_t> place_numbers_;
    std::vector<known_message> messages_;
    std::map<bytes, std::uint32_t> message_numbers_;
    std::map<bytes, std::uint32_t> box_numbers_, proposal_numbers_;
    std::vector<ballot_box> boxes_{1};
    std::vector<std::vector<std::uint32_t>> proposals_{1};
    std::map<digest, std::uint8_t> value_numbers_;
    std::array<known_value, 256> values_{};
    std::vector<std::unique_ptr<transition>> transitions_;
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> moves_;
};

} // namespace zooid::explore

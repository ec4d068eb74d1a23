// What a server has sent so far: every such set of messages that an exploration meets, once, with a number.
//
// A server's set grows by its own moves alone, so there are far fewer sets than worlds, and a world holds one
// number for each server, however many messages there are.
#pragma once

#include "cell/explorer/table.hpp"

#include <span>

namespace zooid::explore {

class outboxes {
  public:
    outboxes(rig const& r, table const& all);

    /// The number of the set with these messages as well; 0 is the empty one.
    std::uint32_t with(std::uint32_t box, std::span<std::uint32_t const> messages);
    /// The same for what a transition sends, which is asked for again and again.
    std::uint32_t with(std::uint32_t box, transition const& done);
    bool has(std::uint32_t box, std::uint32_t message) const;

    /// What of a set a server may receive, as the number of a letterbox; 0: nothing.
    std::uint32_t addressed(std::uint32_t box, std::size_t to) const { return boxes_[box].addressed[to]; }
    /// The messages of a letterbox, in ascending order.
    std::vector<std::uint32_t> const& letterbox(std::uint32_t number) const { return letterboxes_[number]; }

  private:
    using messages = std::vector<std::uint32_t>; ///< ascending

    struct outbox {
        messages all;
        std::array<std::uint32_t, replicas_max> addressed{};
    };

    std::uint32_t number_of(messages&& all);
    std::uint32_t letterbox_with(messages&& all);
    bool may_receive(std::size_t to, letter const& l) const;

    rig const& rig_;
    table const& table_;
    std::vector<outbox> boxes_{{}};
    std::vector<messages> letterboxes_{{}};
    std::map<messages, std::uint32_t> box_numbers_{{{}, 0}};
    std::map<messages, std::uint32_t> letterbox_numbers_{{{}, 0}};
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> grown_; ///< by box and transition
};

} // namespace zooid::explore

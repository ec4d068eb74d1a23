// Who votes: members, configurations, quorums.
#pragma once

#include <zooid/base/ids.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>

namespace zooid {

/// A replica as a configuration names it. All three parts must match for a vote to count: a wiped disk has
/// another journal id, a replica that left and came back another replica id.
struct member {
    server_id server;
    journal_id journal;
    replica_id replica;

    friend constexpr auto operator<=>(member const&, member const&) = default;
};

inline constexpr std::size_t members_max = 9;

/// A set of members of one configuration, by index.
class member_set {
  public:
    constexpr member_set() = default;
    constexpr void insert(std::size_t index) { bits_ |= static_cast<std::uint16_t>(1u << index); }
    constexpr void erase(std::size_t index) { bits_ &= static_cast<std::uint16_t>(~(1u << index)); }
    constexpr bool contains(std::size_t index) const { return (bits_ >> index & 1u) != 0; }
    constexpr std::size_t size() const { return static_cast<std::size_t>(std::popcount(bits_)); }
    friend constexpr auto operator<=>(member_set, member_set) = default;

  private:
    std::uint16_t bits_ = 0;
};

/// The members of a cell over a range of slots: one to nine, an odd number, each on a server of its own.
/// A value; the order of members is part of it and is the order of preference for the proposer.
class configuration {
  public:
    constexpr configuration() = default;
    /// Requires `valid(members)`.
    explicit configuration(std::span<member const> members);

    /// Odd, at most members_max, no server and no replica twice, no part zero.
    static bool valid(std::span<member const> members);

    std::span<member const> members() const { return {members_.data(), count_}; }
    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    std::size_t majority() const { return count_ / 2 + 1; }
    bool is_quorum(member_set voters) const { return count_ != 0 && voters.size() >= majority(); }

    std::optional<std::size_t> index_of(replica_id replica) const;
    std::optional<std::size_t> index_of(server_id server) const;
    /// Of exactly this member: on this server, with this journal and replica id.
    std::optional<std::size_t> index_of(member const& one) const;
    bool contains(replica_id replica) const { return index_of(replica).has_value(); }
    member const& operator[](std::size_t index) const { return members_[index]; }

    friend bool operator==(configuration const&, configuration const&) = default;

  private:
    std::array<member, members_max> members_{};
    std::uint8_t count_ = 0;
};

} // namespace zooid

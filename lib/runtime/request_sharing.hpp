// One shard's part in serving clients, when there are several: a client is connected to one of them, and asks
// for cells of all.
//
//   Q1  A request goes to the shard that owns its cell, and to no other, so nothing is done twice.
//   Q2  One that names its cell by key alone: all shards are asked where that key is, and the request goes to
//       the one with the youngest generation.
//   Q3  What concerns the server (`status`) is asked of all shards and answered once.
//
// Links of clients carry the number of their shard in the lowest byte. A question to all shards has a link of
// its own, with the highest bit set, that leads back here.
#pragma once

#include "runtime/shard_exchange.hpp"

#include <zooid/server/server.hpp>

#include <map>
#include <variant>

namespace zooid {

/// The status of a server, of what its shards say of themselves: counters are added up, a peer is connected
/// if it is to all, and suspected if it is by any.
bytes merge_status(std::vector<bytes> const& of_shards);

class request_sharing {
  public:
    /// The shard that this is a part of.
    class home {
      public:
        virtual ~home() = default;
        /// For its host of cells.
        virtual void take_request(requester from, bytes_view request) = 0;
        virtual void reply_to_client(link_id client, bytes_view reply) = 0;
        virtual void forget_client(link_id client) = 0;
    };

    request_sharing(shard_place self, shard_exchange& others, home& here);

    /// Of a client that is connected here.
    void on_request(requester from, bytes_view encoded);
    void on_client_down(link_id client);
    /// Of the host here, to whomever asked.
    void send_reply(output_reply reply);
    /// What other shards handed over.
    void take_handed();

  private:
    struct everywhere {};
    struct by_key {};
    using destination = std::variant<std::uint16_t, everywhere, by_key>;
    struct question {
        requester from;
        bytes request; ///< as it came
        correlation_id correlation;
        operation op = operation::status;
        std::vector<std::pair<std::uint16_t, bytes>> answers;
    };

    std::uint16_t owner_of(cell_id cell) const { return shard_of(cell, self_.shards); }
    destination destination_of(request const& r) const;
    void pass_on(std::uint16_t to, requester from, bytes_view encoded);
    void ask_all(requester from, request const& r, bytes_view encoded);
    void deliver(std::uint16_t from, link_id to, bytes_view reply);
    void on_answer(std::uint16_t from, link_id asked, bytes_view reply);
    void answer_status(question const& q);
    void go_on_with_key(question const& q);
    void fail(link_id client, correlation_id correlation, error const& why);

    shard_place self_;
    shard_exchange& others_;
    home& home_;
    std::map<link_id, question> questions_;
    std::uint64_t asked_ = 0;
};

} // namespace zooid

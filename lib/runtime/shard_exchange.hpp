// What the shards of one server hand to each other: requests for cells of another shard, replies for clients
// that another shard serves, and the word that a client has gone.
//
//   X1  Bounded: what may be lost is dropped and counted when the queue of its shard is full. A reply that is
//       lost is one that the network lost; a request is answered as overloaded by who could not hand it over.
//   X2  In order between two shards, once.
//   X3  Whoever hands over never waits for the other shard. A shard is woken once for all that waits for it.
//
// A server with one shard has no exchange.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/runtime/running_server.hpp>
#include <zooid/transport/transport.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace zooid {

class shard_exchange {
  public:
    enum class kind : std::uint8_t { request, reply, client_gone };
    enum class bound : std::uint8_t {
        queue, ///< X1
        none,  ///< the sender bounds how many of these there are
    };
    struct item {
        kind what = kind::request;
        std::uint16_t from = 0; ///< the shard that handed it over
        link_id client;
        party_role role = party_role::client; ///< of a request
        bytes payload;
    };

    shard_exchange(std::uint16_t shards, std::size_t queue_bytes_max);

    std::uint16_t shards() const { return static_cast<std::uint16_t>(queues_.size()); }
    /// How to wake a shard: called by any thread when something waits after nothing did. Before any use.
    void attach(std::uint16_t shard, std::function<void()> wake);

    // Thread safe.
    /// False: dropped and counted.
    bool hand(std::uint16_t to, item what, bound how = bound::queue);
    std::vector<item> take(std::uint16_t shard);
    /// Of what came to that shard.
    exchange_statistics statistics(std::uint16_t shard) const;

  private:
    struct queue {
        mutable std::mutex guard;
        std::vector<item> items;
        std::size_t bytes = 0;
        exchange_statistics counts;
        std::function<void()> wake;
    };

    std::size_t bytes_max_;
    std::vector<std::unique_ptr<queue>> queues_;
};

} // namespace zooid

// A client as the world plays it: finds the proposer, retries the same envelope, complains, gives up in time.
//
// It is written apart from the real client on purpose: what it asks of the servers is only what the public
// contract says, and it is impatient enough to find gaps in it.
#pragma once

#include "sim/clock.hpp"
#include "sim/workload.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/sim/history.hpp>
#include <zooid/sim/world.hpp>
#include <zooid/transport/request.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace zooid::sim {

/// What a caller needs of the world.
class caller_surroundings {
  public:
    virtual ~caller_surroundings() = default;
    virtual world_time now() const = 0;
    virtual void send_request(std::uint16_t caller, server_id to, bytes request) = 0;
    virtual void set_timer(std::uint16_t caller, world_time at, std::uint32_t epoch) = 0;
    virtual void on_ended(std::uint16_t caller, call ended) = 0;
    virtual void on_read_seen(std::size_t cell, version at, std::uint64_t query, std::uint64_t results) = 0;
    virtual void on_fault_found(std::string what) = 0;
    /// As a discovery cache would tell it.
    virtual configuration members_of(std::size_t cell) const = 0;
};

/// The home of a caller that no cut concerns.
inline constexpr std::uint16_t nowhere = 0xFFFF;

struct caller_place {
    std::uint16_t index = 0;
    std::uint16_t home = 0; ///< the server whose side of a partition it shares
    std::size_t cell = 0;
    cell_id id;
    std::string name;
    configuration members;
};

class caller {
  public:
    /// Without a workload it waits to be asked.
    caller(caller_surroundings& around, caller_place place, client_options options,
           std::unique_ptr<workload> work, std::uint64_t seed);

    void begin_after(duration wait);
    void ask(intent what);
    void on_timer(std::uint32_t epoch);
    void on_reply(server_id from, bytes_view encoded);
    void stop() { stopping_ = true; }

    bool is_busy() const { return busy_; }
    std::uint16_t home() const { return place_.home; }
    std::size_t cell() const { return place_.cell; }
    /// How the last call ended, for callers without a workload.
    std::optional<ending> const& last() const { return last_; }

  private:
    enum class waiting_for : std::uint8_t { nothing, thinking, answer, retry };

    void attempt();
    void send(server_id to);
    void complain();
    void give_up();
    void end(ending how);
    void wait(waiting_for what, world_time at);
    void on_refusal(server_id from, reply const& r);
    void on_success(reply const& r);
    void on_commit_reply(reply const& r);
    void on_read_reply(reply const& r);
    void retry_later();
    server_id any_member();
    duration draw(duration mean);

    caller_surroundings& around_;
    caller_place place_;
    client_options options_;
    std::unique_ptr<workload> work_;
    prng random_;
    client_id id_;
    sequence sequence_;
    slot seen_;       ///< the highest slot of any reply
    version version_; ///< the highest version of any read of this session
    bool opened_ = false;
    server_id proposer_;
    bool stopping_ = false;

    bool busy_ = false;
    intent intent_;
    call call_;
    bytes envelope_;
    std::uint64_t number_ = 0; ///< of the call; correlations carry it
    std::uint32_t attempts_ = 0;
    std::uint32_t unanswered_ = 0;
    bool maybe_ = false; ///< some attempt may have been proposed
    std::uint32_t refusals_ = 0;
    std::uint32_t redirects_ = 0; ///< followed in a row
    world_time deadline_ = 0;
    waiting_for waiting_ = waiting_for::nothing;
    std::uint32_t epoch_ = 0;
    std::optional<ending> last_;
};

} // namespace zooid::sim

// Logs of zooidd: one JSON object on each line of standard error.
#pragma once

#include <zooid/runtime/running_server.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <map>
#include <mutex>
#include <tuple>

namespace zooidd {

/// Writes {"time":"2024-01-31T12:00:00.000Z","server":n,"event":name, fields...}. Wall time appears here and
/// nowhere else. Thread safe.
class event_log {
  public:
    event_log(zooid::server_id server, std::uint32_t shards) : server_(server), shards_(shards) {}
    void write(std::string_view event, boost::json::object fields = {}) const;
    /// With a field "shard", if there are several.
    void write(std::uint16_t shard, zooid::server_event const& e) const;
    void write(std::uint16_t shard, zooid::runtime_event const& e) const;
    void write_of(std::uint16_t shard, std::string_view event, boost::json::object fields) const;

  private:
    zooid::server_id server_;
    std::uint32_t shards_;
};

/// Refused connections: at most one line a second for each reason and peer, which says how many got none.
/// Whoever floods the port needs no key for it, and shall not fill a disk with lines. Thread safe.
class refusal_log {
  public:
    explicit refusal_log(event_log const& to) : log_(to) {}
    void write(std::uint16_t shard, zooid::refused_connection const& refused);
    /// Tells of those that no line told of yet; at the end.
    void flush();

  private:
    using clock = std::chrono::steady_clock;
    /// The peer is one that we dialled or that proved itself, so these are few.
    using key = std::tuple<zooid::close_reason, bool, zooid::server_id>;
    struct row {
        clock::time_point told;
        std::uint64_t untold = 0;
        std::uint16_t shard = 0;
        zooid::refused_connection last;
    };
    void tell(row& r) const;

    event_log const& log_;
    std::mutex guard_;
    std::map<key, row> rows_;
};

boost::json::object json_of(zooid::running_server_snapshot const& s);

} // namespace zooidd

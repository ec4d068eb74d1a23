// Logs of zooidd: one JSON object on each line of standard error.
#pragma once

#include <zooid/runtime/running_server.hpp>

#include <boost/json/object.hpp>

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

  private:
    void write_of(std::uint16_t shard, std::string_view event, boost::json::object fields) const;

    zooid::server_id server_;
    std::uint32_t shards_;
};

boost::json::object json_of(zooid::running_server_snapshot const& s);

} // namespace zooidd

// Logs of zooidd: one JSON object on each line of standard error.
#pragma once

#include <zooid/runtime/running_server.hpp>

#include <boost/json/object.hpp>

namespace zooidd {

/// Writes {"time":"2024-01-31T12:00:00.000Z","server":n,"event":name, fields...}. Wall time appears here and
/// nowhere else.
class event_log {
  public:
    explicit event_log(zooid::server_id server) : server_(server) {}
    void write(std::string_view event, boost::json::object fields = {}) const;
    void write(zooid::server_event const& e) const;
    void write(zooid::runtime_event const& e) const;

  private:
    zooid::server_id server_;
};

boost::json::object json_of(zooid::running_server_snapshot const& s);

} // namespace zooidd

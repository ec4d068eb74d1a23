// Real server processes on loopback: configured, started, killed, wiped and started again.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/transport/keys.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace failover {

struct fleet_options {
    std::string programs;  ///< the folder of zooidd and zooidctl
    std::string directory; ///< for configurations, keys, data and logs; created
    std::size_t servers = 9;
    std::vector<unsigned> shards{1}; ///< of server 1, 2, ...; begun again when it ends
};

/// Nine zooidd processes, numbered from 1. Every process that it started is gone when it is destroyed.
class fleet {
  public:
    /// Draws keys and ports, writes the configurations, starts nothing.
    static zooid::result<fleet> prepare(fleet_options const& options);
    fleet(fleet&&) noexcept = default;
    fleet& operator=(fleet&&) = delete;
    ~fleet();

    /// Starts the process and waits until it listens. `format` allows it to format an empty data directory.
    zooid::result<void> start(std::size_t number, bool format);
    /// SIGKILL, and waits for the end.
    void kill(std::size_t number);
    /// Removes the data directory of a server that is down.
    void wipe(std::size_t number);
    /// SIGTERM to all that run; waits for each and returns how many did not end with 0.
    std::size_t stop_all();

    bool is_up(std::size_t number) const { return servers_[number - 1].pid > 0; }
    std::size_t size() const { return servers_.size(); }
    std::uint16_t port(std::size_t number) const { return servers_[number - 1].port; }
    zooid::key_ring const& keys() const { return keys_; }
    /// "1 2 . 4 5 6 . 8 9": a dot for each that is down.
    std::string drawing() const;

    /// Runs zooidctl with these arguments; its output, or what it said went wrong.
    zooid::result<std::string> control(std::vector<std::string> arguments) const;

  private:
    struct process {
        std::uint16_t port = 0;
        pid_t pid = 0;
    };

    explicit fleet(fleet_options options) : options_(std::move(options)) {}
    std::string path(std::string const& name) const { return options_.directory + "/" + name; }
    zooid::result<void> write_configuration(std::size_t number) const;
    zooid::result<void> write_control_configuration() const;

    fleet_options options_;
    zooid::key_ring keys_;
    std::vector<process> servers_;
};

} // namespace failover

// A colony of real server processes on this machine, with cells, for as long as it is measured.
#pragma once

#include "client.hpp"

#include <zooid/base/configuration.hpp>

namespace latency {

struct colony_options {
    std::string program; ///< zooidd
    std::string folder;  ///< for configurations, keys, data and logs
    std::size_t servers = 7;
    bool durable = true; ///< else with journals in memory
    flushing how = flushing::fdatasync;
    std::string flush_thread = "adaptive";
    std::size_t shards = 1;
};

/// A cell that was founded here.
struct cell {
    zooid::cell_id id;
    zooid::configuration members;
};

/// Counters of one server, or of all together.
struct server_counters {
    std::uint64_t commits = 0;
    std::uint64_t frames = 0;
    std::uint64_t messages = 0;
    std::uint64_t flushes = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t cells = 0;
    std::uint64_t leading = 0;
    std::uint64_t replica_bytes = 0; ///< as the servers estimate it themselves
};

class colony {
  public:
    /// Starts the servers and waits until each answers and hears all others.
    explicit colony(colony_options const& how);
    ~colony();
    colony(colony const&) = delete;
    colony& operator=(colony const&) = delete;

    client_links& links() { return *links_; }
    /// Founds cells on `replicas` servers each; who comes first in a cell rotates over the servers.
    std::vector<cell> create(std::size_t count, std::size_t replicas);
    server_counters counters();
    double cpu_seconds() const; ///< of all servers
    std::uint64_t pss() const;  ///< summed over the servers
    std::vector<pid_t> processes() const;

  private:
    struct birth;

    void start(std::size_t index, std::vector<std::uint16_t> const& ports);
    void await_neighbours();
    void reserve(std::shared_ptr<birth> const& b);
    void found(std::shared_ptr<birth> const& b);

    colony_options how_;
    std::vector<child> servers_;
    std::unique_ptr<client_links> links_;
    std::uint64_t cells_made_ = 0;
};

} // namespace latency

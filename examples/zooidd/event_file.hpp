// The file of durable facts: evidence for a checker that trusts no server.
#pragma once

#include <zooid/base/error.hpp>
#include <zooid/server/options.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zooidd {

/// Appends one JSON line per fact, all of a turn in one write, before anything that rests on them is sent. So
/// whatever another process has seen of a server is in that server's file, also after SIGKILL.
class event_file {
  public:
    static zooid::result<std::unique_ptr<event_file>> open(std::string const& path, zooid::server_id server);
    ~event_file();
    event_file(event_file const&) = delete;
    event_file& operator=(event_file const&) = delete;

    void set_life(zooid::life_id life) { life_ = life; }
    void write(std::vector<zooid::durable_fact> const& facts);
    /// True once a write failed; the file is not complete then.
    bool failed() const { return failed_; }

  private:
    event_file(int fd, zooid::server_id server) : fd_(fd), server_(server) {}

    int fd_;
    zooid::server_id server_;
    zooid::life_id life_{};
    std::string lines_;
    bool failed_ = false;
};

} // namespace zooidd

// A colony as an operator's command sees it: calls that block until they ended or the command's time is over.
#pragma once

#include <zooid/remote/remote_client.hpp>
#include <zooid/runtime/clock.hpp>

#include <boost/asio/io_context.hpp>

namespace zooidctl {

struct colony_options {
    std::vector<zooid::remote_server> servers;
    zooid::key_ring keys;                                ///< a client's; `colony` is who we talk to
    zooid::duration deadline = std::chrono::seconds(10); ///< of the whole command
};

/// From a file {"servers":[{"id":1,"address":"127.0.0.1:7001"},...], "keys":"FILE"}. With a colony's key file
/// the command speaks as principal 1.
zooid::result<colony_options> load_colony(std::string const& path);

class colony {
  public:
    static zooid::result<std::unique_ptr<colony>> open(colony_options options);

    std::vector<zooid::remote_server> const& servers() const { return options_.servers; }
    zooid::colony_id id() const { return options_.keys.colony; }

    zooid::result<zooid::transaction_reply> commit(zooid::cell_name cell, zooid::kv::transaction t);
    zooid::result<zooid::transaction_reply> read(zooid::cell_name cell, zooid::kv::transaction t);
    zooid::result<zooid::transaction_reply> leased_read(zooid::cell_name cell, zooid::kv::transaction t);
    zooid::result<zooid::transaction_reply> prefix_read(zooid::cell_name cell, zooid::kv::transaction t);
    zooid::result<zooid::cell_location> locate(zooid::cell_name cell);
    zooid::result<zooid::call_reply> ask(zooid::operation op, zooid::server_id server, zooid::cell_name cell,
                                         zooid::bytes payload);

    /// The same, within a part of the time that the command has left.
    zooid::result<zooid::call_reply> ask_for(zooid::duration wait, zooid::operation op,
                                             zooid::server_id server, zooid::cell_name cell,
                                             zooid::bytes payload);

    /// Lets time pass, but not more than the command has left.
    void pause(zooid::duration span);
    /// From now on, so much is left.
    void set_deadline(zooid::duration left) { ends_ = zooid::boot_time_now() + left; }
    /// The deadline of the whole command has passed.
    bool is_over() const;

  private:
    explicit colony(colony_options options)
        : options_(std::move(options)), ends_(zooid::boot_time_now() + options_.deadline) {}
    zooid::call_options remaining() const;
    template <class Result, class Start>
    Result wait(Start start);

    colony_options options_;
    zooid::time_point ends_;
    boost::asio::io_context io_{1};
    std::unique_ptr<zooid::remote_client> client_;
};

} // namespace zooidctl

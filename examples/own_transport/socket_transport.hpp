// A transport of your own: servers of one machine, each pair connected by a Unix stream socket that whoever
// starts them made. It keeps the promises T1 to T7 of transport.hpp: who is at the other end is proven by the
// descriptor, order and once by the kernel.
//
//   stream  := message*
//   message := length:u32 kind:u8 content         kind 0 is the hello, first and once; else 1 + the channel
//   hello   := life:u64 claims
#pragma once

#include <zooid/transport/transport.hpp>

#include <map>
#include <memory>

namespace own {

class socket_transport final : public zooid::transport {
  public:
    socket_transport(zooid::server_id self, zooid::life_id life, zooid::transport_listener& listener);
    ~socket_transport() override;

    /// Our end of a new connection to a peer; an older one is replaced. Takes the descriptor.
    void connect(zooid::server_id peer, int fd);
    /// Reads what arrived and tells the listener, then writes what fits: the owner's turn of the executor.
    /// Returns whether anything arrived.
    bool poll();

    zooid::result<void> send(zooid::server_id to, zooid::channel on, zooid::bytes_view payload) override;
    zooid::result<void> reply(zooid::link_id client, zooid::bytes_view payload) override;
    void flush() override;
    bool is_up(zooid::server_id peer) const override;
    zooid::transport_statistics statistics() const override { return statistics_; }

  private:
    struct link;

    void greet(zooid::server_id peer, link& l);
    bool read(link& l);
    void write(link& l);
    void take_messages(zooid::server_id peer, link& l);
    void take_message(zooid::server_id peer, link& l, std::uint8_t kind, zooid::bytes_view content);
    void drop(zooid::server_id peer, zooid::error const& why);

    zooid::server_id self_;
    zooid::life_id life_;
    zooid::transport_listener& listener_;
    std::map<zooid::server_id, std::unique_ptr<link>> links_;
    zooid::transport_statistics statistics_;
};

} // namespace own

// The endpoint's inside: endpoint.cpp opens, dials and accepts; endpoint_links.cpp runs the links.
#pragma once

#include "tcp/dial.hpp"
#include "tcp/listen.hpp"
#include "tcp/stream.hpp"

#include <zooid/base/prng.hpp>

#include <map>
#include <set>
#include <unordered_map>

namespace zooid {

namespace asio = boost::asio;
using tcp_detail::executor;
using tcp_detail::stream;

class tcp_endpoint::impl final : public stream::owner, public std::enable_shared_from_this<impl> {
  public:
    impl(executor e, tcp_endpoint_options options, transport_listener& listener);

    result<void> listen();
    void begin();
    void set_peer(tcp_peer const& peer);
    void stop();
    /// Destruction of the endpoint: everything ends without a word.
    void abandon();
    std::uint16_t port() const { return port_->port(); }

    void adopt(tcp_socket accepted);
    result<void> send(server_id to, channel on, bytes_view payload);
    result<void> send(server_id to, std::uint16_t shard, channel on, bytes_view payload);
    result<void> reply(link_id client, bytes_view payload);
    void flush();
    bool is_up(server_id id) const;
    transport_statistics statistics() const;

  private:
    using stream_ptr = std::shared_ptr<stream>;

    /// What leads to one shard of a peer.
    struct lane_state {
        lane_state(executor const& e, duration first_wait) : retry(e), backoff(first_wait) {}
        std::shared_ptr<tcp_detail::dial> dialling;
        stream_ptr shaking_hands; ///< dialled, not up yet
        tcp_detail::timer retry;
        bool waiting = false; ///< to dial again
        duration backoff;
        stream_ptr link; ///< up
    };
    /// A server that was dialled, or that came.
    struct peer_state {
        tcp_address address;      ///< empty host: it has to come to us
        std::uint16_t shards = 1; ///< that it has, as it last proved, or as we have until then
        std::map<std::uint16_t, lane_state> lanes; ///< by its shard: those that ours is joined with
    };

    // endpoint.cpp
    void adopt(tcp_detail::socket accepted);
    void dial_lane(server_id id, std::uint16_t shard);
    void on_dialled(server_id id, std::uint16_t shard, result<void> outcome, tcp_detail::socket connected);
    /// Every lane to that server which nobody works on.
    void dial_later(server_id id);
    bool wants_link(peer_state const& p, lane_state const& lane) const;
    result<session_options> session_options_for(link_side side, server_id target, std::uint16_t wanted);
    peer_state& peer_of(server_id id);
    lane_state* find_lane(server_id id, std::uint16_t shard);
    void make_lanes(peer_state& p, std::uint16_t shards);
    void learn_shards(server_id id, std::uint16_t shards);
    void end_lane(server_id id, std::uint16_t shard, lane_state& lane);
    void report(std::string address, server_id peer, close_reason reason, bool by_peer, error const& failure);

    // endpoint_links.cpp
    void on_event(stream& s, session_event const& e) override;
    void handle(stream& s, session_event const& e);
    void on_turn_end() override;
    void on_identified(stream& s);
    void on_up(stream& s);
    void on_peer_link_up(stream& s);
    void on_frame(stream& s, session_event const& e);
    void on_closed(stream& s);
    void retire(stream& s);
    bool keeps(stream const& existing, stream const& other) const;
    static stream* link_to(peer_state const& p);
    static bool is_whole(peer_state const& p);
    result<void> send_on(stream* link, channel on, bytes_view payload);
    stream* existing_link(stream const& s);
    bool has_lane_for(stream& s);
    void dial_missing(server_id id);
    void replace(stream& existing);
    void refuse(stream& s, close_reason reason, error const& why);
    void will_flush(stream& s);
    template <class Act>
    void for_each_stream(Act const& act) const;
    static server_id proven(stream const& s);

    executor executor_;
    tcp_endpoint_options options_;
    transport_listener& listener_;
    std::shared_ptr<tcp_detail::port_listener> port_;
    prng random_; // jitter only
    bool ended_ = false;

    std::unordered_map<server_id, std::unique_ptr<peer_state>> peers_;
    std::unordered_map<link_id, stream_ptr> clients_;
    std::set<stream_ptr> arriving_; // not up yet, and in no lane
    link_id last_client_;           ///< unique in the server: the lowest byte is the shard

    std::vector<stream_ptr> to_flush_;
    bool flush_posted_ = false;
    bool in_turn_ = false;    // a callback runs: the end of its turn flushes
    session_statistics past_; // of streams that are gone
    transport_statistics statistics_;
};

} // namespace zooid

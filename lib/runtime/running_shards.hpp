// The handle that the host application holds: one engine for each shard, and what goes to all of them.
#pragma once

#include "runtime/graceful_stop.hpp"

#include <zooid/tcp/acceptor.hpp>

namespace zooid {

class running_shards final : public running_server {
  public:
    explicit running_shards(shard_engines shards);
    ~running_shards() override;

    /// Listens, and lets every shard begin.
    result<void> begin(running_server_options const& options);

    std::uint16_t port() const override { return acceptor_ ? acceptor_->port() : shards_.front()->port(); }
    std::uint16_t shards() const override { return static_cast<std::uint16_t>(shards_.size()); }
    life_id life() const override { return shards_.front()->life(); }
    journal_id journal(std::uint16_t shard) const override { return shards_.at(shard)->journal(); }
    void set_peer(tcp_peer const& peer) override;
    running_server_snapshot snapshot(std::uint16_t shard) const override {
        return shards_.at(shard)->snapshot();
    }
    std::optional<explanation> explain(cell_id cell) const override {
        return shards_[shard_of(cell, shards())]->host().explain(cell);
    }
    server const& host(std::uint16_t shard) const override { return shards_.at(shard)->host(); }

  private:
    void start_stop(duration deadline, server_stop_handler handler) override;
    void start_snapshot(boost::asio::any_completion_handler<snapshot_signature> handler) override;
    void start_explain(cell_id cell, boost::asio::any_completion_handler<explain_signature> handler) override;
    tcp_acceptor::taker hand_to_shards() const;
    result<void> begin_several(running_server_options const& options);

    shard_engines shards_;
    std::shared_ptr<tcp_acceptor> acceptor_; ///< null with one shard, whose endpoint listens itself
    std::shared_ptr<graceful_stop> stop_;
};

} // namespace zooid

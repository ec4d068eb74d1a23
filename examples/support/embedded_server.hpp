// A server by hand: the pure host of cells on a journal and a transport of your own, one turn at a time. This
// is what `open_server` does with files and TCP, less its timers and threads.
#pragma once

#include <zooid/kv/outcome.hpp>
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/transaction.hpp>
#include <zooid/server/server.hpp>

#include <map>
#include <optional>

namespace support {

/// Hands in what arrives, ends the turn, carries out what comes out. Time is the caller's: `clock` is read at
/// each call. Of the members the transport goes first and the journal last, as their pages ask for.
class embedded_server final : public zooid::transport_listener, public zooid::journal_listener {
  public:
    embedded_server(zooid::server_identity const& who, std::unique_ptr<zooid::journal> journal,
                    zooid::journal_id id, zooid::recovered_journal const& recovered,
                    zooid::time_point const& clock)
        : clock_(clock), journal_(std::move(journal)),
          host_({}, who, zooid::machine_kind::key_value(), *journal_, id, recovered) {}

    /// `links` may be null: a server alone. `peers` are those to pulse.
    void begin(std::unique_ptr<zooid::transport> links, std::vector<zooid::server_id> peers) {
        links_ = std::move(links);
        host_.set_peers(std::move(peers));
        journal_->start(*this);
    }
    zooid::server const& host() const { return host_; }

    /// One turn, after the caller has let the journal and the transport deliver.
    void turn() {
        if (host_.deadline() <= clock_) host_.wake(clock_);
        host_.finish(clock_, out_);
        for (auto const& f : out_.frames)
            if (links_) (void)links_->send(f.to, f.on, f.payload); // refused or lost: the cells repeat it
        for (auto& r : out_.replies) {
            if (r.to == in_process) {
                answers_[zooid::correlation_of(r.payload).value] = std::move(r.payload);
            } else if (links_) {
                (void)links_->reply(r.to, r.payload);
            }
        }
        if (links_) links_->flush();
    }

    /// A request of this very process; `answer` has the reply when it came.
    std::uint64_t ask(zooid::operation op, zooid::cell_id cell, zooid::bytes_view payload) {
        zooid::request r;
        r.correlation = {++asked_};
        r.op = op, r.cell = cell, r.payload = payload, r.remaining_ms = 10'000;
        zooid::bytes encoded;
        encode(r, encoded);
        host_.on_request(clock_, {in_process, zooid::party_role::admin}, encoded);
        return asked_;
    }
    /// The reply's views live as long as this server.
    std::optional<zooid::reply> answer(std::uint64_t number) const {
        auto const found = answers_.find(number);
        if (found == answers_.end()) return std::nullopt;
        return zooid::decode_reply(found->second).value();
    }

    // the transport speaks
    zooid::bytes claims_for(zooid::server_id peer) override { return host_.claims_for(peer); }
    zooid::result<void> on_peer_up(zooid::hello const& peer) override {
        return host_.on_peer_up(clock_, peer.server, peer.life, peer.claims);
    }
    void on_peer_down(zooid::server_id peer, zooid::error const&) override {
        host_.on_peer_down(clock_, peer);
    }
    void on_frame(zooid::server_id from, zooid::channel on, zooid::bytes_view payload) override {
        host_.on_frame(clock_, from, on, payload);
    }
    void on_request(zooid::requester from, zooid::bytes_view request) override {
        host_.on_request(clock_, from, request);
    }

    // the journal speaks
    void secured() override { host_.on_secured(clock_); }
    void persisted(std::uint64_t sequence) override { host_.on_persisted(clock_, sequence); }
    void failed(zooid::error const& reason) override { host_.on_journal_failed(clock_, reason); }
    void stalled(zooid::error const&) override {}
    void damage_found(zooid::journal_damage const& damage) override { host_.on_damage(clock_, damage); }

  private:
    static constexpr zooid::link_id in_process{~std::uint64_t{0}};

    zooid::time_point const& clock_;
    std::unique_ptr<zooid::journal> journal_;
    zooid::server host_;
    zooid::server_output out_;
    std::uint64_t asked_ = 0;
    std::map<std::uint64_t, zooid::bytes> answers_;
    std::unique_ptr<zooid::transport> links_;
};

/// A transaction as a command without a session: each copy that is sent is applied.
inline zooid::bytes command_of(zooid::kv::transaction const& t) {
    zooid::bytes out;
    zooid::kv::encode(zooid::kv::request{{}, {1}, {}, {}, zooid::kv::encode(t)}, out);
    return out;
}

} // namespace support

// Running servers on one io_context, over loopback TCP with journals on real files, and a caller without
// retries: what a server answers is what the test sees.
#pragma once

#include "support/catch.hpp"
#include "support/run_until.hpp"
#include "support/scratch.hpp"

#include <zooid/kv/outcome.hpp>
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/transaction.hpp>
#include <zooid/runtime/running_server.hpp>
#include <zooid/server/server.hpp>
#include <zooid/tcp/connection.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <unistd.h>

namespace rig {

using namespace zooid;
using namespace std::chrono_literals;
namespace asio = boost::asio;

inline key_ring const& colony() {
    static key_ring const ring = make_colony_keys().value();
    return ring;
}

using test_support::scratch;

/// Runs the executor until the claim holds; a claim that never does fails the test.
inline void run_until(asio::io_context& io, std::function<bool()> const& claim) {
    test_support::run_until(io, claim, 60s);
}

struct recorder : server_observer {
    std::vector<server_event> events;
    std::vector<runtime_event> runtime_events;
    std::vector<durable_fact> facts;

    void on_event(server_event const& e) override { events.push_back(e); }
    void on_event(runtime_event const& e) override { runtime_events.push_back(e); }
    void on_durable(std::vector<durable_fact> const& f) override {
        facts.insert(facts.end(), f.begin(), f.end());
    }
    template <class Event>
    bool saw() const {
        for (runtime_event const& e : runtime_events) {
            if (std::holds_alternative<Event>(e)) return true;
        }
        return false;
    }
};

/// A client's connection that keeps every reply.
struct caller : client_link_listener {
    struct answer {
        std::optional<errc> failure;
        std::string detail;
        cell_id cell;
        slot at;
        bytes payload;
    };
    std::map<std::uint64_t, answer> answers;
    std::uint64_t asked = 0;
    bool up = false;
    bool down = false;
    std::unique_ptr<tcp_connection> link;

    caller(asio::io_context& io, std::uint16_t port, key_ring const& ring = colony()) {
        tcp_connection_options o;
        o.address = {"127.0.0.1", port};
        o.keys = issue_admin_keys(hmac_sha256(), ring, {77});
        o.life = {5};
        link = tcp_connection::open(io.get_executor(), o, *this).value();
        run_until(io, [&] { return up || down; });
    }
    void on_up(hello const&) override { up = true; }
    void on_down(close_reason, error const&) override { down = true; }
    void on_reply(bytes_view encoded) override {
        reply const r = decode_reply(encoded).value();
        answers[r.correlation.value] = {r.failure, std::string(r.detail), r.cell, r.at, bytes(r.payload)};
    }

    std::uint64_t ask(operation op, cell_id cell, bytes_view payload, bytes_view key = {}) {
        request r;
        r.correlation = {++asked};
        r.op = op;
        r.cell = cell;
        r.key = key;
        r.remaining_ms = 10'000;
        r.payload = payload;
        bytes encoded;
        encode(r, encoded);
        if (link->send(encoded)) link->flush();
        return asked;
    }
    answer call(asio::io_context& io, operation op, cell_id cell, bytes_view payload, bytes_view key = {}) {
        auto const number = ask(op, cell, payload, key);
        run_until(io, [&] { return down || answers.contains(number); });
        if (!answers.contains(number)) return {errc::unreachable, {}, {}, {}, {}};
        return answers[number];
    }
};

/// An envelope without a session, for what is asked once: each copy that is chosen is applied.
inline bytes command(kv::transaction const& t) {
    bytes out;
    kv::encode(kv::request{{}, {1}, {}, {}, kv::encode(t)}, out);
    return out;
}

/// One number for each server.
struct shard_counts {
    std::vector<std::uint32_t> of;
};

class colony_of {
  public:
    explicit colony_of(std::size_t servers, bool report_durable = false,
                       flush_thread thread = flush_thread::blocking)
        : colony_of(shard_counts{std::vector<std::uint32_t>(servers, 1)}, report_durable, thread) {}
    /// Servers with these numbers of shards, all on one executor.
    explicit colony_of(shard_counts shards, bool report_durable = false,
                       flush_thread thread = flush_thread::blocking)
        : report_durable_(report_durable), thread_(thread), shards_(std::move(shards.of)),
          formats_(shards_.size()), servers_(shards_.size()), observers_(shards_.size()),
          ports_(shards_.size()) {
        for (std::size_t i = 0; i < servers_.size(); ++i)
            start(i);
    }
    ~colony_of() {
        servers_.clear();
        disk.join();
    }

    std::filesystem::path data(std::size_t i) const {
        auto const name = std::to_string(i + 1);
        return folder.path / (formats_[i] ? name + "-again-" + std::to_string(formats_[i]) : name);
    }
    running_server_options options(std::size_t i) const {
        running_server_options o;
        o.server = {i + 1};
        o.keys = colony();
        o.listen = {"127.0.0.1", ports_[i]};
        for (std::size_t p = 0; p < ports_.size(); ++p) {
            if (p != i && ports_[p] != 0) o.peers.push_back({{p + 1}, {"127.0.0.1", ports_[p]}});
        }
        o.shards = shards_[i];
        o.directory = data(i).string();
        o.policy = directory_policy::format_if_empty;
        o.journal.journal.segment_bytes = 1 << 20;
        o.journal.thread = thread_;
        o.tuning.report_durable = report_durable_;
        o.tuning.lease = lease;
        return o;
    }
    void start(std::size_t i) {
        auto opened = result<std::unique_ptr<running_server>>(errc::in_use);
        run_until(io, [&] { // an earlier life may still be writing
            opened = open_server(options(i), io.get_executor(), disk.get_executor(), observers_[i]);
            return opened || !(opened.error() == errc::in_use);
        });
        INFO((opened ? "" : opened.error().message()));
        REQUIRE(opened);
        servers_[i] = std::move(opened).value();
        ports_[i] = servers_[i]->port();
    }
    void crash(std::size_t i) { servers_[i].reset(); }
    /// A server that is down comes back empty, with another number of shards.
    void reformat(std::size_t i, std::uint32_t shards) {
        ++formats_[i]; // elsewhere: the life that crashed may still be writing
        shards_[i] = shards;
        start(i);
    }
    running_server& at(std::size_t i) { return *servers_[i]; }
    recorder& seen(std::size_t i) { return observers_[i]; }
    std::size_t size() const { return servers_.size(); }
    std::uint16_t port(std::size_t i) const { return ports_[i]; }

    /// Reserves on every server and founds everywhere.
    cell_id found(bytes const& key) {
        cell_id const cell{0xC0FFEE, hash64(key)};
        std::vector<member> members;
        for (std::size_t i = 0; i < size(); ++i)
            members.push_back(reserve(i, cell));
        snapshot founding;
        founding.cell = cell;
        founding.key = key;
        founding.birth = {1};
        founding.configurations = {{{1}, configuration(members)}};
        bytes const record = encode(founding);
        for (std::size_t i = 0; i < size(); ++i) {
            caller c(io, ports_[i]);
            auto const answer = c.call(io, operation::found, cell, record);
            INFO(answer.detail);
            REQUIRE(!answer.failure);
        }
        return cell;
    }

    /// Asks around until somebody leads and answers. An attempt whose outcome is unknown is repeated, so the
    /// request has a session: without one, each copy that was chosen would be applied.
    caller::answer commit(cell_id cell, kv::transaction const& t) {
        bytes const wanted = in_session(cell, t);
        for (std::size_t i = 0;; i = (i + 1) % size()) {
            if (std::chrono::steady_clock::now() > give_up_)
                throw std::runtime_error("no server answers a commit");
            if (!servers_[i]) continue;
            caller c(io, ports_[i]);
            auto const answer = c.call(io, operation::commit, cell, wanted);
            if (!answer.failure) {
                told_[cell] = answer.at;
                return answer;
            }
            if (!passes(*answer.failure)) throw std::runtime_error("commit: " + answer.detail);
        }
    }
    std::size_t leader(cell_id cell) {
        std::size_t found = size();
        run_until(io, [&] {
            for (std::size_t i = 0; i < size(); ++i) {
                if (!servers_[i]) continue;
                auto const e = servers_[i]->explain(cell);
                if (e && e->role == role::leading) found = i;
            }
            return found != size();
        });
        return found;
    }

    lease_options lease; ///< of servers that are started from now on

    asio::io_context io;
    scratch folder;
    asio::thread_pool disk{1};

  private:
    bytes in_session(cell_id cell, kv::transaction const& t) {
        sequence const mine = {++requests_};
        bytes out;
        kv::encode(kv::request{{1}, mine, mine, told_[cell], kv::encode(t)}, out);
        return out;
    }
    static bool passes(errc e) {
        return e == errc::not_proposer || e == errc::unreachable || e == errc::overloaded ||
               e == errc::stopping || e == errc::outcome_unknown || e == errc::quarantined;
    }
    member reserve(std::size_t i, cell_id cell) {
        for (;;) { // not before it is secured
            caller c(io, ports_[i]);
            auto const answer = c.call(io, operation::reserve, cell, encode(reserve_request{cell, {1}}));
            if (!answer.failure) return decode_member(answer.payload).value();
            if (*answer.failure != errc::unreachable) throw std::runtime_error("reserve: " + answer.detail);
        }
    }

    bool report_durable_;
    flush_thread thread_;
    std::vector<std::uint32_t> shards_;
    std::vector<int> formats_; ///< after the first
    std::vector<std::unique_ptr<running_server>> servers_;
    std::vector<recorder> observers_;
    std::vector<std::uint16_t> ports_;
    std::uint64_t requests_ = 0;
    std::map<cell_id, slot> told_; // the latest slot that a reply named, before which no copy can come
    std::chrono::steady_clock::time_point give_up_ = std::chrono::steady_clock::now() + 240s;
};

inline kv::committed committed(caller::answer const& answer) {
    kv::request_reply const envelope = kv::decode_request_reply(answer.payload).value();
    REQUIRE(envelope.status == kv::request_status::applied);
    kv::outcome const o = kv::decode_outcome(envelope.body).value();
    REQUIRE(std::holds_alternative<kv::committed>(o));
    return std::get<kv::committed>(o);
}

} // namespace rig

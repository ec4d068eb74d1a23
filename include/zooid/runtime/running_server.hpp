// A running server: for each of its shards a host of cells (server room) on a journal, a TCP endpoint, a
// timer and a clock.
//
//     auto opened = zooid::open_server(options, io.get_executor(), disk_pool.get_executor(), observer);
//     if (!opened) ...opened.error().message() says what and where...
//     io.run();                                                 // from here on it serves
//     opened.value()->async_stop(5s, [&](auto) { io.stop(); });  // or destroy it: that equals a crash
//
// Turns. Whatever arrives in one run of the executor (frames, requests, flushes, the timer) goes into one
// turn: it ends once, with at most one append to the journal for all cells and one write for each peer and
// client. A turn costs one deferred handler; nothing on the path of a commit sets a timer or takes a lock.
//
// Executors. `owner` must be serial: an io_context that one thread runs, or a strand. All calls are made on
// it, and the observer is called on it; opening and destruction may also happen while it runs nothing.
// `blocking` carries the journals' I/O, for each shard two tasks at a time at most. With
// `flush_thread::owner` the turn itself writes and flushes its batch, after its frames have left, and
// `blocking` carries the rest: securing at a start, making and removing segments, reading for reclaiming and
// scrubbing. So there is no hop between threads, nothing gathers meanwhile but in the sockets, and while a
// device hangs the whole shard is silent, which its peers take for what it is. `flush_thread::adaptive` does
// so unless the turn sent frames that other servers will answer, and flushes take longer than a hop.
// `blocking` may be `owner` itself.
//
// Shards. A server has 1 to 256, one for each store of its data directory: as many as that was formatted
// with. Each has a journal, links and an owner of its own, hosts the cells that `shard_of`
// (transport/shards.hpp) gives it, and shares nothing with the others on the path of a commit but this:
// clients are connected to one of them, and a request for another's cell goes over a bounded queue and back.
// Peers may have other numbers of shards, but a shard must not have to talk to more than 8 of one peer; with
// equal numbers it talks to one. One shard costs what it would if there could be no others.
// `lib/runtime/README.md` has the reasons.
#pragma once

#include <zooid/file/file_journal_options.hpp>
#include <zooid/journal/journal.hpp>
#include <zooid/runtime/histogram.hpp>
#include <zooid/server/options.hpp>
#include <zooid/tcp/endpoint.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace zooid {

class server;

enum class journal_storage : std::uint8_t {
    file,
    /// For measuring without a disk: everything is lost when the process ends, and acknowledged before it is
    /// anywhere but in memory. The server comes back with another journal id: its replicas are gone.
    volatile_memory,
};

enum class directory_policy : std::uint8_t {
    must_exist,
    /// A directory that is absent or empty is formatted. One that lost its content looks the same: use it for
    /// a first start only, or accept that a wiped server comes back as a new, empty one (which is safe: its
    /// replicas had another journal id).
    format_if_empty,
};

/// What a server is opened with. Checked once, by `open_server`.
struct running_server_options {
    server_id server;            ///< never zero, never reused
    key_ring keys;               ///< the colony's; also names the colony
    tcp_address listen;          ///< empty host: dial only; port 0: any, see `running_server::port`
    std::vector<tcp_peer> peers; ///< to dial and to pulse; others may come by themselves
    std::string directory;       ///< of the data; unused with `volatile_memory`
    directory_policy policy = directory_policy::must_exist;
    std::uint32_t shards = 1; ///< 1 to 256; what the directory was, or is now, formatted with
    journal_storage storage = journal_storage::file;
    file_journal_options journal;
    server_options tuning;
    machine_kind machines = machine_kind::key_value(); ///< what cells replicate; the same on every server
    std::uint64_t scrub_bytes_per_second = 256 * 1024; ///< of sealed segments, verified again; 0: never
};

// ---- the observer: typed events, never one per message

/// Of one shard: each tells it of itself.
struct server_ready {
    std::size_t cells = 0; ///< hosted: recovered, and now durable
    std::uint64_t tail_bytes_cut = 0;
};
struct peer_connected {
    server_id peer;
    life_id life;
};
struct peer_disconnected {
    server_id peer;
    error why;
};
/// No segment could be had (a full disk, no descriptor left): nothing is lost, appends wait.
struct appends_stalled {
    error why;
};
/// What recovery found, place by place, before `server_ready`: also what concerns no replica that is left, of
/// which no other event would speak. The replicas concerned are in `damage_reported`.
struct journal_damaged {
    journal_damage damage;
};
using runtime_event = std::variant<server_ready, peer_connected, peer_disconnected, appends_stalled,
                                   journal_damaged, refused_connection>;

/// Called on the owner's executor at the end of a turn, never from within a call. It may call the running
/// server's const functions, and must not destroy it. Must not throw. With several owners it is called by
/// each of them, so maybe by several threads at once.
class server_observer {
  public:
    virtual ~server_observer() = default;
    virtual void on_event(server_event const&) {}
    virtual void on_event(runtime_event const&) {}
    /// The same, naming the shard; called in their place.
    virtual void on_shard_event(std::uint16_t, server_event const& e) { on_event(e); }
    virtual void on_shard_event(std::uint16_t, runtime_event const& e) { on_event(e); }
    /// With `tuning.report_durable`: what this turn learned to be durable, before any frame or reply that
    /// rests on it leaves.
    virtual void on_durable(std::vector<durable_fact> const&) {}
};

/// What the shards of one server handed to each other; all zero with one.
struct exchange_statistics {
    std::uint64_t requests = 0;     ///< of clients that another shard serves
    std::uint64_t replies = 0;      ///< for them
    std::uint64_t dropped_full = 0; ///< that met a full queue
};

/// Counters and histograms since the start, of one shard or of all. Latencies are in nanoseconds.
struct running_server_snapshot {
    std::uint16_t shards = 1; ///< whose these are
    server_statistics server;
    journal_statistics journal;
    transport_statistics transport;
    histogram commit_latency; ///< from a commit's arrival to its reply, refusals apart
    histogram flush_latency;  ///< from an append to the report that it is durable
    histogram turn_inputs;    ///< what arrived for one turn: frames, requests, flushes, wakes
    exchange_statistics between_shards;

    /// Adds another shard's. `transport.peers_up` becomes the lower of both.
    void merge(running_server_snapshot const& other);
};

class running_server {
  public:
    using stop_signature = void(result<void>);
    using snapshot_signature = void(running_server_snapshot);
    using explain_signature = void(std::optional<explanation>);

    virtual ~running_server() = default;
    running_server(running_server const&) = delete;
    running_server& operator=(running_server const&) = delete;

    /// The port that is listened on; zero if none.
    virtual std::uint16_t port() const = 0;
    virtual std::uint16_t shards() const = 0; ///< as many as the directory was formatted with
    /// Of the process: the same for all shards.
    virtual life_id life() const = 0;
    virtual journal_id journal(std::uint16_t shard = 0) const = 0; ///< requires that there is that shard
    /// Learns or changes where a peer is.
    virtual void set_peer(tcp_peer const& peer) = 0;

    /// Of one shard, on its owner.
    virtual running_server_snapshot snapshot(std::uint16_t shard = 0) const = 0;
    /// Nothing if the cell is not here. On the owner of its shard.
    virtual std::optional<explanation> explain(cell_id cell) const = 0;
    /// The value that drives a shard, for tests and tools, on its owner; no change may be made through it.
    virtual server const& host(std::uint16_t shard = 0) const = 0;

    /// Of all shards together, each as it is when its owner gets to it. The handler runs on its associated
    /// executor, or else the first owner's, never inside of the call. An owner that runs no more never
    /// answers.
    template <class Token>
    auto async_snapshot(Token&& completion) {
        return boost::asio::async_initiate<Token, snapshot_signature>(
            [this](auto handler) { start_snapshot(std::move(handler)); }, completion);
    }
    /// `explain`, from any shard's owner; completes as `async_snapshot` does.
    template <class Token>
    auto async_explain(cell_id cell, Token&& completion) {
        return boost::asio::async_initiate<Token, explain_signature>(
            [this](auto handler, cell_id which) { start_explain(which, std::move(handler)); }, completion,
            cell);
    }

    /// Refuses new requests, hands leaderships over, answers and flushes what is under way, and when all
    /// shards have done so closes all links. Completes with a value, or with `timed_out` if that took longer
    /// than `deadline` and the rest was cut off; a second call, or one after the end, completes with
    /// `stopping`. The handler runs on its associated executor, or else the first owner's, never inside of
    /// the call. If the server is destroyed before, the handler is called with `cancelled`.
    template <class Token>
    auto async_stop(duration deadline, Token&& completion) {
        return boost::asio::async_initiate<Token, stop_signature>(
            [this](auto handler, duration time) { start_stop(time, std::move(handler)); }, completion,
            deadline);
    }

  protected:
    running_server() = default;

  private:
    virtual void start_stop(duration deadline,
                            boost::asio::any_completion_handler<stop_signature> handler) = 0;
    virtual void start_snapshot(boost::asio::any_completion_handler<snapshot_signature> handler) = 0;
    virtual void start_explain(cell_id cell,
                               boost::asio::any_completion_handler<explain_signature> handler) = 0;
};

/// Opens the journal (reading and recovering it: blocks), listens, dials. It answers requests once what was
/// recovered is durable (`server_ready`). The observer outlives the server. Errors: `invalid_argument` for
/// the options, naming the field, also when the directory has another number of stores than `shards`, naming
/// the manifest and both; `damaged` when a store holds a cell that belongs to another; those of
/// `data_directory` and `tcp_endpoint::open`, naming path or address; `io_failed` without random bytes. A
/// server that was destroyed with a write in flight keeps its directory `in_use` until that write has ended.
result<std::unique_ptr<running_server>> open_server(running_server_options options,
                                                    boost::asio::any_io_executor owner,
                                                    boost::asio::any_io_executor blocking,
                                                    server_observer& observer);

/// The same with an owner for each shard, or fewer: shard i is on owner i mod their number. Owners may run
/// already. All calls are made on the first one, but for those that say otherwise. Destroy the server when no
/// owner runs, or when all are one and the caller is on it.
result<std::unique_ptr<running_server>> open_server(running_server_options options,
                                                    std::vector<boost::asio::any_io_executor> owners,
                                                    boost::asio::any_io_executor blocking,
                                                    server_observer& observer);

} // namespace zooid

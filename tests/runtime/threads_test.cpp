// Servers whose shards each run on a thread of their own: what they hand to each other, under TSan too.
#include "runtime/rig.hpp"

#include <zooid/transport/shards.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

using namespace rig;

namespace {

struct guarded_observer : server_observer {
    std::mutex guard;
    std::condition_variable changed;
    std::set<std::uint16_t> ready;
    std::size_t facts = 0;

    void on_shard_event(std::uint16_t, server_event const&) override {}
    void on_shard_event(std::uint16_t shard, runtime_event const& e) override {
        std::lock_guard const lock(guard);
        if (std::holds_alternative<server_ready>(e)) ready.insert(shard);
        changed.notify_all();
    }
    void on_durable(std::vector<durable_fact> const& f) override {
        std::lock_guard const lock(guard);
        facts += f.size();
        changed.notify_all();
    }
    /// A client may be answered by the others before a server that was started last is ready.
    bool works_on(std::size_t shards) {
        std::unique_lock lock(guard);
        return changed.wait_for(lock, 120s, [&] { return ready.size() == shards && facts > 0; });
    }
};

/// A server on as many threads as it has shards.
class threaded_server {
  public:
    threaded_server(std::uint64_t id, std::uint32_t shards, std::filesystem::path const& folder,
                    std::vector<tcp_peer> const& peers)
        : id_(id), shards_(shards), folder_(folder), peers_(peers) {
        open();
    }
    ~threaded_server() { halt(); }

    /// Ends the threads, and then the server, which equals a crash if it was not stopped.
    void halt() {
        if (!server) return;
        for (auto& c : contexts_)
            c->stop();
        for (auto& t : threads_)
            t.join();
        threads_.clear();
        server.reset();
        disk_.reset();
        contexts_.clear();
    }
    void open() {
        seen = std::make_unique<guarded_observer>();
        disk_ = std::make_unique<asio::thread_pool>(2);
        std::vector<asio::any_io_executor> owners;
        for (std::uint32_t i = 0; i < shards_; ++i) {
            contexts_.push_back(std::make_unique<asio::io_context>(1));
            owners.push_back(contexts_.back()->get_executor());
        }
        running_server_options o;
        o.server = {id_};
        o.keys = colony();
        o.listen = {"127.0.0.1", port};
        o.peers = peers_;
        o.shards = shards_;
        o.directory = (folder_ / std::to_string(id_)).string();
        o.policy = directory_policy::format_if_empty;
        o.journal.journal.segment_bytes = 1 << 20;
        o.tuning.report_durable = true;
        server = open_server(o, owners, disk_->get_executor(), *seen).value();
        port = server->port();
        for (auto& c : contexts_)
            threads_.emplace_back([&io = *c] {
                auto const work = asio::make_work_guard(io);
                io.run();
            });
    }

    std::unique_ptr<running_server> server;
    std::unique_ptr<guarded_observer> seen;
    std::uint16_t port = 0;

  private:
    std::uint64_t id_;
    std::uint32_t shards_;
    std::filesystem::path folder_;
    std::vector<tcp_peer> peers_;
    std::vector<std::unique_ptr<asio::io_context>> contexts_;
    std::vector<std::thread> threads_;
    std::unique_ptr<asio::thread_pool> disk_;
};

class threaded_colony {
  public:
    explicit threaded_colony(std::vector<std::uint32_t> const& shards) {
        std::vector<tcp_peer> peers;
        for (std::size_t i = 0; i < shards.size(); ++i) {
            servers.push_back(std::make_unique<threaded_server>(i + 1, shards[i], folder.path, peers));
            peers.push_back({{i + 1}, {"127.0.0.1", servers.back()->port}});
        }
        for (auto const& s : servers)
            callers.push_back(std::make_unique<caller>(io, s->port));
    }

    cell_id found(std::string const& key) {
        cell_id const cell{0xC0FFEE, hash64(key)};
        std::vector<member> members;
        for (auto const& c : callers) {
            caller::answer reserved;
            do
                reserved = c->call(io, operation::reserve, cell, encode(reserve_request{cell, {1}}));
            while (reserved.failure == errc::unreachable);
            REQUIRE_FALSE(reserved.failure);
            members.push_back(decode_member(reserved.payload).value());
        }
        snapshot founding;
        founding.cell = cell, founding.key = key, founding.birth = {1};
        founding.configurations = {{{1}, configuration(members)}};
        for (auto const& c : callers)
            REQUIRE_FALSE(c->call(io, operation::found, cell, encode(founding)).failure);
        return cell;
    }
    /// Asks around, in a session, until somebody answers.
    caller::answer commit(cell_id cell, kv::transaction const& t) {
        ++requests_;
        bytes wanted;
        kv::encode(kv::request{{1}, {requests_}, {requests_}, told_[cell], kv::encode(t)}, wanted);
        auto const give_up = std::chrono::steady_clock::now() + 120s;
        for (std::size_t i = 0; std::chrono::steady_clock::now() < give_up; ++i) {
            auto& c = callers[i % callers.size()];
            if (c->down) c = std::make_unique<caller>(io, servers[i % servers.size()]->port);
            auto const answer = c->call(io, operation::commit, cell, wanted);
            if (answer.failure) continue;
            told_[cell] = answer.at;
            return answer;
        }
        throw std::runtime_error("no server answers a commit");
    }

    asio::io_context io;
    scratch folder;
    std::vector<std::unique_ptr<threaded_server>> servers;
    std::vector<std::unique_ptr<caller>> callers;

  private:
    std::uint64_t requests_ = 0;
    std::map<cell_id, slot> told_;
};

kv::transaction count_up() {
    return kv::transaction().add("n", kv::integer(1));
}

} // namespace

TEST_CASE("shards on threads of their own count right, through crashes of each server") {
    threaded_colony three({2, 3, 2});
    std::vector<cell_id> cells;
    for (int i = 0; i < 6; ++i)
        cells.push_back(three.found("volume-" + std::to_string(i)));
    std::uint64_t expected = 0;
    for (std::size_t gone = 0; gone < 3; ++gone) {
        for (int i = 0; i < 10; ++i, ++expected)
            for (cell_id const cell : cells)
                (void)three.commit(cell, count_up());
        three.servers[gone]->halt();
        three.servers[gone]->open();
    }
    for (cell_id const cell : cells) {
        auto const read = committed(three.commit(cell, kv::transaction().read("n")));
        CHECK(read.find("n")->content == kv::value(kv::integer(static_cast<std::int64_t>(expected))));
    }
    for (auto const& s : three.servers)
        CHECK(s->seen->works_on(s->server->shards()));
}

TEST_CASE("a snapshot, an explanation and a stop go through all shards while they work") {
    threaded_colony three({2, 3, 2});
    cell_id const a = three.found("a"), b = three.found("b");
    (void)three.commit(a, count_up());
    (void)three.commit(b, count_up());
    auto const counts = [&] { return three.servers[1]->server->async_snapshot(asio::use_future).get(); };
    auto const before = counts().server.commits_admitted;
    for (int i = 0; i < 200; ++i)
        (void)three.callers[1]->ask(operation::commit, i % 2 ? a : b, command(count_up()));
    for (bool all_are_there = false; !all_are_there;) {
        auto const all = counts();
        CHECK(all.shards == 3);
        all_are_there = all.server.commits_admitted >= before + 200;
        auto const told = three.servers[1]->server->async_explain(a, asio::use_future).get();
        REQUIRE(told);
        CHECK(told->key == "a");
    }
    auto const stopped = three.servers[1]->server->async_stop(20s, asio::use_future).get();
    CHECK(stopped);
    run_until(three.io, [&] { return three.callers[1]->down; });
    CHECK(three.callers[1]->answers.size() >= 200); // each was answered, or refused, before links closed
    (void)three.commit(a, count_up());
}

// Three servers in this process on a transport of your own: a cell is founded and written, its proposer is
// killed, the others go on, and the killed one catches up when it is back. Journals are in memory here.
#include "socket_transport.hpp"

#include "support/embedded_server.hpp"

#include <zooid/journal/memory_journal.hpp>

#include <array>
#include <iostream>

#include <sys/socket.h>

using namespace zooid;

namespace {

constexpr std::size_t servers = 3;
cell_id const cell{1, 1};

struct node {
    disk_image disk;
    std::uint64_t lives = 0;
    memory_journal* journal = nullptr; // the server owns both
    own::socket_transport* links = nullptr;
    std::unique_ptr<support::embedded_server> server;
};

class colony {
  public:
    colony() {
        for (std::size_t i = 0; i < servers; ++i) {
            nodes_[i].disk = format_journal({i + 1, i + 1}, {});
            start(i);
        }
    }
    void start(std::size_t i) {
        node& n = nodes_[i];
        journal_id const id{i + 1, i + 1};
        life_id const life{100 * (i + 1) + ++n.lives};
        auto journal = memory_journal::open(id, life, {}, n.disk).value();
        n.journal = journal.get();
        server_identity const who{{1, 2}, {i + 1}, life, life.value};
        n.server = std::make_unique<support::embedded_server>(who, std::move(journal), id,
                                                              n.journal->recovered(), now_);
        auto links = std::make_unique<own::socket_transport>(who.server, life, *n.server);
        n.links = links.get();
        n.server->begin(std::move(links), {{1}, {2}, {3}});
        for (std::size_t other = 0; other < servers; ++other) {
            if (other != i && nodes_[other].server) join(i, other);
        }
    }
    void kill(std::size_t i) {
        nodes_[i].disk = nodes_[i].journal->disk().flushed();
        nodes_[i].server.reset();
    }
    support::embedded_server* at(std::size_t i) { return nodes_[i].server.get(); }

    template <class Claim>
    bool run_until(Claim const& claim) {
        for (int turn = 0; turn < 20'000; ++turn) {
            if (claim()) return true;
            for (node& n : nodes_) {
                if (!n.server) continue;
                n.links->poll();
                n.journal->flush();
                n.server->turn();
            }
            now_ += std::chrono::milliseconds(1);
        }
        return false;
    }
    reply ask(std::size_t i, operation op, bytes_view payload) {
        auto const number = at(i)->ask(op, cell, payload);
        if (!run_until([&] { return at(i)->answer(number).has_value(); })) return {};
        return *at(i)->answer(number);
    }
    void create() {
        std::vector<member> members;
        for (std::size_t i = 0; i < servers; ++i) {
            auto const reserved = ask(i, operation::reserve, encode(reserve_request{cell, {1}}));
            members.push_back(decode_member(reserved.payload).value());
        }
        snapshot founding;
        founding.cell = cell, founding.key = "volume", founding.birth = {1};
        founding.configurations = {{{1}, configuration(members)}};
        for (std::size_t i = 0; i < servers; ++i)
            (void)ask(i, operation::found, encode(founding));
    }
    /// Asks one server after the other until one of them leads; where it was committed, or `servers`.
    std::size_t commit(kv::transaction const& t) {
        for (std::size_t attempt = 0; attempt < 1000; ++attempt) {
            std::size_t const i = attempt % servers;
            if (at(i) && !ask(i, operation::commit, support::command_of(t)).failure) return i;
            (void)run_until([&, until = now_ + std::chrono::milliseconds(10)] { return now_ >= until; });
        }
        return servers;
    }
    digest state(std::size_t i) { return at(i)->host().find_machine(cell)->state_digest(); }

  private:
    void join(std::size_t a, std::size_t b) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no socket");
        nodes_[a].links->connect({b + 1}, ends[0]);
        nodes_[b].links->connect({a + 1}, ends[1]);
    }

    time_point now_{std::chrono::seconds(1000)};
    std::array<node, servers> nodes_;
};

} // namespace

int main() {
    colony c;
    if (!c.run_until([&] { return c.at(0)->host().servers().both_ways({2}); })) return 1;
    c.create();
    std::size_t const first = c.commit(kv::transaction().put("k", "before"));
    std::cout << "committed at server " << first + 1 << ", which is killed\n";
    if (first == servers) return 1;
    c.kill(first);
    std::size_t const second = c.commit(kv::transaction().put("k", "after"));
    if (second == servers) return 1;
    std::cout << "committed at server " << second + 1 << "; the first one comes back\n";
    c.start(first);
    bool const equal = c.run_until(
        [&] { return c.at(first)->host().find_machine(cell) && c.state(first) == c.state(second); });
    std::cout << (equal ? "all hold the same state\n" : "they differ\n");
    return equal ? 0 : 1;
}

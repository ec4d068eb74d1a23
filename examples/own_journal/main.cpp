// A cell of one replica on a journal of your own: written, killed, recovered; then its file is harmed, first
// where no flush had confirmed it, then where one had.
//
//     zooid_own_journal FILE        a file that does not exist yet
#include "single_file_journal.hpp"

#include "support/embedded_server.hpp"

#include <fstream>
#include <iostream>

using namespace zooid;

namespace {

time_point now{std::chrono::seconds(1000)};
cell_id const cell{1, 1};

// One life of the server's process. Destroying it equals SIGKILL.
struct life {
    own::single_file_journal* journal; // the server owns it
    std::unique_ptr<support::embedded_server> server;

    life(std::string const& path, std::uint64_t number) {
        journal_id const id{7, 7};
        auto opened = own::single_file_journal::open(path, id, {number}).value();
        journal = opened.get();
        server_identity const who{{1, 2}, {1}, {number}, number};
        server =
            std::make_unique<support::embedded_server>(who, std::move(opened), id, journal->recovered(), now);
        server->begin(nullptr, {});
    }
    void turn() {
        journal->poll(); // flush, and tell who waits for it
        server->turn();
        now += std::chrono::milliseconds(1);
    }
    // Asks until the answer is there; an idle cell needs a moment to find its proposer after a start.
    reply ask(operation op, bytes_view payload) {
        for (int attempt = 0; attempt < 100; ++attempt) {
            auto const number = server->ask(op, cell, payload);
            for (int i = 0; i < 100 && !server->answer(number); ++i)
                turn();
            auto const answer = server->answer(number);
            if (answer && (!answer->failure || answer->failure == errc::quarantined)) return *answer;
        }
        return {};
    }
    void create() {
        member const self =
            decode_member(ask(operation::reserve, encode(reserve_request{cell, {1}})).payload).value();
        snapshot founding;
        founding.cell = cell, founding.key = "volume", founding.birth = {1};
        founding.configurations = {{{1}, configuration({&self, 1})}};
        ask(operation::found, encode(founding));
    }
    std::string read() {
        bytes const query = kv::encode(kv::transaction().read("k"));
        reply const r = ask(operation::strict_read, query);
        if (r.failure) return std::string(name_of(*r.failure));
        auto const outcome = kv::decode_outcome(r.payload).value();
        return std::get<bytes>(*std::get<kv::committed>(outcome).find("k")->content);
    }
};

void harm(std::string const& path, std::fstream::pos_type at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    char const was = static_cast<char>(file.get());
    file.seekp(at).put(static_cast<char>(was ^ 1));
}

bool expect(std::string const& what, std::string const& found, std::string const& expected) {
    std::cout << what << ": " << found << '\n';
    return found == expected;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) return std::cerr << "usage: zooid_own_journal FILE\n", 64;
    std::string const path = argv[1];
    bool good = true;
    {
        life first(path, 1);
        first.create();
        first.ask(operation::commit, support::command_of(kv::transaction().put("k", "kept")));
        first.server->ask(operation::commit, cell, support::command_of(kv::transaction().put("k", "lost")));
        first.server->turn(); // appended, never flushed, never acknowledged; and the process is gone
    }
    good &= expect("after SIGKILL", life(path, 2).read(), "kept");
    std::ofstream(path, std::ios::app | std::ios::binary) << std::string(5000, 'x'); // a torn write
    good &= expect("with a torn tail", life(path, 3).read(), "kept");
    harm(path, 40); // inside of the first frame
    life last(path, 4);
    good &=
        expect("damage", std::string(name_of(last.journal->recovered().damage.at(0).kind)), "unattributed");
    replica const& harmed = *last.server->host().find_replica(cell);
    good &= expect("the replica then", std::string(name_of(harmed.role())), "quarantined");
    return good ? 0 : 1;
}

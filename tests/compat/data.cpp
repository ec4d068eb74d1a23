#include "compat/release.hpp"

#include <zooid/base/codec.hpp>

#include <fstream>

namespace compat {

namespace {

using rig::caller;
using rig::command;
using rig::run_until;

// One server on files, and a caller that has its keys.
struct running {
    asio::io_context& io;
    asio::thread_pool disk{1};
    rig::recorder seen;
    std::unique_ptr<running_server> server;
    std::unique_ptr<caller> ask;

    running(asio::io_context& context, running_server_options const& o) : io(context) {
        auto opened = open_server(o, io.get_executor(), disk.get_executor(), seen);
        if (!opened) throw std::runtime_error(opened.error().message());
        server = std::move(opened).value();
        run_until(io, [&] { return seen.saw<server_ready>(); });
        ask = std::make_unique<caller>(io, server->port(), ring());
    }
    ~running() {
        server.reset();
        disk.join();
    }
    caller::answer call(operation op, cell_id cell, bytes_view payload) {
        return ask->call(io, op, cell, payload);
    }
    member reserve(cell_id cell) {
        return decode_member(call(operation::reserve, cell, encode(reserve_request{cell, {1}})).payload)
            .value();
    }
    explanation of(cell_id cell) const { return server->explain(cell).value(); }
};

void found(std::vector<running*> const& on, cell_id cell, bytes const& key) {
    std::vector<member> members;
    for (running* r : on)
        members.push_back(r->reserve(cell));
    snapshot founding;
    founding.cell = cell, founding.key = key, founding.birth = {1};
    founding.configurations = {{{1}, configuration(members)}};
    for (running* r : on)
        REQUIRE(!r->call(operation::found, cell, encode(founding)).failure);
}

void commit(std::vector<running*> const& on, cell_id cell, bytes_view request) {
    for (;;) {
        for (running* r : on) {
            auto const done = r->call(operation::commit, cell, request);
            if (!done.failure) return;
        }
    }
}

kv::transaction every_value() {
    kv::transaction t;
    t.put("bytes", bytes("\0\xFF plain", 8)).put("yes", true).put("no", false);
    t.put("huge", *kv::integer::parse("-1234567890123456789012345678901234567890")).add("n", 7);
    return t;
}

bytes of_session(std::uint64_t sequence, kv::transaction const& t) {
    bytes out;
    kv::encode(kv::request{{0x5E551}, {sequence}, {}, {1}, kv::encode(t)}, out);
    return out;
}

std::string hex(bytes_view content) {
    std::string text;
    for (char c : content)
        text += to_hex(static_cast<unsigned char>(c)).substr(14);
    return text;
}

json::object describe(explanation const& e) {
    return {{"key", e.key},
            {"generation", e.birth.value},
            {"replica", to_string(e.self.replica)},
            {"members", e.members.size()},
            {"checkpoint", e.checkpoint.value},
            {"applied", e.applied.value},
            {"state_digest", to_string(e.state_digest)},
            {"quarantine", e.quarantine}};
}

} // namespace

key_ring ring() {
    key_ring fixed{{0x0001020304050607, 0x08090a0b0c0d0e0f}, party_role::server, {}, {{1, {}}}};
    fixed.keys[0].value.fill('k');
    return fixed;
}

running_server_options options(fs::path const& folder, std::uint64_t number) {
    running_server_options o;
    o.server = {number};
    o.keys = ring();
    o.listen = {"127.0.0.1", 0};
    o.directory = (folder / std::to_string(number)).string();
    o.journal.journal.segment_bytes = 8 * 4096; // small, so that there are several, and reclaiming
    o.scrub_bytes_per_second = 0;
    return o;
}

void live(fs::path const& folder) {
    asio::io_context io;
    std::vector<std::unique_ptr<running>> servers;
    std::vector<running*> all;
    std::vector<tcp_peer> known;
    for (std::uint64_t number = 1; number <= 3; ++number) {
        auto o = options(folder, number);
        o.policy = directory_policy::format_if_empty;
        o.peers = known;
        servers.push_back(std::make_unique<running>(io, o));
        all.push_back(servers.back().get());
        known.push_back({{number}, {"127.0.0.1", all.back()->server->port()}});
    }
    found({all[0]}, alone, "alone");
    found(all, shared, "shared");
    (void)all[0]->reserve(named);
    commit({all[0]}, alone, of_session(1, every_value()));
    commit({all[0]}, alone,
           of_session(2, kv::transaction().require_absent("bytes").put("never", 1))); // rejected
    for (int i = 0; i < 300; ++i)                                                     // past a checkpoint
        commit({all[0]}, alone, command(kv::transaction().add("n", 1).put("k" + std::to_string(i % 7), i)));
    for (int i = 0; i < 20; ++i)
        commit(all, shared, command(kv::transaction().add("n", 1)));
    run_until(io, [&] { return all[0]->of(shared).applied == all[1]->of(shared).applied; });
}

json::object recovered(fs::path const& folder) {
    asio::io_context io;
    running one(io, options(folder, 1));
    caller::answer all;
    run_until(io, [&] { // until it leads its own cell, and so has applied all that was acknowledged
        all = one.call(operation::strict_read, alone, kv::encode(kv::transaction().scan("")));
        return !all.failure;
    });
    json::object found{{"cells", one.server->host().cells().size()},
                       {"alone", describe(one.of(alone))},
                       {"shared", describe(one.of(shared))},
                       {"content", hex(all.payload)}};
    auto const again =
        decode_member(one.call(operation::reserve, named, encode(reserve_request{named, {1}})).payload);
    found["reserved"] = to_string(again.value().replica);
    // A retry of a session that the old release answered: it must be answered alike, and count once.
    auto const retry = one.call(operation::commit, alone, of_session(1, every_value()));
    found["retry"] = hex(retry.payload);
    return found;
}

std::string read_all(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace compat

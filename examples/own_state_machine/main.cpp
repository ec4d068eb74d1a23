// A counter of your own as what a cell replicates: a server in this process, a client over TCP, sessions that
// make each addition count once however often it is sent. The journal is in memory here, for brevity.
#include "counter.hpp"

#include <zooid/kv/sessions.hpp>
#include <zooid/remote/remote_client.hpp>
#include <zooid/runtime/running_server.hpp>
#include <zooid/server/server.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace zooid;
using namespace std::chrono_literals;

namespace {

// How a server makes one for each replica, and what it lets into a log.
machine_kind counters() {
    auto const make = []() -> std::unique_ptr<state_machine> {
        return std::make_unique<kv::session_machine>(std::make_unique<own::counter>());
    };
    auto const admit = [](bytes_view request, std::uint16_t) -> result<void> {
        ZOOID_TRY(auto const r, kv::decode_request(request));
        if (r.command.size() != 8) return error(errc::invalid_argument, "a counter's command has 8 bytes");
        return outcome::success();
    };
    return {make, admit};
}

// Reserve, then found: with one server there is nobody else to ask.
asio::awaitable<cell_id> create(remote_client& client, server_id on) {
    cell_id const cell{1, 1};
    auto const reserved = co_await client.ask(operation::reserve, on, cell,
                                              encode(reserve_request{cell, {1}}), {}, asio::use_awaitable);
    member const self = decode_member(reserved.value().payload).value();
    snapshot founding;
    founding.cell = cell, founding.key = "visitors", founding.birth = {1};
    founding.configurations = {{{1}, configuration({&self, 1})}};
    (void)(co_await client.ask(operation::found, on, cell, encode(founding), {}, asio::use_awaitable))
        .value();
    co_return cell;
}

asio::awaitable<void> count(remote_client& client, std::uint64_t& sum) {
    cell_id const cell = co_await create(client, {1});
    for (std::uint64_t n : {1, 2, 3}) {
        auto const added =
            co_await client.ask(operation::commit, {}, cell, own::encoded(n), {}, asio::use_awaitable);
        std::cout << "added " << n << ": " << reader(added.value().payload).get<std::uint64_t>() << '\n';
    }
    auto const refused = co_await client.ask(operation::commit, {}, cell, "three", {}, asio::use_awaitable);
    std::cout << refused.error().message() << '\n';
    auto const read = co_await client.ask(operation::strict_read, {}, cell, "", {}, asio::use_awaitable);
    sum = reader(read.value().payload).get<std::uint64_t>();
    co_await client.async_stop(1s, asio::use_awaitable);
}

} // namespace

int main() {
    asio::io_context io(1);
    server_observer silent;
    running_server_options options;
    options.server = {1};
    options.keys = make_colony_keys().value();
    options.listen = {"127.0.0.1", 0};
    options.storage = journal_storage::volatile_memory;
    options.machines = counters();
    auto server = open_server(options, io.get_executor(), io.get_executor(), silent).value();

    remote_client_options how;
    how.servers = {{{1}, "127.0.0.1", server->port()}};
    how.keys = issue_admin_keys(hmac_sha256(), options.keys, {1});
    auto const client = remote_client::open(how, io.get_executor()).value();
    std::uint64_t sum = 0;
    asio::co_spawn(io, count(*client, sum), [&](std::exception_ptr failed) {
        if (failed) std::rethrow_exception(failed);
        server->async_stop(1s, [&](auto) { io.stop(); });
    });
    io.run();
    std::cout << "the sum is " << sum << '\n';
    return sum == 6 ? 0 : 1;
}

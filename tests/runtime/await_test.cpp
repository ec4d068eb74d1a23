// A running server's only asynchronous call, awaited; compiled with the address sanitizer too (tests/remote).
#include "runtime/rig.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace rig;

namespace {

asio::awaitable<void> stop_twice(running_server& server, std::vector<bool>& went_well) {
    auto const first = co_await server.async_stop(duration(20s), asio::use_awaitable);
    went_well.push_back(first.has_value());
    auto const second = co_await server.async_stop(duration(20s), asio::use_awaitable);
    went_well.push_back(second.has_value());
}

} // namespace

TEST_CASE("a stop can be awaited, and a second one is refused") {
    asio::io_context io;
    recorder seen;
    running_server_options o;
    o.server = {1};
    o.keys = colony();
    o.listen = {"127.0.0.1", 0};
    o.storage = journal_storage::volatile_memory;
    auto const server = open_server(o, io.get_executor(), io.get_executor(), seen).value();
    std::vector<bool> went_well;
    asio::co_spawn(io, stop_twice(*server, went_well), asio::detached);
    run_until(io, [&] { return went_well.size() == 2; });
    CHECK(went_well == std::vector<bool>{true, false});
}

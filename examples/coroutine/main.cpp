// A failover as a coroutine: whoever finds the generation unchanged makes its server the primary.
//
//     zooid_coroutine KEY_FILE VOLUME NEW_PRIMARY ID=HOST:PORT...
//
// KEY_FILE holds a client's keys; VOLUME is the key of a cell that exists. The whole client runs on the one
// thread that runs the context.
#include <zooid/remote/remote_client.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using zooid::kv::transaction;

namespace {

// Reads the generation, then swaps the primary if nobody else was faster. An absent generation counts as 0.
asio::awaitable<int> fail_over(zooid::remote_client& client, std::string volume, std::string primary) {
    auto const seen =
        co_await client.read(volume, transaction().read("generation"), {.deadline = 2s}, asio::use_awaitable);
    if (!seen) {
        std::cerr << "cannot read " << volume << ": " << seen.error().message() << '\n';
        co_return 1;
    }
    auto const* entry = seen.value().committed()->find("generation");
    auto const version = entry ? entry->version : zooid::version{};

    auto const r = co_await client.commit(
        volume,
        transaction().require_unchanged("generation", version).put("primary", primary).add("generation", 1),
        {.deadline = 2s}, asio::use_awaitable);
    if (!r) { // outcome_unknown: it may have happened; the next read will tell
        std::cerr << "cannot say what became of it: " << r.error().message() << '\n';
        co_return 1;
    }
    auto const token = r.value().token;
    std::cout << (r.value().is_committed() ? "committed" : "somebody else was faster") << ", token "
              << token.birth.value << '.' << token.at.value << '\n';
    co_return r.value().is_committed() ? 0 : 2;
}

asio::awaitable<void> run(zooid::remote_client& client, std::string volume, std::string primary,
                          int& status) {
    status = co_await fail_over(client, std::move(volume), std::move(primary));
    co_await client.async_stop(1s, asio::use_awaitable);
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
    return wrong == std::errc() && end == text.data() + text.size();
}

// "7=10.0.0.1:7000"; an empty host if it is not like that.
zooid::remote_server parse_server(std::string const& text) {
    auto const equals = text.find('=');
    auto const colon = text.rfind(':');
    if (equals == std::string::npos || colon == std::string::npos || colon < equals) return {};
    zooid::remote_server s;
    bool const has_numbers = parse_number(std::string_view(text).substr(0, equals), s.server.value) &&
                             parse_number(std::string_view(text).substr(colon + 1), s.port);
    if (has_numbers) s.host = text.substr(equals + 1, colon - equals - 1);
    return s;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::cerr << "usage: zooid_coroutine KEY_FILE VOLUME NEW_PRIMARY ID=HOST:PORT...\n";
        return 64;
    }
    auto keys = zooid::load_key_file(argv[1]);
    if (!keys) {
        std::cerr << keys.error().message() << '\n';
        return 1;
    }
    zooid::remote_client_options options;
    options.keys = std::move(keys).value();
    for (int i = 4; i < argc; ++i) {
        options.servers.push_back(parse_server(argv[i]));
        if (!options.servers.back().host.empty()) continue;
        std::cerr << argv[i] << ": a server is ID=HOST:PORT\n";
        return 64;
    }

    asio::io_context context;
    auto client = zooid::remote_client::open(std::move(options), context.get_executor());
    if (!client) {
        std::cerr << client.error().message() << '\n';
        return 64;
    }
    int status = 1;
    asio::co_spawn(context, run(*client.value(), argv[2], argv[3], status), asio::detached);
    context.run();
    return status;
}

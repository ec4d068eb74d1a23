#include "colony.hpp"

#include "support/address.hpp"
#include "support/strict_json.hpp"

#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <algorithm>
#include <optional>

namespace zooidctl {

using namespace zooid;
using support::json_node;
using support::object_reader;

namespace {

constexpr principal_id operator_principal{1};

result<remote_server> server_of(json_node const& node, std::string_view source) {
    object_reader in(node, source);
    remote_server s;
    std::string text;
    in.require("id", s.server.value);
    in.require("address", text);
    ZOOID_TRY(in.finish());
    auto const at = support::parse_address(text);
    if (!s.server) in.refuse(*node.find("id"), "a server id is a whole number above 0");
    if (!at || at->port == 0) in.refuse(*node.find("address"), "an address is \"host:port\"");
    ZOOID_TRY(in.finish());
    s.host = at->host;
    s.port = at->port;
    return s;
}

result<std::vector<remote_server>> servers_of(json_node const& list, std::string_view source) {
    if (list.what != json_node::type::array || list.items.empty())
        return support::json_error(source, list, "an array of one server or more is expected");
    std::vector<remote_server> all;
    for (json_node const& item : list.items) {
        ZOOID_TRY(auto s, server_of(item, source));
        bool const again =
            std::any_of(all.begin(), all.end(), [&](auto const& o) { return o.server == s.server; });
        if (again) return support::json_error(source, *item.find("id"), "this server is listed twice");
        all.push_back(std::move(s));
    }
    return all;
}

} // namespace

result<colony_options> load_colony(std::string const& path) {
    ZOOID_TRY(auto const root, support::parse_strict_file(path));
    object_reader in(root, path);
    json_node const* list = in.require("servers");
    std::string key_file;
    in.require("keys", key_file);
    ZOOID_TRY(in.finish());
    colony_options o;
    ZOOID_TRY(o.servers, servers_of(*list, path));
    ZOOID_TRY(o.keys, load_key_file(key_file));
    if (o.keys.for_server()) o.keys = issue_admin_keys(hmac_sha256(), o.keys, operator_principal);
    return o;
}

result<std::unique_ptr<colony>> colony::open(colony_options options) {
    std::unique_ptr<colony> made(new colony(std::move(options)));
    remote_client_options o;
    o.servers = made->options_.servers;
    o.keys = made->options_.keys;
    ZOOID_TRY(made->client_, remote_client::open(std::move(o), made->io_.get_executor()));
    return made;
}

call_options colony::remaining() const {
    call_options how;
    how.deadline = std::max<duration>(ends_ - boot_time_now(), std::chrono::milliseconds(1));
    return how;
}

template <class Result, class Start>
Result colony::wait(Start start) {
    std::optional<Result> ended;
    start([&ended](Result r) { ended.emplace(std::move(r)); });
    io_.restart();
    while (!ended && io_.run_one() != 0) {
    }
    return ended ? std::move(*ended) : Result(error(errc::cancelled, "the client ended without an answer"));
}

bool colony::is_over() const {
    return boot_time_now() >= ends_;
}

void colony::pause(duration span) {
    io_.restart();
    io_.run_for(std::min(span, remaining().deadline));
}

result<transaction_reply> colony::commit(cell_name cell, kv::transaction t) {
    return wait<result<transaction_reply>>(
        [&](auto done) { client_->commit(std::move(cell), std::move(t), remaining(), std::move(done)); });
}
result<transaction_reply> colony::read(cell_name cell, kv::transaction t) {
    return wait<result<transaction_reply>>(
        [&](auto done) { client_->read(std::move(cell), std::move(t), remaining(), std::move(done)); });
}
result<transaction_reply> colony::leased_read(cell_name cell, kv::transaction t) {
    return wait<result<transaction_reply>>([&](auto done) {
        client_->leased_read(std::move(cell), std::move(t), remaining(), std::move(done));
    });
}
result<transaction_reply> colony::prefix_read(cell_name cell, kv::transaction t) {
    return wait<result<transaction_reply>>([&](auto done) {
        client_->prefix_read(std::move(cell), std::move(t), remaining(), std::move(done));
    });
}
result<cell_location> colony::locate(cell_name cell) {
    return wait<result<cell_location>>(
        [&](auto done) { client_->locate(std::move(cell), remaining(), std::move(done)); });
}
result<call_reply> colony::ask(operation op, server_id server, cell_name cell, bytes payload) {
    return wait<result<call_reply>>([&](auto done) {
        client_->ask(op, server, std::move(cell), std::move(payload), remaining(), std::move(done));
    });
}

result<call_reply> colony::ask_for(duration span, operation op, server_id server, cell_name cell,
                                   bytes payload) {
    time_point const ends = ends_;
    ends_ = std::min(ends_, boot_time_now() + span);
    auto reply = ask(op, server, std::move(cell), std::move(payload));
    ends_ = ends;
    return reply;
}

} // namespace zooidctl

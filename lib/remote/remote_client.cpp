#include <zooid/remote/remote_client.hpp>

#include "remote/impl.hpp"

#include <zooid/tcp/hmac.hpp>

#include <algorithm>
#include <cstring>

namespace zooid {

namespace {

result<void> check(remote_client_options const& o) {
    if (o.servers.empty()) return error(errc::invalid_argument, "no server is given");
    for (std::size_t i = 0; i < o.servers.size(); ++i) {
        remote_server const& s = o.servers[i];
        std::string const where = "server " + std::to_string(i) + " of the list";
        if (!s.server) return error(errc::invalid_argument, where + " has no id");
        if (s.host.empty() || s.port == 0) return error(errc::invalid_argument, where + " has no address");
        for (std::size_t k = 0; k < i; ++k) {
            if (o.servers[k].server != s.server) continue;
            return error(errc::invalid_argument, where + " has the id of server " + std::to_string(k));
        }
    }
    ZOOID_TRY(check(o.keys));
    if (o.keys.for_server())
        return error(errc::invalid_argument, "these keys are a server's, not a client's");
    if (auto const wrong = explain_invalid(o.attempts); !wrong.empty()) {
        return error(errc::invalid_argument, wrong);
    }
    return outcome::success();
}

struct drawn {
    client_identity identity;
    life_id life;
};

result<drawn> draw_identity() {
    ZOOID_TRY(auto const random, random_bytes());
    std::uint64_t words[3];
    std::memcpy(words, random.data(), sizeof words);
    // Zero says "none"; it is as likely as any other number, once in 2^64.
    return drawn{{client_id{std::max<std::uint64_t>(words[0], 1)}, words[1]},
                 life_id{std::max<std::uint64_t>(words[2], 1)}};
}

result<call_request> make_call(operation op, cell_name cell, kv::transaction const& t, call_options options) {
    auto const at = deadline_of(options);
    auto made = op == operation::commit        ? commit_call(std::move(cell), t, at)
                : op == operation::strict_read ? strict_read_call(std::move(cell), t, at)
                : op == operation::leased_read ? leased_read_call(std::move(cell), t, at)
                                               : prefix_read_call(std::move(cell), t, at);
    if (made) made.value().birth = options.birth;
    return made;
}

} // namespace

result<std::unique_ptr<remote_client>> remote_client::open(remote_client_options options,
                                                           boost::asio::any_io_executor executor) {
    ZOOID_TRY(check(options));
    ZOOID_TRY(auto const d, draw_identity());
    auto made = std::make_shared<impl>(std::move(options), std::move(executor), d.identity, d.life);
    return std::unique_ptr<remote_client>(new remote_client(std::move(made)));
}

remote_client::remote_client(std::shared_ptr<impl> made) : impl_(std::move(made)) {}

remote_client::~remote_client() {
    impl_->close_later();
}

client_id remote_client::id() const {
    return impl_->id();
}

client_statistics remote_client::statistics() const {
    return impl_->statistics();
}

void remote_client::start_transaction(operation op, cell_name cell, kv::transaction t, call_options options,
                                      erased<transaction_signature> handler) {
    impl_->start(make_call(op, std::move(cell), t, options),
                 completion(impl_->executor(), op, std::move(handler)));
}

void remote_client::start_locate(cell_name cell, call_options options, erased<location_signature> handler) {
    call_request r;
    r.op = operation::locate;
    r.cell = std::move(cell);
    r.birth = options.birth;
    r.deadline = deadline_of(options);
    impl_->start(std::move(r), completion(impl_->executor(), operation::locate, std::move(handler)));
}

void remote_client::start_ask(operation op, server_id server, cell_name cell, bytes payload,
                              call_options options, erased<reply_signature> handler) {
    call_request r;
    r.op = op;
    r.server = server;
    r.cell = std::move(cell);
    r.payload = std::move(payload);
    r.birth = options.birth;
    r.deadline = deadline_of(options);
    impl_->start(std::move(r), completion(impl_->executor(), op, std::move(handler)));
}

void remote_client::start_stop(duration grace, erased<stop_signature> handler) {
    impl_->stop(grace, std::move(handler));
}

} // namespace zooid

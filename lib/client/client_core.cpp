#include <zooid/client/client_core.hpp>

#include "client/attempts.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid {

namespace {

bool unique(std::vector<server_id> servers) {
    std::sort(servers.begin(), servers.end());
    return std::adjacent_find(servers.begin(), servers.end()) == servers.end();
}

} // namespace

std::string explain_invalid(client_options const& o) {
    if (o.attempt_timeout <= duration::zero()) return "attempt_timeout must be positive";
    if (o.backoff_min <= duration::zero()) return "backoff_min must be positive";
    if (o.backoff_max < o.backoff_min) return "backoff_max is below backoff_min";
    if (o.seek_max < o.backoff_min) return "seek_max is below backoff_min";
    if (o.dial_max < o.backoff_min) return "dial_max is below backoff_min";
    if (o.session_idle_max < duration::zero()) return "session_idle_max is negative";
    if (o.attempt_timeout > std::chrono::hours(1)) return "attempt_timeout is over an hour";
    if (o.fan_out == 0) return "fan_out must be positive";
    if (o.queue_bytes_max == 0) return "queue_bytes_max must be positive";
    if (o.cells_max == 0) return "cells_max must be positive";
    return {};
}

client_core::client_core(client_options const& options, client_identity identity,
                         std::vector<server_id> servers) {
    auto const wrong = explain_invalid(options);
    ZOOID_CHECK(wrong.empty(), wrong);
    ZOOID_CHECK(static_cast<bool>(identity.client), "a client has an id");
    ZOOID_CHECK(!servers.empty() && unique(servers), "a client knows servers, each once");
    attempts_ = std::make_unique<attempts>(options, identity, servers);
}

client_core::~client_core() = default;

void client_core::start(time_point now, call_id call, call_request request, client_output& out) {
    attempts_->begin(now, out);
    if (refusing_) return attempts_->refuse(call, errc::stopping);
    attempts_->start(call, std::move(request));
    attempts_->finish();
}

void client_core::cancel(time_point now, call_id call, client_output& out) {
    attempts_->begin(now, out);
    attempts_->cancel(call);
    attempts_->finish();
}

void client_core::stop(time_point now, client_output& out) {
    refusing_ = true;
    attempts_->begin(now, out);
    attempts_->cancel_all();
    attempts_->finish();
}

void client_core::on_link_up(time_point now, server_id server, client_output& out) {
    attempts_->begin(now, out);
    attempts_->on_link_up(server);
    attempts_->finish();
}

void client_core::on_link_down(time_point now, server_id server, error why, client_output& out) {
    attempts_->begin(now, out);
    attempts_->on_link_down(server, std::move(why));
    attempts_->finish();
}

void client_core::on_reply(time_point now, server_id from, bytes_view reply, client_output& out) {
    attempts_->begin(now, out);
    attempts_->on_reply(from, reply);
    attempts_->finish();
}

void client_core::on_unsent(time_point now, server_id to, bytes_view request, client_output& out) {
    attempts_->begin(now, out);
    attempts_->on_unsent(to, request);
    attempts_->finish();
}

void client_core::wake(time_point now, client_output& out) {
    attempts_->begin(now, out);
    attempts_->wake();
    attempts_->finish();
}

time_point client_core::deadline() const {
    return attempts_->deadline();
}

bool client_core::is_idle() const {
    return attempts_->is_idle();
}

client_statistics client_core::statistics() const {
    return attempts_->statistics();
}

} // namespace zooid

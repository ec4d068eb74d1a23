#include "tcp/dial.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

namespace zooid::tcp_detail {

std::string to_string(tcp_address const& address) {
    return address.host + ":" + std::to_string(address.port);
}

dial::dial(executor e, tcp_address address, completion done)
    : resolver_(e), socket_(e), address_(std::move(address)), done_(std::move(done)) {}

void dial::start() {
    error_code failure;
    auto const literal = asio::ip::make_address(address_.host, failure);
    if (!failure) {
        candidates_.emplace_back(literal, address_.port);
        return try_next();
    }
    resolver_.async_resolve(address_.host, std::to_string(address_.port),
                            [self = shared_from_this()](error_code const& unresolved, auto const& found) {
                                if (unresolved) {
                                    return self->finish(error(errc::unreachable, self->words(unresolved)));
                                }
                                for (auto const& entry : found)
                                    self->candidates_.push_back(entry.endpoint());
                                std::reverse(self->candidates_.begin(), self->candidates_.end());
                                self->try_next();
                            });
}

void dial::try_next() {
    asio::ip::tcp::endpoint const to = candidates_.back();
    candidates_.pop_back();
    error_code ignored;
    socket_.close(ignored);
    socket_.async_connect(to, [self = shared_from_this()](error_code const& failure) {
        if (failure && !self->candidates_.empty() && self->done_) return self->try_next();
        if (failure) return self->finish(error(errc::unreachable, self->words(failure)));
        prepare_socket(self->socket_);
        self->finish(outcome::success());
    });
}

void dial::finish(result<void> outcome) {
    if (!done_) return;
    completion const done = std::exchange(done_, nullptr);
    done(std::move(outcome), std::move(socket_));
}

void dial::cancel() {
    done_ = nullptr;
    error_code ignored;
    resolver_.cancel();
    socket_.close(ignored);
}

std::string dial::words(error_code const& failure) const {
    return to_string(address_) + ": " + failure.message();
}

} // namespace zooid::tcp_detail

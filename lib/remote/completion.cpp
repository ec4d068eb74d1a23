#include "remote/completion.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

namespace zooid {

namespace asio = boost::asio;

namespace {

using any_completion_executor = asio::any_completion_executor;

template <class Handler>
any_completion_executor working_executor_of(Handler const& h, asio::any_io_executor const& fallback) {
    any_completion_executor const executor = asio::get_associated_executor(h, fallback);
    return asio::prefer(executor, asio::execution::outstanding_work.tracked);
}

// An erased executor can dispatch and not post. So the first hop is the client's own executor: from a
// function that it runs, `dispatch` may run the handler in place without being inside of anybody's call.
template <class Handler, class... Values>
void run_later(asio::any_io_executor const& first, any_completion_executor work, Handler handler,
               Values... values) {
    auto invoke = [h = std::move(handler), ... v = std::move(values)]() mutable {
        if (auto signal = h.get_cancellation_slot(); signal.is_connected()) signal.clear();
        std::move(h)(std::move(v)...);
    };
    asio::post(first, [work = std::move(work), invoke = std::move(invoke)]() mutable {
        asio::dispatch(work, std::move(invoke));
    });
}

} // namespace

completion::completion(asio::any_io_executor const& fallback, operation op, handler h)
    : fallback_(fallback),
      work_(std::visit([&](auto const& erased) { return working_executor_of(erased, fallback); }, h)),
      op_(op), handler_(std::move(h)) {}

asio::cancellation_slot completion::slot() const {
    return std::visit([](auto const& erased) { return erased.get_cancellation_slot(); }, handler_);
}

void completion::complete(result<call_reply> reply) {
    if (auto* of_transaction = std::get_if<transaction_handler>(&handler_)) {
        return run_later(fallback_, std::move(work_), std::move(*of_transaction),
                         transaction_reply_of(op_, reply));
    }
    if (auto* of_location = std::get_if<location_handler>(&handler_)) {
        result<cell_location> where = reply.has_error() ? result<cell_location>(reply.error())
                                                        : result<cell_location>(reply.value().where);
        return run_later(fallback_, std::move(work_), std::move(*of_location), std::move(where));
    }
    run_later(fallback_, std::move(work_), std::move(std::get<reply_handler>(handler_)), std::move(reply));
}

void complete(asio::any_io_executor const& fallback, stop_handler handler) {
    auto work = working_executor_of(handler, fallback);
    run_later(fallback, std::move(work), std::move(handler));
}

} // namespace zooid

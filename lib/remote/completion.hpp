// A handler whose type is erased, and how it is run: once, on its own executor, never inside of a call.
#pragma once

#include <zooid/remote/remote_client.hpp>

#include <boost/asio/any_completion_executor.hpp>

#include <variant>

namespace zooid {

using transaction_handler = boost::asio::any_completion_handler<remote_client::transaction_signature>;
using location_handler = boost::asio::any_completion_handler<remote_client::location_signature>;
using reply_handler = boost::asio::any_completion_handler<remote_client::reply_signature>;
using stop_handler = boost::asio::any_completion_handler<remote_client::stop_signature>;

/// Who waits for a call. While it exists, the executor on which the handler will run has work to wait for.
class completion {
  public:
    using handler = std::variant<transaction_handler, location_handler, reply_handler>;

    /// `fallback` runs a handler that has no executor of its own, and is where every handler starts from.
    completion(boost::asio::any_io_executor const& fallback, operation op, handler h);

    boost::asio::cancellation_slot slot() const;
    /// From any thread; `this` is empty afterwards.
    void complete(result<call_reply> reply);

  private:
    boost::asio::any_io_executor fallback_;
    boost::asio::any_completion_executor work_;
    operation op_;
    handler handler_;
};

/// The same for async_stop.
void complete(boost::asio::any_io_executor const& fallback, stop_handler handler);

} // namespace zooid

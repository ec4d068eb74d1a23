// A socket with a session: the adaptor that turns readiness into bytes and events. Decides nothing.
#pragma once

#include <zooid/base/time.hpp>
#include <zooid/tcp/endpoint.hpp>
#include <zooid/transport/session.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <string>

namespace zooid::tcp_detail {

namespace asio = boost::asio;
using executor = asio::any_io_executor;
using socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;
using error_code = boost::system::error_code;

/// Alive as long as an operation is outstanding; the owner lets go with `detach` and is never called again.
class stream : public std::enable_shared_from_this<stream> {
  public:
    class owner {
      public:
        /// One event. The last one is `closed`: the stream has let go of the owner by then, and no turn end
        /// follows. The owner may end the stream, or itself.
        virtual void on_event(stream& s, session_event const& e) = 0;
        /// All events of one read were delivered.
        virtual void on_turn_end() = 0;

      protected:
        ~owner() = default;
    };

    stream(socket connected, session_options options, owner* o);

    /// The socket is connected: starts to talk. Time is up at the handshake timeout, unless `is_up` by then.
    void start(duration handshake_timeout);
    /// Writes what is queued, at once as far as the socket takes it. Never calls the owner.
    void flush();
    /// Says goodbye, writes what the socket takes, and lets go of the owner, without an event.
    void close(close_reason reason, std::string_view detail);
    /// The end, without a word: lets go of the owner and closes the socket.
    void abandon();
    bool is_lingering() const { return lingering_; }
    /// False once it has let go: no further event or turn end comes.
    bool has_owner() const { return owner_ != nullptr; }

    session& protocol() { return session_; }
    session const& protocol() const { return session_; }
    bool dialled_by_us() const { return dialled_; }
    std::string const& address() const { return address_; }
    std::uint64_t reads() const { return reads_; }
    std::uint64_t writes() const { return writes_; }

    server_id dialled;  ///< whom we dialled, or zero
    link_id client;     ///< once it is a client's link
    bool waits = false; ///< in the owner's list of those to be flushed

  private:
    void read();
    void on_read(error_code const& failure, std::size_t count);
    bool deliver();
    void end(session_event const& e);
    void wait_until_writable();
    void arm(duration timeout);
    void linger();
    void discard();

    socket socket_;
    timer timer_;
    session session_;
    owner* owner_;
    bool dialled_;
    bool blocked_ = false;
    bool lingering_ = false;
    std::string address_;
    std::uint64_t reads_ = 0;
    std::uint64_t writes_ = 0;
};

/// Sets what every connection wants: no delay, death within seconds, little unsent data in the kernel.
void prepare_socket(socket& s);

} // namespace zooid::tcp_detail

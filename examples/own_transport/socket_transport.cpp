#include "socket_transport.hpp"

#include <zooid/base/codec.hpp>

#include <deque>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace own {

using namespace zooid;

namespace {

constexpr std::size_t header_bytes = 5;
constexpr std::size_t queue_bytes_max = 16 << 20; // for each peer (T4)
constexpr std::uint8_t hello_kind = 0;

bytes message(std::uint8_t kind, bytes_view content) {
    bytes out;
    writer w(out);
    w.put(static_cast<std::uint32_t>(content.size())), w.put(kind), w.put_raw(content);
    return out;
}

} // namespace

struct socket_transport::link {
    explicit link(int made) : fd(made) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }
    ~link() { ::close(fd); }
    link(link const&) = delete;

    int fd;
    bytes in;
    bytes writing;            // begun: must be finished first
    std::deque<bytes> urgent; // pulses: they wait for at most one message of the others
    std::deque<bytes> bulk;
    std::size_t queued_bytes = 0;
    bool greeted = false;
    bool up = false;
    bool broken = false;
};

socket_transport::socket_transport(server_id self, life_id life, transport_listener& listener)
    : self_(self), life_(life), listener_(listener) {}
socket_transport::~socket_transport() = default;

void socket_transport::connect(server_id peer, int fd) {
    drop(peer, error(errc::unreachable, "replaced by a new connection"));
    links_[peer] = std::make_unique<link>(fd);
}

bool socket_transport::poll() {
    bool arrived = false;
    for (auto next = links_.begin(); next != links_.end();) {
        auto const [peer, l] = std::pair(next->first, next->second.get());
        ++next; // dropping a link must not disturb the walk; callbacks may queue frames, and no more
        if (!l->greeted) greet(peer, *l);
        arrived = read(*l) || arrived;
        take_messages(peer, *l);
        write(*l);
        if (l->broken) drop(peer, error(errc::unreachable, "the peer hung up"));
    }
    return arrived;
}

void socket_transport::greet(server_id peer, link& l) {
    l.greeted = true;
    bytes content;
    writer(content).put(life_);
    content += listener_.claims_for(peer);
    l.writing = message(hello_kind, content); // begun: nothing overtakes it
}

bool socket_transport::read(link& l) {
    char part[65536];
    for (bool arrived = false;; arrived = true) {
        ssize_t const n = ::recv(l.fd, part, sizeof part, 0);
        if (n > 0) {
            ++statistics_.reads;
            l.in.append(part, static_cast<std::size_t>(n));
            continue;
        }
        l.broken |= n == 0 || (errno != EAGAIN && errno != EINTR);
        return arrived;
    }
}

void socket_transport::take_messages(server_id peer, link& l) {
    bytes_view left = l.in;
    while (left.size() >= header_bytes && !l.broken) {
        reader in(left);
        std::size_t const size = in.get<std::uint32_t>();
        auto const kind = in.get<std::uint8_t>();
        if (size > wire::payload_bytes_max) l.broken = true; // no message of ours: the stream makes no sense
        if (left.size() - header_bytes < size || l.broken) break;
        take_message(peer, l, kind, left.substr(header_bytes, size));
        left.remove_prefix(header_bytes + size);
    }
    l.in.erase(0, l.in.size() - left.size());
}

void socket_transport::take_message(server_id peer, link& l, std::uint8_t kind, bytes_view content) {
    if (kind == hello_kind && !l.up) {
        reader in(content);
        hello who;
        who.server = peer;
        in.get(who.life);
        who.claims = in.get_raw(in.left());
        l.up = !in.failed() && listener_.on_peer_up(who).has_value();
        l.broken |= !l.up; // refused: its journal was rolled back, for one
    } else if (l.up && (kind == 1 || kind == 2)) {
        ++statistics_.frames.frames_received;
        listener_.on_frame(peer, static_cast<channel>(kind - 1), content);
    }
}

void socket_transport::write(link& l) {
    while (!l.broken) {
        auto& queue = l.urgent.empty() ? l.bulk : l.urgent;
        if (l.writing.empty()) {
            if (queue.empty()) return;
            l.writing = std::move(queue.front());
            queue.pop_front();
        }
        ssize_t const n = ::send(l.fd, l.writing.data(), l.writing.size(), MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n < 0) l.broken = true;
        if (n <= 0) return;
        ++statistics_.writes;
        l.queued_bytes -= std::min(l.queued_bytes, static_cast<std::size_t>(n));
        l.writing.erase(0, static_cast<std::size_t>(n));
    }
}

void socket_transport::drop(server_id peer, error const& why) {
    auto const found = links_.find(peer);
    if (found == links_.end()) return;
    bool const told = found->second->up;
    links_.erase(found);
    if (told) listener_.on_peer_down(peer, why);
}

result<void> socket_transport::send(server_id to, channel on, bytes_view payload) {
    auto const found = links_.find(to);
    if (found == links_.end() || !found->second->up) {
        ++statistics_.dropped_unreachable;
        return errc::unreachable;
    }
    link& l = *found->second;
    if (payload.size() > wire::payload_bytes_max) return errc::too_large;
    if (l.queued_bytes + payload.size() > queue_bytes_max) {
        ++statistics_.frames.dropped_full;
        return errc::overloaded;
    }
    auto& queue = on == channel::pulse ? l.urgent : l.bulk;
    queue.push_back(message(static_cast<std::uint8_t>(1 + static_cast<int>(on)), payload));
    l.queued_bytes += queue.back().size();
    ++statistics_.frames.frames_sent;
    return outcome::success();
}

result<void> socket_transport::reply(link_id, bytes_view) {
    ++statistics_.dropped_unreachable; // clients don't dial here
    return errc::unreachable;
}

void socket_transport::flush() {
    for (auto& [peer, l] : links_)
        write(*l); // what breaks is found, and told, at the next poll
}

bool socket_transport::is_up(server_id peer) const {
    auto const found = links_.find(peer);
    return found != links_.end() && found->second->up;
}

} // namespace own

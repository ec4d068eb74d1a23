// Two sessions and the wire between them, in the tests' hand.
#pragma once

#include <zooid/transport/session.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace zooid::tests {

inline secret secret_of(char fill) {
    secret s;
    s.fill(fill);
    return s;
}

inline key_ring server_ring(std::vector<numbered_key> keys = {{1, secret_of('k')}}) {
    return {{7, 9}, party_role::server, {}, std::move(keys)};
}

/// A side of a connection that records what happens to it.
struct end {
    key_ring ring;
    std::unique_ptr<session> s;
    std::vector<std::pair<frame_kind, bytes>> frames;
    bytes claims = "claims";
    int ups = 0;
    int identified = 0;
    int refused = 0;
    bool closed = false;

    void drain() {
        while (session_event e = s->next()) {
            using type = session_event::type;
            if (e.what == type::identified) ++identified, s->admit(claims).value();
            if (e.what == type::up) ++ups;
            if (e.what == type::frame) frames.emplace_back(e.kind, bytes(e.payload));
            if (e.what == type::peer_refused) ++refused;
            if (e.what == type::closed) closed = true;
        }
    }
    void feed(bytes_view in) {
        s->on_bytes(in);
        drain();
    }
    bytes take() {
        bytes out;
        for (bytes_view part; !(part = s->output()).empty();)
            out += part, s->written(part.size());
        return out;
    }
};

inline session_options options_of(link_side side, server_id self, key_ring const& ring) {
    session_options o;
    o.side = side;
    o.self.server = self;
    o.self.life = {self.value + 100};
    o.keys = &ring;
    o.suite = &insecure_keyed_hash();
    o.own_nonce.fill(side == link_side::initiator ? 'i' : 'a');
    return o;
}

struct pair {
    end initiator;
    end acceptor;
    std::vector<bytes> said_by_initiator; ///< one element for each time that it had something to say
    std::vector<bytes> said_by_acceptor;

    explicit pair(key_ring a = server_ring(), key_ring b = server_ring(),
                  std::function<void(session_options&, session_options&)> const& change = {}) {
        initiator.ring = std::move(a);
        acceptor.ring = std::move(b);
        session_options i = options_of(link_side::initiator, {1}, initiator.ring);
        session_options o = options_of(link_side::acceptor, {2}, acceptor.ring);
        i.target = {2};
        if (!initiator.ring.for_server()) {
            i.self.role = initiator.ring.role;
            i.self.server = {};
        }
        if (change) change(i, o);
        initiator.s = std::make_unique<session>(i);
        acceptor.s = std::make_unique<session>(o);
    }
    /// Moves everything both ways until both are silent; `change` may alter each message.
    void run(std::function<void(bool from_initiator, std::size_t number, bytes&)> const& change = {}) {
        for (bool moved = true; moved;) {
            moved = move(initiator, acceptor, said_by_initiator, true, change);
            moved |= move(acceptor, initiator, said_by_acceptor, false, change);
        }
    }
    bool up() const { return initiator.s->is_up() && acceptor.s->is_up(); }

  private:
    template <class Change>
    static bool move(end& from, end& to, std::vector<bytes>& said, bool forth, Change const& change) {
        bytes out = from.take();
        if (out.empty()) return false;
        if (change) change(forth, said.size(), out);
        said.push_back(out);
        to.feed(out);
        return true;
    }
};

} // namespace zooid::tests

#include "support/catch.hpp"

#include <zooid/tcp/hmac.hpp>
#include <zooid/transport/session.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using namespace zooid;

namespace {

// The bytes of the examples in WIRE.md: in a block that opens with "```hex NAME", all before a "|".
std::map<std::string, std::string> documented() {
    std::map<std::string, std::string> found;
    std::ifstream file(ZOOID_SOURCE_DIR "/lib/transport/WIRE.md");
    std::string name;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("```")) {
            name = line.starts_with("```hex ") ? line.substr(7) : "";
        } else if (!name.empty()) {
            for (char c : line.substr(0, line.find('|'))) {
                if (c != ' ') found[name] += c;
            }
        }
    }
    return found;
}

std::string hex(bytes_view content) {
    std::string text;
    for (char c : content)
        text += to_hex(static_cast<unsigned char>(c)).substr(14);
    return text;
}

session_options options(link_side side, server_id self, key_ring const& ring) {
    session_options o;
    o.side = side;
    o.self.server = self;
    o.self.life = {0x100 + self.value};
    o.target = side == link_side::initiator ? server_id{2} : server_id{};
    o.keys = &ring;
    o.suite = &hmac_sha256();
    o.own_nonce.fill(side == link_side::initiator ? '\x11' : '\x22');
    return o;
}

bytes move(session& from, session& to, bytes_view claims) {
    bytes const out(from.output());
    from.written(out.size());
    to.on_bytes(out);
    while (session_event const e = to.next()) {
        if (e.what == session_event::type::identified) to.admit(claims).value();
    }
    return out;
}

} // namespace

TEST_CASE("the worked example of WIRE.md is what two servers really say") {
    key_ring ring{{0x0001020304050607, 0x08090a0b0c0d0e0f}, party_role::server, {}, {{1, {}}}};
    ring.keys[0].value.fill('k');
    session initiator(options(link_side::initiator, {1}, ring));
    session acceptor(options(link_side::acceptor, {2}, ring));
    std::map<std::string, std::string> said;
    said["hello"] = hex(move(initiator, acceptor, ""));
    said["welcome"] = hex(move(acceptor, initiator, "I"));
    said["join"] = hex(move(initiator, acceptor, "A"));
    said["join back"] = hex(move(acceptor, initiator, ""));
    REQUIRE(initiator.is_up());
    REQUIRE(initiator.send(frame_kind::cells, "hi"));
    said["cells"] = hex(move(initiator, acceptor, ""));
    CHECK(documented() == said);
}

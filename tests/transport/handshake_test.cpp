#include "support/catch.hpp"
#include "transport/pair.hpp"

#include <zooid/base/codec.hpp>

using namespace zooid;
using tests::end;
using tests::pair;
using tests::secret_of;
using tests::server_ring;

TEST_CASE("two servers with the same key come up and learn who the other is") {
    pair p;
    p.run();
    REQUIRE(p.up());
    CHECK(p.initiator.s->peer().server == server_id{2});
    CHECK(p.acceptor.s->peer().server == server_id{1});
    CHECK(p.acceptor.s->peer().life == life_id{101});
    CHECK(p.acceptor.s->peer().claims == "claims");
    CHECK(p.initiator.s->peer().claims == "claims");
    CHECK(p.initiator.ups == 1);
    CHECK(p.acceptor.ups == 1);
}

TEST_CASE("claims leave only towards who has proven itself") {
    pair p;
    p.initiator.claims = "SECRET-CLAIM";
    p.acceptor.claims = "SECRET-CLAIM";
    p.run();
    REQUIRE(p.up());
    CHECK(p.said_by_initiator.at(0).find("SECRET-CLAIM") == bytes::npos);
    CHECK(p.said_by_acceptor.at(0).find("SECRET-CLAIM") == bytes::npos);
    CHECK(p.said_by_initiator.at(1).find("SECRET-CLAIM") != bytes::npos);
}

TEST_CASE("a handshake cut at any byte comes up all the same") {
    pair p;
    p.run();
    for (std::size_t step = 1; step < 40; ++step) {
        pair slow;
        for (bool moved = true; moved;) {
            moved = false;
            for (auto [from, to] :
                 {std::pair{&slow.initiator, &slow.acceptor}, {&slow.acceptor, &slow.initiator}}) {
                bytes const out = from->take();
                for (std::size_t at = 0; at < out.size(); at += step)
                    to->feed(bytes_view(out).substr(at, step));
                moved |= !out.empty();
            }
        }
        REQUIRE(slow.up());
    }
}

TEST_CASE("no changed byte of any handshake message lets both sides come up") {
    pair honest;
    honest.run();
    REQUIRE(honest.up());
    for (bool forth : {true, false}) {
        auto const& said = forth ? honest.said_by_initiator : honest.said_by_acceptor;
        for (std::size_t number = 0; number < said.size(); ++number) {
            for (std::size_t at = 0; at < said[number].size(); ++at) {
                for (char flip : {'\x01', '\x80', '\xff'}) {
                    pair p;
                    p.run([&](bool from_initiator, std::size_t n, bytes& message) {
                        if (from_initiator == forth && n == number) message[at] ^= flip;
                    });
                    INFO("message " << number << (forth ? " forth" : " back") << ", byte " << at);
                    REQUIRE_FALSE(p.up());
                    // Whoever saw the change never comes up: it ended, or still waits for the rest.
                    REQUIRE((forth ? p.acceptor : p.initiator).ups == 0);
                }
            }
        }
    }
}

TEST_CASE("a handshake message that is cut leaves the other side waiting, never up") {
    pair honest;
    honest.run();
    for (bool forth : {true, false}) {
        auto const& said = forth ? honest.said_by_initiator : honest.said_by_acceptor;
        for (std::size_t number = 0; number < said.size(); ++number) {
            for (std::size_t keep = 0; keep < said[number].size(); ++keep) {
                pair p;
                p.run([&](bool from_initiator, std::size_t n, bytes& message) {
                    if (from_initiator == forth && n == number) message.resize(keep);
                });
                REQUIRE((forth ? p.acceptor : p.initiator).ups == 0);
            }
        }
    }
}

TEST_CASE("a recorded handshake replayed to a new session proves nothing") {
    pair recorded;
    recorded.run();
    pair fresh(server_ring(), server_ring(),
               [](session_options&, session_options& acceptor) { acceptor.own_nonce.fill('b'); });
    for (bytes const& message : recorded.said_by_initiator)
        fresh.acceptor.feed(message);
    CHECK(fresh.acceptor.identified == 0);
    CHECK(fresh.acceptor.s->reason() == close_reason::bad_mac);

    pair other(server_ring(), server_ring(),
               [](session_options& initiator, session_options&) { initiator.own_nonce.fill('j'); });
    for (bytes const& message : recorded.said_by_acceptor)
        other.initiator.feed(message);
    CHECK(other.initiator.identified == 0);
    CHECK(other.initiator.s->reason() == close_reason::wrong_key);
}

TEST_CASE("messages reflected to their sender prove nothing") {
    pair p;
    p.initiator.feed(p.initiator.take());
    CHECK(p.initiator.s->is_closed());
    // Reflected by way of the server's own acceptor, under its own id.
    pair self(server_ring(), server_ring(), [](session_options& i, session_options& a) {
        i.target = {};
        a.self.server = i.self.server;
    });
    self.run();
    CHECK(self.acceptor.s->reason() == close_reason::self);
    CHECK(self.initiator.s->reason() == close_reason::self);
    // Frames sent back come under the wrong direction's key.
    pair up;
    up.run();
    REQUIRE(up.initiator.s->send(frame_kind::cells, "echo"));
    up.initiator.feed(up.initiator.take());
    CHECK(up.initiator.frames.empty());
    CHECK(up.initiator.s->reason() == close_reason::bad_mac);
}

TEST_CASE("wrong key, missing key, wrong colony, wrong server: each its own error on both sides") {
    struct row {
        key_ring ring;
        server_id target;
        close_reason reason;
        errc code;
    };
    key_ring foreign = server_ring();
    foreign.colony = {8, 8};
    row const rows[] = {
        {server_ring({{1, secret_of('x')}}), {2}, close_reason::wrong_key, errc::authentication_failed},
        {server_ring({{9, secret_of('k')}}), {2}, close_reason::unknown_key, errc::authentication_failed},
        {foreign, {2}, close_reason::colony, errc::wrong_owner},
        {server_ring(), {5}, close_reason::wrong_server, errc::wrong_owner},
    };
    for (row const& r : rows) {
        pair p(r.ring, server_ring(), [&](session_options& i, session_options&) { i.target = r.target; });
        p.run();
        INFO(name_of(r.reason));
        CHECK(p.initiator.s->reason() == r.reason);
        CHECK(p.acceptor.s->reason() == r.reason);
        CHECK(p.initiator.s->failure() == r.code);
        CHECK(p.initiator.s->closed_by_peer() != p.acceptor.s->closed_by_peer());
        CHECK_FALSE(p.initiator.s->failure().detail().empty());
    }
}

TEST_CASE("versions: the lower maximum is agreed, and no overlap is refused naming both ranges") {
    auto with = [](version_range a, version_range b) {
        return pair(server_ring(), server_ring(), [=](session_options& i, session_options& o) {
            i.self.versions = a;
            o.self.versions = b;
        });
    };
    pair agreed = with({1, 5}, {2, 3});
    agreed.run();
    REQUIRE(agreed.up());
    CHECK(agreed.initiator.s->version() == 3);
    CHECK(agreed.acceptor.s->version() == 3);
    pair refused = with({4, 5}, {1, 3});
    refused.run();
    CHECK(refused.acceptor.s->failure() == errc::unsupported_version);
    CHECK(refused.initiator.s->failure() == errc::unsupported_version);
    CHECK(refused.acceptor.s->failure().detail() == "we speak wire versions 1 to 3, the peer 4 to 5");
    CHECK(refused.initiator.s->failure().detail().find("1 to 3") != std::string_view::npos);
}

TEST_CASE("an attacker cannot talk two sides down to a lower version") {
    constexpr std::size_t version_max_at = 18; // in the hello
    pair p(server_ring(), server_ring(), [](session_options& i, session_options& o) {
        i.self.versions = o.self.versions = {1, 2};
    });
    p.run([&](bool forth, std::size_t number, bytes& message) {
        if (!forth || number != 0) return;
        REQUIRE(message[version_max_at] == 2);
        message[version_max_at] = 1;
    });
    CHECK(p.acceptor.s->version() == 1);
    CHECK(p.initiator.ups + p.acceptor.ups == 0);
}

TEST_CASE("features are those that both have") {
    pair p(server_ring(), server_ring(), [](session_options& i, session_options& o) {
        i.self.features = 0b0110;
        o.self.features = 0b0011;
    });
    p.run();
    CHECK(p.initiator.s->peer().features == 0b0010);
    CHECK(p.acceptor.s->peer().features == 0b0010);
}

TEST_CASE("keys rotate in three steps and neighbours in the rotation always come up") {
    numbered_key const old_key{1, secret_of('o')};
    numbered_key const new_key{2, secret_of('n')};
    std::vector<std::vector<numbered_key>> const steps{
        {old_key}, {old_key, new_key}, {new_key, old_key}, {new_key}};
    for (std::size_t a = 0; a < steps.size(); ++a) {
        for (std::size_t b = 0; b < steps.size(); ++b) {
            pair p(server_ring(steps[a]), server_ring(steps[b]));
            p.run();
            bool const share = !(a == 0 && b == 3) && !(a == 3 && b == 0);
            CHECK(p.up() == share);
        }
    }
}

TEST_CASE("a client comes up with its issued key, and only as itself") {
    key_ring const colony = server_ring();
    key_ring const mine = issue_client_keys(insecure_keyed_hash(), colony, {77});
    pair p(mine, colony);
    p.run();
    REQUIRE(p.up());
    CHECK(p.acceptor.s->peer().role == party_role::client);
    CHECK(p.acceptor.s->peer().principal == principal_id{77});

    key_ring stolen = mine;
    stolen.principal = {78};
    pair liar(stolen, colony);
    liar.run();
    CHECK(liar.acceptor.s->reason() == close_reason::wrong_key);

    key_ring as_server = mine; // the client's key in the place of the colony's
    as_server.role = party_role::server;
    as_server.principal = {};
    pair pretender(as_server, colony);
    pretender.run();
    CHECK_FALSE(pretender.up());
    CHECK(pretender.acceptor.identified == 0);
}

TEST_CASE("an admin comes up with its own key, and a client's key makes no admin") {
    key_ring const colony = server_ring();
    pair p(issue_admin_keys(insecure_keyed_hash(), colony, {77}), colony);
    p.run();
    REQUIRE(p.up());
    CHECK(p.acceptor.s->peer().role == party_role::admin);
    CHECK(p.initiator.s->send(frame_kind::cells, "x").error() == errc::permission_denied);

    key_ring raised = issue_client_keys(insecure_keyed_hash(), colony, {77});
    raised.role = party_role::admin;
    pair liar(raised, colony);
    liar.run();
    CHECK(liar.acceptor.identified == 0);
    CHECK(liar.acceptor.s->reason() == close_reason::wrong_key);
}

TEST_CASE("garbage instead of a hello is refused as what it is") {
    for (bytes_view garbage :
         {bytes_view("GET / HTTP/1.1\r\n\r\n"), bytes_view("\x10\0\0\0aaaaaaaaaaaaaaaaaaaa", 24),
          bytes_view("\0\0\0\0", 4), bytes_view("\xff\xff\xff\xff", 4)}) {
        pair p;
        p.acceptor.feed(garbage);
        CHECK(p.acceptor.closed);
        CHECK(p.acceptor.s->failure() == errc::malformed);
        CHECK(p.acceptor.s->statistics().dropped_malformed == 1);
    }
}

TEST_CASE("a hello of more than a handshake's bytes is refused by its length alone, before it is there") {
    for (end pair::*side : {&pair::acceptor, &pair::initiator}) {
        pair p;
        bytes announced;
        writer(announced).put(static_cast<std::uint32_t>(wire::handshake_bytes_max - wire::length_bytes));
        (p.*side).feed(announced);
        CHECK_FALSE((p.*side).closed); // one that fits is waited for

        pair q;
        announced.clear();
        writer(announced).put(static_cast<std::uint32_t>(wire::handshake_bytes_max - wire::length_bytes + 1));
        (q.*side).feed(announced);
        CHECK((q.*side).closed);
        CHECK((q.*side).s->failure() == errc::malformed);
    }
}

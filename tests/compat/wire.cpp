#include "compat/release.hpp"

#include "server/wire.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/transport/request.hpp>

#include <set>
#include <sstream>

namespace compat {

namespace {

ballot const proposer{{3}, {1}, {0x101}};
member const members[] = {{{1}, {1, 1}, {11}}, {{2}, {2, 2}, {12}}, {{3}, {3, 3}, {13}}};
journal_claim const claimed{{1, 1}, {0x101}, 17, 0xC4A1};

entry some_entry() {
    shared_bytes const commands[] = {shared_bytes("one"), shared_bytes("two")};
    return entry::batch(commands);
}

snapshot some_snapshot() {
    snapshot s;
    s.cell = alone, s.key = "alone", s.birth = {2}, s.at = {9};
    s.configurations = {{{10}, configuration(members)}};
    s.state = shared_bytes("state");
    s.state_digest = hash128("state");
    return s;
}

// One of each. A new kind of message is to be added here: the count below says so.
std::vector<message> every_message() {
    entry const value = some_entry();
    digest const d = value.value_digest();
    std::vector<message> all{
        prepare{proposer, {4}, {2}},
        promise{proposer, {3}, {{{4}, proposer, d, false, value}, {{5}, proposer, d, true, {}}}},
        zooid::accept{proposer, {6}, {5}, value, {2}},
        accepted{proposer, {6}, d, {5}},
        rejected_ballot{proposer, {{4}, {2}, {0x102}}},
        zooid::commit{proposer, {6}, report::durable},
        learned{{6}, {5}},
        confirm{proposer, 8, {2}, {9}},
        confirmed{proposer, 8},
        canvass{1, proposer},
        canvassed{1, proposer, proposer},
        probe{2},
        probed{2, proposer},
        fetch{{2}},
        slice{{2}, {value, entry::no_op()}, {6}},
        teach_snapshot{some_snapshot()},
        resigned{proposer, {12}},
        moved{some_snapshot().configurations.back().members},
        keeps_waiting{proposer, {12}},
        digested{{2}, some_snapshot().state_digest},
        outvoted{{2}, some_snapshot().state_digest, {{11}, {12}}},
        sealed{{shared, {3}, some_snapshot().configurations.back().members}}};
    static_assert(std::variant_size_v<message> == 22, "a transcript has one message of each kind");
    return all;
}

bytes cells_frame() {
    bytes frame;
    for (message const& m : every_message())
        append_addressed(frame, alone, {12}, {11}, m);
    append_not_here(frame, shared, {12}, {11});
    return frame;
}

bytes some_pulse(std::uint64_t number) {
    pulse p;
    p.life = {0x101}, p.number = number, p.echo = number - 1, p.journal_age_ms = 5, p.claim = claimed;
    p.hears = {{1}, {2}, {3}};
    p.version_highest = 1;
    p.grant = {true, {0x101}, number - 1, 2, std::chrono::milliseconds(900)};
    return encode(p);
}

bytes some_claims() {
    return encode(claims{claimed, {claimed, claimed}});
}

std::vector<bytes> every_request() {
    std::vector<bytes> all;
    // Operation 10 was never sent; transcripts have it all the same, and it is set aside.
    for (int number = 1; number <= static_cast<int>(operation::found_fork); ++number) {
        request r;
        r.correlation = {all.size() + 1};
        r.op = static_cast<operation>(number), r.cell = alone, r.key = "alone", r.birth = {2};
        r.min_slot = {3}, r.remaining_ms = 1500;
        r.payload = "payload";
        encode(r, all.emplace_back());
    }
    return all;
}

std::vector<bytes> some_replies() {
    reply done;
    done.correlation = {1}, done.cell = alone, done.birth = {2}, done.at = {9}, done.payload = "payload";
    reply refused = done;
    refused.correlation = {2}, refused.failure = errc::not_proposer, refused.detail = "ask another";
    refused.proposer = {2}, refused.members = configuration(members);
    std::vector<bytes> all(2);
    encode(done, all[0]), encode(refused, all[1]);
    return all;
}

// ---- two sessions of this release

key_ring keys_of(party_role role) {
    if (role == party_role::client) return issue_client_keys(hmac_sha256(), ring(), {77});
    if (role == party_role::admin) return issue_admin_keys(hmac_sha256(), ring(), {78});
    return ring();
}

session_options how(link_side side, party_role role, key_ring const& keys) {
    session_options o;
    o.side = side;
    o.self.versions = {1, 1}; // whatever else today's software speaks: this is the transcript's
    o.self.role = role;
    if (role == party_role::server) o.self.server = {side == link_side::initiator ? 1u : 2u};
    o.self.life = {side == link_side::initiator ? 0x101u : 0x102u};
    o.target = side == link_side::initiator ? server_id{2} : server_id{};
    o.keys = &keys;
    o.suite = &hmac_sha256();
    o.own_nonce.fill(side == link_side::initiator ? '\x11' : '\x22');
    return o;
}

struct ends {
    explicit ends(party_role dialler)
        : initiator_keys(keys_of(dialler)), acceptor_keys(ring()),
          initiator(how(link_side::initiator, dialler, initiator_keys)),
          acceptor(how(link_side::acceptor, party_role::server, acceptor_keys)) {}

    session& of(bool is_initiator) { return is_initiator ? initiator : acceptor; }
    bytes take(bool from_initiator) {
        session& s = of(from_initiator);
        bytes const out(s.output());
        s.written(out.size());
        return out;
    }

    key_ring initiator_keys, acceptor_keys;
    session initiator, acceptor;
};

struct heard {
    frame_kind kind;
    bytes payload;
};

std::vector<heard> listen(session& s, bytes_view said, bytes_view claims) {
    s.on_bytes(said);
    std::vector<heard> frames;
    while (session_event const e = s.next()) {
        if (e.what == session_event::type::identified) s.admit(claims).value();
        if (e.what == session_event::type::frame) frames.push_back({e.kind, bytes(e.payload)});
        if (e.what == session_event::type::closed) throw std::runtime_error(s.failure().message());
    }
    return frames;
}

bytes claims_of(party_role dialler) {
    return dialler == party_role::server ? some_claims() : bytes();
}

// ---- each payload, read by today's code and written again

bytes again_cells(bytes_view frame, std::set<std::size_t>& kinds) {
    bytes out;
    auto const all =
        decode_addressed(frame).value(); // not in the loop: its result would end before it begins
    for (addressed const& a : all) {
        if (a.content.empty()) {
            append_not_here(out, a.cell, a.to, a.from);
            continue;
        }
        message const m = decode_message(a.content).value();
        kinds.insert(m.index());
        append_addressed(out, a.cell, a.to, a.from, m);
    }
    return out;
}

bytes again(heard const& h, std::set<std::size_t>& kinds) {
    bytes out;
    switch (h.kind) {
    case frame_kind::pulse: return encode(decode_pulse(h.payload).value());
    case frame_kind::cells: return again_cells(h.payload, kinds);
    case frame_kind::request: return encode(decode_request(h.payload).value(), out), out;
    case frame_kind::reply: return encode(decode_reply(h.payload).value(), out), out;
    default: return "a frame of another kind";
    }
}

} // namespace

std::vector<party_role> const& dialling_roles() {
    static std::vector<party_role> const all{party_role::server, party_role::client, party_role::admin};
    return all;
}

std::string transcript_name(party_role role) {
    return std::string(name_of(role)) + ".wire";
}

transcript converse(party_role dialler) {
    ends both(dialler);
    transcript all;
    bytes const claims = claims_of(dialler);
    auto const pass = [&](bool by_initiator) {
        all.push_back({by_initiator, both.take(by_initiator)});
        (void)listen(both.of(!by_initiator), all.back().said, claims);
    };
    for (bool by_initiator : {true, false, true, false}) // hello, welcome, join, join
        pass(by_initiator);
    if (dialler == party_role::server) {
        both.initiator.send(frame_kind::pulse, some_pulse(1)).value();
        both.initiator.send(frame_kind::cells, cells_frame()).value();
        both.acceptor.send(frame_kind::pulse, some_pulse(2)).value();
    } else {
        for (bytes const& r : every_request())
            both.initiator.send(frame_kind::request, r).value();
        for (bytes const& r : some_replies())
            both.acceptor.send(frame_kind::reply, r).value();
    }
    pass(true);
    pass(false);
    both.initiator.close(close_reason::stopping, "the end");
    all.push_back({true, both.take(true)});
    return all;
}

std::string replay(party_role dialler, transcript const& recorded) {
    ends both(dialler);
    bytes const claims = claims_of(dialler);
    std::set<std::size_t> kinds;
    std::size_t frames = 0;
    for (std::size_t i = 0; i + 1 < recorded.size(); ++i) { // the last one is the goodbye
        utterance const& u = recorded[i];
        bool const handshake = i < 4;
        if (handshake && both.take(u.by_initiator) != u.said)
            return "utterance " + std::to_string(i) + " differs";
        for (heard const& h : listen(both.of(!u.by_initiator), u.said, claims)) {
            ++frames;
            if (again(h, kinds) != h.payload) return "frame " + std::to_string(frames) + " is read otherwise";
        }
    }
    if (both.of(false).peer().claims != claims) return "the claims differ";
    if (!claims.empty() && encode(decode_claims(claims).value()) != claims)
        return "the claims are read otherwise";
    if (dialler == party_role::server && kinds.size() < 16) return "a kind of message is missing";
    if (frames < 3) return "there are too few frames";
    both.acceptor.on_bytes(recorded.back().said);
    bool const ended = both.acceptor.next().what == session_event::type::closed;
    bool const as_said = both.acceptor.reason() == close_reason::stopping && both.acceptor.closed_by_peer();
    return ended && as_said ? "" : "the goodbye was not understood";
}

std::string text_of(transcript const& t) {
    std::string all;
    for (utterance const& u : t) {
        all += u.by_initiator ? "initiator " : "acceptor ";
        for (char c : u.said)
            all += to_hex(static_cast<unsigned char>(c)).substr(14);
        all += '\n';
    }
    return all;
}

transcript parse_transcript(std::string const& text) {
    transcript all;
    std::istringstream in(text);
    for (std::string who, digits; in >> who >> digits;) {
        utterance& u = all.emplace_back();
        u.by_initiator = who == "initiator";
        for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
            u.said += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
    return all;
}

} // namespace compat

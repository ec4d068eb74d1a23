#include "server/wire.hpp"

#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

constexpr std::uint8_t pulse_version = 2; // 1: without grants
constexpr std::uint8_t claims_version = 1;
constexpr std::size_t hears_max = 65535;

void put(writer& w, grant_notice const& g) {
    w.put(static_cast<std::uint8_t>(g.asks ? 1 : 0));
    w.put(g.to), w.put(g.through), w.put(g.epoch);
    w.put(static_cast<std::uint64_t>(g.hold.count()));
}
void get(reader& in, grant_notice& g) {
    g.asks = in.get<std::uint8_t>() != 0;
    in.get(g.to), in.get(g.through), in.get(g.epoch);
    auto const hold = in.get<std::uint64_t>();
    if (hold > static_cast<std::uint64_t>(lease_hold_max.count())) in.fail();
    g.hold = duration(static_cast<std::int64_t>(hold));
}

void put_header(bytes& frame, cell_id cell, replica_id to, replica_id from) {
    writer w(frame);
    w.put(cell), w.put(to), w.put(from), w.put(std::uint32_t{0});
}

} // namespace

// The length is written last: the message is encoded in place, without a buffer of its own.
void append_addressed(bytes& frame, cell_id cell, replica_id to, replica_id from, message const& content) {
    put_header(frame, cell, to, from);
    std::size_t const start = frame.size();
    encode(content, frame);
    auto const length = static_cast<std::uint32_t>(frame.size() - start);
    for (std::size_t i = 0; i < 4; ++i)
        frame[start - 4 + i] = static_cast<char>(length >> (8 * i));
}

void append_not_here(bytes& frame, cell_id cell, replica_id to, replica_id from) {
    put_header(frame, cell, to, from);
}

result<std::vector<addressed>> decode_addressed(bytes_view frame) {
    reader in(frame);
    std::vector<addressed> all;
    while (!in.at_end() && !in.failed()) {
        addressed a;
        in.get(a.cell), in.get(a.to), in.get(a.from);
        a.content = in.get_sized();
        all.push_back(a);
    }
    if (in.failed())
        return error(errc::malformed, "cells frame: message " + std::to_string(all.size()) + " is cut");
    return all;
}

void put(writer& w, journal_claim const& c) {
    w.put(c.journal), w.put(c.life), w.put(c.batch), w.put(c.chain);
}
void get(reader& in, journal_claim& c) {
    in.get(c.journal), in.get(c.life), in.get(c.batch), in.get(c.chain);
}

void put(writer& w, std::vector<journal_claim> const& all) {
    w.put(static_cast<std::uint8_t>(all.size()));
    for (journal_claim const& c : all)
        put(w, c);
}
void get(reader& in, std::vector<journal_claim>& all) {
    std::size_t const count = in.get<std::uint8_t>();
    for (std::size_t i = 0; i < count && !in.failed(); ++i)
        get(in, all.emplace_back());
}

bytes encode(pulse const& p) {
    bytes out;
    writer w(out);
    bool const grants = p.grant != grant_notice{};
    w.put(grants ? pulse_version : std::uint8_t{1});
    w.put(p.life), w.put(p.number), w.put(p.echo);
    w.put(static_cast<std::uint8_t>(p.stopping ? 1 : 0));
    w.put(p.journal_age_ms);
    w.put(p.version_highest);
    put(w, p.claim);
    w.put(static_cast<std::uint16_t>(std::min(p.hears.size(), hears_max)));
    for (std::size_t i = 0; i < p.hears.size() && i < hears_max; ++i)
        w.put(p.hears[i]);
    if (grants) put(w, p.grant);
    return out;
}

result<pulse> decode_pulse(bytes_view encoded) {
    reader in(encoded);
    std::uint8_t const format = in.get<std::uint8_t>();
    if (!in.failed() && format != 1 && format != pulse_version) {
        return error(errc::unsupported_version, "pulse: version " + std::to_string(format));
    }
    pulse p;
    in.get(p.life), in.get(p.number), in.get(p.echo);
    p.stopping = in.get<std::uint8_t>() != 0;
    in.get(p.journal_age_ms);
    in.get(p.version_highest);
    get(in, p.claim);
    std::size_t const count = in.get<std::uint16_t>();
    for (std::size_t i = 0; i < count && !in.failed(); ++i)
        in.get(p.hears.emplace_back());
    if (format == pulse_version) get(in, p.grant);
    if (!in.complete()) return error(errc::malformed, "pulse: cut or too long");
    return p;
}

bytes encode(claims const& c) {
    bytes out;
    writer w(out);
    w.put(claims_version);
    put(w, c.own);
    put(w, c.heard);
    return out;
}

result<claims> decode_claims(bytes_view encoded) {
    reader in(encoded);
    std::uint8_t const format = in.get<std::uint8_t>();
    claims c;
    get(in, c.own);
    get(in, c.heard);
    if (!in.complete()) return error(errc::malformed, "claims: cut or too long");
    if (format != claims_version) {
        return error(errc::unsupported_version, "claims: version " + std::to_string(format));
    }
    return c;
}

} // namespace zooid

// A survey's answers and the founding of a fork as bytes.
#include <zooid/cell/recovery.hpp>

#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

constexpr std::uint8_t answer_version = 1;
constexpr std::uint8_t founding_version = 1;

void put_acceptance(writer& w, acceptance const& a) {
    w.put(a.at), w.put(a.accepted), w.put(a.value_digest);
    w.put(static_cast<std::uint8_t>(a.chosen ? 1 : 0));
    w.put_sized(a.value.encoded().view());
}

acceptance get_acceptance(reader& in) {
    acceptance a;
    in.get(a.at), in.get(a.accepted), in.get(a.value_digest);
    a.chosen = in.get<std::uint8_t>() != 0;
    a.value = entry::from_encoded(shared_bytes(in.get_sized()));
    if (!a.value.empty() && a.value.value_digest() != a.value_digest) in.fail();
    return a;
}

bool only_commands_and_a_mark(forked_founding const& f) {
    if (f.log.empty() || !f.log.back().understood() || !f.log.back().recovers()) return false;
    for (std::size_t i = 0; i + 1 < f.log.size(); ++i) {
        entry_kind const kind = f.log[i].kind();
        if (!f.log[i].understood() || kind == entry_kind::change || kind == entry_kind::release) return false;
    }
    return true;
}

} // namespace

bytes encode(survey_answer const& a) {
    bytes out;
    writer w(out);
    w.put(answer_version);
    w.put(a.cell), w.put_sized(a.key), w.put(a.birth), w.put(a.self), w.put(a.life), w.put(a.promised);
    w.put(a.prefix), w.put(a.state_at), w.put(a.state_digest);
    w.put(a.alpha), w.put(a.colour), w.put(a.cell_version);
    w.put(static_cast<std::uint8_t>(a.held.size()));
    for (governed const& g : a.held)
        w.put(g.from), w.put(g.members);
    w.put(static_cast<std::uint32_t>(a.accepted.size()));
    for (acceptance const& one : a.accepted)
        put_acceptance(w, one);
    w.put_sized(a.quarantine), w.put(static_cast<std::uint8_t>(a.quarantined_for));
    w.put(static_cast<std::uint8_t>(a.sealed_for ? 1 : 0));
    if (a.sealed_for) put(w, *a.sealed_for);
    return out;
}

result<survey_answer> decode_survey_answer(bytes_view encoded) {
    reader in(encoded);
    std::uint8_t const format = in.get<std::uint8_t>();
    if (!in.failed() && format != answer_version)
        return error(errc::unsupported_version, "a survey's answer of version " + std::to_string(format));
    survey_answer a;
    in.get(a.cell);
    a.key = in.get_sized();
    in.get(a.birth), in.get(a.self), in.get(a.life), in.get(a.promised);
    in.get(a.prefix), in.get(a.state_at), in.get(a.state_digest);
    in.get(a.alpha), in.get(a.colour), in.get(a.cell_version);
    std::size_t const held = in.get<std::uint8_t>();
    for (std::size_t i = 0; i < held && !in.failed(); ++i) {
        governed g;
        in.get(g.from), in.get(g.members);
        a.held.push_back(g);
    }
    std::size_t const accepted = in.get<std::uint32_t>();
    if (accepted > in.left()) in.fail();
    for (std::size_t i = 0; i < accepted && !in.failed(); ++i)
        a.accepted.push_back(get_acceptance(in));
    a.quarantine = std::string(in.get_sized());
    a.quarantined_for = static_cast<distrust>(in.get<std::uint8_t>());
    if (in.get<std::uint8_t>() != 0) get(in, a.sealed_for.emplace());
    if (!in.complete() || a.held.empty() || a.quarantined_for > distrust::everything)
        return error(errc::malformed, "a survey's answer");
    return a;
}

bytes encode(forked_founding const& f) {
    bytes out;
    writer w(out);
    w.put(founding_version);
    w.put_sized(encode(f.base));
    w.put(static_cast<std::uint32_t>(f.log.size()));
    for (entry const& e : f.log)
        w.put_sized(e.encoded().view());
    return out;
}

result<forked_founding> decode_forked_founding(bytes_view encoded) {
    reader in(encoded);
    std::uint8_t const format = in.get<std::uint8_t>();
    if (!in.failed() && format != founding_version)
        return error(errc::unsupported_version,
                     "the founding of a fork of version " + std::to_string(format));
    forked_founding f;
    ZOOID_TRY(f.base, decode_snapshot(in.get_sized()));
    std::size_t const count = in.get<std::uint32_t>();
    if (count > in.left()) in.fail();
    for (std::size_t i = 0; i < count && !in.failed(); ++i)
        f.log.push_back(entry::from_encoded(shared_bytes(in.get_sized())));
    bool const one = f.base.configurations.size() == 1;
    if (!in.complete() || !one || f.base.configurations.front().from != f.base.at + 1)
        return error(errc::malformed, "the founding of a fork");
    if (!only_commands_and_a_mark(f))
        return error(errc::malformed, "the log of a fork holds commands and ends with a mark");
    return f;
}

bytes encode(successor_cell const& s) {
    bytes out;
    writer w(out);
    put(w, s);
    return out;
}

result<successor_cell> decode_successor(bytes_view encoded) {
    reader in(encoded);
    successor_cell s;
    get(in, s);
    if (!in.complete()) return error(errc::malformed, "where a cell went");
    return s;
}

} // namespace zooid

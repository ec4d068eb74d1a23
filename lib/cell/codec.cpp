// Messages as bytes: kind (u8), version (u8), fields in the order of message.hpp.
#include <zooid/cell/message.hpp>

#include <zooid/base/codec.hpp>

#include <array>

namespace zooid {

namespace {

constexpr std::uint8_t message_version = 1;

void put(writer& w, entry const& e) {
    w.put_sized(e.encoded().view());
}
void get(reader& in, entry& e) {
    e = entry::from_encoded(shared_bytes(in.get_sized()));
}

void put(writer& w, prepare const& m) {
    w.put(m.in), w.put(m.from), w.put(m.base);
}
void get(reader& in, prepare& m) {
    in.get(m.in), in.get(m.from), in.get(m.base);
}

void put(writer& w, bool flag) {
    w.put(static_cast<std::uint8_t>(flag ? 1 : 0));
}
void get(reader& in, bool& flag) {
    std::uint8_t const raw = in.get<std::uint8_t>();
    if (raw > 1) in.fail();
    flag = raw == 1;
}

void put(writer& w, acceptance const& a) {
    w.put(a.at), w.put(a.accepted), w.put(a.value_digest), put(w, a.chosen), put(w, a.value);
}
void get(reader& in, acceptance& a) {
    in.get(a.at), in.get(a.accepted), in.get(a.value_digest), get(in, a.chosen), get(in, a.value);
}

void put(writer& w, replica_id id) {
    w.put(id);
}
void get(reader& in, replica_id& id) {
    in.get(id);
}

// Each element takes at least one byte, so a count beyond what is left is refused before it costs memory.
template <class T>
void put(writer& w, std::vector<T> const& list) {
    w.put(static_cast<std::uint32_t>(list.size()));
    for (T const& element : list)
        put(w, element);
}
template <class T>
void get(reader& in, std::vector<T>& list) {
    std::size_t const count = in.get<std::uint32_t>();
    if (count > in.left()) return in.fail();
    for (std::size_t i = 0; i < count && !in.failed(); ++i)
        get(in, list.emplace_back());
}

void put(writer& w, promise const& m) {
    w.put(m.in), w.put(m.prefix), put(w, m.accepted);
}
void get(reader& in, promise& m) {
    in.get(m.in), in.get(m.prefix), get(in, m.accepted);
}

void put(writer& w, accept const& m) {
    w.put(m.in), w.put(m.at), w.put(m.chosen), put(w, m.value), w.put(m.base);
}
void get(reader& in, accept& m) {
    in.get(m.in), in.get(m.at), in.get(m.chosen), get(in, m.value), in.get(m.base);
}

void put(writer& w, accepted const& m) {
    w.put(m.in), w.put(m.at), w.put(m.value_digest), w.put(m.prefix);
}
void get(reader& in, accepted& m) {
    in.get(m.in), in.get(m.at), in.get(m.value_digest), in.get(m.prefix);
}

void put(writer& w, rejected_ballot const& m) {
    w.put(m.asked), w.put(m.promised);
}
void get(reader& in, rejected_ballot& m) {
    in.get(m.asked), in.get(m.promised);
}

void put(writer& w, commit const& m) {
    w.put(m.in), w.put(m.chosen), w.put(static_cast<std::uint8_t>(m.wanted));
}
void get(reader& in, commit& m) {
    in.get(m.in), in.get(m.chosen);
    std::uint8_t const wanted = in.get<std::uint8_t>();
    if (wanted > static_cast<std::uint8_t>(report::durable)) in.fail();
    m.wanted = static_cast<report>(wanted);
}

void put(writer& w, learned const& m) {
    w.put(m.prefix), w.put(m.durable);
}
void get(reader& in, learned& m) {
    in.get(m.prefix), in.get(m.durable);
}

void put(writer& w, confirm const& m) {
    w.put(m.in), w.put(m.round), w.put(m.base), w.put(m.at);
}
void get(reader& in, confirm& m) {
    in.get(m.in), in.get(m.round), in.get(m.base), in.get(m.at);
}
void put(writer& w, confirmed const& m) {
    w.put(m.in), w.put(m.round);
}
void get(reader& in, confirmed& m) {
    in.get(m.in), in.get(m.round);
}

void put(writer& w, canvass const& m) {
    w.put(m.attempt), w.put(m.despite);
}
void get(reader& in, canvass& m) {
    in.get(m.attempt), in.get(m.despite);
}
void put(writer& w, canvassed const& m) {
    w.put(m.attempt), w.put(m.promised), w.put(m.vouched);
}
void get(reader& in, canvassed& m) {
    in.get(m.attempt), in.get(m.promised), in.get(m.vouched);
}

void put(writer& w, probe const& m) {
    w.put(m.attempt);
}
void get(reader& in, probe& m) {
    in.get(m.attempt);
}
void put(writer& w, probed const& m) {
    w.put(m.attempt), w.put(m.in);
}
void get(reader& in, probed& m) {
    in.get(m.attempt), in.get(m.in);
}

void put(writer& w, fetch const& m) {
    w.put(m.from);
}
void get(reader& in, fetch& m) {
    in.get(m.from);
}

void put(writer& w, slice const& m) {
    w.put(m.from), put(w, m.values), w.put(m.prefix);
}
void get(reader& in, slice& m) {
    in.get(m.from), get(in, m.values), in.get(m.prefix);
}

void put(writer& w, teach_snapshot const& m) {
    w.put_sized(encode(m.state));
}
void get(reader& in, teach_snapshot& m) {
    auto decoded = decode_snapshot(in.get_sized());
    if (!decoded) return in.fail();
    m.state = std::move(decoded).value();
}

void put(writer& w, resigned const& m) {
    w.put(m.in), w.put(m.successor);
}
void get(reader& in, resigned& m) {
    in.get(m.in), in.get(m.successor);
}

void put(writer& w, moved const& m) {
    w.put(m.members);
}
void get(reader& in, moved& m) {
    in.get(m.members);
}

void put(writer& w, keeps_waiting const& m) {
    w.put(m.in), w.put(m.candidate);
}
void get(reader& in, keeps_waiting& m) {
    in.get(m.in), in.get(m.candidate);
}

void put(writer& w, digested const& m) {
    w.put(m.at), w.put(m.state_digest);
}
void get(reader& in, digested& m) {
    in.get(m.at), in.get(m.state_digest);
}

void put(writer& w, outvoted const& m) {
    w.put(m.at), w.put(m.state_digest), put(w, m.reported);
}
void get(reader& in, outvoted& m) {
    in.get(m.at), in.get(m.state_digest), get(in, m.reported);
}

void put(writer& w, sealed const& m) {
    put(w, m.to);
}
void get(reader& in, sealed& m) {
    get(in, m.to);
}

template <std::size_t... Kinds>
bool decode_kind(std::size_t kind, reader& in, message& out, std::index_sequence<Kinds...>) {
    return ((kind == Kinds && (get(in, out.emplace<Kinds>()), true)) || ...);
}

constexpr std::array<std::string_view, std::variant_size_v<message>> names{
    "prepare",   "promise", "accept",        "accepted", "rejected", "commit", "learned", "confirm",
    "confirmed", "canvass", "canvassed",     "probe",    "probed",   "fetch",  "slice",   "snapshot",
    "resigned",  "moved",   "keeps_waiting", "digested", "outvoted", "sealed"};

} // namespace

bool is_moved(bytes_view encoded) {
    constexpr auto kind = static_cast<std::uint8_t>(message(moved{}).index() + 1);
    return !encoded.empty() && static_cast<std::uint8_t>(encoded.front()) == kind;
}

void encode(message const& m, bytes& out) {
    writer w(out);
    w.put(static_cast<std::uint8_t>(m.index() + 1));
    w.put(message_version);
    std::visit([&](auto const& content) { put(w, content); }, m);
}

result<message> decode_message(bytes_view encoded) {
    reader in(encoded);
    std::size_t const kind = in.get<std::uint8_t>();
    std::size_t const format = in.get<std::uint8_t>();
    if (in.failed()) return error(errc::malformed, "message: cut");
    message m;
    bool const known = kind != 0 && format == message_version &&
                       decode_kind(kind - 1, in, m, std::make_index_sequence<std::variant_size_v<message>>());
    if (!known) {
        return error(errc::unsupported_version,
                     "message: kind " + std::to_string(kind) + ", version " + std::to_string(format));
    }
    if (!in.complete()) return error(errc::malformed, "message: " + std::string(name_of(m)));
    return m;
}

std::string_view name_of(message const& m) {
    return names[m.index()];
}

} // namespace zooid

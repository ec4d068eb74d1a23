#include <zooid/transport/request.hpp>

#include <zooid/base/codec.hpp>
#include <zooid/base/limits.hpp>

namespace zooid {

bool known(operation op) {
    return op >= operation::commit && op <= operation::found_fork && op != operation{10};
}

bool needs_admin(operation op) {
    switch (op) {
    case operation::reserve:
    case operation::found:
    case operation::change_members:
    case operation::transfer_lead:
    case operation::raise_version:
    case operation::seal:
    case operation::kept_state:
    case operation::found_fork: return true;
    case operation::commit:
    case operation::strict_read:
    case operation::leased_read:
    case operation::prefix_read:
    case operation::locate:
    case operation::open_session:
    case operation::status:
    case operation::explain:
    case operation::describe_members:
    case operation::survey:
    case operation::complain: return false;
    }
    return true; // an operation that this software does not know
}

std::string_view name_of(operation op) {
    switch (op) {
    case operation::commit: return "commit";
    case operation::strict_read: return "strict_read";
    case operation::prefix_read: return "prefix_read";
    case operation::locate: return "locate";
    case operation::open_session: return "open_session";
    case operation::reserve: return "reserve";
    case operation::found: return "found";
    case operation::status: return "status";
    case operation::explain: return "explain";
    case operation::complain: return "complain";
    case operation::describe_members: return "describe_members";
    case operation::change_members: return "change_members";
    case operation::transfer_lead: return "transfer_lead";
    case operation::leased_read: return "leased_read";
    case operation::raise_version: return "raise_version";
    case operation::survey: return "survey";
    case operation::seal: return "seal";
    case operation::kept_state: return "kept_state";
    case operation::found_fork: return "found_fork";
    }
    return "unknown";
}

void encode(request const& r, bytes& out) {
    writer w(out);
    w.put(r.correlation);
    w.put(static_cast<std::uint8_t>(r.op));
    w.put(r.cell);
    w.put_sized(r.key);
    w.put(r.birth);
    w.put(r.min_slot);
    w.put(r.remaining_ms);
    w.put_sized(r.payload);
}

void encode(reply const& r, bytes& out) {
    writer w(out);
    w.put(r.correlation);
    w.put(static_cast<std::uint8_t>(r.failure ? static_cast<unsigned>(*r.failure) : 0u));
    w.put_sized(r.detail);
    w.put(r.cell);
    w.put(r.birth);
    w.put(r.at);
    w.put(r.proposer);
    w.put(r.members);
    w.put_sized(r.payload);
}

result<request> decode_request(bytes_view in) {
    reader r(in);
    request out;
    r.get(out.correlation);
    out.op = static_cast<operation>(r.get<std::uint8_t>());
    r.get(out.cell);
    out.key = r.get_sized();
    r.get(out.birth);
    r.get(out.min_slot);
    r.get(out.remaining_ms);
    out.payload = r.get_sized();
    if (!r.complete()) {
        return error(errc::malformed,
                     "a request of " + std::to_string(in.size()) + " bytes cannot be decoded");
    }
    if (out.key.size() > limits::key_bytes_max) {
        return error(errc::too_large, "a key of " + std::to_string(out.key.size()) + " bytes");
    }
    return out;
}

result<reply> decode_reply(bytes_view in) {
    reader r(in);
    reply out;
    r.get(out.correlation);
    auto const code = r.get<std::uint8_t>();
    out.detail = r.get_sized();
    r.get(out.cell);
    r.get(out.birth);
    r.get(out.at);
    r.get(out.proposer);
    r.get(out.members);
    out.payload = r.get_sized();
    if (!r.complete()) {
        return error(errc::malformed, "a reply of " + std::to_string(in.size()) + " bytes cannot be decoded");
    }
    bool const known_code = code <= static_cast<std::uint8_t>(errc::stopping);
    if (code != 0) out.failure = known_code ? static_cast<errc>(code) : errc::outcome_unknown;
    return out;
}

correlation_id correlation_of(bytes_view in) {
    return reader(in).get<correlation_id>();
}

} // namespace zooid

// What travels between a client and the session machine, and who may put it into the log.
#include <zooid/kv/sessions.hpp>

#include <zooid/kv/store.hpp>

#include "kv/format.hpp"

namespace zooid::kv {

void encode(request const& r, bytes& out) {
    writer w(out);
    put_header(w, kind::request);
    w.put(r.client), w.put(r.sequence), w.put(r.settled), w.put(r.as_of);
    w.put_raw(r.command);
}

result<request> decode_request(bytes_view command) {
    reader in(command);
    ZOOID_TRY(expect_header(in, kind::request));
    request r;
    in.get(r.client), in.get(r.sequence), in.get(r.settled), in.get(r.as_of);
    r.command = in.get_raw(in.left());
    if (in.failed()) return errc::malformed;
    return r;
}

std::string_view name_of(request_status s) {
    switch (s) {
    case request_status::applied: return "applied";
    case request_status::reply_not_kept: return "reply_not_kept";
    case request_status::expired: return "expired";
    case request_status::overloaded: return "overloaded";
    case request_status::malformed: return "malformed";
    }
    return "unknown";
}

void encode(request_reply const& r, bytes& out) {
    writer w(out);
    put_header(w, kind::request_reply);
    put_enum(w, r.status);
    w.put_raw(r.body);
}

result<request_reply> decode_request_reply(bytes_view reply) {
    reader in(reply);
    ZOOID_TRY(expect_header(in, kind::request_reply));
    auto const status = in.get<std::uint8_t>();
    if (in.failed() || status < 1 || status > static_cast<std::uint8_t>(request_status::malformed))
        return errc::malformed;
    return request_reply{static_cast<request_status>(status), bytes(in.get_raw(in.left()))};
}

result<void> admit_request(bytes_view command) {
    ZOOID_TRY(auto r, decode_request(command));
    if (r.client && (!r.sequence || r.settled > r.sequence)) return errc::malformed;
    return admit(r.command);
}

} // namespace zooid::kv

#include <zooid/kv/outcome.hpp>

#include "kv/format.hpp"

namespace zooid::kv {

namespace {

void put_results(writer& out, std::vector<operation_result> const& results) {
    out.put(static_cast<std::uint16_t>(results.size()));
    for (operation_result const& r : results) {
        out.put(r.operation);
        out.put(static_cast<std::uint32_t>(r.entries.size()));
        for (observation const& seen : r.entries)
            encode(out, seen);
    }
}

/// Grows only as fast as entries are really there: a count is a claim, not a size to allocate.
operation_result get_result(reader& in) {
    operation_result r;
    in.get(r.operation);
    auto const count = in.get<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i)
        r.entries.push_back(decode_observation(in));
    return r;
}

committed get_committed(reader& in) {
    committed c;
    in.get(c.version);
    auto const count = in.get<std::uint16_t>();
    for (std::uint16_t i = 0; i < count && !in.failed(); ++i)
        c.results.push_back(get_result(in));
    return c;
}

rejected get_rejected(reader& in) {
    rejected r;
    auto const why = in.get<std::uint8_t>();
    if (why < 1 || why > static_cast<std::uint8_t>(rejection::not_read_only)) in.fail();
    r.why = static_cast<rejection>(why);
    in.get(r.index);
    r.met = decode_observation(in);
    in.get(r.version);
    return r;
}

} // namespace

observation const* committed::find(bytes_view key) const {
    observation const* found = nullptr;
    for (operation_result const& r : results) {
        for (observation const& seen : r.entries)
            if (seen.key == key) found = &seen;
    }
    return found;
}

std::string_view name_of(rejection why) {
    switch (why) {
    case rejection::condition_failed: return "condition_failed";
    case rejection::not_an_integer: return "not_an_integer";
    case rejection::integer_too_large: return "integer_too_large";
    case rejection::result_too_large: return "result_too_large";
    case rejection::state_too_large: return "state_too_large";
    case rejection::over_limit: return "over_limit";
    case rejection::malformed: return "malformed";
    case rejection::not_read_only: return "not_read_only";
    }
    return "unknown";
}

void encode(kv::outcome const& o, bytes& out) {
    writer w(out);
    if (auto const* c = std::get_if<committed>(&o)) {
        put_header(w, kind::committed);
        w.put(c->version);
        put_results(w, c->results);
        return;
    }
    auto const& r = std::get<rejected>(o);
    put_header(w, kind::rejected);
    put_enum(w, r.why);
    w.put(r.index);
    encode(w, r.met);
    w.put(r.version);
}

result<kv::outcome> decode_outcome(bytes_view reply) {
    reader in(reply);
    bool const is_committed = !reply.empty() && reply[0] == static_cast<char>(kind::committed);
    ZOOID_TRY(expect_header(in, is_committed ? kind::committed : kind::rejected));
    kv::outcome o = is_committed ? kv::outcome(get_committed(in)) : kv::outcome(get_rejected(in));
    if (!in.complete()) return errc::malformed;
    return o;
}

} // namespace zooid::kv

// When may a reply be forgotten?
//
// Let a request be applied in slot s, H be the horizon and A = alpha_max. Its client was told `as_of` before
// the first attempt, and no copy has another one. Then
//   1. a copy is applied in a slot t only if t <= as_of + H (else `expired`), and
//   2. as_of <= s + A: `judge` refuses anything else, so a client that invents slots harms nobody. (It may be
//      above s: slots are filled out of order, by up to the window.)
//   So no copy is applied after s + A + H, and the entry of s is kept until then. After that a retry is
//   expired, never applied again (trap: others pushed the reply out of the table, the retry added twice).
//   3. A reply below `settled` is dropped early; the entry that said so, applied in s', is kept until
//      s' + A + H and answers copies of those requests `expired`. They were sent before it was, so as_of <=
//      s' + A.
// Every decision uses slots, which all replicas agree on, and nothing else.
#include <zooid/kv/sessions.hpp>

#include <zooid/base/check.hpp>
#include <zooid/base/mutant.hpp>

#include "kv/format.hpp"

#include <algorithm>

namespace zooid::kv {

namespace {

constexpr std::uint64_t session_seed = 0x73657373;

/// The sum, or the highest number if it would wrap around.
std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
    return a + b < a ? ~std::uint64_t{0} : a + b;
}

bool well_formed(request const& r) {
    return r.sequence && r.settled <= r.sequence;
}

} // namespace

/// What to do with a request: apply it, or answer at once.
struct session_machine::verdict {
    request_status status = request_status::applied;
    entry const* earlier = nullptr; ///< the entry of an earlier attempt
};

session_machine::session_machine(std::unique_ptr<state_machine> inner, session_limits bounds)
    : inner_(std::move(inner)), bounds_(bounds) {
    ZOOID_CHECK(inner_ != nullptr, "sessions wrap a state machine");
}

bool session_machine::forgotten(entry const& e, slot at) const {
    return at.value > saturating_sum(e.applied_at.value, limits::alpha_max + bounds_.horizon);
}

namespace {

bool before(auto const& e, client_id client, sequence s) {
    return e.client != client ? e.client < client : e.sequence < s;
}

auto first_not_before(auto& entries, client_id client, sequence s) {
    return std::partition_point(entries.begin(), entries.end(),
                                [&](auto const& e) { return before(e, client, s); });
}

} // namespace

session_machine::verdict session_machine::judge(slot at, request const& r) const {
    if (!well_formed(r) || r.as_of.value > saturating_sum(at.value, limits::alpha_max))
        return {request_status::malformed};
    for (auto e = first_not_before(table_.entries, r.client, {});
         e != table_.entries.end() && e->client == r.client; ++e) {
        if (forgotten(*e, at)) continue;
        if (e->sequence == r.sequence && !mutated(mutant::apply_retry_twice))
            return {e->kept ? request_status::applied : request_status::reply_not_kept, &*e};
        if (r.sequence < e->settled) return {request_status::expired};
    }
    if (r.as_of.value < at.value && at - r.as_of > bounds_.horizon) return {request_status::expired};
    auto const stays = [&](entry const& e) {
        return !forgotten(e, at) && !(e.client == r.client && e.sequence < r.settled);
    };
    bool const full = table_.entries.size() >= bounds_.entries_max &&
                      static_cast<std::size_t>(std::count_if(table_.entries.begin(), table_.entries.end(),
                                                             stays)) >= bounds_.entries_max;
    return {full ? request_status::overloaded : request_status::applied};
}

digest session_machine::digest_of(entry const& e) {
    bytes encoded;
    writer w(encoded);
    w.put(e.client), w.put(e.sequence), w.put(e.settled), w.put(e.applied_at);
    w.put(static_cast<std::uint8_t>(e.kept));
    w.put_raw(e.body);
    return hash128(encoded, session_seed);
}

template <class Predicate>
void session_machine::drop_if(Predicate drop) {
    std::erase_if(table_.entries, [&](entry const& e) {
        if (!drop(e)) return false;
        table_.kept_bytes -= e.body.size();
        table_.entries_digest -= digest_of(e);
        return true;
    });
}

void session_machine::forget_old(slot at) {
    if (table_.entries.empty() ||
        at.value <= saturating_sum(table_.oldest.value, limits::alpha_max + bounds_.horizon))
        return;
    drop_if([&](entry const& e) { return forgotten(e, at); });
    table_.oldest = at;
    for (entry const& e : table_.entries)
        table_.oldest = std::min(table_.oldest, e.applied_at);
}

void session_machine::forget_settled(client_id client, zooid::sequence settled) {
    auto const first = first_not_before(table_.entries, client, {});
    if (first == table_.entries.end() || first->client != client || !(first->sequence < settled)) return;
    drop_if([&](entry const& e) { return e.client == client && e.sequence < settled; });
}

void session_machine::remember(slot at, request const& r, bytes_view body) {
    forget_old(at);
    forget_settled(r.client, r.settled);
    if (mutated(mutant::apply_retry_twice))
        drop_if([&](entry const& e) { return e.client == r.client && e.sequence == r.sequence; });
    bool const keep =
        body.size() <= bounds_.reply_bytes_max && table_.kept_bytes + body.size() <= bounds_.table_bytes_max;
    if (table_.entries.empty()) table_.oldest = at;
    auto const place = first_not_before(table_.entries, r.client, r.sequence);
    entry e{r.client, r.sequence, r.settled, at, keep, keep ? bytes(body) : bytes()};
    table_.kept_bytes += e.body.size();
    table_.entries_digest += digest_of(e);
    table_.entries.insert(place, std::move(e));
}

bool session_machine::apply(slot at, bytes_view command, bytes& reply) {
    auto const decoded = decode_request(command);
    if (!decoded && decoded.error() == errc::unsupported_version) return false;
    if (!decoded) return encode({request_status::malformed, {}}, reply), true;
    request const& r = decoded.value();
    verdict const v = r.client ? judge(at, r) : verdict{};
    if (v.earlier || v.status != request_status::applied) {
        note(v);
        return encode({v.status, v.earlier ? v.earlier->body : bytes()}, reply), true;
    }
    bytes body;
    if (!inner_->apply(at, r.command, body)) return false; // and nothing has been touched
    if (r.client) remember(at, r, body);
    return encode({request_status::applied, std::move(body)}, reply), true;
}

void session_machine::note(verdict const& v) {
    if (v.earlier) mark(reached_, sometimes::retry_answered_from_session);
    if (v.status == request_status::expired) mark(reached_, sometimes::session_expired);
    if (v.status == request_status::overloaded) mark(reached_, sometimes::session_table_full);
}

digest session_machine::state_digest() const {
    digest d = inner_->state_digest(); // of another domain, so the sum loses nothing
    return d += table_.entries_digest;
}

void session_machine::snapshot(bytes& out) const {
    writer w(out);
    put_header(w, kind::sessions_snapshot);
    w.put(static_cast<std::uint32_t>(table_.entries.size()));
    for (entry const& e : table_.entries) {
        w.put(e.client), w.put(e.sequence), w.put(e.settled), w.put(e.applied_at);
        w.put(static_cast<std::uint8_t>(e.kept));
        w.put_sized(e.body);
    }
    inner_->snapshot(out);
}

bool session_machine::read_entry(reader& in, table& into) const {
    entry e;
    in.get(e.client), in.get(e.sequence), in.get(e.settled), in.get(e.applied_at);
    auto const kept = in.get<std::uint8_t>();
    e.kept = kept != 0;
    e.body = in.get_sized();
    bool const in_order = into.entries.empty() || before(into.entries.back(), e.client, e.sequence);
    bool const possible = e.client && e.sequence && e.settled <= e.sequence && kept <= 1 &&
                          e.body.size() <= (e.kept ? bounds_.reply_bytes_max : 0);
    if (in.failed() || !in_order || !possible) return false;
    into.oldest = into.entries.empty() ? e.applied_at : std::min(into.oldest, e.applied_at);
    into.kept_bytes += e.body.size();
    into.entries_digest += digest_of(e);
    into.entries.push_back(std::move(e));
    return into.kept_bytes <= bounds_.table_bytes_max;
}

result<void> session_machine::restore(bytes_view snapshot) {
    reader in(snapshot);
    ZOOID_TRY(expect_header(in, kind::sessions_snapshot));
    auto const count = in.get<std::uint32_t>();
    if (in.failed() || count > bounds_.entries_max) return errc::malformed;
    table fresh;
    for (std::uint32_t i = 0; i < count; ++i)
        if (!read_entry(in, fresh)) return errc::malformed;
    ZOOID_TRY(inner_->restore(in.get_raw(in.left())));
    table_ = std::move(fresh);
    return zooid::outcome::success();
}

std::size_t session_machine::memory_bytes() const {
    return sizeof(*this) + table_.entries.capacity() * sizeof(entry) + table_.kept_bytes +
           inner_->memory_bytes();
}

} // namespace zooid::kv

#include "cell/canonical.hpp"

#include <zooid/base/codec.hpp>

namespace zooid {

namespace {

void put(writer& w, bool flag) {
    w.put(static_cast<std::uint8_t>(flag ? 1 : 0));
}
void put(writer& w, slot s) {
    w.put(s);
}
void put(writer& w, token t) {
    w.put(t);
}
void put(writer& w, replica_id r) {
    w.put(r);
}
void put(writer& w, ballot const& b) {
    w.put(b);
}
void put(writer& w, member const& m) {
    w.put(m);
}
void put(writer& w, entry const& e) {
    w.put_sized(e.encoded().view());
}
void put(writer& w, shared_bytes const& b) {
    w.put_sized(b.view());
}
void put(writer& w, snapshot const& s) {
    w.put_sized(encode(s));
}
void put(writer& w, time_point armed) {
    put(w, armed != never);
}
void put(writer& w, repeat const& r) {
    auto const& [at, wait] = r;
    put(w, at), (void)wait;
}
void put(writer& w, member_set set) {
    std::uint16_t bits = 0;
    for (std::size_t i = 0; i < members_max; ++i)
        bits |= static_cast<std::uint16_t>((set.contains(i) ? 1u : 0u) << i);
    w.put(bits);
}

template <class A, class B>
void put(writer& w, std::pair<A, B> const& p) {
    put(w, p.first), put(w, p.second);
}
void put(writer& w, std::uint64_t n) {
    w.put(n);
}

template <class T>
void put_optional(writer& w, std::optional<T> const& value);
template <class List>
void put_list(writer& w, List const& list);

void put(writer& w, waiting_command const& c) {
    auto const& [request, command, until] = c;
    put(w, request), put(w, command), put(w, until);
}
void put(writer& w, open_slot const& o) {
    auto const& [at, value, value_digest, requests, votes, sent, chosen] = o;
    put(w, at), put(w, value), w.put(value_digest), put_list(w, requests), put(w, votes), put(w, chosen);
    (void)sent;
}
void put(writer& w, acceptance const& a) {
    auto const& [at, accepted, value_digest, chosen, value] = a;
    put(w, at), put(w, accepted), w.put(value_digest), put(w, chosen), put(w, value);
}
void put(writer& w, promise_report const& p) {
    auto const& [from, prefix, accepted] = p;
    put(w, from), put(w, prefix), put_list(w, accepted);
}
void put(writer& w, read_round const& r) {
    auto const& [round, at, voters, confirmed, requests] = r;
    put(w, round), put(w, at), w.put(voters), put(w, confirmed), put_list(w, requests);
}
void put(writer& w, confirmed_reads const& r) {
    auto const& [at, requests] = r;
    put(w, at), put_list(w, requests);
}
void put(writer& w, pending_checkpoint const& p) {
    auto const& [ticket, at, taught] = p;
    put(w, ticket), put(w, at), put_optional(w, taught);
}

void put(writer& w, member_progress const& p) {
    auto const& [replica, known, durable] = p;
    put(w, replica), put(w, known), put(w, durable);
}
void put(writer& w, waiting_change const& c) {
    auto const& [request, what, ask_again, gives_up_at] = c;
    put(w, request), w.put_sized(encode(what)), put(w, ask_again), put(w, gives_up_at);
}

void put(writer& w, digest_report const& r) {
    auto const& [from, at, state_digest, told] = r;
    put(w, from), put(w, at), w.put(state_digest), put(w, told);
}
void put(writer& w, waiting_rise const& r) {
    auto const& [request, what] = r;
    put(w, request), w.put_sized(encode(what));
}

void put(writer& w, membership const& m) {
    w.put(static_cast<std::uint8_t>(m.held().size()));
    for (governed const& g : m.held())
        put(w, g.from), w.put(g.members);
}

void put(writer& w, log_window const& log) {
    put(w, log.first()), put(w, log.last());
    for (slot at = log.first(); at <= log.last(); ++at) {
        auto const& [accepted, value_digest, value, chosen, recorded] = *log.find(at);
        put(w, accepted), w.put(value_digest), put(w, value), put(w, chosen), put(w, recorded);
    }
}

void put(writer& w, acceptor_state const& a) {
    auto const& [promised, may_vote, is_new, asked_of, let_go] = a;
    put(w, promised), put(w, may_vote), put(w, is_new), put(w, asked_of), put(w, let_go);
}

void put(writer& w, learner_state const& l) {
    auto const& [prefix, recorded, applied, released, state_digest, wanted, source, fetch_again, starting,
                 asked, checkpoint, log_bytes, checkpoint_bytes, pending, to_teach, snapshot_wanted,
                 checkpoint_owed, digest_owed] = l;
    put(w, prefix), put(w, recorded), put(w, applied), put(w, released), w.put(state_digest), put(w, wanted);
    put(w, source);
    put(w, fetch_again), put(w, starting), put_list(w, asked), put(w, checkpoint);
    w.put(std::uint64_t{log_bytes}), w.put(std::uint64_t{checkpoint_bytes});
    put_optional(w, pending), put_list(w, to_teach), put(w, snapshot_wanted), put(w, checkpoint_owed),
        put(w, digest_owed);
}

void put(writer& w, election_state const& e) {
    auto const& [proposer, round_seen, now, at, attempt, failures, welcome, despite, wanted, probe_fails_at,
                 commands, command_bytes, reads] = e;
    put(w, proposer), w.put(round_seen), w.put(static_cast<std::uint8_t>(now)), put(w, at), put(w, attempt);
    put(w, welcome), put(w, despite), put(w, wanted), put(w, probe_fails_at);
    put_list(w, commands), w.put(std::uint64_t{command_bytes}), put_list(w, reads);
    (void)failures; // widens a back-off
}

void put(writer& w, proposer_state const& p) {
    auto const& [in, began, asked, promises, reported, must_know, knows, leading, next, open, commands,
                 command_bytes, reads, asking, confirmed, round, round_began, progress, standing, probes,
                 announced, again, laggards, gives_up_at, change, learners, fill_below, releasing, rise,
                 digests, differed, released, members_since] = p;
    put(w, in), put_list(w, asked), put_list(w, promises), put(w, reported), put(w, must_know);
    put(w, knows), put(w, leading), put(w, next), put_list(w, open), put_list(w, commands);
    w.put(std::uint64_t{command_bytes}), put_list(w, reads), put_optional(w, asking);
    put_list(w, confirmed), put(w, round), put_list(w, progress), put_list(w, probes), put(w, announced);
    put(w, again), put(w, laggards), put(w, gives_up_at);
    put_optional(w, change), put_list(w, learners), put(w, fill_below), put(w, releasing);
    put_optional(w, rise), put_list(w, digests), put(w, differed), put_list(w, released);
    // Of leases, which are off wherever these bytes are compared.
    (void)began, (void)round_began, (void)standing, (void)members_since;
}

// Last, so that they find every function above.
template <class T>
void put_optional(writer& w, std::optional<T> const& value) {
    put(w, value.has_value());
    if (value) put(w, *value);
}
template <class List>
void put_list(writer& w, List const& list) {
    w.put(static_cast<std::uint32_t>(list.size()));
    for (auto const& element : list)
        put(w, element);
}

} // namespace

void encode_canonical(replica_state const& state, bytes& out) {
    auto const& [identity, options, random, cell, key, birth, demands, alpha, joined, retired,
                 quarantined_for, recorded_for, members, log, acceptor, learner, election, proposer,
                 start_from, tickets, quarantine, sealed_for, sealing, quarantine_unrecorded,
                 upgrade_resumes] = state;
    (void)options, (void)random;
    writer w(out);
    put(w, identity.self), w.put(identity.life);
    w.put(cell), w.put_sized(key), w.put(birth), w.put(demands.cell_version), w.put(alpha),
        w.put(demands.colour);
    put(w, joined), put(w, retired);
    put(w, members), put(w, log), put(w, acceptor), put(w, learner), put(w, election);
    put(w, proposer != nullptr);
    if (proposer) put(w, *proposer);
    put_optional(w, start_from), put(w, tickets), w.put_sized(quarantine);
    w.put(static_cast<std::uint8_t>(quarantined_for)), w.put(static_cast<std::uint8_t>(recorded_for));
    put(w, quarantine_unrecorded), put(w, upgrade_resumes);
    put_optional(w, sealed_for), put_optional(w, sealing);
}

} // namespace zooid

// The replica: construction, dispatch of one event to the sub-protocols, and what everybody may ask of it.
//
//   R1  After a restart promise and acceptances are those of the journal, never of anywhere else.
//   R2  Votes wait until we know who the members are, and a majority of them told, since the start, what it had
//       heard of this journal (acceptor.cpp).
#include "cell/turn.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>
#include <utility>

namespace zooid {

void effects::clear() {
    persist.clear();
    now.clear();
    after_durable.clear();
    deliver.clear();
    reads.clear();
    ended_requests.clear();
    changed.clear();
    restore.reset();
    tell_when_durable.reset();
    want_snapshot = false;
    watch.clear();
    retired = false;
    digests_differ = {};
    marks.reset();
}

bool effects::empty() const {
    return persist.empty() && now.empty() && after_durable.empty() && deliver.empty() && reads.empty() &&
           ended_requests.empty() && changed.empty() && !restore && !tell_when_durable && !want_snapshot &&
           watch.empty() && !retired && !digests_differ;
}

std::string explain_invalid(cell_options const& o) {
    std::pair<char const*, duration> const intervals[] = {{"retransmit", o.retransmit},
                                                          {"retransmit_max", o.retransmit_max},
                                                          {"candidacy_step", o.candidacy_step},
                                                          {"candidacy_timeout", o.candidacy_timeout},
                                                          {"probe_timeout", o.probe_timeout},
                                                          {"quiet", o.quiet},
                                                          {"newcomer_timeout", o.newcomer_timeout}};
    for (auto const& [name, interval] : intervals)
        if (interval < std::chrono::milliseconds(1) || interval > std::chrono::hours(1))
            return std::string(name) + ": must be 1 ms to 1 h";
    if (o.retransmit > o.retransmit_max) return "retransmit: must be at most retransmit_max";
    if (o.candidacy_jitter < duration::zero() || o.candidacy_jitter > std::chrono::hours(1))
        return "candidacy_jitter: must be 0 to 1 h";
    std::pair<char const*, std::uint64_t> const bounds[] = {
        {"pending_bytes_max", o.pending_bytes_max},
        {"pending_count_max", o.pending_count_max},
        {"reads_max", o.reads_max},
        {"checkpoint_log_bytes", o.checkpoint_log_bytes},
        {"checkpoint_log_entries", o.checkpoint_log_entries},
        {"slice_bytes_max", o.slice_bytes_max},
        {"slots_ahead_max", o.slots_ahead_max}};
    for (auto const& [name, bound] : bounds)
        if (bound == 0) return std::string(name) + ": must be above 0";
    return {};
}

// ---- dispatch

void turn::run(event const& what) {
    if (s_.start_from) start_recovered();
    std::visit(
        [&](auto const& e) {
            using kind = std::decay_t<decltype(e)>;
            if constexpr (std::is_same_v<kind, received>) {
                route(e);
            } else if constexpr (!std::is_same_v<kind, woken>) {
                on(e);
            }
        },
        what);
    if (s_.learner.fetch_again.at <= now()) fetch_now();
    election_timers();
    proposer_timers();
    reconfiguration_timers();
    propose_what_can_be();
    announce_prefix();
    answer_reads();
    confirm_reads();
    retire_if_released();
    checkpoint_if_due();
}

namespace {

// What a replica may say that no configuration names which we hold: a proposer that joined after our prefix,
// a learner, or one that was released and does not know it. None of it is counted; votes and reports are, and
// only by the members of a configuration.
template <class Message>
constexpr bool is_for_strangers =
    std::is_same_v<Message, prepare> || std::is_same_v<Message, accept> || std::is_same_v<Message, confirm> ||
    std::is_same_v<Message, commit> || std::is_same_v<Message, fetch> || std::is_same_v<Message, slice> ||
    std::is_same_v<Message, teach_snapshot> || std::is_same_v<Message, resigned> ||
    std::is_same_v<Message, moved> || std::is_same_v<Message, keeps_waiting> ||
    std::is_same_v<Message, sealed>;

} // namespace

// The connection proves the server, the envelope names the replica; both must be those of one member.
void turn::route(received const& e) {
    member const* const known = s_.members.find(e.replica);
    if (known && known->server != e.server) return;
    bool const stands = std::holds_alternative<canvass>(e.content);
    if (known || (is_learner(e.replica) && !stands)) {
        member const from = known ? *known : member{e.server, {}, e.replica};
        return std::visit([&](auto const& content) { on(from, content); }, e.content);
    }
    member const stranger{e.server, {}, e.replica};
    std::visit(
        [&](auto const& content) {
            using kind = std::decay_t<decltype(content)>;
            if constexpr (is_for_strangers<kind>) on(stranger, content);
            // It would stand for election: tell it how far it is behind.
            if constexpr (std::is_same_v<kind, canvass>) send(stranger, slice{{}, {}, s_.learner.prefix});
        },
        e.content);
}

bool turn::is_learner(replica_id replica) const {
    return find_learner(replica) != nullptr;
}

// A newcomer of the change that waits for it.
member const* turn::find_learner(replica_id replica) const {
    if (!s_.proposer) return nullptr;
    auto const& all = s_.proposer->learners;
    auto const found =
        std::find_if(all.begin(), all.end(), [&](member const& m) { return m.replica == replica; });
    return found == all.end() ? nullptr : &*found;
}

duration turn::jitter(duration width) {
    if (width <= duration::zero()) return duration::zero();
    return duration(
        static_cast<std::int64_t>(s_.random.below(static_cast<std::uint64_t>(width.count()) + 1)));
}

void turn::arm_again(repeat& r) {
    r.wait = std::min(r.wait * 2, s_.options.retransmit_max);
    r.at = now() + r.wait + jitter(r.wait / 4);
}

void turn::refuse_callers(event const& what, errc why) {
    if (auto const* proposed = std::get_if<propose>(&what)) end(proposed->request, why);
    if (auto const* asked = std::get_if<read>(&what)) end(asked->request, why);
    if (auto const* change = std::get_if<change_members>(&what)) end(change->request, why);
    if (auto const* rise = std::get_if<raise_version>(&what)) end(rise->request, why);
}

// ---- construction

namespace {

std::unique_ptr<replica_state> state_of(snapshot const& from, replica_identity const& identity,
                                        cell_options const& options) {
    auto state = std::make_unique<replica_state>(replica_state{identity,
                                                               options,
                                                               prng(identity.seed),
                                                               from.cell,
                                                               from.key,
                                                               from.birth,
                                                               {from.colour, from.cell_version},
                                                               from.alpha,
                                                               false,
                                                               false,
                                                               distrust::state,
                                                               distrust::state,
                                                               membership(from.configurations, from.alpha),
                                                               log_window(from.at + 1),
                                                               {},
                                                               {},
                                                               {},
                                                               nullptr,
                                                               std::nullopt,
                                                               0,
                                                               {}});
    state->learner.prefix = state->learner.applied = state->learner.checkpoint = from.at;
    state->learner.recorded = state->learner.released = from.at;
    state->joined = state->members.find(identity.self.replica);
    state->learner.state_digest = from.state_digest;
    state->learner.checkpoint_bytes = from.state.size();
    if (!mutated(mutant::ballot_drawn_twice)) state->election.round_seen = identity.rounds_used; // P1
    return state;
}

// The slots that a restart may take for chosen: contiguous after the checkpoint, readable, and covered by a
// prefix that some record names (L1) or taught as chosen themselves. Their changes are followed again.
void restore_log(replica_state& state, slot named, std::vector<acceptance_record> const& records) {
    for (acceptance_record const& r : records) {
        named = std::max(named, r.prefix);
        if (r.at <= state.learner.prefix) continue;
        state.log.open(r.at) = log_slot{r.accepted, r.value_digest, r.value, r.chosen, !r.value.empty()};
    }
    slot const first = state.learner.prefix + 1;
    for (slot at = first; at <= named && at <= state.log.last(); ++at) {
        log_slot& held = *state.log.find(at);
        if (!held.vacant()) held.chosen = true;
    }
    slot prefix = state.learner.prefix;
    for (slot at = first; at <= state.log.last(); ++at) {
        log_slot const& held = *state.log.find(at);
        if (!held.chosen || held.value.empty()) break;
        if (!above_version(at, held.value, state.members, state.identity.version_highest).empty()) break;
        follow_entry(state.members, at, held.value, state.demands);
        state.joined = state.joined || state.members.find(state.identity.self.replica); // it may leave again
        prefix = at;
    }
    state.learner.prefix = state.learner.recorded = state.learner.released = prefix;
}

} // namespace

replica::replica(std::unique_ptr<replica_state> state) : state_(std::move(state)) {}
replica::replica(replica&&) noexcept = default;
replica& replica::operator=(replica&&) noexcept = default;
replica::~replica() = default;

replica replica::found(snapshot const& founding, replica_identity const& identity,
                       cell_options const& options) {
    ZOOID_CHECK(founding.at == slot{0}, "a cell is founded at slot 0");
    ZOOID_CHECK(founding.cell_version <= identity.version_highest, "V1: a founder understands its cell");
    ZOOID_CHECK(founding.configurations.front().members.contains(identity.self.replica),
                "a founder is a member of the first configuration");
    return replica(state_of(founding, identity, options));
}

// Cell.tla: Crash, which ends here: what was durable is left.
replica replica::recover(recovered_state const& recovered, replica_identity const& identity,
                         cell_options const& options) {
    auto state = state_of(recovered.checkpoint, identity, options);
    ballot promised = recovered.promised;
    for (acceptance_record const& r : recovered.acceptances)
        promised = std::max(promised, r.accepted);
    if (mutated(mutant::forget_promise_on_restart)) promised = {};
    state->acceptor.promised = promised;
    state->acceptor.may_vote = state->acceptor.is_new = recovered.is_first; // R2
    state->election.round_seen = std::max(state->election.round_seen, promised.round);
    if (!mutated(mutant::forget_acceptances_on_restart))
        restore_log(*state, recovered.prefix, recovered.acceptances);
    state->start_from = recovered.checkpoint;
    state->quarantine = recovered.quarantine;
    state->quarantined_for = state->recorded_for = recovered.quarantined_for;
    state->quarantine_unrecorded = recovered.quarantine_unrecorded;
    state->sealed_for = recovered.sealed_for;
    if (state->sealed_for && mutated(mutant::seal_forgotten_on_restart))
        state->sealed_for.reset(), state->quarantine.clear();
    if (!state->quarantine.empty() && state->quarantined_for == distrust::learned)
        state->learner.fetch_again.at = time_point(); // D5: asks at once
    // V1: not durably; this software can't even judge what the checkpoint holds.
    bool const above = recovered.checkpoint.cell_version > identity.version_highest;
    if (above && state->quarantine.empty()) {
        state->quarantine = above_version(recovered.checkpoint, identity.version_highest);
        state->upgrade_resumes = true;
    } else if (above && state->quarantined_for == distrust::votes) {
        state->quarantined_for = distrust::everything;
    }
    return replica(std::move(state));
}

// ---- the step

namespace {

// After a broken invariant nothing of the step may leave, but no caller may be forgotten either.
void keep_only_callers(effects& out) {
    std::vector<ended> callers = std::move(out.ended_requests);
    for (delivery const& d : out.deliver) {
        for (token request : d.requests)
            callers.push_back({request, errc::outcome_unknown});
    }
    for (read_ready const& r : out.reads)
        callers.push_back({r.request, errc::not_proposer});
    for (change_chosen const& c : out.changed)
        callers.push_back({c.request, errc::outcome_unknown});
    out.clear();
    out.ended_requests = std::move(callers);
}

} // namespace

void replica::step(surroundings const& around, event const& what, effects& out) {
    out.clear();
    turn t(*state_, around, out);
    if (is_retired()) return t.refuse_callers(what, errc::not_here);
    if (sealed_for()) return t.run_sealed(what);
    try {
        is_quarantined() ? t.run_stopped(what) : t.run(what);
    } catch (broken_invariant const& broken) {
        keep_only_callers(out);
        t.quarantine(broken.what(), true);
    }
}

time_point replica::deadline() const {
    replica_state const& s = *state_;
    if (is_retired()) return never;
    if (is_quarantined() && sealed_for()) return never;
    if (is_quarantined() && s.quarantined_for == distrust::learned) return s.learner.fetch_again.at;
    if (is_quarantined() && s.quarantined_for != distrust::votes) return never;
    if (s.start_from) return time_point(); // at once
    if (is_quarantined()) return s.learner.fetch_again.at;
    time_point at = std::min({s.learner.fetch_again.at, s.election.at, s.election.probe_fails_at});
    if (s.proposer)
        at = std::min({at, s.proposer->again.at, s.proposer->laggards.at, s.proposer->gives_up_at});
    if (s.proposer && s.proposer->change)
        at = std::min({at, s.proposer->change->ask_again.at, s.proposer->change->gives_up_at});
    return at;
}

// ---- observers

cell_id replica::cell() const {
    return state_->cell;
}
member const& replica::self() const {
    return state_->identity.self;
}
ballot replica::promised() const {
    return state_->acceptor.promised;
}
ballot replica::proposer() const {
    return state_->election.proposer;
}
slot replica::prefix() const {
    return state_->learner.prefix;
}
slot replica::applied_slot() const {
    return state_->learner.applied;
}
generation replica::birth() const {
    return state_->birth;
}
bytes const& replica::key() const {
    return state_->key;
}
configuration const& replica::members() const {
    return state_->members.at(state_->learner.prefix + 1);
}
std::uint16_t replica::cell_version() const {
    return state_->demands.cell_version;
}
bool replica::is_quarantined() const {
    return !state_->quarantine.empty();
}
bool replica::is_retired() const {
    return state_->retired;
}

void replica::shed() {
    ZOOID_CHECK(is_retired(), "only who is released needs nothing any more");
    state_->log = log_window(state_->learner.prefix + 1);
    state_->start_from.reset();
    state_->learner.pending.reset();
    state_->learner.to_teach = {};
}
bool replica::is_member() const {
    return state_->members.find(state_->identity.self.replica) != nullptr;
}
slot replica::configuration_base() const {
    return state_->members.base();
}
configuration const& replica::newest_members() const {
    return state_->members.newest();
}
bool replica::is_changing() const {
    return state_->members.held().size() > 1;
}

role replica::role() const {
    if (is_quarantined()) return role::quarantined;
    if (state_->proposer) return state_->proposer->leading ? role::leading : role::preparing;
    return state_->election.now == election_state::phase::canvassing ? role::canvassing : role::follower;
}

std::string_view name_of(distrust of) {
    switch (of) {
    case distrust::state: return "state";
    case distrust::votes: return "votes";
    case distrust::learned: return "learned";
    case distrust::nothing: return "nothing";
    case distrust::sealed: return "sealed";
    case distrust::everything: return "everything";
    }
    return "unknown";
}

bool replica::is_fresh_candidate() const {
    if (is_quarantined() || is_retired() || state_->election.failures > 0) return false;
    bool const prepares = state_->proposer && !state_->proposer->leading;
    return prepares || state_->election.now != election_state::phase::idle;
}

round_number replica::round_seen() const {
    return state_->election.round_seen;
}

ballot replica::proposes_in() const {
    return state_->proposer ? state_->proposer->in : ballot{};
}

std::string_view name_of(role r) {
    switch (r) {
    case role::follower: return "follower";
    case role::canvassing: return "canvassing";
    case role::preparing: return "preparing";
    case role::leading: return "leading";
    case role::quarantined: return "quarantined";
    }
    return "unknown";
}

explanation replica::explain() const {
    replica_state const& s = *state_;
    explanation e;
    e.cell = s.cell;
    e.key = s.key;
    e.birth = s.birth;
    e.self = s.identity.self;
    e.role = role();
    e.promised = s.acceptor.promised;
    e.proposer = s.election.proposer;
    e.prefix = s.learner.prefix;
    e.applied = s.learner.applied;
    e.checkpoint = s.learner.checkpoint;
    e.state_digest = s.learner.state_digest;
    e.members = members();
    e.newest_members = newest_members();
    e.configuration_base = configuration_base();
    e.is_changing = is_changing();
    e.may_vote = s.acceptor.may_vote;
    e.cell_version = s.demands.cell_version;
    e.version_highest = s.identity.version_highest;
    e.quarantine = s.quarantine;
    e.quarantined_for = s.quarantined_for;
    if (!s.proposer) return e;
    for (member_progress const& p : s.proposer->progress) {
        if (member const* from = s.members.find(p.replica))
            e.known_prefixes.emplace_back(from->server, p.known);
    }
    e.open_slots = s.proposer->open.size();
    e.pending_commands = s.proposer->commands.size();
    e.pending_reads = s.proposer->reads.size();
    return e;
}

std::size_t replica::memory_bytes() const {
    replica_state const& s = *state_;
    std::size_t total = sizeof(replica) + sizeof(replica_state) + s.log.memory_bytes() + s.key.capacity();
    total += s.members.held().capacity() * sizeof(governed);
    if (s.proposer) total += sizeof(proposer_state) + s.proposer->command_bytes;
    return total;
}

replica replica::clone() const {
    replica_state const& s = *state_;
    auto copy = std::make_unique<replica_state>(replica_state{s.identity,
                                                              s.options,
                                                              s.random,
                                                              s.cell,
                                                              s.key,
                                                              s.birth,
                                                              s.demands,
                                                              s.alpha,
                                                              s.joined,
                                                              s.retired,
                                                              s.quarantined_for,
                                                              s.recorded_for,
                                                              s.members,
                                                              s.log,
                                                              s.acceptor,
                                                              s.learner,
                                                              s.election,
                                                              nullptr,
                                                              s.start_from,
                                                              s.tickets,
                                                              s.quarantine,
                                                              s.sealed_for,
                                                              s.sealing,
                                                              s.quarantine_unrecorded,
                                                              s.upgrade_resumes});
    if (s.proposer) copy->proposer = std::make_unique<proposer_state>(*s.proposer);
    return replica(std::move(copy));
}

} // namespace zooid

// Steps and turns: the effects of all cells, gathered into one journal batch and one frame per peer.
//
//   H1  What a replica says must wait for durability leaves only after the journal reported a sequence that
//       covers every record appended up to the end of that turn.
//   H2  Nothing reaches a replica before the journal is secured: recovered is not durable (trap 9).
#include "server/host.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/limits.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr std::size_t frame_full_bytes = 1024 * 1024;

bool is_lesson(message const& m) {
    return std::holds_alternative<slice>(m) || std::holds_alternative<teach_snapshot>(m);
}

bool wants_to_lead(replica const& r) {
    return r.role() == role::canvassing || r.role() == role::preparing || r.role() == role::leading;
}

} // namespace

server::host::host(server_options const& options, server_identity const& identity, machine_kind machines,
                   zooid::journal& journal, journal_id id)
    : options_(options), identity_(identity), machines_(std::move(machines)), journal_(journal),
      journal_id_(id), random_(identity.seed), peers_(identity.server, identity.life, options_),
      forwarding_(options.pointer_retention, options.pointers_max), teaching_(options.teach_bytes_per_second),
      pool_(8) {}

std::optional<std::uint32_t> server::host::index_of(cell_id cell) const {
    auto const found = by_id_.find(cell);
    return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

void server::host::host_cell(replica r, std::optional<snapshot> const& founding) {
    ZOOID_CHECK(!index_of(r.cell()), "a cell is hosted once");
    founding_.erase(r.cell());
    auto const index = static_cast<std::uint32_t>(cells_.size());
    by_id_[r.cell()] = index;
    // Of two generations of a key that are here at once the younger one is meant.
    if (!r.sealed_for()) { // a key whose cell was recovered is looked for elsewhere
        auto const [known, fresh] = by_key_.try_emplace(r.key(), index);
        if (!fresh && cells_[known->second].replica.birth() < r.birth()) known->second = index;
    }
    reservations_.erase(r.cell());
    time_point const deadline = r.deadline();
    cells_.push_back({std::move(r), machines_.make(), deadline, {}, {}, false, false, false});
    if (founding && options_.steps) options_.steps->began(cells_.back().replica, *founding);
    if (founding && !founding->state.empty()) (void)cells_.back().machine->restore(founding->state.view());
    if (deadline != never) deadlines_.push(deadline, index);
}

// A replica's first record is durable: a founding record that names it, or, for a newcomer, the state after
// some slot. Either way it never voted under this id, so beginning with an empty acceptor forgets nothing;
// unless the disk is an older image, from before it began (R2).
void server::host::host_first(time_point now, first_state const& given) {
    snapshot const& first = given.state;
    reservation const named = reservations_.at(first.cell);
    replica_identity const identity{{identity_.server, journal_id_, named.replica},
                                    identity_.life,
                                    random_.next(),
                                    machines_.version_highest,
                                    rounds_used_};
    auto const cell = static_cast<std::uint32_t>(cells_.size());
    // R2: in an older image it may be reserved, though it voted since. Then it asks what it missed.
    bool const founder = given.log.empty() && !first.at && named.of_this_life &&
                         first.configurations.front().members.contains(named.replica);
    if (auto const before = forwarding_.drop(first.cell)) forget(first.cell, *before);
    if (founder) {
        host_cell(replica::found(first, identity, options_.cells), first);
    } else {
        recovered_state begins{first, {}, given.log, {}, {}, {}, {}};
        begins.is_first = named.of_this_life;
        host_cell(replica::recover(begins, identity, options_.cells), std::nullopt);
        if (options_.steps) options_.steps->began(cells_.back().replica, first);
        step(now, cell, woken{}); // its state goes into the machine before a prefix read may ask that
    }
    // The rollback may have been found while the record waited for its flush.
    stop_if_rolled_back(now, cell);
}

// By the cell's own log nothing needs this replica any more. Its place in the list stays empty: what is on
// its way to it by index must not meet another cell.
void server::host::retire(time_point now, std::uint32_t cell) {
    hosted_cell& c = cells_[cell];
    cell_id const id = c.replica.cell();
    if (index_of(id) != cell) return;
    replica_id const released = c.replica.self().replica;
    rounds_used_ = std::max(rounds_used_, c.replica.round_seen());
    batch_.push_back(to_record(id, released, c.replica.newest_members()));
    if (auto const before = forwarding_.drop(id)) forget(id, *before); // where a `forget` was lost
    forwarding_.note(id, released, c.replica.newest_members(), now);
    by_id_.erase(id);
    drop_key(cell);
    events_.push_back(replica_retired{id});
}

void server::host::drop_key(std::uint32_t cell) {
    auto const found = by_key_.find(cells_[cell].replica.key());
    if (found != by_key_.end() && found->second == cell) by_key_.erase(found);
}

void server::host::forget(cell_id cell, replica_id replica) {
    batch_.push_back({cell, replica, record_kind::forget, {}, {}});
}

void server::host::expire_pointers(time_point now) {
    if (latched_ || !secured_) return;
    while (auto const ended = forwarding_.expire(now))
        forget(ended->cell, ended->released);
}

// ---- one step

void server::host::step(time_point now, std::uint32_t cell, event const& what) {
    ZOOID_CHECK(depth_ < pool_.size(), "steps nest by a few only");
    effects& done = pool_[depth_++];
    cells_[cell].replica.step({now, peers_.view()}, what, done);
    if (options_.steps) options_.steps->stepped(cells_[cell].replica, what, done);
    carry_out(now, cell, done);
    bool const retired = done.retired;
    --depth_;
    if (retired) retire(now, cell);
    if (depth_ == 0) note_changes(now, cell);
}

void server::host::carry_out(time_point now, std::uint32_t cell, effects& done) {
    marks_ |= done.marks;
    if (done.marks.test(static_cast<std::size_t>(sometimes::read_answered_under_lease)))
        ++statistics_.reads_leased;
    hosted_cell& c = cells_[cell];
    for (durable_record const& fact : done.persist)
        to_records(c.replica.cell(), c.replica.self().replica, fact, batch_);
    if (options_.report_durable) note_facts(cell, done);
    for (outgoing& o : done.now)
        route(cell, o, false);
    for (outgoing& o : done.after_durable)
        route(cell, o, true);
    if (done.digests_differ) events_.push_back(digests_differ{c.replica.cell(), done.digests_differ});
    if (done.tell_when_durable) turn_.tickets.emplace_back(cell, *done.tell_when_durable);
    for (server_id peer : done.watch) {
        peer_state* p = peers_.find(peer);
        if (!p) continue;
        if (p->watching.size() >= noted_cells_max()) keep_each_once(p->watching);
        p->watching.push_back(cell);
    }
    for (ended const& e : done.ended_requests) {
        if (e.why == errc::not_proposer) misdirected_.push_back(cell);
        answer(e.request, e.why, {});
    }

    for (change_chosen const& change : done.changed)
        answer(change.request, std::nullopt, {}, change.at);
    if (done.restore) restore_machine(now, cell, done.restore->state);
    std::optional<applied> last;
    for (delivery const& d : done.deliver) {
        auto const now_applied = apply(cell, d);
        if (!now_applied) {
            for (auto rest = &d; rest != done.deliver.data() + done.deliver.size(); ++rest) {
                for (token request : rest->requests)
                    answer(request, errc::outcome_unknown, {});
            }
            if (last) step(now, cell, *last);
            return step(now, cell, apply_failed{d.at, "a command above this software's version"});
        }
        last = now_applied;
        if (auto const mark = d.value.recovers()) events_.push_back(cell_recovered{c.replica.cell(), *mark});
        if (is_audited(d.at)) step(now, cell, *std::exchange(last, std::nullopt));
    }
    if (last) step(now, cell, *last);
    for (read_ready const& r : done.reads) {
        auto const waiting = waiting_.find(r.request);
        if (waiting == waiting_.end()) continue;
        bytes reply;
        c.machine->query(waiting->second.query, reply);
        ++statistics_.reads_answered;
        answer(r.request, std::nullopt, reply);
    }
    if (!done.want_snapshot) return;
    bytes state;
    c.machine->snapshot(state);
    step(now, cell, snapshot_taken{c.replica.applied_slot(), shared_bytes(state), c.machine->state_digest()});
}

void server::host::restore_machine(time_point now, std::uint32_t cell, snapshot const& from) {
    hosted_cell& c = cells_[cell];
    std::unique_ptr<state_machine> fresh = machines_.make();
    result<void> restored = outcome::success();
    if (!from.state.empty()) restored = fresh->restore(from.state.view());
    if (!restored) {
        bool const newer = restored.error() == errc::unsupported_version;
        auto const why = newer ? apply_failed::reason::software : apply_failed::reason::state;
        return step(now, cell, apply_failed{from.at, "snapshot: " + restored.error().message(), why});
    }
    if (!from.state.empty() && fresh->state_digest() != from.state_digest) {
        return step(now, cell,
                    apply_failed{from.at, "snapshot: its digest is not that of its state",
                                 apply_failed::reason::state});
    }
    c.machine = std::move(fresh);
    step(now, cell, applied{from.at, c.machine->state_digest()});
}

std::optional<applied> server::host::apply(std::uint32_t cell, delivery const& d) {
    hosted_cell& c = cells_[cell];
    std::size_t index = 0;
    for (bytes_view command : d.value.commands()) {
        bytes reply;
        if (!c.machine->apply(d.at, command, reply)) return std::nullopt;
        if (index < d.requests.size()) {
            auto const waiting = waiting_.find(d.requests[index]);
            if (waiting != waiting_.end()) {
                ++statistics_.commits_answered;
                replies_.push_back({waiting->second.client, make_reply(waiting->second.correlation,
                                                                       std::nullopt, {}, &c, reply, d.at)});
                waiting_.erase(waiting);
            }
        }
        ++index;
    }
    ++statistics_.slots_applied;
    digest const state = c.machine->state_digest();
    if (options_.report_durable) {
        facts_.push_back({durable_fact::kind::chosen,
                          c.replica.cell(),
                          c.replica.self().replica,
                          d.at,
                          {},
                          d.value.value_digest(),
                          state});
    }
    return applied{d.at, state};
}

void server::host::route(std::uint32_t cell, outgoing& o, bool durably) {
    hosted_cell const& c = cells_[cell];
    if (o.to.server == identity_.server) {
        auto& queue = turn_.to_self;
        if (durably) {
            queue.emplace_back(cell, std::move(o.content));
        } else {
            to_self_.emplace_back(cell, std::move(o.content));
        }
        return;
    }
    peer_state* peer = peers_.find(o.to.server);
    if (!peer || !peer->connected) return;
    if (std::holds_alternative<fetch>(o.content) && is_backlogged()) return; // its lesson would be dropped
    bytes& frame = durably ? peer->durable : peer->now;
    auto const leave = [&](bytes full) {
        if (durably) {
            turn_.frames.emplace_back(peer->server, std::move(full));
        } else {
            overflow_.push_back({peer->server, channel::cells, std::move(full)});
        }
    };
    std::size_t const before = frame.size();
    append_addressed(frame, c.replica.cell(), o.to.replica, c.replica.self().replica, o.content);
    ++statistics_.messages_sent;
    if (is_lesson(o.content)) {
        statistics_.bytes_taught += frame.size() - before;
        teaching_.spend(frame.size() - before);
    }
    if (frame.size() > limits::frame_bytes_max - 1024 &&
        before != 0) { // a large message has a frame to itself
        bytes const last = frame.substr(before);
        frame.resize(before);
        leave(std::exchange(frame, last));
    }
    if (frame.size() >= frame_full_bytes) leave(std::exchange(frame, {}));
}

void server::host::note_facts(std::uint32_t cell, effects const& done) {
    replica const& r = cells_[cell].replica;
    for (durable_record const& fact : done.persist) {
        if (auto const* p = std::get_if<promise_record>(&fact)) {
            turn_.facts.push_back(
                {durable_fact::kind::promise, r.cell(), r.self().replica, {}, p->in, {}, {}});
        } else if (auto const* a = std::get_if<acceptance_record>(&fact); a && !a->chosen) {
            turn_.facts.push_back({durable_fact::kind::acceptance,
                                   r.cell(),
                                   r.self().replica,
                                   a->at,
                                   a->accepted,
                                   a->value_digest,
                                   {}});
        }
    }
}

// The list has a line for each change of proposer; when most must be stale or double, it is made anew.
void server::host::note_led(peer_state& peer, std::uint32_t cell) {
    peer.led.push_back(cell);
    if (peer.led.size() < noted_cells_max()) return;
    auto const stale = [&](std::uint32_t other) { return cells_[other].proposer.server != peer.server; };
    keep_each_once(peer.led);
    peer.led.erase(std::remove_if(peer.led.begin(), peer.led.end(), stale), peer.led.end());
}

// After a step: who leads now, is it still well, and when does it want to be woken.
void server::host::note_changes(time_point now, std::uint32_t cell) {
    hosted_cell& c = cells_[cell];
    if (c.replica.proposer() != c.proposer) {
        c.proposer = c.replica.proposer();
        if (peer_state* peer = peers_.find(c.proposer.server)) note_led(*peer, cell);
    }
    if (c.machine && c.replica.is_retired()) { // its place in the list stays, what is large does not
        c.machine.reset();
        c.replica.shed();
    }
    bool const leads = c.replica.role() == role::leading;
    if (leads != c.leads) {
        c.leads = leads;
        leads ? ++statistics_.leading : --statistics_.leading;
        events_.push_back(leadership_changed{c.replica.cell(), leads,
                                             leads ? c.replica.proposes_in() : c.replica.proposer()});
    }
    bool const stands = c.replica.is_fresh_candidate();
    if (stands != c.stands) {
        c.stands = stands;
        stands ? ++candidates_ : --candidates_;
    }
    if (c.replica.is_quarantined() && !c.stopped) {
        c.stopped = true;
        if (c.replica.sealed_for()) drop_key(cell);
        announce_stopped(c);
        events_.push_back(replica_stopped{c.replica.cell(), c.replica.explain().quarantine});
    }
    if (!c.replica.is_quarantined() && c.stopped) {
        c.stopped = false;
        events_.push_back(replica_healed{c.replica.cell()});
    }
    time_point const wanted = c.replica.deadline();
    if (wanted < c.queued_at) {
        c.queued_at = wanted;
        deadlines_.push(wanted, cell);
    }
    if ((hung_ || latched_) && wants_to_lead(c.replica)) step(now, cell, resign{});
}

// Those that take it for the proposer would wait for its silence to tell; the others learn whom to
// count out. Who is not connected now hears of it when it sends something here.
void server::host::announce_stopped(hosted_cell const& c) {
    for (member const& m : c.replica.members().members()) {
        peer_state* peer = peers_.find(m.server);
        if (!peer || !peer->connected) continue;
        append_not_here(peer->now, c.replica.cell(), m.replica, c.replica.self().replica);
    }
}

// ---- time

void server::host::wake(time_point now) {
    tick(now);
    if (!secured_) return;
    while (auto const due = deadlines_.pop_due(now)) {
        hosted_cell& c = cells_[due->cell];
        if (due->at != c.queued_at) continue; // an earlier entry took its place
        c.queued_at = never;
        if (c.replica.deadline() <= now) {
            step(now, due->cell, woken{});
        } else {
            note_changes(now, due->cell);
        }
    }
}

time_point server::host::deadline() const {
    return secured_ ? std::min({tick_at_, deadlines_.next(), go_on_at_}) : tick_at_;
}

// ---- turns

void server::host::run_self_messages(time_point now) {
    while (!to_self_.empty()) {
        auto [cell, content] = std::move(to_self_.front());
        to_self_.pop_front();
        step(now, cell, received{identity_.server, cells_[cell].replica.self().replica, std::move(content)});
    }
}

// Two servers that lead no longer may each send callers to the other, and a proposer may have stopped alone
// while its server lives: whoever sends callers away makes sure, now and then, that somebody is there.
void server::host::probe_proposers(time_point now) {
    for (std::uint32_t cell : std::exchange(misdirected_, {})) {
        hosted_cell& c = cells_[cell];
        if (now - c.complained_at < options_.pulse_timeout) continue;
        c.complained_at = now;
        step(now, cell, complaint{});
    }
}

void server::host::finish(time_point now, server_output& out) {
    go_on_telling(now);
    rewrite_values(now);
    probe_proposers(now);
    run_self_messages(now);
    park_or_release(now);
    out.clear();
    emit_frames(out);
    out.replies.swap(replies_);
    out.events.swap(events_);
    out.facts.swap(facts_);
    ++statistics_.turns;
    told_ = 0;
    go_on_at_ = may_tell() || (!lost_values_.empty() && !is_backlogged()) ? now : never;
}

void server::host::take_durable_frames() {
    for (peer_state& peer : peers_.all()) {
        if (!peer.durable.empty()) turn_.frames.emplace_back(peer.server, std::exchange(peer.durable, {}));
    }
}

void server::host::append_batch(time_point now) {
    if (batch_.empty()) return;
    ++statistics_.turns_persisted;
    std::size_t size = 0;
    for (record const& r : batch_)
        size += r.payload.size();
    journal_.append(now, ++sequence_, batch_);
    batch_.clear();
    if (latched_) return;
    unflushed_.emplace_back(sequence_, size);
    unflushed_bytes_ += size;
}

// H1. With nothing outstanding, what waits may leave at once; it may cause more, until all is quiet.
void server::host::park_or_release(time_point now) {
    for (;;) {
        append_batch(now);
        take_durable_frames();
        if (turn_.empty()) return;
        turn_.sequence = sequence_;
        parked_turn ready = std::exchange(turn_, {});
        if (latched_) return; // it will never be durable
        if (persisted_ < sequence_) {
            std::size_t size = sizeof ready;
            for (auto const& [to, frame] : ready.frames)
                size += frame.size();
            unflushed_bytes_ += size;
            unflushed_.back().second += size;
            parked_.push_back(std::move(ready));
            return;
        }
        release(now, ready);
        run_self_messages(now);
    }
}

void server::host::release(time_point now, parked_turn& parked) {
    for (auto& [to, frame] : parked.frames) {
        peer_state* peer = peers_.find(to);
        if (!peer || !peer->connected) continue;
        if (peer->now.size() + frame.size() > frame_full_bytes && !peer->now.empty()) {
            overflow_.push_back({to, channel::cells, std::exchange(peer->now, {})});
        }
        peer->now.empty() ? void(peer->now = std::move(frame)) : void(peer->now += frame);
    }
    for (auto& fact : parked.facts)
        facts_.push_back(fact);
    for (auto& reply : parked.replies)
        replies_.push_back(std::move(reply));
    for (first_state const& first : parked.founded)
        host_first(now, first);
    for (auto& [cell, content] : parked.to_self)
        to_self_.emplace_back(cell, std::move(content));
    for (auto const& [cell, ticket] : parked.tickets)
        step(now, cell, persisted{ticket});
}

void server::host::emit_frames(server_output& out) {
    out.frames.swap(overflow_);
    for (peer_state& peer : peers_.all()) {
        if (!peer.now.empty())
            out.frames.push_back({peer.server, channel::cells, std::exchange(peer.now, {})});
    }
    statistics_.frames_sent += out.frames.size();
    for (output_frame& p : pulses_)
        out.frames.push_back(std::move(p));
    pulses_.clear();
}

// ---- the journal

void server::host::on_secured(time_point now) {
    secured_ = true;
    earlier_holds_end_ = now + recorded_hold_;
    if (recorded_hold_ > duration::zero()) peers_.hold_all_until(earlier_holds_end_); // G7
    forwarding_.begin(now);
    for (auto const& [cell, replica] : std::exchange(outlived_, {}))
        forget(cell, replica);
    batch_.push_back(to_record(lives_));
    lives_recorded_in_ = sequence_ + 1;
    record_hold(now);
    wake(now);
    // The record of the rollback may be all that the life which found it made durable.
    stop_all_if_rolled_back(now);
}

void server::host::on_persisted(time_point now, std::uint64_t through) {
    persisted_ = std::max(persisted_, through);
    for (; !unflushed_.empty() && unflushed_.front().first <= persisted_; unflushed_.pop_front())
        unflushed_bytes_ -= unflushed_.front().second;
    while (!parked_.empty() && parked_.front().sequence <= persisted_) {
        parked_turn ready = std::move(parked_.front());
        parked_.pop_front();
        release(now, ready);
        run_self_messages(now);
    }
}

void server::host::on_journal_failed(time_point now, error const& reason) {
    latched_ = reason;
    mark(marks_, sometimes::flush_error_latched);
    parked_.clear();
    unflushed_.clear();
    unflushed_bytes_ = 0;
    turn_ = {};
    events_.push_back(journal_latched{reason});
    resign_all(now);
}

void server::host::resign_all(time_point now) {
    for (std::uint32_t cell = 0; cell < cells_.size(); ++cell) {
        replica const& r = cells_[cell].replica;
        if (wants_to_lead(r) || r.proposer().server == identity_.server) step(now, cell, resign{});
    }
}

bool server::host::is_quiet() const {
    return waiting_.empty() && parked_.empty() && (latched_ || persisted_ >= sequence_);
}

} // namespace zooid

// Peers: pulses, handshakes, frames. What changes here is told to the cells that it concerns, and to no
// other.
#include "server/host.hpp"

#include <zooid/base/codec.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr std::size_t told_per_turn_max = 1024;

// What fills the journal, or is answered when that got on, and fills memory as long as it does not.
bool waits_for_a_flush(message const& m) {
    auto const* const told = std::get_if<commit>(&m);
    return std::holds_alternative<accept>(m) || std::holds_alternative<slice>(m) ||
           std::holds_alternative<teach_snapshot>(m) || std::holds_alternative<prepare>(m) ||
           std::holds_alternative<confirm>(m) || (told && told->wanted != report::none);
}

} // namespace

void server::host::set_peers(std::vector<server_id> const& peers) {
    for (server_id peer : peers) {
        if (peer != identity_.server) peers_.add(peer, tick_at_);
    }
}

// ---- handshakes

bytes server::host::claims_for(server_id peer) const {
    peer_state const* known = peers_.find(peer);
    return encode(claims{own_claim(), known ? known->claims : std::vector<journal_claim>{}});
}

// Before the journal is secured its last batches may yet be lost, and before it says who wrote them the next
// life would not know: they are not claimed.
journal_claim server::host::own_claim() const {
    bool const may_claim = secured_ && persisted_ >= lives_recorded_in_;
    journal_claim own = may_claim ? journal_.claim() : journal_claim{journal_id_, identity_.life, 0, 0};
    if (rolled_back_) own.life = {}; // it says nothing of its journal or others' that counts any more (R2)
    return own;
}

// Batches written in this life prove nothing about those of an earlier one: what was found at the start
// counts, not how far the numbers have risen since. Nor does a batch that another life wrote here.
bool server::host::is_lacking(journal_claim const& heard) const {
    if (heard.journal != journal_id_) return false;
    if (heard.life != identity_.life && heard.batch > found_.batch) return true;
    auto const next =
        std::find_if(lives_.begin(), lives_.end(), [&](lived const& l) { return l.first > heard.batch; });
    if (next != lives_.begin() && std::prev(next)->life != heard.life) return true;
    claim_verdict const verdict = journal_.check(heard);
    return verdict == claim_verdict::lacking || verdict == claim_verdict::forked;
}

// V3, and a dead journal: it learns as well as anybody, but would take the links of who has the votes again and
// again.
result<void> server::host::may_replace_link(time_point now, server_id peer, life_id life,
                                            bytes_view claimed) const {
    ZOOID_TRY(auto theirs, decode_claims(claimed));
    return accepts(now, peer, life, theirs.own);
}

result<void> server::host::accepts(time_point now, server_id peer, life_id life,
                                   journal_claim const& own) const {
    std::string const journal = "journal " + to_string(own.journal) + " of server " + to_string(peer);
    peer_state const* const known = peers_.find(peer);
    if (known && peers_.contradicts(*known, life, own))
        return error(errc::wrong_owner, journal + " went back behind what was heard of it");
    if (peers_.is_dead_copy(peer, life, own, now))
        return error(errc::wrong_owner, journal + " was rolled back, and another process is heard there");
    return outcome::success();
}

result<void> server::host::on_peer_up(time_point now, server_id peer, life_id life, bytes_view claimed) {
    ZOOID_TRY(auto theirs, decode_claims(claimed));
    peer_state& p = peers_.add(peer, now);
    for (journal_claim const& heard : theirs.heard) {
        if (rolled_back_ || !is_lacking(heard)) continue; // nothing is left to lose
        journal_is_rolled_back(now, peer);
        return error(errc::wrong_owner, "server " + to_string(peer) + " knows batch " +
                                            std::to_string(heard.batch) + " of our journal; we do not");
    }
    ZOOID_TRY(accepts(now, peer, life, theirs.own));
    peers_.note_claim(p, theirs.own);
    p.connected = true;
    p.heard_at = now;
    bool const reborn = peers_.note_life(p, life);
    peers_.note_answer(p, theirs.own);
    peers_.note_rollback(p, theirs.own);
    send_pulse(p, now);
    // One that restarted before anybody suspected it returns as well. Who is suspected has yet to be heard.
    if (reborn) tell_cells(p, now, !peers_.view().suspected(peer));
    return outcome::success();
}

void server::host::on_peer_down(time_point, server_id peer) {
    peer_state* p = peers_.find(peer);
    if (!p) return;
    p->connected = false;
    p->now.clear();
    p->durable.clear();
}

// ---- time

void server::host::tick(time_point now) {
    if (now < tick_at_) return;
    bool const first = tick_at_ == time_point();
    tick_at_ = now + options_.pulse_interval;
    for (peer_state& peer : peers_.all()) {
        if (first) peer.heard_at = std::max(peer.heard_at, now);
        if (peer.connected) send_pulse(peer, now);
    }
    judge_all(now);
    watch_journal(now);
    record_hold(now);
    if (now < claims_at_) return;
    claims_at_ = now + 5 * options_.probe_interval;
    remember_claims();
    expire_pointers(now);
}

void server::host::judge_all(time_point now) {
    for (peer_state& peer : peers_.all())
        judge(peer, now);
}

void server::host::judge(peer_state& peer, time_point now) {
    bool const was_suspected = peers_.view().suspected(peer.server);
    if (!peers_.judge(peer, now)) return;
    bool const suspected = peers_.view().suspected(peer.server);
    if (suspected != was_suspected) events_.push_back(suspicion_changed{peer.server, suspected});
    tell_cells(peer, now, !suspected);
}

// Cells led from there, and those that asked to hear of its return. Lists grow by a line for each change of
// proposer; stale lines are dropped here, when the list is needed.
void server::host::tell_cells(peer_state& peer, time_point now, bool returned) {
    if (!secured_) return;
    std::vector<std::uint32_t> concerned = peer.led;
    if (returned) {
        concerned.insert(concerned.end(), peer.watching.begin(), peer.watching.end());
        peer.watching.clear();
    }
    keep_each_once(concerned);
    auto const stale = [&](std::uint32_t cell) { return cells_[cell].proposer.server != peer.server; };
    peer.led = concerned;
    peer.led.erase(std::remove_if(peer.led.begin(), peer.led.end(), stale), peer.led.end());
    auto const pending = std::find_if(tellings_.begin(), tellings_.end(),
                                      [&](telling const& t) { return t.peer == peer.server; });
    if (pending != tellings_.end()) {
        auto const rest = pending->cells.begin() + static_cast<std::ptrdiff_t>(pending->next);
        concerned.insert(concerned.end(), rest, pending->cells.end());
        keep_each_once(concerned);
        tellings_.erase(pending);
    }
    tellings_.push_back({peer.server, std::move(concerned)});
    go_on_telling(now);
}

bool server::host::may_tell() const {
    return !tellings_.empty() && candidates_ < options_.candidates_max && told_ < told_per_turn_max;
}

// The loss of one server concerns every cell that it led. If all of them stood at once, their messages would
// hold up the pulses, servers would suspect each other, and more cells would stand: a storm that feeds
// itself. So a few stand at a time, and a turn tells no more than keeps it short.
void server::host::go_on_telling(time_point now) {
    while (may_tell()) {
        telling& t = tellings_.front();
        if (t.next == t.cells.size()) {
            tellings_.pop_front();
            continue;
        }
        ++told_;
        step(now, t.cells[t.next++], liveness_changed{t.peer});
    }
    if (!tellings_.empty()) mark(marks_, sometimes::cells_told_by_and_by);
}

void server::host::send_pulse(peer_state& peer, time_point now) {
    pulse p = peers_.next_pulse(peer, now);
    p.life = identity_.life;
    p.stopping = stopping_;
    p.version_highest = machines_.version_highest;
    auto const age =
        std::chrono::duration_cast<std::chrono::milliseconds>(journal_.outstanding_age(now)).count();
    p.journal_age_ms =
        latched_ ? 0xFFFFFFFFu : static_cast<std::uint32_t>(std::min<std::int64_t>(age, 0x7FFFFFFF));
    p.claim = own_claim();
    pulses_.push_back({peer.server, channel::pulse, encode(p)});
}

// A journal whose flush hangs can't acknowledge anything: its leaderships are gone. An idle
// journal flushes a probe now and then, so that idle is not hung.
void server::host::watch_journal(time_point now) {
    bool const hung = latched_ || journal_.outstanding_age(now) > options_.pulse_timeout;
    if (hung != hung_) {
        hung_ = hung;
        if (!latched_) events_.push_back(journal_hung{hung});
        if (hung) {
            mark(marks_, sometimes::leadership_left_hung_journal);
            resign_all(now);
        }
    }
    if (now < probe_at_ || latched_) return;
    probe_at_ = now + options_.probe_interval;
    journal_.probe(now);
}

// G7. The record is durable before the first grant, so that a later life knows for how long this one may have
// promised. It goes down to what is granted now when nothing that an earlier life granted can be left.
void server::host::record_hold(time_point now) {
    duration const wanted = options_.lease.hold;
    bool const due = wanted > recorded_hold_ || (wanted < recorded_hold_ && now >= earlier_holds_end_);
    if (!due || !secured_ || latched_) return;
    recorded_hold_ = wanted;
    hold_recorded_in_ = sequence_ + 1;
    batch_.push_back(to_record(held_promises{wanted}));
}

bool server::host::may_grant() const {
    return options_.lease.on() && secured_ && !latched_ && !rolled_back_ &&
           recorded_hold_ >= options_.lease.hold && persisted_ >= hold_recorded_in_;
}

void server::host::remember_claims() {
    for (peer_state& peer : peers_.all()) {
        if (!peer.claim_changed) continue;
        peer.claim_changed = false;
        bytes payload;
        writer w(payload);
        w.put(std::uint8_t{1});
        w.put(peer.server);
        put(w, peer.claims);
        batch_.push_back({{}, {}, record_kind::server, slot{peer.server.value}, shared_bytes(payload)});
    }
}

// ---- frames

void server::host::on_frame(time_point now, server_id from, channel on, bytes_view payload) {
    peer_state* peer = peers_.find(from);
    if (!peer || !peer->connected) return;
    on == channel::pulse ? on_pulse(now, *peer, payload) : on_cells(now, *peer, payload);
}

void server::host::on_pulse(time_point now, peer_state& from, bytes_view payload) {
    auto const decoded = decode_pulse(payload);
    if (!decoded) {
        ++statistics_.messages_refused;
        events_.push_back(frame_refused{from.server, decoded.error()});
        return;
    }
    pulse const& heard = decoded.value();
    if (!peers_.take(from, heard, now)) return;
    peers_.note_claim(from, heard.claim);
    peers_.note_rollback(from, heard.claim);
    judge(from, now);
    if (may_grant()) peers_.grant(from, heard, now);
    // At a start both sides need an echo before they hear each other both ways: don't wait for the next tick.
    if (!peers_.view().both_ways(from.server) &&
        now - from.answered_pulse_at >= options_.pulse_interval / 4) {
        from.answered_pulse_at = now;
        send_pulse(from, now);
    }
}

void server::host::on_cells(time_point now, peer_state& from, bytes_view payload) {
    if (!secured_) return; // H2
    auto const decoded = decode_addressed(payload);
    if (!decoded) {
        ++statistics_.messages_refused;
        events_.push_back(frame_refused{from.server, decoded.error()});
        return;
    }
    for (addressed const& a : decoded.value()) {
        ++statistics_.messages_received;
        on_addressed(now, from, a);
    }
    run_self_messages(now);
}

// A message creates no replica that could have voted before: one that was reserved and never began may be
// taught its first state, all others have to be here.
void server::host::on_addressed(time_point now, peer_state& from, addressed const& a) {
    auto const cell = index_of(a.cell);
    if (!cell || cells_[*cell].replica.self().replica != a.to) {
        auto const reserved = reservations_.find(a.cell);
        if (reserved != reservations_.end() && reserved->second.replica == a.to) {
            if (!let_go_of_absent(from, a)) on_message_for_newcomer(from, a, reserved->second);
            return;
        }
        ++statistics_.messages_refused;
        if (a.content.empty() || is_moved(a.content)) return;
        if (let_go_of_absent(from, a)) return;
        append_not_here(from.now, a.cell, a.from, a.to);
        // Gone from here, or here again as another replica: whoever asks may know nobody who is left.
        configuration const* const there =
            cell ? &cells_[*cell].replica.newest_members() : forwarding_.find(a.cell);
        if (there) append_addressed(from.now, a.cell, a.from, a.to, moved{*there});
        return;
    }
    if (a.content.empty()) return on_gone(now, *cell, from.server);
    auto content = decode_message(a.content);
    if (!content) {
        ++statistics_.messages_refused;
        events_.push_back(frame_refused{from.server, content.error()});
        return;
    }
    if (waits_for_a_flush(content.value()) && is_backlogged()) {
        ++statistics_.messages_dropped;
        return;
    }
    if (std::holds_alternative<fetch>(content.value()) && !teaching_.has_some(now)) {
        ++statistics_.lessons_refused;
        mark(marks_, sometimes::lesson_refused);
        return;
    }
    step(now, *cell, received{from.server, a.from, std::move(content).value()});
}

namespace {

bool is_of_a_proposer(message const& m) {
    return std::holds_alternative<prepare>(m) || std::holds_alternative<accept>(m) ||
           std::holds_alternative<commit>(m);
}

} // namespace

// G8. The replica that is meant, if it is named, proposes no more; one that is here under another id may.
// Only a ballot of this life can be spoken for.
bool server::host::let_go_of_absent(peer_state& from, addressed const& a) {
    auto const content = decode_message(a.content);
    auto const* const waits = content ? std::get_if<keeps_waiting>(&content.value()) : nullptr;
    if (!waits) return false;
    auto const here = index_of(a.cell);
    bool const led_here = here && cells_[*here].replica.proposes_in() == waits->in;
    if (waits->in.server == identity_.server && waits->in.life == identity_.life && !led_here)
        append_addressed(from.now, a.cell, a.from, a.to, resigned{waits->in, waits->candidate});
    return true;
}

// It asks a proposer that speaks to it for the state of the cell, and begins when that is durable. Whoever has
// none says so as often as it is asked, and would be asked for ever.
void server::host::on_message_for_newcomer(peer_state& from, addressed const& a,
                                           reservation const& reserved) {
    if (a.content.empty() || latched_ || rolled_back_ || founding_.contains(a.cell)) return;
    auto content = decode_message(a.content);
    auto* const taught = content ? std::get_if<teach_snapshot>(&content.value()) : nullptr;
    if (!taught) {
        if (content && is_of_a_proposer(content.value()))
            append_addressed(from.now, a.cell, a.from, a.to, fetch{slot{}});
        return;
    }
    snapshot& first = taught->state;
    if (first.cell != a.cell || first.birth != reserved.birth) return;
    founding_.insert(a.cell);
    to_records(a.cell, a.to, checkpoint_record{first}, batch_);
    turn_.founded.push_back({std::move(first)});
}

// The replica over there stopped, or was never there. If it is taken for the proposer, the first in line
// finds that out now; all at once would only duel.
void server::host::on_gone(time_point now, std::uint32_t cell, server_id there) {
    hosted_cell& c = cells_[cell];
    if (c.proposer.server != there || now - c.complained_at < options_.pulse_interval) return;
    for (member const& m : c.replica.members().members()) {
        bool const may_stand = !peers_.view().suspected(m.server) && !peers_.view().rolled_back(m);
        if (m.server == there || !may_stand) continue;
        if (m.server != identity_.server) return;
        break;
    }
    c.complained_at = now;
    step(now, cell, complaint{});
}

void server::host::stop(time_point now) {
    stopping_ = true;
    resign_all(now);
    for (peer_state& peer : peers_.all()) {
        if (peer.connected) send_pulse(peer, now);
    }
}

} // namespace zooid

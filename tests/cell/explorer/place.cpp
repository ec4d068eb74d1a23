#include "cell/explorer/place.hpp"

#include "cell/canonical.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>

#include <algorithm>

namespace zooid::explore {

namespace {

constexpr time_point now{std::chrono::hours(1000)};
constexpr time_point later{std::chrono::hours(2000)};
constexpr time_point long_ago{std::chrono::hours(1)};

// The explorer winds clocks by hand. The state is only const to whoever is handed it by the replica.
replica_state& inside(replica& r) {
    return const_cast<replica_state&>(r.state());
}

/// No disk goes back in time here: who comes back votes as if it had never been away (R2).
void answered_by_all(replica_state& s) {
    s.acceptor.is_new = true;
}

void forget(time_point& armed) {
    if (armed != never) armed = later;
}
void forget(repeat& r) {
    forget(r.at);
    r.wait = std::chrono::milliseconds(100);
}

/// What only says who should lead. The highest round is kept by those who may still draw a ballot from it.
void forget_election(replica_state& s, bool may_stand) {
    round_number const seen = may_stand ? s.election.round_seen : s.acceptor.promised.round;
    s.election = {};
    s.election.round_seen = std::max(seen, s.acceptor.promised.round);
}

/// Who misses what, for explorations in which nobody is taught.
void forget_teaching(replica_state& s, bounds const& limits) {
    if (limits.teaching) return;
    s.learner.wanted = {}, s.learner.source = {}, s.learner.fetch_again = {};
    s.learner.starting = false, s.learner.asked.clear();
    if (!s.proposer || limits.releases) return;
    s.proposer->progress.clear();
    s.proposer->laggards = {};
}

/// After a move: no timer is due, no back-off is remembered, chance begins anew, and lists that are used as
/// sets are sorted.
void forget_times(replica_state& s) {
    s.random = prng(1);
    forget(s.learner.fetch_again);
    if (!s.proposer) return;
    s.proposer->again = {later, std::chrono::milliseconds(100)};
    forget(s.proposer->laggards), forget(s.proposer->gives_up_at);
    for (open_slot& open : s.proposer->open)
        open.sent = long_ago;
    std::sort(s.proposer->promises.begin(), s.proposer->promises.end(),
              [](promise_report const& a, promise_report const& b) { return a.from < b.from; });
    std::sort(s.proposer->asked.begin(), s.proposer->asked.end());
    std::sort(s.proposer->progress.begin(), s.proposer->progress.end(),
              [](member_progress const& a, member_progress const& b) { return a.replica < b.replica; });
}

/// Nobody asks for them: the acceptor answers for slots above the prefix only.
void forget_votes(replica_state& s) {
    for (slot at = s.log.first(); at <= s.learner.prefix && at <= s.log.last(); ++at)
        s.log.find(at)->accepted = {};
}

/// A generator whose first draw below `size` is `choice`.
prng drawing(std::size_t choice, std::size_t size) {
    for (std::uint64_t seed = 1;; ++seed) {
        prng candidate(seed);
        if (candidate.below(size) == choice) return prng(seed);
    }
}

void put(writer& w, durable_record const& record) {
    w.put(static_cast<std::uint8_t>(record.index()));
    if (auto const* p = std::get_if<promise_record>(&record)) w.put(p->in);
    if (auto const* a = std::get_if<acceptance_record>(&record)) {
        w.put(a->at), w.put(a->accepted), w.put(a->value_digest), w.put(a->prefix);
        w.put(static_cast<std::uint8_t>(a->chosen ? 1 : 0));
    }
    if (auto const* p = std::get_if<prefix_record>(&record)) w.put(p->at);
    if (auto const* c = std::get_if<checkpoint_record>(&record)) w.put_sized(encode(c->state));
}

} // namespace

place place::copy() const {
    return {index,   running->clone(), disk,     unflushed, loses,        applied,
            crashes, stands,           commands, reads,     acknowledged, floor};
}

slot place::durable_prefix() const {
    slot named = disk.prefix;
    for (auto const& [at, record] : disk.acceptances)
        named = std::max(named, record.prefix);
    slot prefix = disk.checkpoint.at;
    for (;;) {
        auto const next = disk.acceptances.find(prefix + 1);
        if (next == disk.acceptances.end() || (prefix + 1 > named && !next->second.chosen)) return prefix;
        prefix = prefix + 1;
    }
}

bytes place::canonical(bounds const& limits) const {
    bytes out;
    encode_canonical(running->state(), out);
    writer w(out);
    for (unsigned count : {crashes, stands, commands, reads, loses ? 1u : 0u})
        w.put(std::uint32_t{count});
    w.put(acknowledged), w.put(floor.value_or(slot{1u << 20})), w.put(applied);
    if (limits.releases) w.put(durable_prefix());
    if (limits.crashes == 0 && !limits.unmerged) return out; // nobody will read the disk
    put(w, promise_record{disk.promised}), put(w, prefix_record{disk.prefix}),
        put(w, checkpoint_record{disk.checkpoint});
    for (auto const& [at, record] : disk.acceptances)
        put(w, record);
    for (group_flush const& waiting : unflushed) {
        w.put(std::uint32_t{0xFFFFFFFF}); // a step begins
        for (durable_record const& record : waiting.records)
            put(w, record);
        for (outgoing const& o : waiting.after)
            w.put(o.to.replica), encode(o.content, out);
    }
    return out;
}

/// One move at one place: steps of the core and what its host does about them.
class rig::turn_of_a_place {
  public:
    turn_of_a_place(rig const& r, place const& before)
        : rig_(r), result_{before.copy(), {}, {}, false}, servers_(r.view(before.index, before.crashes)) {}

    /// A step that is lost has something to lose.
    bool perform(move m, letter const* delivered) {
        if (m.lost) at().loses = true;
        return make(m, delivered) && (!m.lost || result_.wrote);
    }

    outcome finish() {
        bounds const& limits = rig_.limits_;
        replica_state& s = inside(*at().running);
        forget_times(s);
        forget_election(s, at().index < limits.proposers && at().stands < limits.ballots);
        forget_teaching(s, limits);
        if (!limits.unmerged) forget_votes(s);
        return std::move(result_);
    }

  private:
    place& at() { return result_.after; }

    bool make(move m, letter const* delivered) {
        replica_state& s = inside(*at().running);
        switch (m.kind) {
        case kind::deliver:
            step(received{rig_.members_[delivered->from].server, rig_.members_[delivered->from].replica,
                          delivered->content});
            return true;
        case kind::flush: return flush();
        case kind::stand: return stand();
        case kind::propose: return propose();
        case kind::read: return read(slot{m.argument});
        case kind::repeat: return s.proposer && wake(s.proposer->again.at);
        case kind::remind: return s.proposer && wake(s.proposer->laggards.at);
        case kind::give_up: return may_stand_again() && s.proposer && wake(s.proposer->gives_up_at);
        case kind::fetch:
            s.random = drawing(m.argument, rig_.limits_.replicas);
            return wake(s.learner.fetch_again.at);
        case kind::resign:
            if (!s.proposer || !s.proposer->leading) return false;
            step(resign{});
            return true;
        case kind::crash: return crash();
        case kind::change: return change();
        }
        return false;
    }

    void step(event const& what) {
        replica const before = at().running->clone();
        effects out;
        at().running->step({now, servers_}, what, out);
        for (auto& found : violations(*at().running))
            result_.broken.push_back(found);
        for (auto& found : violations(before, *at().running))
            result_.broken.push_back(found);
        if (at().running->is_quarantined())
            result_.broken.push_back("quarantined: " + at().running->explain().quarantine);
        carry_out(out);
        hear_oneself();
    }

    // As the host does: what a replica tells itself does not pass the network.
    void hear_oneself() {
        while (!to_self_.empty()) {
            message const content = std::move(to_self_.front());
            to_self_.pop_front();
            step(received{at().running->self().server, at().running->self().replica, content});
        }
    }

    void carry_out(effects const& out) {
        send(out.now, &to_self_);
        if (!out.persist.empty() || !out.after_durable.empty()) wait_for_flush(out);
        for (read_ready const& r : out.reads) {
            if (at().floor && r.at < *at().floor)
                result_.broken.push_back("a strict read misses an acknowledged write");
            at().floor.reset();
        }
        slot applied_up_to;
        if (out.restore) at().applied = {};
        for (delivery const& d : out.deliver) {
            bytes chained;
            writer w(chained);
            w.put(at().applied), w.put(d.value.value_digest());
            at().applied = hash128(chained);
            applied_up_to = d.at;
            if (!d.requests.empty()) at().acknowledged = std::max(at().acknowledged, d.at);
        }
        if (applied_up_to) step(applied{applied_up_to, at().applied});
    }

    void wait_for_flush(effects const& out) {
        result_.wrote = true;
        if (rig_.limits_.unmerged) {
            if (!waits_already(out)) at().unflushed.push_back({out.persist, out.after_durable, std::nullopt});
        } else if (!at().loses) {
            for (durable_record const& record : out.persist)
                at().disk.write(record);
            send(out.after_durable, nullptr);
        }
    }

    // An answer that is repeated, with nothing to write: the first will be sent no later.
    bool waits_already(effects const& out) {
        return out.persist.empty() &&
               std::any_of(at().unflushed.begin(), at().unflushed.end(), [&](auto const& w) {
                   return std::equal(w.after.begin(), w.after.end(), out.after_durable.begin(),
                                     out.after_durable.end(), [](outgoing const& a, outgoing const& b) {
                                         return a.to == b.to && a.content == b.content;
                                     });
               });
    }

    /// What goes to `to_self` is heard in the same turn.
    void send(std::vector<outgoing> const& out, std::deque<message>* to_self) {
        bounds const& limits = rig_.limits_;
        bool const reports = limits.teaching || limits.releases;
        for (outgoing const& o : out) {
            bool const elections =
                std::holds_alternative<canvass>(o.content) || std::holds_alternative<canvassed>(o.content) ||
                std::holds_alternative<probe>(o.content) || std::holds_alternative<resigned>(o.content);
            auto const* request = std::get_if<accept>(&o.content);
            if (std::holds_alternative<digested>(o.content)) continue; // states agree here
            if (std::holds_alternative<learned>(o.content) && !reports) continue;
            bool const hopeless = limits.ballots == 1 && std::holds_alternative<rejected_ballot>(o.content);
            if (elections || hopeless || (request && request->at > slot{limits.slots})) continue;
            auto const& all = rig_.members_;
            auto const to = static_cast<std::size_t>(std::find(all.begin(), all.end(), o.to) - all.begin());
            result_.sent.push_back({at().index, to, o.content});
            if (to == at().index && to_self) to_self->push_back(o.content);
            auto* const vote = std::get_if<accepted>(&result_.sent.back().content);
            if (vote && !reports) vote->prefix = {}; // only says who lags
        }
    }

    bool wake(time_point& timer) {
        if (timer == never) return false;
        timer = now;
        step(woken{});
        return true;
    }

    bool flush() {
        if (at().unflushed.empty()) return false;
        group_flush const first = std::move(at().unflushed.front());
        at().unflushed.pop_front();
        for (durable_record const& record : first.records)
            at().disk.write(record);
        send(first.after, &to_self_);
        hear_oneself();
        return true;
    }

    // Complains or wakes until it canvasses, and welcomes it.
    bool stand() {
        if (at().index >= rig_.limits_.proposers || at().stands == rig_.limits_.ballots) return false;
        election_state& e = inside(*at().running).election;
        if (at().running->state().proposer) return false;
        ++at().stands;
        if (e.now == election_state::phase::idle) step(complaint{});
        if (e.now == election_state::phase::waiting) wake(e.at);
        for (member const& m : rig_.members_) {
            if (e.now != election_state::phase::canvassing) break;
            if (m != at().running->self()) step(received{m.server, m.replica, canvassed{e.attempt, {}, {}}});
        }
        return at().running->state().proposer != nullptr;
    }

    bool may_stand_again() { return at().stands < rig_.limits_.ballots; }
    bool leads() { return at().running->role() == role::leading; }

    bool propose() {
        if (!leads() || at().commands == rig_.limits_.commands) return false;
        if (at().running->state().proposer->next > slot{rig_.limits_.slots}) return false;
        ++at().commands;
        std::uint64_t const name = at().index * 10 + at().commands;
        step(zooid::propose{token{name}, shared_bytes(std::to_string(name))});
        return true;
    }

    // The spare for the third, which the spare is ready for.
    bool change() {
        auto const& all = rig_.members_;
        member const& spare = all.back();
        std::vector<member> const to{all[0], all[1], spare};
        step(change_members{token{900}, {slot{}, configuration(to), {{spare.replica, 0, 1}}}});
        step(received{spare.server, spare.replica, learned{}});
        return true;
    }

    bool read(slot floor) {
        if (!leads() || at().reads == rig_.limits_.reads || at().floor) return false;
        ++at().reads;
        at().floor = floor;
        step(zooid::read{token{1000 + at().index * 10 + at().reads}});
        return true;
    }

    bool crash() {
        place& p = at();
        ++p.crashes;
        p.unflushed.clear();
        p.loses = false;
        p.floor.reset();
        p.applied = {};
        servers_ = rig_.view(p.index, p.crashes);
        p.running.emplace(replica::recover(p.disk.read(), rig_.identity(p.index, p.crashes), rig_.options_));
        answered_by_all(inside(*p.running));
        step(woken{});
        return true;
    }

    rig const& rig_;
    outcome result_;
    liveness servers_;
    std::deque<message> to_self_;
};

rig::rig(bounds const& limits) : limits_(limits) {
    for (std::uint64_t n = 1; n <= limits.replicas; ++n)
        members_.push_back({{n}, {n, n}, {n + 100}});
    configuration const founding(members_);
    if (limits.replacement) members_.push_back({{1000}, {1000, 1000}, {1100}});
    founding_.cell = {1, 1};
    founding_.birth = {1};
    founding_.alpha = limits.alpha;
    founding_.configurations = {{slot{1}, founding}};
    moves_ = {{kind::stand}, {kind::propose}, {kind::repeat}, {kind::give_up}, {kind::crash}};
    if (limits.unmerged) moves_.push_back({kind::flush});
    if (limits.resignations) moves_.push_back({kind::resign});
    if (limits.teaching || limits.releases) moves_.push_back({kind::remind});
    for (std::uint32_t n = 0; limits.teaching && n < limits.replicas; ++n)
        moves_.push_back({kind::fetch, false, n});
}

replica_identity rig::identity(std::size_t index, unsigned life) const {
    return {members_[index], life_id{index * 100 + life + 1}, 1};
}

liveness rig::view(std::size_t index, unsigned life) const {
    liveness servers(members_[index].server, identity(index, life).life);
    for (member const& m : members_) {
        if (m == members_[index]) continue;
        peer_liveness& peer = servers.at(m.server);
        peer.both_ways = true, peer.answered = {m.journal};
        peer.life = life_id{0xFFFF}; // of none that proposes: whoever led has ended
    }
    return servers;
}

/// Plays what led to the beginning, move by move like any other.
class rig::prologue {
  public:
    prologue(rig const& r, std::vector<place> places) : rig_(r), now_{std::move(places), {}} {}

    void go(std::size_t who, kind what) { take(who, {what}, nullptr); }
    template <class Message>
    void deliver(std::size_t from, std::size_t to) {
        auto const first = std::find_if(now_.sent.begin(), now_.sent.end(), [&](letter const& l) {
            return l.from == from && l.to == to && std::holds_alternative<Message>(l.content);
        });
        ZOOID_CHECK(first != now_.sent.end(), "the prologue delivers what was sent");
        hear(*first);
    }
    void hear(letter const& l) { take(l.to, {kind::deliver}, &l); }
    start end() { return std::move(now_); }

  private:
    void take(std::size_t who, move m, letter const* delivered) {
        letter const copy = delivered ? *delivered : letter{};
        auto done = rig_.perform(now_.places[who], m, delivered ? &copy : nullptr);
        ZOOID_CHECK(done.has_value() && done->broken.empty(), "the prologue is lawful");
        std::vector<letter> const sent = std::move(done->sent);
        now_.sent.insert(now_.sent.end(), sent.begin(), sent.end());
        now_.places[who] = std::move(done->after);
        if (!now_.places[who].unflushed.empty()) return take(who, {kind::flush}, nullptr);
        for (letter const& l : sent) {
            if (!rig_.limits_.unmerged && l.passes_to_self()) hear(l);
        }
    }

    rig const& rig_;
    start now_;
};

rig::start rig::beginning() const {
    if (!limits_.replacement) return {founders(), {}};
    prologue p(*this, founders());
    p.go(0, kind::stand);
    p.deliver<prepare>(0, 1);
    p.deliver<promise>(1, 0);
    p.go(1, kind::stand);
    p.deliver<prepare>(1, 2);
    p.deliver<promise>(2, 1);
    p.go(1, kind::change);
    p.deliver<accept>(1, 2);
    p.deliver<accepted>(2, 1);
    p.hear({0, 1, fetch{slot{1}}});
    p.deliver<slice>(1, 0);
    return p.end();
}

std::vector<place> rig::founders() const {
    std::vector<place> all;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        place p;
        p.index = i;
        p.disk.checkpoint = founding_;
        if (i < limits_.replicas) {
            p.running.emplace(replica::found(founding_, identity(i, 0), options_));
        } else {
            p.running.emplace(replica::recover(p.disk.read(), identity(i, 0), options_));
            answered_by_all(inside(*p.running));
            effects nothing;
            p.running->step({now, view(i, 0)}, woken{}, nothing);
            forget_teaching(inside(*p.running), limits_);
        }
        forget_times(inside(*p.running));
        all.push_back(std::move(p));
    }
    return all;
}

std::optional<outcome> rig::perform(place const& before, move m, letter const* delivered) const {
    turn_of_a_place t(*this, before);
    if (!t.perform(m, delivered)) return std::nullopt;
    return t.finish();
}

} // namespace zooid::explore

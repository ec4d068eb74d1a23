// The order of a step's story: what the event made it do, what became of its roles, what it learned and
// applied, what it told its callers. What it sends is told by the stage.
#include "cell/scenario/narrator.hpp"

#include "cell/scenario/telling.hpp"

#include <algorithm>

namespace zooid::scenario {

namespace {

/// What changed between the states, whatever the event was.
class changes {
  public:
    explicit changes(telling& t) : t_(t) {}

    void tell() {
        if (t_.after.sealed_for() && !t_.before.sealed_for())
            t_.essential("is sealed for good: the cell goes on as generation " +
                         to_string(t_.b.sealed_for->birth) + ", it has all up to " +
                         slot_name(t_.b.learner.prefix) + " [X1 X2]");
        else if (t_.after.is_quarantined() && !t_.before.is_quarantined())
            t_.essential("stops alone: " + cause(t_.b.quarantine));
        if (!t_.after.is_quarantined() && t_.before.is_quarantined())
            t_.essential("is healed, and votes again [D5]");
        if (t_.out.digests_differ)
            t_.essential("finds no majority for the state after " + slot_name(t_.out.digests_differ) +
                         ": stops nobody, and reports it [D3]");
        taught_by_snapshot();
        election();
        proposer();
        learned();
        members();
        reads();
        callers();
    }

  private:
    // A failed check names its place in the source; a transcript keeps the claim.
    static std::string cause(std::string const& quarantine) {
        auto const claim = quarantine.rfind(": ");
        return claim == std::string::npos || quarantine.find(".cpp") == std::string::npos
                   ? quarantine
                   : quarantine.substr(claim + 2);
    }

    void taught_by_snapshot() {
        if (!t_.out.restore || !std::holds_alternative<persisted>(t_.what)) return;
        std::string above;
        for (slot at = t_.b.log.first(); at <= t_.b.log.last(); ++at) {
            log_slot const& held = *t_.b.log.find(at);
            if (!held.vacant() && !held.chosen)
                above += " and slot " + to_string(at) + " = " + t_.say(held.value);
        }
        t_.essential("installs the snapshot at " + slot_name(t_.out.restore->state.at) +
                     ", keeps its promise of " + t_.say(t_.b.acceptor.promised) + above + " [T3]");
    }

    void election() {
        using phase = election_state::phase;
        election_state const& was = t_.a.election;
        election_state const& is = t_.b.election;
        bool const attempt = is.attempt != was.attempt;
        if (is.now == phase::canvassing && attempt) {
            t_.tell("hears a quorum [E1], and asks whether it would be welcome" +
                    (is.despite ? " despite " + t_.say(is.despite) : std::string()) + " [E2]");
        } else if (was.now == phase::waiting && is.now == phase::idle && !t_.out.watch.empty()) {
            t_.essential("hears no quorum: keeps quiet until it does [E1]");
        } else if (was.now == phase::canvassing && is.now == phase::waiting) {
            t_.tell("was not welcomed by a quorum in time; will try again later [E3]");
        } else if (was.now == phase::idle && is.now == phase::waiting && !t_.a.proposer) {
            t_.tell(is.at == t_.now ? "nobody leads that it can reach: stands at once"
                                    : "will stand after its rank and jitter [E3]");
        } else if (was.now == phase::waiting && is.now == phase::idle && !t_.b.proposer) {
            t_.tell("gives up its own plan to stand: " + t_.say(is.proposer) + " is in use");
        }
        if (is.probe_fails_at != never && was.probe_fails_at == never)
            t_.tell("asks " + t_.say(is.proposer.server) + " to prove that it leads [E4]");
        if (was.probe_fails_at != never && is.probe_fails_at == never && is.despite)
            t_.essential("its probe of " + t_.say(is.despite) + " failed: stands despite it [E4]");
    }

    void proposer() {
        proposer_state const* was = t_.a.proposer.get();
        proposer_state const* is = t_.b.proposer.get();
        if (was && (!is || is->in != was->in))
            t_.essential((was->leading ? "leads no longer in " : "gives up ") + t_.say(was->in) +
                         why_not(*was));
        if (is && (!was || is->in != was->in)) {
            t_.tell("asks for promises in " + t_.say(is->in) +
                    ": its own life, above every round it saw [P1]");
        }
        if (!is) return;
        bool const same = was && was->in == is->in;
        if (is->leading && !(same && was->leading))
            t_.essential("leads in " + t_.say(is->in) + ": " + std::to_string(is->promises.size()) + " of " +
                         std::to_string(t_.voters().size()) + " promised [P2]");
        if (same && was->leading && is->asked.size() > was->asked.size()) extended(*was, *is);
        for (slot at = same ? was->next : t_.a.learner.prefix + 1; at < is->next; ++at)
            proposal(*is, at);
        held_back(*is, same ? was : nullptr);
    }

    void extended(proposer_state const& was, proposer_state const& is) {
        std::string added;
        for (std::size_t i = was.asked.size(); i < is.asked.size(); ++i)
            added += " " + t_.say(is.asked[i]);
        t_.tell("asks for promises in the same ballot of whom the change adds:" + added + " [P2]");
    }

    // What an entry that is known to be chosen did to the members.
    void members() {
        auto const& was = t_.a.members;
        auto const& is = t_.b.members;
        for (governed const& g : is.held()) {
            if (g.from <= was.held().back().from || t_.out.restore) continue;
            t_.essential(t_.say(g.members) + " governs from " + slot_name(g.from) + " on [M1]");
        }
        if (is.held().front().from > was.held().front().from && !t_.out.restore)
            t_.essential("lets go of what governed below " + slot_name(is.held().front().from) + " [C3]");
        for (delivery const& d : t_.out.deliver) {
            auto const change = d.value.understood() ? d.value.changes() : std::nullopt;
            bool const followed = change && is.base() >= d.at;
            if (change && !followed && !t_.out.restore)
                t_.essential("the change in " + slot_name(d.at) + " is void: " + why_void(*change) + " [M2]");
        }
        for (delivery const& d : t_.out.deliver) {
            auto const rise = d.value.understood() ? d.value.raises() : std::nullopt;
            if (!rise || t_.out.restore) continue;
            bool const raised = t_.b.demands.cell_version == rise->to && t_.a.demands.cell_version < rise->to;
            t_.essential(raised ? "has cell version " + std::to_string(rise->to) + " from " +
                                      slot_name(d.at) + " on [V2]"
                                : "the rise in " + slot_name(d.at) + " is void [V2]");
        }
        if (t_.out.retired) t_.essential("retires: its own log releases it [C4]");
    }

    std::string why_void(configuration_change const& change) const {
        membership const& is = t_.b.members;
        if (change.base != is.base())
            return "it was computed from that of " + slot_name(change.base) + ", and the newest is of " +
                   slot_name(is.base());
        for (member const& m : change.members.members()) {
            if (!is.newest().contains(m.replica) && (is.find(m.replica) || t_.a.members.find(m.replica)))
                return t_.say(m.replica) + " was removed and is not released";
        }
        return "it adds whom the cell cannot have";
    }

    std::string why_not(proposer_state const& was) const {
        if (std::holds_alternative<resign>(t_.what)) return ": it resigns";
        if (t_.out.retired) return ": it is released, and hands over [C5]";
        if (t_.b.acceptor.promised > was.in) return ": it promised " + t_.say(t_.b.acceptor.promised);
        if (t_.b.election.proposer > was.in) return ": " + t_.say(t_.b.election.proposer) + " was promised";
        if (was.gives_up_at <= t_.now) return ": no quorum promised in time [E3]";
        if (t_.after.is_quarantined()) return "";
        return ": another value was chosen in a slot that it had proposed [L3]";
    }

    void proposal(proposer_state const& is, slot at) {
        std::string value, reason;
        for (outgoing const& o : t_.out.now) {
            accept const* request = std::get_if<accept>(&o.content);
            if (request && request->at == at) value = t_.say(request->value);
        }
        if (value.empty()) return; // learned otherwise, and skipped
        obligation const duty = obliged(at, is.promises, t_.b.members.at(at));
        acceptance const* highest = nullptr;
        for (promise_report const& report : is.promises) {
            for (acceptance const& a : report.accepted) {
                if (a.at != at) continue;
                if (!highest || std::tie(a.chosen, a.accepted) > std::tie(highest->chosen, highest->accepted))
                    highest = &a;
            }
        }
        if (duty.what == obligation::kind::value) {
            reason = highest && highest->chosen ? "a promise knows it to be chosen [P3]"
                                                : "the highest that was reported, in " +
                                                      (highest ? t_.say(highest->accepted) : "?") + " [P3]";
        } else if (highest) {
            reason = "what is unreadable there cannot have been chosen [P3]";
        } else {
            bool const hole = at <= std::max(is.reported, is.must_know);
            reason = free_choice(value, hole);
        }
        bool const of_members =
            value.starts_with("change to") || value.starts_with("release of") || value.starts_with("rise to");
        std::string const told = "proposes " + value + " in " + slot_name(at) + ": " + reason;
        of_members ? t_.essential(told) : t_.tell(told);
    }

    static std::string free_choice(std::string const& value, bool hole) {
        if (value == "no-op" && hole) return "nobody who promised accepted anything in this hole [P3]";
        if (value == "no-op") return "so that the change comes into force [C2]";
        if (value.starts_with("change to")) return "whom it adds has caught up [C1]";
        if (value.starts_with("rise to")) return "every member's software understands it [V3]";
        if (value.starts_with("release of"))
            return "a quorum of those it made durably knows all that was before [C3]";
        return "nobody who promised accepted anything there [P3]";
    }

    // Why a leader that has something to propose does not.
    void held_back(proposer_state const& is, proposer_state const* was) {
        bool const duty = is.next <= std::max(is.reported, is.must_know);
        if (!is.leading || (is.commands.empty() && !duty)) return;
        std::string why;
        if (is.next > t_.b.learner.prefix + t_.b.alpha) {
            if (!is.commands.empty() && (!was || was->commands.size() != is.commands.size()))
                why = "holds " + std::to_string(is.commands.size()) + " back: alpha slots are open [Q1]";
        } else if (!duty && (!was || was->commands.size() != is.commands.size())) {
            why = "holds " + slot_name(is.next) + " back: " + t_.say(t_.b.members.at(is.next)) +
                  " has not promised by a quorum [P2]";
        } else if (std::holds_alternative<received>(t_.what) && duty) {
            obligation const o = obliged(is.next, is.promises, t_.b.members.at(is.next));
            why =
                o.what == obligation::kind::unknown
                    ? "holds " + slot_name(is.next) + " back: a value that it cannot read may be chosen [P3]"
                    : "holds " + slot_name(is.next) + " back: too few promises cover it [P4]";
        }
        if (!why.empty()) t_.tell(why);
    }

    void learned() {
        for (slot at = t_.b.log.first(); at <= t_.b.log.last(); ++at) {
            log_slot const* was = t_.a.log.find(at);
            log_slot const& is = *t_.b.log.find(at);
            bool const known = at <= t_.a.learner.prefix || (was && was->chosen);
            if (is.chosen && !known)
                t_.tell("knows that " + slot_name(at) + " = " + t_.say(is.value) + why_chosen());
        }
        for (delivery const& d : t_.out.deliver)
            t_.tell("applies " + slot_name(d.at) + ": " + t_.say(d.value) + " [L2]");
        if (t_.b.learner.wanted > t_.b.learner.prefix && t_.b.learner.wanted != t_.a.learner.wanted)
            t_.tell("misses what was chosen up to " + to_string(t_.b.learner.wanted) + ": will ask for it");
    }

    std::string why_chosen() const {
        auto const* r = std::get_if<received>(&t_.what);
        if (!r) return ", as its journal says [R1]";
        if (std::holds_alternative<accepted>(r->content))
            return ": a quorum accepted it durably in one ballot [Q3]";
        if (auto const* c = std::get_if<commit>(&r->content))
            return ": it accepted that in exactly " + t_.say(c->in) + " [L3]";
        if (auto const* c = std::get_if<accept>(&r->content))
            return ": it accepted that in exactly " + t_.say(c->in) + " [L3]";
        return ": it is taught [T1]";
    }

    void reads() {
        for (outgoing const& o : t_.out.now) {
            confirm const* c = std::get_if<confirm>(&o.content);
            if (!c || !t_.b.proposer || !t_.b.proposer->asking) continue;
            if (t_.a.proposer && t_.a.proposer->round == t_.b.proposer->round) break;
            t_.tell("reads at " + slot_name(t_.b.proposer->asking->at) +
                    " [S1]: asks whether the promise is still " + t_.say(c->in) + " [S2 S3]");
            break;
        }
        if (t_.out.marks.test(static_cast<std::size_t>(sometimes::read_answered_under_lease)))
            t_.essential("reads under its lease: a quorum of " + t_.say(t_.voters()) +
                         " holds its promises [G5]");
        for (read_ready const& r : t_.out.reads)
            t_.essential("answers read " + t_.say(r.request) + ": applied up to " + to_string(r.at) +
                         " [S4]");
    }

    void callers() {
        for (delivery const& d : t_.out.deliver) {
            for (token request : d.requests)
                t_.essential("tells the caller: " + t_.say(request) + " is committed in " + slot_name(d.at));
        }
        for (change_chosen const& c : t_.out.changed)
            t_.essential("tells the caller: " + t_.say(c.request) + " is chosen in " + slot_name(c.at));
        for (ended const& e : t_.out.ended_requests)
            t_.essential("tells the caller: " + t_.say(e.request) + ": " + std::string(name_of(e.why)) +
                         hint(e.why));
    }

    std::string hint(errc why) const {
        ballot const& proposer = t_.b.election.proposer;
        return why == errc::not_proposer && proposer ? ", ask " + t_.say(proposer.server) : "";
    }

    telling& t_;
};

} // namespace

std::vector<line> narrate(moment const& m, names const& known) {
    telling t(m, known);
    if (auto const* r = std::get_if<received>(&m.what)) {
        if (!m.before.is_quarantined()) tell_message(t, *r);
        if (m.before.sealed_for() && t.sent<sealed>())
            t.tell("is sealed: only says so to " + t.say(r->replica) + " [X1 X3]");
    } else {
        tell_event(t);
    }
    changes(t).tell();
    return std::move(t.lines);
}

} // namespace zooid::scenario

#include "cell/scenario/telling.hpp"

#include <algorithm>

namespace zooid::scenario {

namespace {

/// Acceptor, proposer and learner, message by message.
class hearing {
  public:
    hearing(telling& t, received const& r)
        : t_(t), from_(t.say(r.replica)), server_(r.server), replica_(r.replica) {}

    void operator()(prepare const& m) const {
        if (m.in.server != server_) return ignore("a ballot of another server than its sender's");
        if (silent(m.base) || held(m.in)) return;
        if (auto const* no = t_.sent<rejected_ballot>())
            return t_.tell("refuses " + t_.say(m.in) + ": it promised " + t_.say(no->promised) + " [A1]");
        auto const* answer = t_.sent<promise>();
        if (auto const* lesson = t_.sent<slice>(); lesson && !answer)
            return t_.tell("does not follow " + from_ + ": it was released, and is told of " +
                           slot_name(m.from) + what_taught(*lesson) + " [A7]");
        if (!answer) return ignore("the round jumps too far");
        std::string reports;
        for (acceptance const& a : answer->accepted)
            reports += ", reports " + t_.say(a);
        t_.tell((t_.a.acceptor.promised == m.in ? "repeats its promise of " : "promises ") + t_.say(m.in) +
                reports + durably<promise>("[A1]"));
    }

    void operator()(accept const& m) const {
        if (m.in.server != server_) return ignore("a ballot of another server than its sender's");
        if (silent(m.base) || held(m.in)) return;
        std::string const what = slot_name(m.at) + " = " + t_.say(m.value);
        if (auto const* no = t_.sent<rejected_ballot>())
            return t_.tell("refuses " + what + " in " + t_.say(m.in) + ": it promised " +
                           t_.say(no->promised) + " [A2]");
        if (auto const* lesson = t_.sent<slice>())
            return t_.tell("knows that " + slot_name(m.at) + " is chosen" + what_taught(*lesson) +
                           ": teaches instead of voting [A5]");
        if (!t_.sent<accepted>())
            return ignore(m.at <= t_.a.learner.prefix ? "it has delivered " + slot_name(m.at) + " [A5]"
                                                      : slot_name(m.at) + " is too far ahead");
        log_slot const* was = t_.a.log.find(m.at);
        std::string const again = was && was->accepted == m.in ? "accepts again " : "accepts ";
        std::string const raised =
            t_.b.acceptor.promised != t_.a.acceptor.promised ? ", which raises its promise" : "";
        t_.tell(again + what + " in " + t_.say(m.in) + raised + durably<accepted>("[A2]"));
    }

    void operator()(promise const& m) const {
        proposer_state const* p = t_.a.proposer.get();
        if (!p || p->in != m.in) return ignore("it does not ask in " + t_.say(m.in) + " [P1]");
        proposer_state const* is = t_.b.proposer.get();
        if (is && is->promises.size() == p->promises.size()) {
            if (prefix_of(*is) < prefix_of(*p))
                return t_.tell("counts the promise of " + from_ +
                               " anew: it covers more than the one before [P4]");
            return ignore("that promise is counted already [P2]");
        }
        if (p->promises.size() >= t_.voters().size())
            return t_.tell("counts the promise of " + from_ + " where it is a member [P2]");
        t_.tell("counts the promise of " + from_ + ", " + std::to_string(p->promises.size() + 1) + " of " +
                std::to_string(t_.voters().size()) + " [P2]");
    }

    void operator()(rejected_ballot const& m) const {
        if (!t_.a.proposer || t_.a.proposer->in != m.asked) ignore(t_.say(m.asked) + " is over");
    }

    void operator()(accepted const& m) const {
        proposer_state const* p = t_.a.proposer.get();
        if (!p || p->in != m.in) return ignore("it does not propose in " + t_.say(m.in) + " [Q3]");
        auto const open =
            std::find_if(p->open.begin(), p->open.end(), [&](auto const& o) { return o.at == m.at; });
        if (open == p->open.end()) return ignore(slot_name(m.at) + " is settled");
        std::size_t votes = open->votes.size() + 1;
        auto const index = t_.a.members.at(m.at).index_of(replica_);
        if (!index)
            return t_.tell("does not count " + from_ + ": it is no member of " +
                           t_.say(t_.a.members.at(m.at)) + ", which governs " + slot_name(m.at) + " [C1]");
        if (index && open->votes.contains(*index)) return ignore("that vote is counted already [Q3]");
        t_.tell("counts " + from_ + " for " + slot_name(m.at) + ": " + std::to_string(votes) + " of " +
                std::to_string(t_.a.members.at(m.at).size()) + " in " + t_.say(m.in) + " [Q3]");
    }

    void operator()(commit const& m) const {
        bool const news = t_.b.learner.prefix > t_.a.learner.prefix;
        if (m.chosen > t_.b.learner.prefix) {
            t_.tell("accepted nothing in exactly " + t_.say(m.in) + " for " +
                    slot_name(t_.b.learner.prefix + 1) +
                    ", so learns nothing from being told that it is chosen [L3]");
        } else if (!news) {
            t_.tell("knew that already");
        }
    }

    void operator()(learned const& m) const {
        if (t_.a.proposer) t_.tell("notes that " + from_ + " knows up to " + to_string(m.prefix));
    }

    void operator()(confirm const& m) const {
        if (silent(m.base)) return;
        if (auto const* no = t_.sent<rejected_ballot>())
            return t_.tell("denies it: it promised " + t_.say(no->promised) + " [S2]");
        if (t_.sent<confirmed>())
            return t_.tell("confirms: its promise is exactly " + t_.say(m.in) + " [S2]");
        ignore("it never promised " + t_.say(m.in) + " [S2]");
    }

    void operator()(confirmed const& m) const {
        proposer_state const* p = t_.a.proposer.get();
        if (!p || p->in != m.in || !p->asking || p->asking->round != m.round) {
            if (!stands_anew()) return ignore("that round is over [S3]");
            return t_.tell("counts " + from_ + " for leased reads; that round is over [S3 G4]");
        }
        t_.tell("counts the confirmation of " + from_ + ", " +
                std::to_string(p->asking->confirmed.size() + 1) + " of " +
                std::to_string(p->asking->voters.size()) + " [S2]");
    }

    void operator()(canvass const& m) const {
        auto const* answer = t_.sent<canvassed>();
        if (!answer) return;
        if (answer->vouched)
            return t_.tell("vouches for " + t_.say(answer->vouched) + ": that process hears a quorum [E2]");
        ballot const& proposer = t_.a.election.proposer;
        std::string why = "it knows of no proposer";
        if (proposer && proposer.server == server_) {
            why = "the last proposer was " + from_ + " itself";
        } else if (proposer && proposer <= m.despite) {
            why = "a probe of " + t_.say(m.despite) + " failed";
        } else if (proposer) {
            why = "it cannot say that " + t_.say(proposer) + " still leads and hears a quorum";
        }
        t_.tell("welcomes " + from_ + ": " + why + " [E2]");
    }

    void operator()(canvassed const& m) const {
        election_state const& e = t_.a.election;
        if (e.now != election_state::phase::canvassing || m.attempt != e.attempt)
            return ignore("that canvass is over");
        if (m.vouched)
            return t_.essential("stands back: " + from_ + " vouches for " + t_.say(m.vouched) + " [E2]");
        t_.tell("is welcome to " + from_ + ", " + std::to_string(e.welcome.size() + 1) + " of " +
                std::to_string(t_.voters().size()) + " [E2]");
    }

    void operator()(probe const&) const {
        t_.tell(t_.sent<probed>() ? "does not lead, and says so [E4]"
                                  : "leads: asks its quorum before it says so [E4]");
    }

    void operator()(probed const& m) const {
        if (t_.a.election.probe_fails_at == never) return ignore("that probe is over");
        if (m.in)
            t_.essential("is satisfied: " + from_ + " proved that it leads in " + t_.say(m.in) + " [E4]");
    }

    void operator()(fetch const& m) const {
        if (auto const* lesson = t_.sent<slice>()) {
            return t_.tell(lesson->values.empty() ? "knows no more than " + from_
                                                  : "teaches " + std::to_string(lesson->values.size()) +
                                                        " chosen from " + slot_name(m.from) + " on [T1]");
        }
        bool const gone = m.from < t_.a.log.first();
        t_.tell(t_.sent<teach_snapshot>() || t_.out.want_snapshot
                    ? slot_name(m.from) + (gone ? " is no longer in its log" : " begins more than a state") +
                          ": will teach by snapshot [T1]"
                    : "has a snapshot for " + from_ + " under way");
    }

    void operator()(slice const& m) const {
        if (!m.values.empty() && t_.b.learner.prefix == t_.a.learner.prefix && t_.out.persist.empty())
            t_.tell("knew that already");
    }

    void operator()(teach_snapshot const& m) const {
        if (t_.out.tell_when_durable)
            return t_.tell("writes the snapshot at " + slot_name(m.state.at) +
                           "; its prefix moves when that is durable [T2]");
        ignore(m.state.at <= t_.a.learner.prefix ? "it knows more than that snapshot"
                                                 : "a snapshot is on its way to the journal already");
    }

    void operator()(keeps_waiting const& m) const {
        t_.tell(t_.sent<resigned>() ? "does not propose in " + t_.say(m.in) + " any more, and says so [G6]"
                                    : "may lead in " + t_.say(m.in) + ": lets nobody go [G6]");
    }

    void operator()(resigned const& m) const {
        t_.tell("gets " + t_.say(message(m)));
        if (t_.out.marks.test(static_cast<std::size_t>(sometimes::lease_let_go)))
            t_.essential("is let go: no lease holds its promise of " + t_.say(m.in) + " [G6]");
    }

    void operator()(digested const& m) const {
        t_.tell("notes the digest that " + from_ + " has after " + slot_name(m.at) + " [D1]");
    }

    template <class Other>
    void operator()(Other const& m) const {
        t_.tell("gets " + t_.say(message(m)));
    }

  private:
    /// Asked for a vote by somebody who knows the change of members at `base`.
    bool silent(slot base) const {
        if (t_.a.retired) {
            ignore("it was released [C4]");
            return true;
        }
        bool const answers = t_.sent<promise>() || t_.sent<accepted>() || t_.sent<confirmed>() ||
                             t_.sent<rejected_ballot>() || t_.sent<slice>();
        if (answers || t_.a.acceptor.is_new) return false;
        if (base > t_.b.members.base()) {
            t_.essential("does not vote yet: it has to learn of the change at " + slot_name(base) + " [R2]");
            return true;
        }
        if (t_.b.acceptor.may_vote) return false;
        t_.essential("does not vote yet: too few members have answered what they heard of its journal [R2]");
        return true;
    }
    bool stands_anew() const {
        proposer_state const* const before = t_.a.proposer.get();
        proposer_state const* const after = t_.b.proposer.get();
        auto const asked_at = [&](proposer_state const& p) {
            auto const one = std::find_if(p.standing.begin(), p.standing.end(),
                                          [&](standing_promise const& s) { return s.replica == replica_; });
            return one == p.standing.end() ? time_point::min() : one->asked_at;
        };
        return before && after && asked_at(*after) != asked_at(*before);
    }

    bool held(ballot const& asked) const {
        if (!t_.out.marks.test(static_cast<std::size_t>(sometimes::promise_held_for_lease))) return false;
        t_.essential("does not answer " + t_.say(asked) + ": a lease holds its promise of " +
                     t_.say(t_.b.acceptor.promised) + " [G1 G8]");
        return true;
    }
    void ignore(std::string const& why) const { t_.tell("ignores it: " + why); }

    template <class Answer>
    std::string durably(std::string const& rule) const {
        for (outgoing const& o : t_.out.now) {
            if (std::holds_alternative<Answer>(o.content)) return ", and answers at once " + rule;
        }
        return ", and answers once that is durable " + rule.substr(0, rule.size() - 1) + " A4]";
    }

    slot prefix_of(proposer_state const& p) const {
        for (promise_report const& report : p.promises)
            if (report.from.replica == replica_) return report.prefix;
        return {};
    }

    std::string what_taught(slice const& lesson) const {
        return lesson.values.empty() ? "" : " with " + t_.say(lesson.values.front());
    }

    telling& t_;
    std::string from_;
    server_id server_;
    replica_id replica_;
};

} // namespace

void tell_message(telling& t, received const& r) {
    std::visit(hearing(t, r), r.content);
}

void tell_event(telling& t) {
    if (std::holds_alternative<propose>(t.what)) {
        bool const waits = t.b.election.commands.size() > t.a.election.commands.size();
        bool const asks = t.b.proposer && !t.b.proposer->leading;
        if (waits) t.tell("keeps the command until somebody leads");
        if (asks) t.tell("keeps the command until its phase 1 is complete");
    }
    if (std::holds_alternative<change_members>(t.what) && t.b.proposer && t.b.proposer->change)
        t.tell("keeps the change until whom it adds has caught up [C1]");
    if (std::holds_alternative<persisted>(t.what) && !t.out.restore) t.tell("its checkpoint is durable");
    if (std::holds_alternative<woken>(t.what) && t.a.start_from) {
        t.essential("comes back: promise " + t.say(t.b.acceptor.promised) + ", known up to " +
                    to_string(t.b.learner.prefix) + ", from its journal alone [R1]");
    }
    if (auto const* failed = std::get_if<apply_failed>(&t.what))
        t.essential("cannot apply " + slot_name(failed->at) + ": " + failed->cause);
}

} // namespace zooid::scenario

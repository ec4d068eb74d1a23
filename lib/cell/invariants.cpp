#include "cell/invariants.hpp"

#include "cell/state.hpp"

namespace zooid {

namespace {

class findings {
  public:
    void expect(bool holds, char const* name) {
        if (!holds) found_.emplace_back(name);
    }
    std::vector<std::string> take() { return std::move(found_); }

  private:
    std::vector<std::string> found_;
};

void check_log(replica_state const& s, findings& f) {
    slot const prefix = s.learner.prefix;
    for (slot at = s.log.first(); at <= s.log.last(); ++at) {
        log_slot const& held = *s.log.find(at);
        if (at <= prefix)
            f.expect(held.chosen && !held.value.empty(), "L2: what is delivered is chosen and readable");
        if (held.chosen) f.expect(held.recorded || held.value.empty(), "L1: what is chosen is recorded");
        f.expect(held.accepted <= s.acceptor.promised, "A2: no acceptance above the promise");
    }
    f.expect(s.log.first() <= prefix + 1, "the log begins at or before the first unknown slot");
}

void check_proposer(replica_state const& s, findings& f) {
    if (!s.proposer) return;
    proposer_state const& p = *s.proposer;
    f.expect(p.in.server == s.identity.self.server && p.in.life == s.identity.life,
             "P1: a ballot belongs to its life");
    f.expect(s.acceptor.promised <= p.in, "a proposer whose own acceptor promised more steps down");
    slot previous;
    for (open_slot const& open : p.open) {
        f.expect(open.at > s.learner.prefix, "open slots are not delivered yet");
        f.expect(open.at <= s.learner.prefix + s.alpha, "Q1: at most alpha slots are open");
        f.expect(open.at > previous, "Q2: one proposal a slot");
        f.expect(open.at < p.next, "open slots were proposed");
        previous = open.at;
    }
}

// One that stopped may be wrong in what it is not trusted with; one that lost its votes learns on (T4).
bool is_not_judged(replica const& r) {
    return r.is_quarantined() && (r.sealed_for() || r.state().quarantined_for != distrust::votes);
}

} // namespace

std::vector<std::string> violations(replica const& now) {
    findings f;
    replica_state const& s = now.state();
    if (is_not_judged(now)) return {};
    f.expect(s.learner.applied <= s.learner.prefix, "only delivered slots are applied");
    f.expect(s.learner.checkpoint <= s.learner.prefix, "a checkpoint covers known slots");
    f.expect(s.demands.cell_version <= s.identity.version_highest,
             "V1: software goes on below its version only");
    check_log(s, f);
    check_proposer(s, f);
    return f.take();
}

std::vector<std::string> violations(replica const& before, replica const& after) {
    findings f;
    replica_state const& a = before.state();
    replica_state const& b = after.state();
    if (is_not_judged(after)) return {};
    f.expect(a.acceptor.promised <= b.acceptor.promised, "A1: a promise never goes down");
    f.expect(a.learner.prefix <= b.learner.prefix, "L2: the prefix never goes down");
    f.expect(a.learner.checkpoint <= b.learner.checkpoint, "a checkpoint never goes down");
    f.expect(a.demands.cell_version <= b.demands.cell_version, "V2: a cell's version never goes down");
    f.expect(a.election.round_seen <= b.election.round_seen, "the highest round seen never goes down");
    for (slot at = b.log.first(); at <= b.log.last(); ++at) {
        log_slot const* was = a.log.find(at);
        log_slot const& is = *b.log.find(at);
        if (!was) continue;
        if (was->chosen)
            f.expect(is.chosen && is.value_digest == was->value_digest, "a chosen slot never changes");
        f.expect(was->accepted <= is.accepted || is.chosen, "acceptances of a slot rise");
        if (was->accepted && was->accepted == is.accepted && !is.chosen) {
            f.expect(was->value_digest == is.value_digest, "A3: one slot and ballot has one value");
        }
    }
    return f.take();
}

} // namespace zooid

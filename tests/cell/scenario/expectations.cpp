// What a script expects, and the proof at its end that the healed cell makes progress.
//
//   expect WHO follower|canvassing|preparing|leading|quarantined|sealed|retired|reserved|gone|down
//   expect WHO members NAME...         the newest configuration that it knows
//   expect WHO promised BALLOT
//   expect WHO version N               the cell's, as it knows it
//   expect WHO applied COMMAND...      exactly these, in this order
//   expect SLOT chosen COMMAND|no-op   a quorum has it durably
//   expect SLOT open                   not chosen
//   expect REQUEST pending|committed|answered|chosen|ERROR
//   expect base none|SLOT known SLOT VALUE...   what the last survey would begin with, and take over above
//   that expect nobody leading expect silence                     nothing in flight, no deadline
#include "cell/scenario/verbs.hpp"

#include <algorithm>

namespace zooid::scenario {

namespace {

std::string joined(std::vector<std::string> const& words, std::size_t from) {
    std::string text;
    for (std::size_t i = from; i < words.size(); ++i)
        text += (text.empty() ? "" : " ") + words[i];
    return text;
}

void require(bool holds, std::string const& what) {
    if (!holds) throw unmet(what);
}

std::string applied_by(actor const& a) {
    std::string text;
    for (std::string const& line : a.applied)
        text += (text.empty() ? "" : " ") + line.substr(line.find(':') + 1);
    return text;
}

std::string state_of(actor const& a) {
    if (a.presence == presence::reserved) return "reserved";
    if (a.presence == presence::gone) return "gone";
    if (!a.running) return "down";
    if (a.running->sealed_for()) return "sealed";
    return a.running->is_retired() ? "retired" : std::string(name_of(a.running->role()));
}

} // namespace

void verbs::expect(words const& w) {
    std::string const& subject = w.at(1);
    if (subject == "silence") {
        require(stage_->in_flight().empty(), "messages are in flight");
        for (actor const& a : stage_->actors())
            require(!a.running || a.running->deadline() == never, a.name + " wants to be woken");
        return;
    }
    if (subject == "base") return expect_base(w);
    if (subject == "nobody") {
        for (actor const& a : stage_->actors())
            require(!a.running || a.running->role() != role::leading, a.name + " leads");
        return;
    }
    if (subject[0] >= '0' && subject[0] <= '9') return expect_slot(w);
    for (actor const& a : stage_->actors()) {
        if (a.name == subject) return expect_replica(a, w);
    }
    require(stage_->is_known(subject), "there is no " + subject);
    std::string const is = stage_->outcome(subject);
    require(is.starts_with(w.at(2)), subject + " is " + is);
}

void verbs::expect_replica(actor const& a, words const& w) {
    std::string const& what = w.at(2);
    if (what == "applied") {
        std::string const is = applied_by(a);
        return require(is == joined(w, 3), a.name + " applied: " + is);
    }
    if (what == "version") {
        std::string const is = a.running ? std::to_string(a.running->cell_version()) : "none";
        return require(is == w.at(3), a.name + " has cell version " + is);
    }
    if (what == "promised") {
        std::string const is = stage_->known().of(a.running ? a.running->promised() : a.disk.promised);
        return require(is == w.at(3), a.name + " promised " + is);
    }
    if (what == "members") {
        std::string const is = a.running ? stage_->known().of(a.running->newest_members()) : "nothing";
        return require(is == "{" + joined(w, 3) + "}", a.name + " knows the members " + is);
    }
    std::string const is = state_of(a);
    require(is == what, a.name + " is " + is);
}

void verbs::expect_slot(words const& w) {
    slot const at{std::stoull(w.at(1))};
    entry const* const value = stage_->judge().chosen(at);
    if (w.at(2) == "open") return require(!value, "slot " + w[1] + " is chosen");
    require(value != nullptr, "slot " + w[1] + " is not chosen");
    std::string const is = stage_->known().of(*value);
    require(is == joined(w, 3), "slot " + w[1] + " is chosen with " + is);
}

void verbs::expect_base(words const& w) {
    if (!stage_->surveyed()) return require(joined(w, 2) == "none", "there is no base");
    recovery_base const& base = *stage_->surveyed();
    std::string is = to_string(base.at) + " known " + to_string(base.known());
    for (taken_value const& t : base.taken)
        is += " " + stage_->known().of(t.value);
    require(is == joined(w, 2), "the base is " + is);
}

// As servers and clients do: whoever sends the caller away probes, and the caller asks elsewhere.
bool verbs::ask_everybody(std::string const& command) {
    std::size_t const size = stage_->actors().size();
    for (std::size_t i = 0; i < 3 * size; ++i) {
        std::string const attempt = command + (i == 0 ? "" : std::to_string(i));
        stage_->propose_at(i % size, attempt);
        if (!stage_->outcome(attempt).starts_with("committed")) stage_->step(i % size, complaint{});
        stage_->settle(std::chrono::seconds(5));
        if (stage_->outcome(attempt).starts_with("committed")) return true;
    }
    return false;
}

bool verbs::agree(std::string& where) const {
    std::string first, names;
    for (actor const& a : stage_->actors()) {
        if (!a.running || a.running->is_quarantined() || a.running->is_retired()) continue;
        if (!a.running->is_member()) continue; // a learner may be taught later
        if (!names.empty() && applied_by(a) != first) {
            where = a.name + " applied: " + applied_by(a) + "; others: " + first;
            return false;
        }
        first = applied_by(a);
        names += (names.empty() ? "" : " ") + a.name;
    }
    where = names + " applied: " + first;
    return true;
}

// Heals links, disks and processes, and demands that one more command is committed and applied everywhere.
void verbs::prove_liveness() {
    stage_->be_brief(+1);
    stage_->heal_everything();
    stage_->pulse();
    stage_->settle(std::chrono::seconds(20));
    bool const progress = ask_everybody("final");
    stage_->settle(std::chrono::seconds(20));
    stage_->be_brief(-1);
    (void)stage_->take_transcript();
    require(progress, "no progress after healing");
    std::string where;
    bool const same = agree(where);
    require(same, "after healing, " + where);
    stage_->say("healed: " + where);
}

} // namespace zooid::scenario

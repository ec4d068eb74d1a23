// What can be decided about a cell that lost its majority by looking at who is left (recovery.hpp, Y1 to Y4).
#include <zooid/cell/recovery.hpp>

#include "cell/membership.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>
#include <zooid/base/mutant.hpp>

#include <algorithm>
#include <map>

namespace zooid {

namespace {

using refused = recovery_refusal::reason;

bool contains(std::vector<server_id> const& all, server_id one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

void add_once(std::vector<server_id>& all, server_id one) {
    if (!contains(all, one)) all.push_back(one);
}

std::vector<survey_answer> answers_of(cell_survey const& seen) {
    std::vector<survey_answer> all;
    for (surveyed_server const& s : seen.servers) {
        if (s.answer) all.push_back(*s.answer);
    }
    return all;
}

// One that stopped for another cause than lost votes may vote again, for all that its word tells; those and
// seals are for ever.
bool may_vote_again(survey_answer const& a) {
    bool const lost = !a.quarantine.empty() && is_voteless(a.quarantined_for);
    return !a.sealed_for && !lost;
}

// What it accepted can be believed.
bool has_sound_votes(survey_answer const& a) {
    return a.quarantine.empty() || a.quarantined_for == distrust::learned ||
           a.quarantined_for == distrust::sealed;
}

bool may_choose(configuration const& members, std::vector<survey_answer> const& answers) {
    member_set voters;
    for (survey_answer const& a : answers) {
        auto const index = members.index_of(a.self);
        if (index && may_vote_again(a)) voters.insert(*index);
    }
    return members.is_quorum(voters);
}

// Y1
bool is_dead(std::vector<survey_answer> const& answers) {
    auto const all = needed_configurations(answers);
    return std::any_of(all.begin(), all.end(),
                       [&](governed const& g) { return !may_choose(g.members, answers); });
}

// Y2
std::vector<server_id> unaccounted(cell_survey const& seen, std::vector<survey_answer> const& answers,
                                   std::vector<server_id> const& off) {
    std::vector<server_id> here, missing;
    for (surveyed_server const& s : seen.servers) {
        if (s.what != surveyed_server::kind::silent) here.push_back(s.server);
    }
    auto const check = [&](server_id server) {
        if (!contains(here, server) && !contains(off, server)) add_once(missing, server);
    };
    for (surveyed_server const& s : seen.servers)
        check(s.server);
    for (survey_answer const& a : answers) {
        for (governed const& g : a.held) {
            for (member const& m : g.members.members())
                check(m.server);
        }
    }
    std::sort(missing.begin(), missing.end());
    return missing;
}

std::optional<recovery_refusal> refusal_of(cell_survey const& seen, std::vector<survey_answer> const& answers,
                                           std::vector<server_id> const& off, cell_id founding) {
    recovery_refusal alive{refused::off_but_answers, {}};
    for (surveyed_server const& s : seen.servers) {
        if (s.what != surveyed_server::kind::silent && contains(off, s.server))
            alive.servers.push_back(s.server);
    }
    if (!alive.servers.empty()) return alive;
    recovery_refusal elsewhere{refused::recovered_before, {}};
    for (survey_answer const& a : answers) {
        if (a.sealed_for && a.sealed_for->cell != founding) elsewhere.servers.push_back(a.self.server);
    }
    if (!elsewhere.servers.empty()) return elsewhere;
    if (answers.empty()) return recovery_refusal{refused::no_state, {}};
    if (!founding && !is_dead(answers)) return recovery_refusal{refused::has_majority, {}};
    auto missing = unaccounted(seen, answers, off);
    if (!missing.empty()) return recovery_refusal{refused::unaccounted, std::move(missing)};
    return std::nullopt;
}

/// Everything that is told of one slot.
struct slot_report {
    std::optional<taken_value> best;
    void take(acceptance const& a) {
        taken_value const found{a.at, a.accepted, a.value_digest, a.chosen, a.value};
        if (!best || (!best->chosen && (a.chosen || a.accepted > best->accepted))) {
            best = found;
        } else if (best->value.empty() && a.value_digest == best->value_digest) {
            best->value = a.value; // the vote was readable there, the value is here
        }
    }
};

// What it knew to be chosen. One that was outvoted (D4) has a state in doubt, not a log; but if one whose
// state is sound knows another value, that one counts.
bool has_sound_log(survey_answer const& a) {
    return has_sound_state(a) || a.quarantined_for == distrust::learned;
}

std::map<slot, slot_report> reports_above(slot base, std::vector<survey_answer> const& answers) {
    std::vector<survey_answer const*> ordered; // those first whose word counts if two know different values
    for (bool const sound : {true, false}) {
        for (survey_answer const& a : answers) {
            if (has_sound_state(a) == sound) ordered.push_back(&a);
        }
    }
    std::map<slot, slot_report> all;
    for (int values = 0; values < 2; ++values) { // twice: a value may come before the ballot that needs it
        for (survey_answer const* a : ordered) {
            for (acceptance const& one : a->accepted) {
                bool const chosen = one.chosen && has_sound_log(*a);
                bool const voted = !one.chosen && one.accepted && has_sound_votes(*a) &&
                                   !mutated(mutant::recovery_drops_accepted);
                if (one.at > base && (chosen || voted)) all[one.at].take(one);
            }
        }
    }
    return all;
}

} // namespace

std::vector<governed> needed_configurations(std::vector<survey_answer> const& answers) {
    std::map<slot, configuration> all;
    slot prefix;
    for (survey_answer const& a : answers) {
        prefix = std::max(prefix, a.prefix);
        for (governed const& g : a.held)
            all.emplace(g.from, g.members);
    }
    auto first = all.upper_bound(prefix + 1);
    if (first != all.begin()) --first;
    std::vector<governed> needed;
    for (; first != all.end(); ++first)
        needed.push_back({first->first, first->second});
    return needed;
}

bool has_sound_state(survey_answer const& a) {
    return a.quarantine.empty() || a.quarantined_for == distrust::votes ||
           a.quarantined_for == distrust::sealed;
}

slot recovery_base::known() const {
    slot known = at;
    for (taken_value const& t : taken) {
        if (!t.chosen) break;
        known = t.at;
    }
    return known;
}

std::variant<recovery_base, recovery_refusal> best_base(std::vector<survey_answer> const& answers) {
    survey_answer const* best = nullptr;
    for (survey_answer const& a : answers) {
        if (has_sound_state(a) && (!best || a.state_at > best->state_at)) best = &a;
    }
    if (!best) return recovery_refusal{refused::no_state, {}};
    recovery_refusal differ{refused::states_differ, {}};
    bool same = true;
    for (survey_answer const& a : answers) {
        if (!has_sound_state(a) || a.state_at != best->state_at) continue;
        differ.servers.push_back(a.self.server);
        same = same && (!a.state_at || a.state_digest == best->state_digest);
    }
    if (!same) return differ;
    digest const after = best->state_at ? best->state_digest : digest{};
    recovery_base base{best->self.server, best->state_at, after, {}, {}};
    for (auto const& [at, report] : reports_above(base.at, answers)) {
        bool const follows = at == base.end() + 1 && base.left_out.empty() && !report.best->value.empty();
        if (follows) {
            base.taken.push_back(*report.best);
        } else {
            base.left_out.push_back(at);
        }
    }
    return base;
}

std::variant<recovery_plan, recovery_refusal>
plan_recovery(cell_survey const& seen, std::vector<server_id> const& confirmed_off, cell_id founding) {
    auto const answers = answers_of(seen);
    if (auto refused = refusal_of(seen, answers, confirmed_off, founding)) return *refused;
    auto based = best_base(answers);
    if (auto* refused = std::get_if<recovery_refusal>(&based)) return *refused;
    recovery_plan plan;
    plan.base = std::get<recovery_base>(std::move(based));
    for (survey_answer const& a : answers) {
        plan.to_seal.push_back(a.self.server);
        if (a.self.server != plan.base.server) continue;
        plan.from = a.cell, plan.key = a.key, plan.birth = generation{a.birth.value + 1};
        plan.alpha = a.alpha, plan.colour = a.colour, plan.cell_version = a.cell_version;
    }
    plan.off = confirmed_off;
    std::sort(plan.to_seal.begin(), plan.to_seal.end());
    std::sort(plan.off.begin(), plan.off.end());
    plan.off.erase(std::unique(plan.off.begin(), plan.off.end()), plan.off.end());
    return plan;
}

digest confirmation_of(recovery_plan const& plan, std::vector<server_id> const& on) {
    bytes all;
    writer w(all);
    w.put(plan.from), w.put_sized(plan.key), w.put(plan.birth);
    w.put(plan.base.at), w.put(plan.base.state_digest);
    auto const put_all = [&](auto const& list) {
        w.put(static_cast<std::uint32_t>(list.size()));
        for (auto const& one : list)
            w.put(one);
    };
    w.put(static_cast<std::uint32_t>(plan.base.taken.size()));
    for (taken_value const& t : plan.base.taken)
        w.put(t.at), w.put(t.value_digest), w.put(static_cast<std::uint8_t>(t.chosen ? 1 : 0));
    put_all(plan.base.left_out), put_all(plan.to_seal), put_all(plan.off), put_all(on);
    return hash128(all, 0x7265636f766572);
}

// Changes and releases are of members that are no more; a rise goes on, computed from the configuration that
// the fork begins with.
forked_founding found_fork(recovery_base const& base, snapshot const& state, successor_cell const& as,
                           bytes words) {
    ZOOID_CHECK(state.at == base.at, "a fork begins with the state of its base");
    forked_founding f;
    f.base = state;
    f.base.cell = as.cell;
    f.base.birth = as.birth;
    f.base.configurations = {{base.at + 1, as.members}};
    slot const made_at = membership(f.base.configurations, state.alpha).base();
    for (taken_value const& t : base.taken) {
        auto const rise = t.value.understood() ? t.value.raises() : std::nullopt;
        bool const of_members = t.value.understood() && (t.value.changes() || t.value.releases());
        f.log.push_back(rise ? entry::raise({made_at, rise->to}) : of_members ? entry::no_op() : t.value);
    }
    f.log.push_back(entry::recovered({state.cell, base.known(), base.end(), std::move(words)}));
    return f;
}

std::vector<acceptance_record> records_of(forked_founding const& f) {
    std::vector<acceptance_record> all;
    slot at = f.base.at;
    for (entry const& value : f.log) {
        slot const before = at;
        at = at + 1;
        all.push_back({at, ballot{}, value.value_digest(), true, before, value});
    }
    return all;
}

std::string_view name_of(recovery_refusal::reason why) {
    switch (why) {
    case refused::has_majority: return "has_majority";
    case refused::unaccounted: return "unaccounted";
    case refused::off_but_answers: return "off_but_answers";
    case refused::no_state: return "no_state";
    case refused::states_differ: return "states_differ";
    case refused::recovered_before: return "recovered_before";
    }
    return "unknown";
}

} // namespace zooid

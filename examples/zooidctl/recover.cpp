#include "recover.hpp"

#include "ending.hpp"

#include "support/value_json.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <unistd.h>

namespace zooidctl {

namespace json = boost::json;
using namespace zooid;

namespace {

constexpr duration patience_off = std::chrono::milliseconds(300); // with one that is said to be off

std::string or_none(std::vector<server_id> const& servers) {
    return servers.empty() ? "none" : listed(servers);
}

/// The fork that is made, or was begun and not finished.
struct fork_state {
    found_entry entry;                ///< of the directory, now
    cell_id from;                     ///< the cell that lost its majority
    std::optional<successor_cell> to; ///< decided by an earlier attempt that is not finished
};

cell_survey survey_all(colony& on, cell_id cell, std::vector<server_id> const& off) {
    cell_survey seen{cell, {}};
    for (remote_server const& s : on.servers()) {
        bool const gone = std::find(off.begin(), off.end(), s.server) != off.end();
        seen.servers.push_back(survey_one(on, cell, s.server, gone ? patience_off : patience));
    }
    return seen;
}

// A fork that a majority of its servers founded is a cell like any other; before that it is unfinished, and
// it is the cell before it that has to be looked at.
result<fork_state> fork_of(colony& on, bytes const& key) {
    ZOOID_TRY(check_partition_key(key));
    ZOOID_TRY(auto const there, read_entry(on, key));
    if (!there) return error(errc::not_found, "the directory does not know key " + quoted(key));
    directory_entry const& e = there->entry;
    if (is_founded(on, e)) return fork_state{*there, e.cell, {}};
    if (!is_recovery(*e.origin)) return unfinished_birth(key, e);
    return fork_state{*there, e.origin->from, successor_cell{e.cell, e.birth, e.founders}};
}

error error_of(recovery_refusal const& no) {
    using reason = recovery_refusal::reason;
    std::string const who = or_none(no.servers);
    switch (no.why) {
    case reason::has_majority:
        return error(errc::conflict, "has_majority: enough members answered for the cell to go on by itself");
    case reason::unaccounted:
        return error(errc::unreachable,
                     "unaccounted: servers " + who +
                         " do not answer; they may be choosing without us. Reach them, or turn them off for "
                         "ever and name them by --off");
    case reason::off_but_answers:
        return error(errc::invalid_argument, "off_but_answers: servers " + who + " are up");
    case reason::no_state:
        return error(errc::not_found, "no_state: nobody who answered has a state that can be believed");
    case reason::states_differ:
        return error(errc::damaged, "states_differ: servers " + who + " differ after the same slot");
    case reason::recovered_before:
        return error(errc::conflict, "recovered_before: servers " + who + " are sealed for another cell");
    }
    return errc::conflict;
}

json::object json_of(recovery_plan const& p) {
    json::array taken, left_out;
    for (taken_value const& t : p.base.taken)
        taken.push_back({{"slot", t.at.value}, {"known_chosen", t.chosen}});
    for (slot at : p.base.left_out)
        left_out.push_back(at.value);
    return {
        {"from", to_string(p.from)},    {"generation", p.birth.value},   {"base_server", p.base.server.value},
        {"base_slot", p.base.at.value}, {"known", p.base.known().value}, {"taken", taken},
        {"left_out", left_out},         {"seal", numbers_of(p.to_seal)}, {"off", numbers_of(p.off)}};
}

void print(recovery_plan const& p) {
    fmt::print("  begins with the state of server {} after slot {}\n", to_string(p.base.server),
               p.base.at.value);
    for (taken_value const& t : p.base.taken)
        fmt::print("  takes over slot {}: {}\n", t.at.value,
                   t.chosen ? "known to be chosen" : "UNCERTAIN, it may not have been chosen");
    for (slot at : p.base.left_out)
        fmt::print("  leaves out slot {}: what comes before it is lost or cannot be read\n", at.value);
    fmt::print("  MAY BE LOST: whatever was acknowledged in a slot above {} and is not listed here\n",
               p.base.known().value);
    fmt::print("  seals the old replicas on servers {}\n", or_none(p.to_seal));
    fmt::print("  servers that must stay OFF, or come back without their data: {}\n", or_none(p.off));
}

void print(surveyed_server const& s) {
    if (s.what == surveyed_server::kind::silent)
        return fmt::print("server {}: no answer\n", to_string(s.server));
    if (!s.answer) return fmt::print("server {}: has no replica of it\n", to_string(s.server));
    survey_answer const& a = *s.answer;
    fmt::print("server {}: knows all up to slot {}, accepted {} above, promised {}{}\n", to_string(s.server),
               a.prefix.value,
               std::count_if(a.accepted.begin(), a.accepted.end(),
                             [&](acceptance const& one) { return one.at > a.prefix; }),
               to_string(a.promised), a.quarantine.empty() ? "" : "; stopped: " + a.quarantine);
}

json::object json_of(surveyed_server const& s) {
    json::object line{{"server", s.server.value}};
    if (!s.answer) {
        line["answer"] = s.what == surveyed_server::kind::silent ? "silent" : "absent";
        return line;
    }
    survey_answer const& a = *s.answer;
    line["answer"] = "answered";
    line["replica"] = to_string(a.self.replica);
    line["life"] = to_string(a.life);
    line["promised"] = to_string(a.promised);
    line["prefix"] = a.prefix.value;
    line["state_at"] = a.state_at.value;
    line["state_digest"] = to_string(a.state_digest);
    json::array accepted;
    for (acceptance const& one : a.accepted)
        accepted.push_back({{"slot", one.at.value},
                            {"ballot", to_string(one.accepted)},
                            {"digest", to_string(one.value_digest)},
                            {"known_chosen", one.chosen},
                            {"readable", !one.value.empty()}});
    line["accepted"] = std::move(accepted);
    json::array held;
    for (governed const& g : a.held)
        held.push_back({{"from", g.from.value}, {"servers", numbers_of(zooidctl::servers_of(g.members))}});
    line["held"] = std::move(held);
    if (!a.quarantine.empty()) line["quarantine"] = a.quarantine;
    if (a.sealed_for) line["sealed_for"] = to_string(a.sealed_for->cell);
    return line;
}

// ---- the steps

bytes words_of(recovery_plan const& p) {
    std::time_t const now = std::time(nullptr);
    char host[256] = "unknown";
    (void)::gethostname(host, sizeof host - 1);
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}, zooidctl as user {} on {}; said to be off: {}",
                       fmt::gmtime(now), ::getuid(), host, or_none(p.off));
}

// Conditional on the entry that is replaced.
result<found_entry> write(colony& on, bytes const& key, directory_entry const& next,
                          found_entry const& older) {
    error const meanwhile(errc::conflict, "somebody else changed the directory's entry meanwhile");
    ZOOID_TRY(auto const winner, decide_entry(on, key, next, older));
    if (winner) return meanwhile;
    ZOOID_TRY(auto const written, read_entry(on, key));
    if (!written || !(written->entry == next)) return meanwhile;
    return *written;
}

// Steps 2 and 3.
result<found_entry> decide(colony& on, bytes const& key, fork_state const& f, recovery_plan const& plan,
                           recovery_wish const& wish, digest const& confirmed) {
    directory_entry next;
    next.birth = plan.birth;
    ZOOID_TRY(next.cell, draw_cell_id());
    ZOOID_TRY(next.founders, zooidctl::reserve(on, next.cell, next.birth, ids_of(wish.on)));
    maybe_die(wish.stop_after, "reserve");
    next.origin = fork_origin{plan.from, f.entry.entry.birth, confirmed, {}, words_of(plan)};
    ZOOID_TRY(auto written, write(on, key, next, f.entry));
    maybe_die(wish.stop_after, "directory");
    return written;
}

// An attempt that is taken up may rest on another plan than the one before it. The directory names what was
// confirmed last (Y6), so that the same token takes the last step, too. The words go into the founding
// record, and stay once that is fixed (Z2).
result<found_entry> confirm_again(colony& on, bytes const& key, found_entry const& decided,
                                  recovery_plan const& plan, digest const& confirmed) {
    fork_origin const& origin = *decided.entry.origin;
    if (origin.confirmed == confirmed) return decided;
    directory_entry next = decided.entry;
    next.origin->confirmed = confirmed;
    if (origin.founding == digest{}) next.origin->words = words_of(plan);
    return write(on, key, next, decided);
}

// Step 4.
result<std::vector<survey_answer>> seal_all(colony& on, recovery_plan const& plan, successor_cell const& to) {
    std::vector<survey_answer> told;
    for (server_id server : plan.to_seal) {
        auto const reply = on.ask(operation::seal, server, plan.from, encode(to));
        if (!reply)
            return error(reply.error().code(),
                         fmt::format("server {} is not sealed: {}; run the command again", to_string(server),
                                     reply.error().message()));
        ZOOID_TRY(auto answer, decode_survey_answer(reply.value().payload));
        told.push_back(std::move(answer));
    }
    return told;
}

result<forked_founding> make_founding(colony& on, recovery_plan const& plan,
                                      std::vector<survey_answer> const& told, successor_cell const& to,
                                      bytes const& words) {
    auto const best = best_base(told);
    if (auto const* no = std::get_if<recovery_refusal>(&best)) return error_of(*no);
    auto const& base = std::get<recovery_base>(best);
    ZOOID_TRY(auto const reply, on.ask(operation::kept_state, base.server, plan.from, {}));
    ZOOID_TRY(auto const state, decode_snapshot(reply.payload));
    if (state.at != base.at || (base.at && state.state_digest != base.state_digest))
        return error(errc::damaged, "what a survivor kept is not what it said");
    return found_fork(base, state, to, words);
}

// Step 5. One that was fixed before has to be what comes out again.
result<found_entry> fix_founding(colony& on, bytes const& key, found_entry const& decided,
                                 digest const& founding) {
    digest const& fixed = decided.entry.origin->founding;
    if (fixed == founding) return decided;
    if (fixed != digest{})
        return error(errc::damaged,
                     "the survivors don't say any more what they said when the recovery began");
    directory_entry next = decided.entry;
    next.origin->founding = founding;
    return write(on, key, next, decided);
}

// Step 6. Whoever is missing is taught by the others.
result<std::size_t> found_on_all(colony& on, successor_cell const& to, forked_founding const& f) {
    bytes const record = encode(f);
    member_set founded;
    error last = errc::unreachable;
    for (std::size_t i = 0; i < to.members.size(); ++i) {
        auto const reply = on.ask_for(patience, operation::found_fork, to.members[i].server, to.cell, record);
        if (reply)
            founded.insert(i);
        else
            last = reply.error();
    }
    if (to.members.is_quorum(founded)) return founded.size();
    return error(last.code(), "founded on too few servers: " + last.message() + "; run the command again");
}

// Step 7. Without it the founders are asked, which can tell only as long as a majority of them has it.
result<found_entry> note_founded(colony& on, bytes const& key, found_entry const& there) {
    directory_entry next = there.entry;
    next.origin->is_founded = true;
    return write(on, key, next, there);
}

struct recovered {
    successor_cell to;
    forked_founding founding;
    std::size_t founded_on = 0;
};

result<recovered> carry_out(colony& on, bytes const& key, fork_state const& f, recovery_plan const& plan,
                            recovery_wish const& wish, digest const& confirmed) {
    auto begun =
        f.to ? confirm_again(on, key, f.entry, plan, confirmed) : decide(on, key, f, plan, wish, confirmed);
    ZOOID_TRY(found_entry decided, std::move(begun));
    successor_cell const to{decided.entry.cell, decided.entry.birth, decided.entry.founders};
    ZOOID_TRY(auto const told, seal_all(on, plan, to));
    maybe_die(wish.stop_after, "seal");
    ZOOID_TRY(auto founding, make_founding(on, plan, told, to, decided.entry.origin->words));
    ZOOID_TRY(decided, fix_founding(on, key, decided, hash128(encode(founding))));
    maybe_die(wish.stop_after, "fix");
    ZOOID_TRY(auto const founded_on, found_on_all(on, to, founding));
    maybe_die(wish.stop_after, "found");
    ZOOID_TRY(note_founded(on, key, decided));
    return recovered{to, std::move(founding), founded_on};
}

int show(output const& out, std::string const& key, recovery_plan const& plan, std::string const& token) {
    if (out.as_json) {
        json::object line = json_of(plan);
        line["key"] = support::json_of_key(key);
        line["confirm"] = token;
        fmt::print("{}\n", json::serialize(line));
    } else {
        fmt::print("{}: nothing was changed. A recovery as generation {}\n", key, plan.birth.value);
        print(plan);
        fmt::print("To carry it out: repeat the command with --confirm {}\n", token);
    }
    return exit_rejected;
}

int report(output const& out, std::string const& key, recovered const& r) {
    std::string const words(r.founding.log.back().recovers()->words);
    if (out.as_json) {
        fmt::print("{}\n",
                   json::serialize(json::object{{"key", support::json_of_key(key)},
                                                {"cell", to_string(r.to.cell)},
                                                {"generation", r.to.birth.value},
                                                {"servers", numbers_of(zooidctl::servers_of(r.to.members))},
                                                {"mark_slot", r.founding.end().value},
                                                {"words", words},
                                                {"founded_on", r.founded_on}}));
    } else {
        fmt::print("{}: recovered as generation {}, cell {}, on {} of {} servers; marked in slot {}: {}\n",
                   key, r.to.birth.value, to_string(r.to.cell), r.founded_on, r.to.members.size(),
                   r.founding.end().value, words);
    }
    return exit_done;
}

// What the survey is of depends on it: before the fork is founded, the cell that it goes on from.
void print_begun(output const& out, std::string const& key, fork_state const& f) {
    directory_entry const& e = f.entry.entry;
    if (!out.as_json) return fmt::print("{}\n", unfinished_birth(key, e).detail());
    json::object begun{{"recovery", is_recovery(*e.origin)},
                       {"cell", to_string(e.cell)},
                       {"generation", e.birth.value},
                       {"on", numbers_of(zooidctl::servers_of(e.founders))},
                       {"founded", !f.to}};
    if (is_recovery(*e.origin)) begun["words"] = std::string(e.origin->words);
    fmt::print("{}\n", json::serialize(json::object{{"begun", begun}}));
}

// It is done, and the answer of the command that did it was lost.
int report_done(output const& out, std::string const& key, fork_state const& f) {
    std::string const cell = to_string(f.entry.entry.cell);
    if (out.as_json)
        fmt::print("{}\n", json::serialize(json::object{
                               {"key", support::json_of_key(key)}, {"cell", cell}, {"existed", true}}));
    else
        fmt::print("{}: was recovered as cell {} already\n", key, cell);
    return exit_done;
}

error another_plan() {
    return error(errc::conflict,
                 "that confirms another plan: look at this one, by the command without --confirm");
}

int show_last_step(output const& out, std::string const& key, fork_state const& f) {
    directory_entry const& e = f.entry.entry;
    std::string const token = to_string(e.origin->confirmed);
    if (out.as_json)
        fmt::print("{}\n", json::serialize(json::object{{"key", support::json_of_key(key)},
                                                        {"cell", to_string(e.cell)},
                                                        {"generation", e.birth.value},
                                                        {"founded", true},
                                                        {"confirm", token}}));
    else
        fmt::print("{}: nothing was changed. It was recovered as generation {}, cell {}, and the directory "
                   "does not say so yet.\nTo finish that, repeat the command with --confirm {}\n",
                   key, e.birth.value, to_string(e.cell), token);
    return exit_rejected;
}

// Step 7 alone. It states a fact; so whoever looks is told the token, and who is off is asked no more.
int take_last_step(colony& on, output const& out, std::string const& key, fork_state const& f,
                   std::string const& token) {
    if (token.empty()) return show_last_step(out, key, f);
    if (token != to_string(f.entry.entry.origin->confirmed)) return out.fail(another_plan());
    auto const noted = note_founded(on, key, f.entry);
    return noted ? report_done(out, key, f) : out.fail(noted.error());
}

int plan_and_carry_out(colony& on, output const& out, std::string const& key, fork_state const& f,
                       recovery_wish const& wish) {
    auto const came_to = plan_recovery(survey_all(on, f.from, ids_of(wish.off)), ids_of(wish.off),
                                       f.to ? f.to->cell : cell_id{});
    if (auto const* no = std::get_if<recovery_refusal>(&came_to)) return out.fail(error_of(*no));
    auto const& plan = std::get<recovery_plan>(came_to);
    digest const confirmed = confirmation_of(plan, ids_of(wish.on));
    std::string const token = to_string(confirmed);
    if (wish.confirm.empty()) return show(out, key, plan, token);
    if (wish.confirm != token) return out.fail(another_plan());
    auto const done = carry_out(on, key, f, plan, wish, confirmed);
    return done ? report(out, key, done.value()) : out.fail(done.error());
}

result<void> check_wish(colony& on, recovery_wish const& wish) {
    ZOOID_TRY(check_servers(on, ids_of(wish.on)));
    for (std::uint64_t const server : wish.on) {
        if (std::count(wish.off.begin(), wish.off.end(), server) != 0)
            return error(errc::invalid_argument,
                         fmt::format("server {} is named by --on, and said to be off", server));
    }
    return outcome::success();
}

} // namespace

int survey_cell(colony& on, output const& out, std::string const& key,
                std::vector<std::uint64_t> const& off) {
    auto const f = fork_of(on, key);
    if (!f) return out.fail(f.error());
    if (is_unfinished(f.value().entry.entry)) print_begun(out, key, f.value());
    cell_survey const seen = survey_all(on, f.value().from, ids_of(off));
    for (surveyed_server const& s : seen.servers) {
        if (out.as_json)
            fmt::print("{}\n", json::serialize(json_of(s)));
        else
            print(s);
    }
    auto const came_to = plan_recovery(seen, ids_of(off), f.value().to ? f.value().to->cell : cell_id{});
    auto const* no = std::get_if<recovery_refusal>(&came_to);
    if (no) return out.fail(error_of(*no));
    if (out.as_json)
        fmt::print("{}\n", json::serialize(json_of(std::get<recovery_plan>(came_to))));
    else
        fmt::print("It can be recovered, as generation {}:\n", std::get<recovery_plan>(came_to).birth.value),
            print(std::get<recovery_plan>(came_to));
    return exit_done;
}

int recover_cell(colony& on, output const& out, std::string const& key, recovery_wish const& wish) {
    if (auto const good = check_wish(on, wish); !good) return out.fail(good.error());
    auto const looked = fork_of(on, key);
    if (!looked) return out.fail(looked.error());
    fork_state const& f = looked.value();
    directory_entry const& e = f.entry.entry;
    bool const was_recovered = e.origin && is_recovery(*e.origin);
    bool const unfinished = was_recovered && !e.origin->is_founded;
    if (unfinished && !same_servers(zooidctl::servers_of(e.founders), ids_of(wish.on)))
        return out.fail(unfinished_birth(key, e));
    if (unfinished && !f.to) return take_last_step(on, out, key, f, wish.confirm);
    if (was_recovered && !unfinished && to_string(e.origin->confirmed) == wish.confirm)
        return report_done(out, key, f);
    return plan_and_carry_out(on, out, key, f, wish);
}

} // namespace zooidctl

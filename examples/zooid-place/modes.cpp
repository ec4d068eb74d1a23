#include "modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace zooid_place {
namespace {

namespace outcome_v2 = zooid::outcome;

/// A line on stderr per second, and none for short runs.
class progress {
  public:
    explicit progress(std::size_t total) : total_(total) {}
    void at(std::size_t done, char const* what) {
        if (done % 16 != 0) return;
        auto const now = std::chrono::steady_clock::now();
        if (now - told_ < std::chrono::seconds(1)) return;
        told_ = now;
        std::fprintf(stderr, "%zu of %zu cells %s\n", done, total_, what);
    }

  private:
    std::size_t total_;
    std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

answer as_it_is(topology const& t, cell const& c, objective o) {
    answer a;
    a.members = c.members;
    if (!c.members.empty()) a.unavailable = unavailability_of(t, c, o);
    return a;
}

/// Short without --explain: what happened. Long with it: why.
std::string explain(solver& s, cell const& c, answer const& a, bool full) {
    if (a.refused) {
        auto text = "refused: " + a.refused->reason;
        for (std::size_t i = 0; i < a.refused->conflict.size(); ++i) {
            text += fmt::format("{}{}", i == 0 ? "; conflict: " : ", ", name_of(a.refused->conflict[i]));
        }
        if (!a.refused->cheapest.text.empty()) text += "; cheapest way out: " + a.refused->cheapest.text;
        return text;
    }
    cell placed = c;
    placed.members = a.members;
    if (a.members.empty()) return "not placed";
    if (full) return to_line(s.world(), placed, s.explain(placed));
    auto const what = !a.changed ? std::string("unchanged")
                      : c.members.empty()
                          ? std::string("placed")
                          : fmt::format("{} swap{}", a.steps.size(), a.steps.size() == 1 ? "" : "s");
    return fmt::format("{}; unavailable {:.3g}", what, a.unavailable);
}

zooid::result<void> adopt_all(solver& s, job const& j) {
    for (std::size_t i = 0; i < j.cells.size(); ++i) {
        if (j.cells[i].members.empty()) continue;
        auto const done = s.adopt(j.cells[i]);
        if (!done)
            return zooid::error(done.error().code(), fmt::format("cells[{}].{}", i, done.error().detail()));
    }
    return outcome_v2::success();
}

zooid::result<std::vector<answer>> change_each(solver& s, job const& j) {
    std::vector<answer> answers;
    progress told(j.cells.size());
    for (auto const& c : j.cells) {
        told.at(answers.size(), "placed or checked");
        auto const missing = c.members.empty();
        if (missing != (j.what == mode::place)) {
            answers.push_back(as_it_is(s.world(), c, j.options.minimise));
            continue;
        }
        ZOOID_TRY(auto a, missing ? s.place(c) : s.repair(c));
        answers.push_back(std::move(a));
    }
    return answers;
}

/// The cells as the answers leave them, those without members aside, audited; and what each answer breaks.
audit_report audit_answers(job const& j, outcome& o) {
    std::vector<cell> after;
    std::vector<std::size_t> where;
    for (std::size_t i = 0; i < j.cells.size(); ++i) {
        if (o.answers[i].members.empty()) continue;
        where.push_back(i);
        after.push_back(j.cells[i]);
        after.back().members = o.answers[i].members;
    }
    auto report = audit(j.world.world, after, j.options);
    o.violated.resize(j.cells.size());
    for (std::size_t k = 0; k < where.size(); ++k) {
        o.violated[where[k]] = std::move(report.broken[k]);
    }
    return report;
}

std::string describe(audit_report const& r) {
    return fmt::format(
        "\"cells\": {}, \"floors_violated\": {}, \"replicas_on_draining\": {}, \"replicas_on_failed\": {}, "
        "\"unavailable_mean\": {:.6g}, \"unavailable_p50\": {:.6g}, \"unavailable_p99\": {:.6g}, "
        "\"unavailable_max\": {:.6g}, \"load_max\": {}, \"load_mean\": {:.6g}, "
        "\"servers_over_capacity\": {}, \"servers_with_equal_mix\": {}, \"largest_overlap\": {}",
        r.cells, r.floors_violated, r.on_draining, r.on_failed, r.unavailable_mean, r.unavailable_p50,
        r.unavailable_p99, r.unavailable_max, r.load_max, r.load_mean, r.servers_over_capacity,
        r.servers_with_twin, r.shared.servers);
}

zooid::result<outcome> suppose(solver& s, job const& j) {
    outcome out;
    auto const down = with_failed(j.world.world, j.down);
    auto const b = what_if(j.world.world, j.cells, down);
    std::vector<std::string> verdicts(j.cells.size(), "unharmed");
    auto const mark = [&](std::vector<std::size_t> const& which, char const* verdict) {
        for (auto const i : which) {
            verdicts[i] = verdict;
        }
    };
    mark(b.dead, "dies"), mark(b.lost_margin, "loses margin"),
        mark(b.anchors_gone, "its anchors are gone or separated");
    for (std::size_t i = 0; i < j.cells.size(); ++i) {
        out.answers.push_back(as_it_is(s.world(), j.cells[i], j.options.minimise));
        auto const reached = reachable_under(j.world.world, j.cells[i], down);
        auto text = j.cells[i].members.empty() ? std::string("not placed")
                                               : fmt::format("{}: {} of {} reachable", verdicts[i],
                                                             reached.value_or(0), j.cells[i].size);
        if (j.explain) text += "; " + explain(s, j.cells[i], out.answers[i], true);
        out.explanations.push_back(std::move(text));
    }
    out.summary = fmt::format(
        "{{\"mode\": \"what-if\", \"cells\": {}, \"dead\": {}, \"lost_margin\": {}, \"anchors_gone\": {}}}",
        j.cells.size(), b.dead.size(), b.lost_margin.size(), b.anchors_gone.size());
    audit_answers(j, out);
    return out;
}

} // namespace

zooid::result<outcome> run(job& j) {
    if (j.what != mode::what_if) j.options.down = j.down;
    ZOOID_TRY(auto s, solver::create(j.world.world, j.options));
    ZOOID_TRY(adopt_all(*s, j));
    for (auto const d : j.drained) {
        ZOOID_TRY(s->drain(d));
        j.world.world.servers[d.value].draining = true;
    }
    if (j.what == mode::what_if) return suppose(*s, j);
    outcome out;
    if (j.what == mode::improve) {
        ZOOID_TRY(out.answers, s->improve(j.cells));
    } else if (j.what == mode::audit) {
        for (auto const& c : j.cells) {
            out.answers.push_back(as_it_is(s->world(), c, j.options.minimise));
        }
    } else {
        ZOOID_TRY(out.answers, change_each(*s, j));
    }
    std::size_t changed = 0;
    progress told(j.cells.size());
    for (std::size_t i = 0; i < j.cells.size(); ++i) {
        auto const& a = out.answers[i];
        told.at(i, "explained");
        out.explanations.push_back(explain(*s, j.cells[i], a, j.explain));
        out.refused += a.refused ? 1 : 0, changed += a.changed ? 1 : 0;
    }
    out.summary = fmt::format("{{\"changed\": {}, \"refused\": {}, {}}}", changed, out.refused,
                              describe(audit_answers(j, out)));
    return out;
}

} // namespace zooid_place

// Verdicts: cell by cell; the claimed order first, then the search.
#include "sim/linear_model.hpp"

#include <algorithm>
#include <map>

namespace zooid::sim {

namespace {

std::string reason_of(history const& calls, search_result const& found) {
    std::string text = "after version " + to_string(found.stuck_at) + " none of these can be next: ";
    std::size_t named = 0;
    for (std::size_t const i : found.stuck) {
        if (named == 5) return text + "; and " + std::to_string(found.stuck.size() - named) + " more";
        text += (named++ == 0 ? "" : "; ") + describe(calls[i]);
    }
    return text;
}

/// A call that ends before it begins: no order explains it, and none has to be tried.
call const* impossible(history const& calls) {
    auto const at = std::find_if(calls.begin(), calls.end(),
                                 [](call const& c) { return is_known(c) && c.responded_ns < c.invoked_ns; });
    return at == calls.end() ? nullptr : &*at;
}

void explain(cell_verdict& v, history const& calls, check_options const& options) {
    auto small = smallest_violated(calls, options);
    check_options from_there = options;
    from_there.initial = small.initial;
    v.reason = reason_of(small.calls, search_order(small.calls, from_there));
    v.smallest = std::move(small.calls);
    v.smallest_initial = std::move(small.initial);
}

verdict worse(verdict a, verdict b) {
    if (a == verdict::violated || b == verdict::violated) return verdict::violated;
    return a == verdict::undecided ? a : b;
}

} // namespace

verdict decide_order(history const& calls, check_options const& options, search_result& found) {
    if (options.method == check_method::claimed_order_then_search &&
        claimed_order_holds(calls, options.initial)) {
        return verdict::linearizable;
    }
    if (options.compare == replies::values) {
        // An order that explains whole replies explains their values, and is found sooner.
        check_options whole = options;
        whole.compare = replies::whole;
        found = search_order(calls, whole);
        if (found.decided == verdict::linearizable) return found.decided;
    }
    found = search_order(calls, options);
    return found.decided;
}

std::string_view name_of(verdict v) {
    switch (v) {
    case verdict::linearizable: return "linearizable";
    case verdict::violated: return "violated";
    case verdict::undecided: return "undecided";
    }
    return "unknown";
}

cell_verdict check_cell(history const& calls, check_options const& options) {
    cell_verdict v;
    if (!calls.empty()) v.cell = calls.front().cell;
    if (call const* const c = impossible(calls)) {
        v.decided = verdict::violated;
        v.smallest = {*c};
        v.reason = "it ends before it begins: " + describe(*c);
        return v;
    }
    search_result found;
    v.decided = decide_order(calls, options, found);
    v.steps = found.steps;
    if (v.decided == verdict::violated) explain(v, calls, options);
    if (v.decided == verdict::undecided)
        v.reason = "no order found and none excluded within " + std::to_string(options.steps_max) + " steps";
    return v;
}

check_report check_linearizability(history const& calls, check_options const& options) {
    std::map<std::string, history> by_cell;
    for (call const& c : calls)
        by_cell[c.cell].push_back(c);
    check_report report;
    for (auto const& [name, of_cell] : by_cell) {
        report.cells.push_back(check_cell(of_cell, options));
        report.decided = worse(report.decided, report.cells.back().decided);
    }
    return report;
}

} // namespace zooid::sim

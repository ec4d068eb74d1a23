// Verdicts, and the smallest history behind a bad one.
//
// Linearizable histories are closed under cutting at an instant (what is open there becomes unknown), and
// under leaving out calls that changed nothing. So both can be undone step by step from a violated history,
// and what remains is still evidence. Leaving out commits or unknown calls would not be: others may have seen
// them.
#include "sim/linear_model.hpp"

#include <algorithm>
#include <map>

namespace zooid::sim {

namespace {

verdict decide(history const& calls, check_options const& options, search_result& found) {
    if (options.method == check_method::claimed_order_then_search &&
        claimed_order_holds(calls, options.initial)) {
        return verdict::linearizable;
    }
    found = search_order(calls, options);
    return found.decided;
}

bool violated(history const& calls, check_options const& options) {
    search_result ignored;
    return decide(calls, options, ignored) == verdict::violated;
}

/// What an observer knows at an instant, its responses included.
history cut_after(history const& calls, std::int64_t instant) {
    history seen;
    for (call const& c : calls) {
        if (c.invoked_ns > instant || std::holds_alternative<failed>(c.ended)) continue;
        seen.push_back(c);
        if (is_known(c) && c.responded_ns > instant) seen.back().ended = unknown{};
    }
    return seen;
}

std::vector<std::int64_t> responses(history const& calls) {
    std::vector<std::int64_t> instants;
    for (call const& c : calls)
        if (is_known(c)) instants.push_back(c.responded_ns);
    std::sort(instants.begin(), instants.end());
    instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
    return instants;
}

/// The first instant at which the history is violated: all later cuts are, no earlier one is.
history shortest_cut(history const& calls, check_options const& options) {
    auto const instants = responses(calls);
    std::size_t low = 0;
    std::size_t high = instants.size() - 1; // known to be violated
    while (low < high) {
        std::size_t const middle = low + (high - low) / 2;
        if (violated(cut_after(calls, instants[middle]), options)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return cut_after(calls, instants[high]);
}

/// Leaves out groups of calls that changed nothing, from halves down to single ones.
history without_needless(history calls, check_options const& options) {
    auto const needless = [](call const& c) {
        return is_known(c) ? is_pure(c) : c.kind == call_kind::strict_read;
    };
    for (std::size_t group = calls.size(); group > 0; group /= 2) {
        for (std::size_t from = 0; from < calls.size();) {
            history tried(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(from));
            std::size_t const until = std::min(calls.size(), from + group);
            for (std::size_t i = from; i < until; ++i)
                if (!needless(calls[i])) tried.push_back(calls[i]);
            std::size_t const next = tried.size();
            tried.insert(tried.end(), calls.begin() + static_cast<std::ptrdiff_t>(until), calls.end());
            bool const smaller = tried.size() < calls.size() && violated(tried, options);
            from = smaller ? next : until;
            if (smaller) calls = std::move(tried);
        }
    }
    return calls;
}

history smallest_violated(history const& calls, check_options const& options) {
    if (options.minimise == minimising::off) return calls;
    history small = without_needless(shortest_cut(calls, options), options);
    std::stable_sort(small.begin(), small.end(),
                     [](call const& a, call const& b) { return a.invoked_ns < b.invoked_ns; });
    return small;
}

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
    v.smallest = smallest_violated(calls, options);
    v.reason = reason_of(v.smallest, search_order(v.smallest, options));
}

verdict worse(verdict a, verdict b) {
    if (a == verdict::violated || b == verdict::violated) return verdict::violated;
    return a == verdict::undecided ? a : b;
}

} // namespace

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
    v.decided = decide(calls, options, found);
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

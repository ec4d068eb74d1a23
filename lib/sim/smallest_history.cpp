// The smallest history behind a bad verdict. Each step leaves something out that a linearizable history could
// lose and still be linearizable; so what is violated after it is evidence against the whole.
//
//   1. Cut at an instant: what is open there becomes unknown. The first bad response is found by bisection.
//   2. Begin later: if nobody but known commits can have made versions 1 to v, every order begins with them,
//      and what claims a later version has to be explained from the state that they leave.
//   3. Leave out calls that changed nothing. (Commits and unknown calls must stay: others may have seen
//   them.)
#include "sim/linear_model.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace zooid::sim {

namespace {

class minimiser {
  public:
    minimiser(history const& calls, check_options const& options) : options_(options), calls_(calls) {
        options_.steps_max = std::min(options_.steps_max, steps_each_max);
    }

    small_history run() {
        if (options_.minimise == minimising::off) return {calls_, options_.initial};
        cut_short();
        begin_late();
        leave_out_needless();
        std::sort(calls_.begin(), calls_.end(), [](call const& a, call const& b) {
            return std::make_tuple(a.invoked_ns, a.responded_ns, a.client) <
                   std::make_tuple(b.invoked_ns, b.responded_ns, b.client);
        });
        return {std::move(calls_), options_.initial};
    }

  private:
    // Evidence that is a little too long is better than a verdict that comes too late.
    static constexpr int attempts_max = 400;
    static constexpr std::uint64_t steps_each_max = 20'000;

    bool violated(history const& calls, check_options const& options) {
        search_result ignored;
        return attempts_++ < attempts_max && decide_order(calls, options, ignored) == verdict::violated;
    }

    /// What an observer knows at an instant, its responses included.
    history cut_after(std::int64_t instant) const {
        history seen;
        for (call const& c : calls_) {
            if (c.invoked_ns > instant || std::holds_alternative<failed>(c.ended)) continue;
            seen.push_back(c);
            if (is_known(c) && c.responded_ns > instant) seen.back().ended = unknown{};
        }
        return seen;
    }

    void cut_short() {
        std::vector<std::int64_t> instants;
        for (call const& c : calls_)
            if (is_known(c)) instants.push_back(c.responded_ns);
        std::sort(instants.begin(), instants.end());
        std::size_t low = 0;
        std::size_t high = instants.size() - 1; // known to be violated
        while (low < high) {
            std::size_t const middle = low + (high - low) / 2;
            if (violated(cut_after(instants[middle]), options_)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        calls_ = cut_after(instants[high]);
    }

    /// Known commits by the version that they claim; nothing where two claim the same.
    std::map<version, call const*> commits() const {
        std::map<version, call const*> by_version;
        for (call const& c : calls_) {
            if (!is_known(c) || is_pure(c)) continue;
            auto const [at, is_new] = by_version.emplace(claimed_version(c.ended), &c);
            if (!is_new) at->second = nullptr;
        }
        return by_version;
    }

    /// Runs the commits up to a version; false if one is missing or would have answered otherwise.
    bool run_until(version last, kv::store& state) const {
        auto const by_version = commits();
        while (state.version() < last) {
            auto const at = by_version.find(state.version() + 1);
            if (at == by_version.end() || !at->second) return false;
            if (!is_answer(at->second->ended, answer(state, *at->second), replies::whole)) return false;
        }
        return true;
    }

    bool begin_after(version first) {
        check_options later = options_;
        if (!run_until(first, later.initial)) return false;
        history rest;
        for (call const& c : calls_) {
            bool const gone = is_known(c) && (is_pure(c) ? claimed_version(c.ended) < first
                                                         : claimed_version(c.ended) <= first);
            if (!gone) rest.push_back(c);
        }
        if (!violated(rest, later)) return false;
        calls_ = std::move(rest);
        options_.initial = std::move(later.initial);
        return true;
    }

    /// As late as possible: from the point where the search was stuck, backwards in growing steps.
    void begin_late() {
        if (options_.compare != replies::whole) return;
        version const stuck = search_order(calls_, options_).stuck_at;
        version const origin = options_.initial.version();
        for (std::uint64_t back = 0; (stuck - back) > origin; back = back * 2 + 1)
            if (begin_after(stuck - back)) return;
    }

    static bool is_needless(call const& c) {
        return is_known(c) ? is_pure(c) : c.kind == call_kind::strict_read;
    }

    /// The calls without the needless ones in [from, until).
    history without(std::size_t from, std::size_t until) const {
        history fewer;
        for (std::size_t i = 0; i < calls_.size(); ++i)
            if (i < from || i >= until || !is_needless(calls_[i])) fewer.push_back(calls_[i]);
        return fewer;
    }

    void leave_out_needless() {
        for (std::size_t group = calls_.size(); group > 0; group /= 2) {
            for (std::size_t from = 0; from < calls_.size() && attempts_ < attempts_max;) {
                std::size_t const until = std::min(calls_.size(), from + group);
                history fewer = without(from, until);
                std::size_t const gone = calls_.size() - fewer.size();
                bool const smaller = gone > 0 && violated(fewer, options_);
                from = smaller ? until - gone : until;
                if (smaller) calls_ = std::move(fewer);
            }
        }
    }

    check_options options_;
    history calls_;
    int attempts_ = 0;
};

} // namespace

small_history smallest_violated(history const& calls, check_options const& options) {
    return minimiser(calls, options).run();
}

} // namespace zooid::sim

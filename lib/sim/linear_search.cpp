// The search. A call may be next if no call that is still to be placed responded before it was invoked.
//
//   - A read or rejection that may be next and is answered so is taken at once: it changes nothing, so taking
//     it now excludes no order of the others.
//   - Of commits and unknown calls each that fits is tried. When whole replies are compared, versions count
//     commits, so a commit that claims the next version is the only one that can be next.
//   - An unknown call must agree with what replies tell of the version that it gets (told_versions.hpp), and
//     leave what later ones need (needed_contents.hpp).
//   - Of unknown calls that ask for the same, the one invoked first is placed first: two such can change
//     places in any order that explains the history.
//   - Where the search branches, a pair of (calls placed, state) that was met before is not met again; states
//     count as equal if no call can tell them apart. It is kept as a sum of hashes.
//   - The store is copied only where the search branches.
#include "sim/needed_contents.hpp"
#include "sim/told_versions.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace zooid::sim {

namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
constexpr std::uint64_t placed_seed = 0x706C61636564;

struct digest_hash {
    std::size_t operator()(digest const& d) const { return static_cast<std::size_t>(d.low); }
};

class order_search {
  public:
    order_search(history const& calls, check_options const& options)
        : calls_(calls), options_(options), told_(calls, options.compare),
          needed_(options.compare == replies::whole ? calls : history(), told_, options.initial.version()),
          state_(options.initial), placed_(calls.size(), false), twin_before_(calls.size(), none) {
        for (std::size_t i = 0; i < calls.size(); ++i) {
            bool const open = std::holds_alternative<unknown>(calls[i].ended);
            if (is_known(calls[i])) known_.push_back(i);
            if (open && calls[i].kind == call_kind::transaction) open_.push_back(i);
        }
        auto const by_invocation = [&](std::size_t a, std::size_t b) {
            return std::make_tuple(calls[a].invoked_ns, a) < std::make_tuple(calls[b].invoked_ns, b);
        };
        std::sort(known_.begin(), known_.end(), by_invocation);
        std::sort(open_.begin(), open_.end(), by_invocation);
        index_versions();
        index_twins();
    }

    search_result run() {
        found_.decided = decide();
        found_.steps = steps_;
        return std::move(found_);
    }

  private:
    /// Where the search can turn: a state, and what may be tried there.
    struct branch {
        kv::store state;
        std::size_t trail = 0;
        std::vector<std::size_t> choices;
        std::size_t tried = 0;
    };

    void index_versions() {
        for (std::size_t const i : known_) {
            version const claimed = claimed_version(calls_[i].ended);
            highest_claim_ = std::max(highest_claim_, claimed);
            if (!is_pure(calls_[i])) claimed_commits_.insert(claimed);
        }
    }

    void index_twins() {
        std::map<bytes, std::size_t> last;
        for (std::size_t const i : open_) {
            bytes asked;
            kv::encode(calls_[i].asked, asked);
            auto const [at, is_first] = last.emplace(std::move(asked), i);
            if (!is_first) twin_before_[i] = std::exchange(at->second, i);
        }
    }

    verdict decide() {
        for (;;) {
            take_pure_calls();
            if (known_placed_ == known_.size()) return verdict::linearizable;
            if (steps_ >= options_.steps_max) return verdict::undecided;
            std::vector<std::size_t> choices = find_choices();
            if (choices.size() > 1 && !is_new()) choices.clear();
            if (!choices.empty()) {
                take_first(std::move(choices));
            } else if (!turn_back()) {
                return verdict::violated;
            }
        }
    }

    void take_first(std::vector<std::size_t> choices) {
        std::size_t const first = choices.front();
        if (choices.size() > 1) branches_.push_back({state_, trail_.size(), std::move(choices), 1});
        place(first);
        (void)answer(state_, calls_[first]);
    }

    bool turn_back() {
        note_stuck();
        if (branches_.empty()) return false;
        branch& b = branches_.back();
        while (trail_.size() > b.trail)
            take_back();
        state_ = b.state;
        std::size_t const next = b.choices[b.tried++];
        if (b.tried == b.choices.size()) branches_.pop_back();
        place(next);
        (void)answer(state_, calls_[next]);
        return true;
    }

    /// Fills `window_` with the known calls that may be next, and returns the earliest response among those
    /// to be placed: nothing invoked after it may be next.
    std::int64_t look() {
        window_.clear();
        while (first_ < known_.size() && placed_[known_[first_]])
            ++first_;
        std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
        for (std::size_t k = first_; k < known_.size(); ++k) {
            call const& c = calls_[known_[k]];
            if (c.invoked_ns > earliest) break;
            if (placed_[known_[k]]) continue;
            window_.push_back(known_[k]);
            earliest = std::min(earliest, c.responded_ns);
        }
        return earliest;
    }

    void take_pure_calls() {
        for (bool again = true; again;) {
            again = false;
            look();
            for (std::size_t const i : window_) {
                if (!is_pure(calls_[i]) || !fits_here(i)) continue;
                place(i);
                again = true;
            }
        }
    }

    bool fits_here(std::size_t i) {
        call const& c = calls_[i];
        if (options_.compare == replies::whole && claimed_version(c.ended) != state_.version()) return false;
        ++steps_;
        if (c.kind == call_kind::strict_read)
            return is_answer(c.ended, state_.ask(c.asked), options_.compare);
        kv::store after = state_;
        return is_answer(c.ended, answer(after, c), options_.compare);
    }

    std::vector<std::size_t> find_choices() {
        std::int64_t const earliest = look();
        std::vector<std::size_t> choices;
        if (options_.compare == replies::whole && is_too_late()) return choices;
        for (std::size_t const i : window_)
            if (!is_pure(calls_[i]) && commits_as_told(i)) choices.push_back(i);
        if (options_.compare == replies::whole && !is_gap()) return choices;
        for (std::size_t const i : open_) {
            if (calls_[i].invoked_ns > earliest) break;
            if (!placed_[i] && !has_twin_before(i) && could_commit(i)) choices.push_back(i);
        }
        return choices;
    }

    /// Some call that may be next claims a version that will not come again.
    bool is_too_late() const {
        return std::any_of(window_.begin(), window_.end(), [&](std::size_t i) {
            return claimed_version(calls_[i].ended) <= state_.version();
        });
    }
    /// Nobody was told the next version, but somebody a later one.
    bool is_gap() const {
        version const next = state_.version() + 1;
        return next <= highest_claim_ && claimed_commits_.count(next) == 0;
    }

    bool commits_as_told(std::size_t i) {
        call const& c = calls_[i];
        if (options_.compare == replies::whole && claimed_version(c.ended) != state_.version() + 1)
            return false;
        ++steps_;
        kv::store after = state_;
        return is_answer(c.ended, answer(after, c), options_.compare);
    }

    bool has_twin_before(std::size_t i) const { return twin_before_[i] != none && !placed_[twin_before_[i]]; }

    bool could_commit(std::size_t i) {
        ++steps_;
        kv::store after = state_;
        return std::holds_alternative<kv::committed>(answer(after, calls_[i])) &&
               told_.allow(calls_[i], after) && needed_.allow(after);
    }

    static digest hash_of(std::size_t i) {
        bytes number;
        writer(number).put(std::uint64_t{i});
        return hash128(number, placed_seed);
    }

    bool is_new() {
        digest d = told_.digest_of(state_);
        return met_.insert(d += placed_digest_).second;
    }

    void place(std::size_t i) {
        placed_[i] = true;
        placed_digest_ += hash_of(i);
        known_placed_ += is_known(calls_[i]) ? 1 : 0;
        trail_.push_back(i);
    }

    void take_back() {
        std::size_t const i = trail_.back();
        trail_.pop_back();
        placed_[i] = false;
        placed_digest_ -= hash_of(i);
        known_placed_ -= is_known(calls_[i]) ? 1 : 0;
        first_ = 0;
    }

    /// Remembers what fitted nowhere at the point where most known calls were placed.
    void note_stuck() {
        if (known_placed_ < most_placed_ || (known_placed_ == most_placed_ && !found_.stuck.empty())) return;
        most_placed_ = known_placed_;
        look();
        found_.stuck = window_;
        found_.stuck_at = state_.version();
    }

    history const& calls_;
    check_options const& options_;
    told_versions told_;
    needed_contents needed_;
    kv::store state_;
    std::vector<bool> placed_;
    std::vector<std::size_t> twin_before_; // the unknown call before that asks for the same, or none
    std::vector<std::size_t> known_;       // by invocation
    std::vector<std::size_t> open_;        // by invocation
    std::set<version> claimed_commits_;    // the versions that commits claim
    version highest_claim_;
    std::vector<std::size_t> trail_; // placed, in order
    std::vector<branch> branches_;
    std::vector<std::size_t> window_;
    std::unordered_set<digest, digest_hash> met_;
    digest placed_digest_;
    std::size_t first_ = 0;
    std::size_t known_placed_ = 0;
    std::size_t most_placed_ = 0;
    std::uint64_t steps_ = 0;
    search_result found_;
};

} // namespace

search_result search_order(history const& calls, check_options const& options) {
    return order_search(calls, options).run();
}

} // namespace zooid::sim

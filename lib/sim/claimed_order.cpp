// The order that the versions claim: commits by version, and behind each the reads and rejections that saw
// it. A version that nobody reported is an unknown call's: a gap. Which one is guessed, the first that fits,
// and guessed again where a later reply disagrees: what it contradicts names the keys that some gap got
// wrong. To give up only means that the search has to decide.
#include "sim/told_versions.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

namespace zooid::sim {

namespace {

/// Runs over the known calls that one check may take: each costs about a microsecond and call.
constexpr std::size_t runs_max = 2000;

/// Keys of which two outcomes saw different contents.
std::vector<bytes> keys_in_dispute(kv::outcome const& a, kv::outcome const& b) {
    std::vector<kv::observation> const seen[2] = {shown_in(a), shown_in(b)};
    std::vector<bytes> keys;
    for (int side = 0; side < 2; ++side) {
        for (kv::observation const& e : seen[side]) {
            std::vector<kv::observation> const& other = seen[1 - side];
            if (std::find(other.begin(), other.end(), e) == other.end()) keys.push_back(e.key);
        }
    }
    return keys;
}

bool writes_any(call const& c, std::vector<bytes> const& keys) {
    auto const written = written_keys(c.asked);
    return std::any_of(written.begin(), written.end(), [&](bytes const* key) {
        return std::find(keys.begin(), keys.end(), *key) != keys.end();
    });
}

class claimed_order {
  public:
    claimed_order(history const& calls, kv::store initial) : calls_(calls) {
        for (call const& c : calls) {
            if (is_known(c)) order_.push_back(&c);
            if (std::holds_alternative<unknown>(c.ended) && c.kind == call_kind::transaction)
                open_.push_back(&c);
        }
        call const* const first = calls.data(); // the order in the history decides ties
        std::sort(order_.begin(), order_.end(), [first](call const* a, call const* b) {
            auto const claim = [first](call const* c) {
                return std::make_tuple(claimed_version(c->ended), is_pure(*c), c->invoked_ns, c - first);
            };
            return claim(a) < claim(b);
        });
        std::sort(open_.begin(), open_.end(), [first](call const* a, call const* b) {
            return std::make_tuple(a->invoked_ns, a - first) < std::make_tuple(b->invoked_ns, b - first);
        });
        now_.state = std::move(initial);
    }

    bool holds() {
        run();
        while (now_.next < order_.size())
            if (!guess_again()) return false;
        return true;
    }

  private:
    struct progress {
        kv::store state;
        std::int64_t latest_invocation = std::numeric_limits<std::int64_t>::min();
        std::size_t next = 0; ///< of the known calls
    };
    struct gap {
        progress before;
        call const* filled = nullptr;
    };

    /// From where it stands to the end, or to the first reply that contradicts.
    void run() {
        ++runs_;
        contradicted_.clear();
        while (now_.next < order_.size() && agrees(*order_[now_.next]))
            ++now_.next;
    }

    bool agrees(call const& c) {
        if (!fill_gaps_before(c)) return false;
        if (c.responded_ns < now_.latest_invocation) return false; // real time
        now_.latest_invocation = std::max(now_.latest_invocation, c.invoked_ns);
        kv::outcome const computed = answer(now_.state, c);
        if (is_answer(c.ended, computed, replies::whole)) return true;
        contradicted_ = keys_in_dispute(known_outcome(c.ended), computed);
        return false;
    }

    /// Lets unknown calls take effect until `c` may be next.
    bool fill_gaps_before(call const& c) {
        version const claimed = claimed_version(c.ended);
        version const before = is_pure(c) ? claimed : claimed - 1;
        while (now_.state.version() < before)
            if (!fill_gap(c)) return false;
        return true;
    }

    bool fill_gap(call const& c) {
        std::size_t const nth = gaps_.size();
        call const* const wanted = nth < wanted_.size() ? wanted_[nth] : nullptr;
        if (wanted && take(*wanted, c, fitting::unchecked)) return true;
        for (call const* o : open_)
            if (take(*o, c, fitting::checked)) return true;
        return false;
    }

    enum class fitting { checked, unchecked };

    bool take(call const& o, call const& c, fitting how) {
        auto const taken = [&](gap const& g) { return g.filled == &o; };
        if (o.invoked_ns > c.responded_ns || std::any_of(gaps_.begin(), gaps_.end(), taken)) return false;
        kv::store after = now_.state;
        if (!std::holds_alternative<kv::committed>(answer(after, o))) return false;
        if (how == fitting::checked && !told().allow(o, after)) return false;
        if (how == fitting::checked && is_next(c, after) && !fits(c, after)) return false;
        gaps_.push_back({now_, &o});
        now_.latest_invocation = std::max(now_.latest_invocation, o.invoked_ns);
        now_.state = std::move(after);
        return true;
    }

    /// Most histories have no gap and don't need it.
    told_versions const& told() {
        if (!told_) told_.emplace(calls_, replies::whole);
        return *told_;
    }

    static bool is_next(call const& c, kv::store const& after) {
        version const claimed = claimed_version(c.ended);
        return after.version() == (is_pure(c) ? claimed : claimed - 1);
    }
    static bool fits(call const& c, kv::store after) {
        return is_answer(c.ended, answer(after, c), replies::whole);
    }

    /// Tries other calls in the gaps so far, the latest first, until a run gets further than this one did.
    bool guess_again() {
        std::size_t const stuck = now_.next;
        std::vector<bytes> const keys = contradicted_; // none: any call may be the wrong one
        std::vector<gap> const tried = gaps_;
        for (std::size_t g = tried.size(); g-- > 0;) {
            for (call const* o : open_) {
                call const* const old = tried[g].filled;
                if (o == old) continue;
                if (!keys.empty() && !writes_any(*o, keys) && !writes_any(*old, keys)) continue;
                if (runs_ >= runs_max) return false;
                exchange(tried, g, o);
                run();
                if (now_.next > stuck) return true;
            }
        }
        return false;
    }

    /// Back to gap g, with `o` in it; if `o` had another gap, that one gets what g had.
    void exchange(std::vector<gap> const& tried, std::size_t g, call const* o) {
        wanted_.clear();
        for (gap const& was : tried)
            wanted_.push_back(was.filled == o ? tried[g].filled : was.filled);
        wanted_[g] = o;
        gaps_.assign(tried.begin(), tried.begin() + static_cast<std::ptrdiff_t>(g));
        now_ = tried[g].before;
    }

    history const& calls_;
    std::optional<told_versions> told_;
    progress now_;
    std::vector<call const*> order_;
    std::vector<call const*> open_;
    std::vector<bytes> contradicted_; ///< keys whose contents no order so far explains
    std::vector<gap> gaps_;           ///< filled in this run
    std::vector<call const*> wanted_; ///< what the gaps of this run are to get, if it can be
    std::size_t runs_ = 0;
};

} // namespace

bool claimed_order_holds(history const& calls, kv::store initial) {
    return claimed_order(calls, std::move(initial)).holds();
}

} // namespace zooid::sim

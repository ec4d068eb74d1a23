// The order that the versions claim: commits by version, and behind each the reads and rejections that saw
// it. A version that nobody reported is an unknown call's; the first one that fits is taken. A wrong guess
// there only means that the search has to decide.
#include "sim/linear_model.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace zooid::sim {

namespace {

class claimed_order {
  public:
    claimed_order(history const& calls, kv::store initial) : state_(std::move(initial)) {
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
    }

    bool holds() {
        for (next_ = 0; next_ < order_.size(); ++next_) {
            call const& c = *order_[next_];
            if (!fill_gap_before(c)) return false;
            if (c.responded_ns < latest_invocation_) return false; // real time
            latest_invocation_ = std::max(latest_invocation_, c.invoked_ns);
            if (!is_answer(c.ended, answer(state_, c), replies::whole)) return false;
        }
        return true;
    }

  private:
    /// Lets unknown calls take effect until `c` may be next.
    bool fill_gap_before(call const& c) {
        version const claimed = claimed_version(c.ended);
        version const before = is_pure(c) ? claimed : claimed - 1;
        while (state_.version() < before)
            if (!take_open(c)) return false;
        return true;
    }

    bool take_open(call const& c) {
        for (auto o = open_.begin(); o != open_.end() && (*o)->invoked_ns <= c.responded_ns; ++o) {
            kv::store after = state_;
            if (!std::holds_alternative<kv::committed>(answer(after, **o))) continue;
            if (is_next(c, after) && !fits(c, after)) continue;
            latest_invocation_ = std::max(latest_invocation_, (*o)->invoked_ns);
            state_ = std::move(after);
            open_.erase(o);
            return true;
        }
        return false;
    }

    static bool is_next(call const& c, kv::store const& after) {
        version const claimed = claimed_version(c.ended);
        return after.version() == (is_pure(c) ? claimed : claimed - 1);
    }
    static bool fits(call const& c, kv::store after) {
        return is_answer(c.ended, answer(after, c), replies::whole);
    }

    kv::store state_;
    std::vector<call const*> order_;
    std::vector<call const*> open_;
    std::size_t next_ = 0;
    std::int64_t latest_invocation_ = std::numeric_limits<std::int64_t>::min();
};

} // namespace

bool claimed_order_holds(history const& calls, kv::store initial) {
    return claimed_order(calls, std::move(initial)).holds();
}

} // namespace zooid::sim

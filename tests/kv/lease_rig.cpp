#include "kv/lease_rig.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/kv/store.hpp>

#include <algorithm>
#include <queue>
#include <vector>

namespace zooid::kv {

namespace {

using moment = std::int64_t; ///< true time, in nanoseconds

constexpr moment second = 1'000'000'000;
constexpr std::int64_t rate_one = 1000; ///< rates are from 600 to 1,800: the bound of 3 is met, and just so
constexpr moment the_end = 400 * second;
constexpr std::size_t users = 4;

enum class happens : std::uint8_t { thinks, arrives, answered };
enum class call : std::uint8_t { attempt, observe, release };

struct happening {
    moment at;
    std::uint64_t order;
    happens what;
    std::size_t who;
    std::uint64_t number; ///< of the user's call
    call kind;
    transaction sent;
    std::optional<kv::outcome> how;

    friend bool operator<(happening const& a, happening const& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
};

struct user {
    lease_agent agent;
    std::int64_t rate;
    moment since = 0;
    std::int64_t local = 0;
    moment paused_until = 0;
    std::uint64_t calls = 0;
    bool waits = false; ///< for the end of its last call
    moment gives_up_at = 0;
};

class world {
  public:
    explicit world(std::uint64_t seed) : random_(seed) {
        for (std::size_t i = 0; i < users; ++i) {
            lease_terms const terms{"user " + std::to_string(i),
                                    std::chrono::milliseconds(random_.between(300, 3000))};
            auto const origin = static_cast<std::int64_t>(random_.below(1'000'000)) * second;
            users_.push_back({lease_agent::make("lease", terms).value(), draw_rate(), 0, origin});
            think(i, draw(second));
        }
    }

    lease_world run() {
        while (!queue_.empty() && queue_.top().at < the_end && told_.overlap.empty()) {
            happening next = queue_.top();
            queue_.pop();
            now_ = std::max(now_, next.at);
            carry_out(next);
            look_for_overlap();
        }
        return told_;
    }

  private:
    std::int64_t draw_rate() { return static_cast<std::int64_t>(random_.between(600, 1800)); }
    moment draw(moment width) {
        return static_cast<moment>(random_.below(static_cast<std::uint64_t>(width)));
    }
    time_point clock(user const& u) const {
        return time_point(duration(u.local + (now_ - u.since) * u.rate / rate_one));
    }

    void push(happening h) {
        h.order = ++order_;
        queue_.push(std::move(h));
    }
    void think(std::size_t who, moment after) {
        push({now_ + after, 0, happens::thinks, who, 0, {}, {}, {}});
    }

    void carry_out(happening& h) {
        if (h.what == happens::arrives) return arrive(h);
        user& u = users_[h.who];
        if (u.paused_until > now_) { // it is told when it runs again
            h.at = u.paused_until;
            return push(std::move(h));
        }
        h.what == happens::thinks ? consider(h.who) : hear(h);
    }

    // Now and then something befalls it; else it does what its lease asks for.
    void consider(std::size_t who) {
        user& u = users_[who];
        think(who, draw(second / 4) + 1);
        if (random_.chance(1, 40)) {
            u.local = clock(u).time_since_epoch().count();
            u.since = now_;
            u.rate = draw_rate();
        }
        if (random_.chance(1, 50)) {
            ++told_.pauses;
            u.paused_until = now_ + draw(6 * second);
            return;
        }
        if (u.waits &&
            now_ >= u.gives_up_at) { // it takes part of the calls for unknown, whatever became of them
            ++told_.unknown;
            u.waits = false;
            u.agent.ended_unknown();
        }
        if (u.waits) return;
        time_point const here = clock(u);
        if (u.agent.holds(here) && random_.chance(1, 12)) return send(who, call::release, u.agent.release());
        if (u.agent.holds(here) && random_.chance(1, 2)) return;
        if (here >= u.agent.attempt_at() && random_.chance(4, 5))
            return send(who, call::attempt, u.agent.attempt(here));
        if (random_.chance(1, 2)) send(who, call::observe, u.agent.observe(here));
    }

    void send(std::size_t who, call kind, transaction t) {
        user& u = users_[who];
        u.waits = true;
        u.gives_up_at = now_ + second / 2 + draw(2 * second);
        ++u.calls;
        if (random_.chance(1, 12)) return; // lost
        moment const takes = random_.chance(1, 6) ? draw(5 * second) : draw(second / 20);
        push({now_ + takes, 0, happens::arrives, who, u.calls, kind, std::move(t), {}});
    }

    void arrive(happening& h) {
        bytes reply;
        bytes const command = encode(h.sent);
        if (h.kind == call::observe) {
            store_.query(command, reply);
        } else {
            (void)store_.apply(slot{++slots_}, command, reply);
        }
        if (random_.chance(1, 12)) return; // the answer is lost
        moment const takes = random_.chance(1, 6) ? draw(3 * second) : draw(second / 20);
        push(
            {now_ + takes, 0, happens::answered, h.who, h.number, h.kind, {}, decode_outcome(reply).value()});
    }

    void hear(happening const& h) {
        user& u = users_[h.who];
        if (!u.waits || h.number != u.calls) return; // given up
        u.waits = false;
        bool const held = u.agent.holds(clock(u));
        bool const broke = u.agent.other().has_value();
        if (h.kind == call::observe) (void)u.agent.observed(*h.how, clock(u));
        if (h.kind != call::attempt) return;
        (void)u.agent.ended(*h.how, clock(u));
        if (!std::holds_alternative<committed>(*h.how)) return;
        held ? ++told_.renewals : told_.taken += broke ? 1 : 0;
    }

    void look_for_overlap() {
        std::string who;
        int holders = 0;
        for (user const& u : users_) {
            if (!u.agent.holds(clock(u))) continue;
            ++holders;
            who += (who.empty() ? "" : " and ") + u.agent.terms().holder;
        }
        if (holders > 1) told_.overlap = who + " hold at once after " + std::to_string(now_) + " ns";
    }

    prng random_;
    store store_;
    std::vector<user> users_;
    std::priority_queue<happening> queue_;
    moment now_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t slots_ = 0;
    lease_world told_;
};

} // namespace

lease_world contend(std::uint64_t seed) {
    return world(seed).run();
}

} // namespace zooid::kv

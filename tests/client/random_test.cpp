// Random lives: servers answer anything, links break at any time, and every call still ends once, truthfully.
#include "client/verdict.hpp"
#include "client/world.hpp"

#include <zooid/base/prng.hpp>

#include <cstdlib>

using namespace client_test;

namespace {

class life {
  public:
    explicit life(std::uint64_t seed) : random(seed) {
        w.automatic = false;
        for (int step = 0; step < 400; ++step)
            one_step();
        w.pass(20s);
        for (std::uint64_t id = 1; id <= w.calls; ++id)
            judge({id});
    }

    void one_step() {
        switch (random.below(8)) {
        case 0:
        case 1: return begin();
        case 2: return w.pass(std::chrono::milliseconds(random.below(300)));
        case 3: return w.link_down(server_id{random.between(1, 3)});
        case 4:
            if (w.calls) w.cancel(call_id{random.between(1, w.calls)});
            return;
        default: return answer_something();
        }
    }
    // Each call's command names the call.
    void begin() {
        auto const deadline = w.now + std::chrono::milliseconds(random.between(1, 4000));
        w.start(commit_call(the_cell, kv::transaction().put("k", w.calls + 1), deadline).value());
    }
    void answer_something() {
        if (w.pending.empty()) return;
        auto const at = static_cast<std::ptrdiff_t>(random.below(w.pending.size()));
        seen_request const& s = **(w.pending.begin() + at);
        w.pending.erase(w.pending.begin() + at);
        if (s.r.op == operation::locate)
            return w.answer(s, random.chance(1, 4) ? world::failed(errc::not_here) : w.located());
        if (s.r.op != operation::commit) return w.answer(s, world::done({40}));
        auto const how = random.below(24);
        if (how < 6) {
            applied.insert(s.session().sequence);
            return w.answer_commit(s, kv::request_status::applied, world::committed_body());
        }
        auto const code = static_cast<errc>(how);
        if (verdict_of(code) != verdict::unknown) done_nothing.insert(s.r.correlation);
        w.answer(s, world::failed(code));
    }

    // Once. A value was told by a server; "nothing happened" was said by every server that got a copy.
    void judge(call_id id) {
        REQUIRE(w.ended[id].size() == 1);
        auto const& r = w.ended[id].front();
        std::map<sequence, bytes> envelopes;
        bool any_applied = false;
        for (auto const& s : w.sent) {
            if (s->r.op != operation::commit) continue;
            auto const session = s->session();
            if (session.command != command_of(id)) continue;
            CHECK(envelopes.emplace(session.sequence, bytes(s->r.payload)).first->second == s->r.payload);
            any_applied |= applied.contains(session.sequence);
            bool const harmless = done_nothing.contains(s->r.correlation);
            if (!r && r.error() != errc::outcome_unknown) CHECK(harmless);
        }
        if (r) CHECK(any_applied);
    }
    static bytes command_of(call_id id) { return kv::encode(kv::transaction().put("k", id.value)); }

    world w;
    prng random;
    std::set<sequence> applied;
    std::set<correlation_id> done_nothing;
};

} // namespace

TEST_CASE("whatever servers, links and callers do, each call ends once and says nothing that is not true") {
    char const* const given = std::getenv("ZOOID_SEED");
    std::uint64_t const first = given ? std::strtoull(given, nullptr, 10) : 1;
    for (std::uint64_t seed = first; seed < first + (given ? 1 : 150); ++seed) {
        INFO("replay: ZOOID_SEED=" << seed << " test_client");
        life const l(seed);
        CHECK(l.w.core.is_idle());
        CHECK(l.w.core.statistics().bytes_waiting == 0);
    }
}

#include "sim/workload.hpp"

namespace zooid::sim {

namespace {

kv::transaction read_record() {
    return kv::transaction().read("generation").read("primary").read("replica");
}

// The main job: swap primary and replica of a volume if nobody else did since. Every value is written once.
class failover final : public workload {
  public:
    explicit failover(std::uint64_t client) : client_(client) {}

    intent next(prng& random) override {
        std::uint64_t const dice = random.below(100);
        if (dice < 20) return {intent_kind::strict_read, read_record()};
        if (dice < 30) return {intent_kind::prefix_read, read_record()};
        std::string const primary = "p" + std::to_string(client_) + "." + std::to_string(++count_);
        auto swap = kv::transaction()
                        .require_equal("generation", kv::integer(generation_))
                        .put("replica", primary_)
                        .put("primary", primary)
                        .put("generation", kv::integer(generation_ + 1));
        if (dice < 45) swap.read("replica");
        return {intent_kind::commit, std::move(swap)};
    }

    void learn(intent const& asked, ending const& ended) override {
        if (auto const* c = std::get_if<kv::committed>(&ended)) {
            if (asked.kind == intent_kind::commit) ++generation_;
            if (kv::observation const* g = c->find("generation")) learn_generation(*g);
            kv::observation const* p = c->find("primary");
            if (p && p->content && std::holds_alternative<bytes>(*p->content))
                primary_ = std::get<bytes>(*p->content);
        } else if (auto const* r = std::get_if<kv::rejected>(&ended)) {
            learn_generation(r->met);
        }
    }

  private:
    void learn_generation(kv::observation const& seen) {
        if (!seen.content) return;
        if (auto const* n = std::get_if<kv::integer>(&*seen.content)) generation_ = n->to_int64().value_or(0);
    }

    std::uint64_t client_;
    std::uint64_t count_ = 0;
    std::int64_t generation_ = 0;
    bytes primary_ = "a";
};

// Adds that are retried: each must count once. What a client knows of its own last add is a key of its own.
class counter final : public workload {
  public:
    explicit counter(std::uint64_t client) : own_("client." + std::to_string(client)) {}

    intent next(prng& random) override {
        std::uint64_t const dice = random.below(100);
        auto const both = kv::transaction().read("total").read(own_);
        if (dice < 15) return {intent_kind::strict_read, both};
        if (dice < 22) return {intent_kind::prefix_read, both};
        auto one = kv::transaction().add("total", kv::integer(1)).add(own_, kv::integer(1));
        if (dice < 40) one.put("note." + own_, bytes(random.below(200), 'n'));
        return {intent_kind::commit, std::move(one)};
    }
    void learn(intent const&, ending const&) override {}

  private:
    std::string own_;
};

// Swaps are conditional; adds are adds.
bool changes(workload_kind kind, kv::transaction const& t) {
    if (kind == workload_kind::failover) return !t.conditions().empty();
    return !t.operations().empty() && std::holds_alternative<kv::add>(t.operations().front());
}

std::int64_t number_in(kv::committed const& state, char const* key) {
    kv::observation const* seen = state.find(key);
    if (!seen || !seen->content) return 0;
    auto const* n = std::get_if<kv::integer>(&*seen->content);
    return n ? n->to_int64().value_or(-1) : -1;
}

} // namespace

std::unique_ptr<workload> make_workload(workload_kind kind, std::uint64_t client) {
    if (kind == workload_kind::counter) return std::make_unique<counter>(client);
    return std::make_unique<failover>(client);
}

kv::transaction setup_of(workload_kind kind) {
    if (kind == workload_kind::counter) return kv::transaction().add("total", kv::integer(0));
    return kv::transaction()
        .require_absent("generation")
        .put("generation", kv::integer(0))
        .put("primary", "a")
        .put("replica", "b");
}

kv::transaction final_question(workload_kind kind) {
    return kind == workload_kind::counter ? kv::transaction().read("total") : read_record();
}

std::string check_workload(workload_kind kind, history const& calls, kv::committed const& final_state) {
    std::int64_t done = 0;
    std::int64_t possible = 0;
    for (call const& c : calls) {
        if (c.kind != call_kind::transaction || !changes(kind, c.asked)) continue;
        if (std::holds_alternative<kv::committed>(c.ended)) ++done;
        if (std::holds_alternative<unknown>(c.ended)) ++possible;
    }
    --done; // the setup, which leaves 0
    std::int64_t const found =
        number_in(final_state, kind == workload_kind::counter ? "total" : "generation");
    if (found >= done && found <= done + possible) return {};
    return "it counts " + std::to_string(found) + ", and " + std::to_string(done) +
           " changes were acknowledged, " + std::to_string(possible) + " more may have happened";
}

} // namespace zooid::sim

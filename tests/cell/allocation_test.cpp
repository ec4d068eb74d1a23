// What a step allocates once it is warm: an acceptor nothing, a proposer what a transaction keeps.
//
// The global operators are replaced to count; they count inside of a step only.
#include "support/catch.hpp"

#include <zooid/cell/replica.hpp>

#include <cstdlib>
#include <new>
#include <utility>

using namespace zooid;

namespace {

bool counting = false;
std::size_t allocations = 0;

void* allocate(std::size_t size) {
    if (counting) ++allocations;
    if (void* const p = std::malloc(size == 0 ? 1 : size)) return p;
    throw std::bad_alloc();
}

} // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void* operator new[](std::size_t size) {
    return allocate(size);
}
// All forms, or memory of one allocator would be given back to another: std::stable_sort uses this one.
void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
    if (counting) ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* p) noexcept {
    std::free(p);
}
void operator delete[](void* p) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
    std::free(p);
}

namespace {

constexpr std::size_t replicas = 7;

snapshot founding() {
    std::vector<member> all;
    for (std::uint64_t n = 1; n <= replicas; ++n)
        all.push_back({{n}, {n, n}, {n + 100}});
    return {cell_id{1, 1}, "volume", {1}, 1, 3, slot{0}, {{slot{1}, configuration(all)}}, {}, {}};
}

liveness all_well(member const& self, configuration const& members) {
    liveness servers(self.server, {self.server.value});
    for (member const& other : members.members()) {
        if (other == self) continue;
        peer_liveness& peer = servers.at(other.server);
        peer.both_ways = true, peer.answered = {other.journal};
        peer.life = {other.server.value};
        for (member const& m : members.members())
            peer.hears.push_back(m.server);
    }
    return servers;
}

// One replica whose host applies at once and flushes at once.
class lone_replica {
  public:
    explicit lone_replica(std::size_t index)
        : members_(founding().configurations.front().members), self_(members_[index]),
          servers_(all_well(self_, members_)),
          replica_(replica::found(founding(), {self_, {self_.server.value}, index + 1}, {})) {}

    void step(event const& what) {
        effects& out = out_[depth_++];
        counting = true;
        replica_.step({now_, servers_}, what, out);
        counting = false;
        deliveries_ += out.deliver.size();
        checkpoints_ += out.want_snapshot ? 1 : 0;
        send(out.now);
        send(out.after_durable);
        if (out.tell_when_durable) step(persisted{*out.tell_when_durable});
        if (!out.deliver.empty()) step(applied{out.deliver.back().at, {}});
        if (out.want_snapshot) step(snapshot_taken{replica_.applied_slot(), shared_bytes("state"), {}});
        --depth_;
    }
    void hear(std::size_t from, message content) {
        step(received{members_[from].server, members_[from].replica, std::move(content)});
    }
    void advance(duration by) {
        now_ += by;
        if (replica_.deadline() <= now_) step(woken{});
    }

    replica& here() { return replica_; }
    /// What was said to others since the last call.
    std::vector<outgoing> said() { return std::exchange(said_, {}); }
    std::size_t deliveries() const { return deliveries_; }
    std::size_t checkpoints() const { return checkpoints_; }

  private:
    void send(std::vector<outgoing> const& out) {
        for (outgoing const& o : out)
            o.to == self_ ? step(received{self_.server, self_.replica, o.content}) : said_.push_back(o);
    }

    configuration members_;
    member self_;
    liveness servers_;
    replica replica_;
    effects out_[8];
    std::size_t depth_ = 0;
    time_point now_{std::chrono::seconds(1000)};
    std::vector<outgoing> said_;
    std::size_t deliveries_ = 0;
    std::size_t checkpoints_ = 0;
};

entry a_batch(std::uint64_t n) {
    shared_bytes const command(bytes(256, static_cast<char>('a' + n % 26)));
    return entry::batch({&command, 1});
}

// Answers for the members 1 to 3 whatever the proposer asks, until it asks no more.
void answer(lone_replica& proposer) {
    for (auto asked = proposer.said(); !asked.empty(); asked = proposer.said()) {
        for (outgoing const& o : asked) {
            std::size_t const from = o.to.server.value - 1;
            if (from > 3) continue;
            if (auto const* c = std::get_if<canvass>(&o.content))
                proposer.hear(from, canvassed{c->attempt, {}, {}});
            if (auto const* p = std::get_if<prepare>(&o.content))
                proposer.hear(from, promise{p->in, slot{0}, {}});
            if (auto const* a = std::get_if<accept>(&o.content))
                proposer.hear(from, accepted{a->in, a->at, a->value.value_digest(), a->chosen});
        }
    }
}

void commit_one(lone_replica& proposer, std::uint64_t n) {
    proposer.step(propose{token{n}, shared_bytes(bytes(256, 'v'))});
    answer(proposer);
}

void elect(lone_replica& candidate) {
    commit_one(candidate, 1'000'000);
    for (int tries = 0; tries < 100 && candidate.deliveries() == 0; ++tries) {
        candidate.advance(std::chrono::milliseconds(10));
        answer(candidate);
    }
    REQUIRE(candidate.here().role() == role::leading);
}

} // namespace

TEST_CASE("an acceptor that is warm accepts, learns and delivers without an allocation") {
    lone_replica acceptor(1);
    ballot const in{{1}, {1}, {1}};
    acceptor.hear(0, prepare{in, slot{1}});
    std::uint64_t at = 1;
    for (; acceptor.checkpoints() < 4; ++at)
        acceptor.hear(0, accept{in, slot{at}, slot{at - 1}, a_batch(at)});
    std::size_t const before = acceptor.deliveries();
    std::size_t const checkpoints = acceptor.checkpoints();
    allocations = 0;
    for (int n = 0; n < 100; ++n, ++at)
        acceptor.hear(0, accept{in, slot{at}, slot{at - 1}, a_batch(at)});
    CHECK(acceptor.deliveries() == before + 100);
    CHECK(acceptor.checkpoints() == checkpoints); // a checkpoint may allocate
    CHECK(allocations == 0);
}

// The entry of the log and the list of its callers are kept; a block of a queue now and then is not.
TEST_CASE("a proposer that is warm allocates for a transaction what it keeps, and not for its messages") {
    constexpr std::size_t transactions = 100;
    constexpr std::size_t kept_by_each = 5;
    lone_replica proposer(0);
    elect(proposer);
    std::uint64_t n = 0;
    while (proposer.checkpoints() < 4)
        commit_one(proposer, ++n);
    std::size_t const before = proposer.deliveries();
    allocations = 0;
    for (std::size_t i = 0; i < transactions; ++i)
        commit_one(proposer, ++n);
    CHECK(proposer.deliveries() == before + transactions);
    INFO(static_cast<double>(allocations) / transactions << " for each transaction");
    CHECK(allocations <= kept_by_each * transactions + transactions / 4);
}

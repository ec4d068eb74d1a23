#include "support/catch.hpp"

#include "kv/generate.hpp"

#include <zooid/base/limits.hpp>
#include <zooid/kv/store.hpp>

#include <algorithm>
#include <map>

using namespace zooid;
using kv::integer;
using kv::observation;
using kv::rejection;
using kv::transaction;
using kv::value;

namespace {

/// The store as anybody would write it first: copy everything, change the copy, keep it or not.
class naive_store {
  public:
    kv::outcome run(transaction const& t) {
        for (std::size_t i = 0; i < t.conditions().size(); ++i) {
            observation const met = see(entries_, key_of(t.conditions()[i]));
            if (!holds(t.conditions()[i], met))
                return kv::rejected{
                    rejection::condition_failed, static_cast<std::uint32_t>(i), met, {count_}};
        }
        auto copy = entries_;
        kv::committed done{{count_ + 1}, {}};
        for (std::size_t i = 0; i < t.operations().size(); ++i) {
            auto const index = static_cast<std::uint32_t>(i);
            if (auto refused = execute(copy, t.operations()[i], index, done)) return *refused;
        }
        entries_ = copy;
        ++count_;
        return done;
    }

    std::map<bytes, std::pair<value, std::uint64_t>> entries_;

  private:
    using map = std::map<bytes, std::pair<value, std::uint64_t>>;

    static observation see(map const& m, bytes const& key) {
        auto const at = m.find(key);
        return at == m.end() ? observation{key, std::nullopt, {}}
                             : observation{key, at->second.first, {at->second.second}};
    }
    static bytes key_of(kv::condition const& c) {
        return std::visit([](auto const& any) { return any.key; }, c);
    }
    static bool holds(kv::condition const& c, observation const& met) {
        if (auto const* e = std::get_if<kv::equals>(&c)) return met.content && *met.content == e->expected;
        if (std::get_if<kv::absent>(&c)) return !met.content;
        if (std::get_if<kv::exists>(&c)) return met.content.has_value();
        if (auto const* u = std::get_if<kv::unchanged>(&c)) return met.version == u->since;
        auto const& k = std::get<kv::compares>(c);
        if (!met.content || !std::holds_alternative<integer>(*met.content)) return false;
        auto const order = std::get<integer>(*met.content) <=> k.operand;
        switch (k.how) {
        case kv::comparison::less: return order < 0;
        case kv::comparison::less_equal: return order <= 0;
        case kv::comparison::greater: return order > 0;
        case kv::comparison::greater_equal: return order >= 0;
        default: return order != 0;
        }
    }
    std::optional<kv::rejected> execute(map& m, kv::operation const& o, std::uint32_t index,
                                        kv::committed& done) const {
        if (auto const* p = std::get_if<kv::put>(&o)) m[p->key] = {p->content, count_ + 1};
        if (auto const* e = std::get_if<kv::erase>(&o)) m.erase(e->key);
        if (auto const* r = std::get_if<kv::read>(&o)) done.results.push_back({index, {see(m, r->key)}});
        if (auto const* s = std::get_if<kv::scan>(&o)) {
            done.results.push_back({index, {}});
            for (auto const& [key, ignored] : m)
                if (key.substr(0, s->prefix.size()) == s->prefix)
                    done.results.back().entries.push_back(see(m, key));
        }
        auto const* a = std::get_if<kv::add>(&o);
        if (!a) return std::nullopt;
        observation const met = see(m, a->key);
        if (met.content && !std::holds_alternative<integer>(*met.content))
            return kv::rejected{rejection::not_an_integer, index, met, {count_}};
        auto const total = sum(met.content ? std::get<integer>(*met.content) : integer(), a->amount);
        if (!total) return kv::rejected{rejection::integer_too_large, index, met, {count_}};
        m[a->key] = {*total, count_ + 1};
        done.results.push_back({index, {see(m, a->key)}});
        return std::nullopt;
    }

    std::uint64_t count_ = 0;
};

bytes snapshot_of(state_machine const& m) {
    bytes out;
    m.snapshot(out);
    return out;
}

kv::store random_store(std::uint64_t seed) {
    kv::test::generator random(seed);
    kv::store s;
    for (int i = 0; i < 40; ++i)
        (void)s.run(random.any_transaction());
    return s;
}

} // namespace

TEST_CASE("the store does what the naive model does, over long random histories") {
    std::uint64_t const first = kv::test::seed_of_run(1);
    for (std::uint64_t seed = first; seed < first + 60; ++seed) {
        INFO(kv::test::replay_hint(seed));
        kv::test::generator random(seed);
        kv::store real;
        naive_store model;
        for (int i = 0; i < 200; ++i) {
            transaction const t = random.any_transaction();
            REQUIRE(real.run(t) == model.run(t));
            REQUIRE(real.size() == model.entries_.size());
        }
    }
}

TEST_CASE("apply and run, query and ask answer alike") {
    kv::test::generator random(7);
    kv::store by_bytes;
    kv::store by_value;
    for (std::uint64_t i = 1; i < 500; ++i) {
        transaction const t = random.any_transaction();
        bytes answer;
        by_bytes.query(kv::encode(t), answer);
        CHECK(kv::decode_outcome(answer).value() == by_value.ask(t));
        bytes reply;
        REQUIRE(by_bytes.apply({i}, kv::encode(t), reply));
        CHECK(kv::decode_outcome(reply).value() == by_value.run(t));
        REQUIRE(by_bytes.state_digest() == by_value.state_digest());
    }
}

TEST_CASE("a restored store is equal in state, digest, bytes and all further replies") {
    for (std::uint64_t seed = 1; seed < 30; ++seed) {
        INFO(kv::test::replay_hint(seed));
        kv::store original = random_store(seed);
        kv::store restored;
        (void)restored.run(transaction().put("leftover", 1));
        REQUIRE(restored.restore(snapshot_of(original)));
        CHECK(restored == original);
        CHECK(restored.state_digest() == original.state_digest());
        CHECK(restored.state_bytes() == original.state_bytes());
        CHECK(snapshot_of(restored) == snapshot_of(original));
        kv::test::generator random(seed + 1000);
        for (int i = 0; i < 20; ++i) {
            transaction const t = random.any_transaction();
            CHECK(restored.run(t) == original.run(t));
        }
        CHECK(restored.state_digest() == original.state_digest());
    }
}

TEST_CASE("digest and bytes do not depend on the order in which keys came") {
    std::vector<bytes> keys{"a", "b", "c", "d", "e"};
    transaction in_order;
    for (bytes const& k : keys)
        in_order.put(k, k + k);
    kv::store reference;
    (void)reference.run(in_order);
    do {
        transaction t;
        for (bytes const& k : keys)
            t.put(k, "soon replaced").put(k, k + k).put(k + "x", 1).erase(k + "x");
        kv::store s;
        (void)s.run(t);
        CHECK(s.state_digest() == reference.state_digest());
        CHECK(snapshot_of(s) == snapshot_of(reference));
    } while (std::next_permutation(keys.begin(), keys.end()));
}

TEST_CASE("stores that differ in a value, a type, a version or the count differ in their digest") {
    auto after = [](std::vector<transaction> history) {
        kv::store s;
        for (transaction& t : history)
            (void)s.run(std::move(t));
        return s.state_digest();
    };
    digest const base = after({transaction().put("a", 1), transaction()});
    CHECK(base != after({transaction().put("a", 2), transaction()}));
    CHECK(base != after({transaction().put("a", "\1"), transaction()}));
    CHECK(base != after({transaction(), transaction().put("a", 1)}));
    CHECK(base != after({transaction().put("a", 1)}));
    CHECK(base == after({transaction().put("a", 1).put("b", 1).erase("b"), transaction()}));
}

TEST_CASE("the digest of one known state is this one, with every compiler and for ever") {
    kv::store s;
    (void)s.run(transaction().put("generation", 7).put("primary", "server-a").put("sealed", false));
    CHECK(to_string(s.state_digest()) == "23a569ebc4ee687f50673f1c1f852c53");
}

TEST_CASE("a damaged snapshot is refused or is another canonical one, and a refusal changes nothing") {
    kv::store const original = random_store(5);
    bytes const good = snapshot_of(original);
    kv::store target = random_store(6);
    kv::store const before = target;
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        REQUIRE_FALSE(target.restore(bytes_view(good).substr(0, cut)));
        REQUIRE(target == before);
    }
    for (std::size_t bit = 0; bit < std::min<std::size_t>(good.size(), 400) * 8; ++bit) {
        bytes flipped = good;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        kv::store other = before;
        if (other.restore(flipped)) {
            REQUIRE(snapshot_of(other) == flipped);
        } else {
            REQUIRE(other == before);
        }
    }
    bytes newer = good;
    newer[1] = 2;
    CHECK(target.restore(newer).error() == errc::unsupported_version);
}

TEST_CASE("a snapshot with an entry that is newer than the store's count of commits is refused") {
    kv::store s;
    (void)s.run(transaction().put("old", 1));
    (void)s.run(transaction().put("new", 2));
    bytes younger = snapshot_of(s);
    REQUIRE(younger[2] == 2); // the count, behind kind and version
    younger[2] = 1;
    kv::store target;
    CHECK(target.restore(younger).error() == errc::malformed);
    CHECK(target.size() == 0);
}

TEST_CASE("a store of three short keys takes less than half a kilobyte") {
    kv::store s;
    (void)s.run(transaction().put("generation", 7).put("primary", "a").put("replica", "b"));
    CHECK(s.memory_bytes() < 512);
}

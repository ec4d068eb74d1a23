// One transaction against one sorted vector.
//
// Operations write in place and keep what they overwrote; a transaction that cannot commit puts it back. The
// usual transaction commits, and then costs no copy of the state.
#include <zooid/kv/store.hpp>

#include <zooid/base/limits.hpp>

#include "kv/format.hpp"
#include "kv/store_change.hpp"

#include <algorithm>

namespace zooid::kv {

namespace {

constexpr std::uint64_t entry_seed = 0x656E747279; // digests of entries and of the count are unrelated
constexpr std::uint64_t version_seed = 0x76657273;

auto lower_bound(auto& entries, bytes_view key) {
    return std::lower_bound(entries.begin(), entries.end(), key,
                            [](observation const& e, bytes_view k) { return bytes_view(e.key) < k; });
}

observation const* find(std::vector<observation> const& entries, bytes_view key) {
    auto const at = lower_bound(entries, key);
    return at != entries.end() && at->key == key ? &*at : nullptr;
}

observation observe(std::vector<observation> const& entries, bytes_view key) {
    observation const* const found = find(entries, key);
    return found ? *found : observation{bytes(key), std::nullopt, {}};
}

bool compare(integer const& n, comparison how, integer const& operand) {
    switch (how) {
    case comparison::less: return n < operand;
    case comparison::less_equal: return n <= operand;
    case comparison::greater: return n > operand;
    case comparison::greater_equal: return n >= operand;
    case comparison::not_equal: return n != operand;
    }
    return false;
}

/// Whether a condition holds for what its key holds; null for an absent key.
struct judging {
    observation const* found;

    bool operator()(equals const& c) const { return found && *found->content == c.expected; }
    bool operator()(absent const&) const { return !found; }
    bool operator()(exists const&) const { return found; }
    bool operator()(compares const& c) const {
        auto const* const n = found ? std::get_if<integer>(&*found->content) : nullptr;
        return n && compare(*n, c.how, c.operand);
    }
    bool operator()(unchanged const& c) const { return (found ? found->version : version()) == c.since; }
};

bytes const& key_of(condition const& c) {
    return std::visit([](auto const& any) -> bytes const& { return any.key; }, c);
}

std::optional<rejected> first_failed(std::vector<condition> const& conditions,
                                     std::vector<observation> const& entries, version at) {
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        bytes const& key = key_of(conditions[i]);
        if (std::visit(judging{find(entries, key)}, conditions[i])) continue;
        return rejected{rejection::condition_failed, static_cast<std::uint32_t>(i), observe(entries, key),
                        at};
    }
    return std::nullopt;
}

/// Collects what reads, scans and adds find, up to the limit on results.
class collector {
  public:
    collector(std::vector<observation> const& entries, std::vector<operation_result>& results)
        : entries_(entries), results_(results) {}

    bool read(std::uint32_t index, bytes_view key) {
        observation seen = observe(entries_, key);
        return start(index) && take(std::move(seen));
    }
    bool scan(std::uint32_t index, bytes_view prefix) {
        start(index);
        for (auto at = lower_bound(entries_, prefix); at != entries_.end() && at->key.starts_with(prefix);
             ++at)
            if (!take(*at)) return false;
        return true;
    }

  private:
    bool start(std::uint32_t index) { return results_.push_back({index, {}}), true; }
    bool take(observation seen) {
        size_ += encoded_size(seen);
        if (size_ > limits::result_bytes_max) return false;
        results_.back().entries.push_back(std::move(seen));
        return true;
    }

    std::vector<observation> const& entries_;
    std::vector<operation_result>& results_;
    std::size_t size_ = 0;
};

rejection refusal_of(error const& e) {
    return e == errc::too_large ? rejection::over_limit : rejection::malformed;
}

} // namespace

digest store_change::digest_of(observation const& e) {
    scratch_.clear();
    writer w(scratch_);
    encode(w, e);
    return hash128(scratch_, entry_seed);
}

void store_change::account(observation const& e) {
    store_.state_bytes_ += encoded_size(e);
    store_.entries_digest_ += digest_of(e);
}

void store_change::discount(observation const& e) {
    store_.state_bytes_ -= encoded_size(e);
    store_.entries_digest_ -= digest_of(e);
}

void store_change::set(bytes&& key, value&& content) {
    auto& entries = store_.entries_;
    auto at = lower_bound(entries, key);
    bool const there = at != entries.end() && at->key == key;
    if (there) {
        discount(*at);
        undo_.push_back({bytes(), std::move(*at)});
    } else {
        undo_.push_back({key, std::nullopt});
        at = entries.insert(at, observation());
    }
    *at = observation{std::move(key), std::move(content), version_};
    account(*at);
}

void store_change::remove(bytes_view key) {
    auto const at = lower_bound(store_.entries_, key);
    if (at == store_.entries_.end() || at->key != key) return;
    discount(*at);
    undo_.push_back({bytes(), std::move(*at)});
    store_.entries_.erase(at);
}

void store_change::put_back(step&& s) {
    auto& entries = store_.entries_;
    bytes_view const key = s.before ? s.before->key : s.key;
    auto at = lower_bound(entries, key);
    bool const there = at != entries.end() && at->key == key;
    if (!s.before) {
        entries.erase(at);
    } else if (there) {
        *at = std::move(*s.before);
    } else {
        entries.insert(at, std::move(*s.before));
    }
}

store_change::~store_change() {
    if (kept_) return;
    for (; !undo_.empty(); undo_.pop_back())
        put_back(std::move(undo_.back()));
    store_.state_bytes_ = bytes_before_;
    store_.entries_digest_ = digest_before_;
}

namespace {

/// Executes operations in order; the first that cannot be done ends it.
struct executor {
    store_change& change;
    std::vector<observation> const& entries;
    collector found;
    std::uint32_t index = 0;
    std::optional<rejected> refused{};

    bool refuse(rejection why, observation met = {}) {
        refused = rejected{why, index, std::move(met), {}};
        return false;
    }
    bool operator()(put& o) { return change.set(std::move(o.key), std::move(o.content)), true; }
    bool operator()(erase& o) { return change.remove(o.key), true; }
    bool operator()(read& o) { return found.read(index, o.key) || refuse(rejection::result_too_large); }
    bool operator()(scan& o) { return found.scan(index, o.prefix) || refuse(rejection::result_too_large); }
    bool operator()(add& o) {
        observation const* const before = find(entries, o.key);
        static integer const zero;
        integer const* const n = before ? std::get_if<integer>(&*before->content) : &zero;
        if (!n) return refuse(rejection::not_an_integer, *before);
        auto total = sum(*n, o.amount);
        if (!total) return refuse(rejection::integer_too_large, observe(entries, o.key));
        change.set(bytes(o.key), std::move(*total));
        return found.read(index, o.key) || refuse(rejection::result_too_large);
    }
};

} // namespace

store::store() = default;

kv::outcome store::run(transaction t) {
    if (auto failed = first_failed(t.conditions(), entries_, version_)) return std::move(*failed);
    committed done{version_ + 1, {}};
    store_change change(*this, done.version);
    executor execute{change, entries_, collector(entries_, done.results)};
    for (operation& o : t.operations()) {
        if (!std::visit(execute, o)) {
            execute.refused->version = version_;
            return std::move(*execute.refused);
        }
        ++execute.index;
    }
    if (state_bytes_ > limits::cell_state_bytes_max)
        return rejected{rejection::state_too_large, 0, {}, version_};
    change.keep();
    version_ = done.version;
    return done;
}

kv::outcome store::ask(transaction const& t) const {
    if (auto failed = first_failed(t.conditions(), entries_, version_)) return std::move(*failed);
    committed done{version_, {}};
    collector found(entries_, done.results);
    for (std::uint32_t i = 0; i < t.operations().size(); ++i) {
        auto const* const r = std::get_if<read>(&t.operations()[i]);
        auto const* const s = std::get_if<scan>(&t.operations()[i]);
        if (!r && !s) return rejected{rejection::not_read_only, i, {}, version_};
        bool const fits = r ? found.read(i, r->key) : found.scan(i, s->prefix);
        if (!fits) return rejected{rejection::result_too_large, i, {}, version_};
    }
    return done;
}

bool store::apply(slot, bytes_view command, bytes& reply) {
    auto decoded = decode_transaction(command);
    if (!decoded && decoded.error() == errc::unsupported_version) return false;
    encode(decoded ? run(std::move(decoded).value())
                   : kv::outcome(rejected{refusal_of(decoded.error()), 0, {}, version_}),
           reply);
    return true;
}

void store::query(bytes_view query, bytes& reply) const {
    auto const decoded = decode_transaction(query);
    encode(decoded ? ask(decoded.value())
                   : kv::outcome(rejected{refusal_of(decoded.error()), 0, {}, version_}),
           reply);
}

digest store::state_digest() const {
    bytes count;
    writer(count).put(version_);
    digest d = entries_digest_;
    return d += hash128(count, version_seed);
}

void store::snapshot(bytes& out) const {
    writer w(out);
    out.reserve(out.size() + 14 + state_bytes_);
    put_header(w, kind::store_snapshot);
    w.put(version_);
    w.put(static_cast<std::uint32_t>(entries_.size()));
    for (observation const& e : entries_)
        encode(w, e);
}

namespace {

/// What no store can hold: an absent entry, a version out of range, a key or value over its limit.
bool possible(observation const& e, version newest) {
    auto const* const content = e.content ? std::get_if<bytes>(&*e.content) : nullptr;
    return e.content && e.version && e.version <= newest && e.key.size() <= limits::key_bytes_max &&
           (!content || content->size() <= limits::value_bytes_max);
}

} // namespace

result<void> store::restore(bytes_view snapshot) {
    reader in(snapshot);
    ZOOID_TRY(expect_header(in, kind::store_snapshot));
    store fresh;
    in.get(fresh.version_);
    auto const count = in.get<std::uint32_t>();
    store_change change(fresh, fresh.version_);
    change.keep();
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        observation e = decode_observation(in);
        bool const in_order = fresh.entries_.empty() || fresh.entries_.back().key < e.key;
        if (in.failed() || !in_order || !possible(e, fresh.version_)) return errc::malformed;
        change.account(e);
        if (fresh.state_bytes_ > limits::cell_state_bytes_max) return errc::malformed;
        fresh.entries_.push_back(std::move(e));
    }
    if (!in.complete()) return errc::malformed;
    fresh.entries_.shrink_to_fit();
    *this = std::move(fresh);
    return zooid::outcome::success();
}

std::size_t store::memory_bytes() const {
    auto heap = [](bytes_view s) { return s.size() > 15 ? s.size() + 1 : 0; };
    std::size_t total = sizeof(store) + entries_.capacity() * sizeof(observation);
    for (observation const& e : entries_) {
        total += heap(e.key);
        if (auto const* b = std::get_if<bytes>(&*e.content)) total += heap(*b);
        if (auto const* n = std::get_if<integer>(&*e.content)) total += heap(n->canonical());
    }
    return total;
}

result<void> admit(bytes_view command) {
    ZOOID_TRY(decode_transaction(command));
    return zooid::outcome::success();
}

} // namespace zooid::kv

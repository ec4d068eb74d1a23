#include "sim/needed_contents.hpp"

#include "sim/told_versions.hpp"

#include <algorithm>

namespace zooid::sim {

namespace {

/// More than that is as good as any.
constexpr std::size_t contents_max = 256;

bool is_written(kv::transaction const& t, bytes const& key, std::size_t from, std::size_t until) {
    auto const writes = [&](kv::operation const& o) {
        bytes const* const written = written_key(o);
        return written && *written == key;
    };
    auto const begin = t.operations().begin();
    return std::any_of(begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(until),
                       writes);
}

void add_to(effect_on_key& e, kv::integer const& amount) {
    using enum effect_on_key::kind;
    std::optional<kv::integer> total = amount;
    if (e.what == adds) total = sum(e.amount, amount);
    if (e.what == sets && e.set_to) {
        auto const* n = std::get_if<kv::integer>(&*e.set_to);
        total = n ? sum(*n, amount) : std::nullopt;
    }
    if (!total || e.what == unclear) {
        e.what = unclear;
    } else if (e.what == sets) {
        e.set_to = *total;
    } else {
        e.what = adds;
        e.amount = *total;
    }
}

effect_on_key effect_of(kv::transaction const& t, bytes const& key) {
    effect_on_key e;
    for (kv::condition const& c : t.conditions()) {
        if (auto const* q = std::get_if<kv::equals>(&c); q && q->key == key) e.required = q->expected;
        if (auto const* a = std::get_if<kv::absent>(&c); a && a->key == key) e.required = key_content();
    }
    for (kv::operation const& o : t.operations()) {
        if (bytes const* written = written_key(o); !written || *written != key) continue;
        if (auto const* a = std::get_if<kv::add>(&o)) {
            add_to(e, a->amount);
            continue;
        }
        auto const* p = std::get_if<kv::put>(&o);
        e.what = effect_on_key::kind::sets;
        e.set_to = p ? key_content(p->content) : key_content();
    }
    return e;
}

std::vector<bytes const*> keys_touched(kv::transaction const& t) {
    auto keys = written_keys(t);
    for (kv::condition const& c : t.conditions())
        keys.push_back(std::visit([](auto const& any) { return &any.key; }, c));
    auto const less = [](bytes const* a, bytes const* b) { return *a < *b; };
    auto const equal = [](bytes const* a, bytes const* b) { return *a == *b; };
    std::sort(keys.begin(), keys.end(), less);
    keys.erase(std::unique(keys.begin(), keys.end(), equal), keys.end());
    return keys;
}

} // namespace

// ---- sets and effects

bool content_set::contains(key_content const& one) const {
    return any_ || std::find(all_.begin(), all_.end(), one) != all_.end();
}

void content_set::add(key_content one) {
    if (contains(one)) return;
    all_.push_back(std::move(one));
    if (all_.size() > contents_max) *this = any();
}

void content_set::add(content_set const& more) {
    if (more.any_) *this = any();
    for (key_content const& one : more.all_)
        add(one);
}

void content_set::keep_only(key_content const& one) {
    bool const kept = contains(one);
    *this = none();
    if (kept) add(one);
}

content_set effect_on_key::before(content_set const& after) const {
    content_set out = content_set::none();
    switch (what) {
    case kind::nothing: out = after; break;
    case kind::unclear: out = content_set::any(); break;
    case kind::sets: out = after.contains(set_to) ? content_set::any() : content_set::none(); break;
    case kind::adds:
        if (after.is_any()) out = content_set::any();
        for (key_content const& one : after.all()) {
            auto const* n = one ? std::get_if<kv::integer>(&*one) : nullptr;
            if (n && *n == amount) out.add(key_content()); // an absent key counts as 0
            auto const less = n ? sum(*n, amount.negated()) : std::nullopt;
            if (less) out.add(*less);
        }
    }
    if (required) out.keep_only(*required);
    return out;
}

// ---- reading the replies

needed_contents::needed_contents(history const& calls, told_versions const& told, version from) {
    version highest = from;
    std::set<version> claimed;
    for (call const& c : calls) {
        if (!is_known(c)) continue;
        highest = std::max(highest, claimed_version(c.ended));
        if (!is_pure(c)) claimed.insert(claimed_version(c.ended));
    }
    for (version v = from + 1; v <= highest; v = v + 1)
        if (!claimed.contains(v)) gaps_.insert(v);
    if (gaps_.empty()) return;
    for (call const& c : calls)
        read(c);
    for (auto const& [key, s] : stories_)
        go_back(key, s, told);
    stories_.clear();
}

void needed_contents::read(call const& c) {
    if (std::holds_alternative<unknown>(c.ended) && c.kind == call_kind::transaction) {
        for (bytes const* key : written_keys(c.asked)) {
            auto& open = stories_[*key].open;
            effect_on_key effect = effect_of(c.asked, *key);
            if (std::find(open.begin(), open.end(), effect) == open.end()) open.push_back(std::move(effect));
        }
    }
    if (!is_known(c)) return;
    version const at = claimed_version(c.ended);
    if (!is_pure(c)) return read_commit(c, at);
    auto const* refused = std::get_if<kv::rejected>(&c.ended);
    if (refused && refused->why != kv::rejection::condition_failed) return;
    for (kv::observation const& e : shown_in(known_outcome(c.ended)))
        stories_[e.key].events[at].held.push_back(e.content);
}

// An operation sees what those before it in its transaction wrote, and those after it may overwrite what it
// left.
void needed_contents::read_commit(call const& c, version at) {
    for (bytes const* key : keys_touched(c.asked))
        stories_[*key].events[at].effects.push_back(effect_of(c.asked, *key));
    std::size_t const count = c.asked.operations().size();
    for (kv::operation_result const& r : std::get<kv::committed>(c.ended).results) {
        if (r.operation >= count) return; // a lie, which the store will not repeat
        for (kv::observation const& e : r.entries) {
            auto& events = stories_[e.key].events;
            if (!is_written(c.asked, e.key, r.operation + 1, count)) events[at].held.push_back(e.content);
            if (at.value > 0 && !is_written(c.asked, e.key, 0, r.operation + 1))
                events[version{at.value - 1}].held.push_back(e.content);
        }
    }
}

void needed_contents::go_back(bytes const& key, story const& s, told_versions const& told) {
    std::set<version> stops = gaps_;
    for (auto const& [at, ignored] : s.events)
        stops.insert(at);
    content_set may_hold = content_set::any();
    for (auto stop = stops.rbegin(); stop != stops.rend(); ++stop) {
        auto const told_here = s.events.find(*stop);
        if (told_here != s.events.end())
            for (key_content const& held : told_here->second.held)
                may_hold.keep_only(held);
        if (gaps_.contains(*stop)) {
            if (!may_hold.is_any()) needed_[*stop].emplace_back(key, may_hold);
            may_hold = before_gap(key, *stop, may_hold, s, told);
        } else if (told_here != s.events.end()) {
            for (effect_on_key const& effect : told_here->second.effects)
                may_hold = effect.before(may_hold);
        }
    }
}

content_set needed_contents::before_gap(bytes const& key, version at, content_set const& after,
                                        story const& s, told_versions const& told) const {
    if (told.is_untouched(key, at)) return after;
    content_set before = told.is_written(key, at) ? content_set::none() : after;
    for (effect_on_key const& effect : s.open)
        before.add(effect.before(after));
    return before;
}

bool needed_contents::allow(kv::store const& state) const {
    auto const needed = needed_.find(state.version());
    return needed == needed_.end() ||
           std::all_of(needed->second.begin(), needed->second.end(), [&](auto const& of_key) {
               return of_key.second.contains(observe(state, of_key.first).content);
           });
}

} // namespace zooid::sim

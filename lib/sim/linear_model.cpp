#include "sim/linear_model.hpp"

namespace zooid::sim {

namespace {

kv::observation without_version(kv::observation seen) {
    seen.version = {};
    return seen;
}

kv::outcome without_versions(kv::outcome o) {
    if (auto* c = std::get_if<kv::committed>(&o)) {
        c->version = {};
        for (auto& r : c->results)
            for (auto& e : r.entries)
                e = without_version(std::move(e));
    } else {
        auto& r = std::get<kv::rejected>(o);
        r.version = {};
        r.met = without_version(std::move(r.met));
    }
    return o;
}

} // namespace

kv::outcome known_outcome(ending const& given) {
    if (auto const* c = std::get_if<kv::committed>(&given)) return *c;
    return std::get<kv::rejected>(given);
}

std::vector<kv::observation> shown_in(kv::outcome const& o) {
    if (auto const* r = std::get_if<kv::rejected>(&o)) return {r->met};
    std::vector<kv::observation> all;
    for (auto const& r : std::get<kv::committed>(o).results)
        all.insert(all.end(), r.entries.begin(), r.entries.end());
    return all;
}

kv::observation observe(kv::store const& state, bytes const& key) {
    return std::get<kv::committed>(state.ask(kv::transaction().read(key))).results[0].entries[0];
}

bytes const* written_key(kv::operation const& o) {
    if (auto const* p = std::get_if<kv::put>(&o)) return &p->key;
    if (auto const* e = std::get_if<kv::erase>(&o)) return &e->key;
    if (auto const* a = std::get_if<kv::add>(&o)) return &a->key;
    return nullptr;
}

std::vector<bytes const*> written_keys(kv::transaction const& t) {
    std::vector<bytes const*> keys;
    for (kv::operation const& o : t.operations()) {
        if (bytes const* key = written_key(o)) keys.push_back(key);
    }
    return keys;
}

kv::outcome answer(kv::store& state, call const& c) {
    return c.kind == call_kind::strict_read ? state.ask(c.asked) : state.run(c.asked);
}

bool is_answer(ending const& given, kv::outcome const& computed, replies compare) {
    if (compare == replies::values)
        return without_versions(known_outcome(given)) == without_versions(computed);
    if (auto const* c = std::get_if<kv::committed>(&given)) {
        auto const* d = std::get_if<kv::committed>(&computed);
        return d && *c == *d;
    }
    auto const* d = std::get_if<kv::rejected>(&computed);
    return d && std::get<kv::rejected>(given) == *d;
}

bool is_pure(call const& c) {
    return c.kind == call_kind::strict_read || std::holds_alternative<kv::rejected>(c.ended);
}

version claimed_version(ending const& given) {
    if (auto const* c = std::get_if<kv::committed>(&given)) return c->version;
    return std::get<kv::rejected>(given).version;
}

std::string describe(call const& c) {
    std::string const end = is_known(c) ? std::to_string(c.responded_ns) : "open";
    std::string text = c.kind == call_kind::strict_read ? "strict read" : "transaction";
    text += " of client " + to_string(c.client) + " [" + std::to_string(c.invoked_ns) + ", " + end + "] ns";
    if (!is_known(c)) return text + ": unknown";
    text += std::holds_alternative<kv::committed>(c.ended) ? ": committed" : ": rejected";
    return text + " at version " + to_string(claimed_version(c.ended));
}

} // namespace zooid::sim

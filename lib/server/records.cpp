#include "server/records.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/base/limits.hpp>

#include <algorithm>

namespace zooid {

namespace {

constexpr std::uint8_t payload_version = 1;

// A checkpoint: the store, the kept replies with what names each, the key and the configurations.
static_assert(record_payload_bytes_max >= limits::cell_state_bytes_max + limits::session_table_bytes_max +
                                              limits::session_entries_max * 64 + 64 * 1024);

template <class Write>
shared_bytes payload(Write const& write) {
    bytes out;
    writer w(out);
    w.put(payload_version);
    write(w);
    return shared_bytes(out);
}

// Every payload begins with its version; one above ours, or one that is cut, is as good as unreadable.
reader open(record const& r) {
    reader in(r.payload.view());
    if (in.get<std::uint8_t>() != payload_version) in.fail();
    return in;
}

class interpreter {
  public:
    explicit interpreter(recovered_replica const& found) { out_.reserved = {found.cell, found.replica, {}}; }

    void take(record const& r) {
        switch (r.kind) {
        case record_kind::reserved: return take_reserved(r);
        case record_kind::promise: return take_promise(r);
        case record_kind::acceptance: return take_acceptance(r);
        case record_kind::value: return take_value(r);
        case record_kind::checkpoint: return take_checkpoint(r);
        case record_kind::quarantine: return take_quarantine(r);
        case record_kind::prefix: return take_prefix(r);
        case record_kind::moved: return take_moved(r);
        case record_kind::forget:
        case record_kind::server: return;
        }
    }

    found_replica finish(recovered_replica const& found) {
        for (unreadable_record const& lost : found.unreadable) {
            if (lost.kind == record_kind::checkpoint) trouble("its checkpoint is unreadable");
            if (lost.kind == record_kind::moved) out_.moved.emplace();
            if (lost.kind == record_kind::quarantine) trouble("why it stopped is unreadable");
        }
        if (out_.moved) return std::move(out_); // nothing else is kept of it, and no vote
        bool const was_quarantined = !state_.quarantine.empty();
        if (found.voting_suspect) {
            if (!was_quarantined)
                state_.quarantined_for = out_.trouble.empty() ? distrust::votes : distrust::everything;
            trouble("its voting state was damaged");
        }
        if (found.records_suspect) doubt_prefixes();
        if (found.records_suspect && healed_) { // an older checkpoint may be the wrong one
            trouble("its journal lost records since it was taught a sound state");
            state_.quarantined_for = distrust::everything;
        }
        // What could have been healed can't, now that its votes are in doubt as well (D6).
        bool const doubted = found.voting_suspect || !out_.trouble.empty();
        if (was_quarantined && doubted && state_.quarantined_for == distrust::learned)
            state_.quarantined_for = distrust::everything;
        if (was_quarantined && found.voting_suspect && state_.quarantined_for == distrust::state)
            state_.quarantined_for = distrust::everything;
        if (state_.sealed_for && doubted && state_.quarantined_for == distrust::sealed)
            state_.quarantined_for = distrust::votes;
        state_.acceptances.assign(acceptances_.begin(), acceptances_.end());
        state_.quarantine_unrecorded = !was_quarantined && !out_.trouble.empty();
        state_.quarantine = was_quarantined ? state_.quarantine : out_.trouble;
        if (founded_) out_.state = std::move(state_);
        return std::move(out_);
    }

  private:
    void trouble(std::string what) {
        if (out_.trouble.empty()) out_.trouble = std::move(what);
    }
    // L1 does not hold: where a record is gone without a trace an older one of that slot seems to be the last. The
    // checkpoint, and what says itself that it is chosen, can be believed.
    void doubt_prefixes() {
        state_.prefix = {};
        for (acceptance_record& a : acceptances_)
            a.prefix = {};
    }
    void take_reserved(record const& r) {
        reader in = open(r);
        in.get(out_.reserved.birth);
        if (!in.complete()) trouble("its reservation is malformed");
    }
    void take_promise(record const& r) {
        reader in = open(r);
        in.get(state_.promised);
        if (!in.complete()) trouble("its promise is malformed");
    }
    void take_acceptance(record const& r) {
        reader in = open(r);
        acceptance_record a;
        a.at = r.at;
        std::uint8_t const chosen = in.get<std::uint8_t>();
        a.chosen = chosen == 1;
        in.get(a.accepted);
        in.get(a.value_digest);
        in.get(a.prefix);
        if (!in.complete() || chosen > 1) return trouble("an acceptance is malformed");
        acceptances_.push_back(a);
    }
    void take_prefix(record const& r) {
        if (!open(r).complete()) return trouble("a prefix is malformed");
        state_.prefix = std::max(state_.prefix, r.at);
    }
    // Values come after acceptances, both by slot. One that is not what was accepted is as good as lost.
    void take_value(record const& r) {
        auto const accepted = std::find_if(acceptances_.begin(), acceptances_.end(),
                                           [&](acceptance_record const& a) { return a.at == r.at; });
        if (accepted == acceptances_.end()) return;
        entry const value = entry::from_encoded(r.payload);
        if (value.value_digest() == accepted->value_digest) accepted->value = value;
    }
    void take_checkpoint(record const& r) {
        auto decoded = decode_snapshot(r.payload.view());
        if (!decoded) return trouble("its checkpoint: " + decoded.error().message());
        state_.checkpoint = std::move(decoded).value();
        founded_ = true;
    }
    void take_quarantine(record const& r) {
        reader in = open(r);
        state_.quarantine = in.get_sized();
        // The first records ended here.
        auto const of = in.at_end() ? distrust::state : static_cast<distrust>(in.get<std::uint8_t>());
        healed_ = of == distrust::nothing && !in.failed();
        if (healed_) return state_.quarantine.clear();
        bool const known = of == distrust::votes || of == distrust::learned || of == distrust::sealed ||
                           of == distrust::everything;
        state_.quarantined_for = known ? of : distrust::state;
        if (!in.at_end()) get(in, state_.sealed_for.emplace());
        if (in.failed()) state_.sealed_for.reset();
        if (state_.quarantine.empty()) state_.quarantine = "quarantined, cause unreadable";
    }

    void take_moved(record const& r) {
        reader in = open(r);
        configuration members;
        in.get(members);
        out_.moved = in.complete() ? members : configuration();
    }

    found_replica out_;
    recovered_state state_;
    std::vector<acceptance_record> acceptances_;
    bool founded_ = false;
    bool healed_ = false; ///< its state was wrong once, and was replaced
};

} // namespace

record to_record(reservation const& r) {
    return {r.cell, r.replica, record_kind::reserved, {}, payload([&](writer& w) { w.put(r.birth); })};
}

void to_records(cell_id cell, replica_id replica, durable_record const& fact, std::vector<record>& out) {
    if (auto const* p = std::get_if<promise_record>(&fact)) {
        out.push_back({cell, replica, record_kind::promise, {}, payload([&](writer& w) { w.put(p->in); })});
    } else if (auto const* a = std::get_if<acceptance_record>(&fact)) {
        auto const vote = payload([&](writer& w) {
            w.put(static_cast<std::uint8_t>(a->chosen ? 1 : 0));
            w.put(a->accepted), w.put(a->value_digest), w.put(a->prefix);
        });
        out.push_back({cell, replica, record_kind::acceptance, a->at, vote});
        if (!a->value.empty()) out.push_back({cell, replica, record_kind::value, a->at, a->value.encoded()});
    } else if (auto const* prefix = std::get_if<prefix_record>(&fact)) {
        out.push_back({cell, replica, record_kind::prefix, prefix->at, payload([](writer&) {})});
    } else if (auto const* c = std::get_if<checkpoint_record>(&fact)) {
        out.push_back({cell, replica, record_kind::checkpoint, c->state.at, shared_bytes(encode(c->state))});
    } else if (auto const* q = std::get_if<quarantine_record>(&fact)) {
        out.push_back({cell, replica, record_kind::quarantine, {}, payload([&](writer& w) {
                           w.put_sized(q->cause), w.put(static_cast<std::uint8_t>(q->of));
                           if (q->sealed_for) put(w, *q->sealed_for);
                       })});
    }
}

record to_record(cell_id cell, replica_id released, configuration const& members) {
    return {cell, released, record_kind::moved, {}, payload([&](writer& w) { w.put(members); })};
}

record to_record(held_promises const& h) {
    auto const content = payload([&](writer& w) { w.put(static_cast<std::uint64_t>(h.hold.count())); });
    return {{}, {}, record_kind::server, held_promises_at, content};
}

std::optional<held_promises> held_promises_of(record const& fact) {
    if (fact.at != held_promises_at) return std::nullopt;
    reader in = open(fact);
    auto const hold = in.get<std::uint64_t>();
    if (!in.complete() || hold > static_cast<std::uint64_t>(lease_hold_max.count()))
        return held_promises{lease_hold_max};
    return held_promises{duration(static_cast<std::int64_t>(hold))};
}

record to_record(std::vector<lived> const& lives) {
    auto const content = payload([&](writer& w) {
        w.put(static_cast<std::uint32_t>(lives.size()));
        for (lived const& l : lives)
            w.put(l.life), w.put(l.first);
    });
    return {{}, {}, record_kind::server, lives_at, content};
}

std::optional<std::vector<lived>> lives_of(record const& fact) {
    if (fact.at != lives_at) return std::nullopt;
    reader in = open(fact);
    auto const count = in.get<std::uint32_t>();
    if (count > lives_remembered) return std::vector<lived>{};
    std::vector<lived> lives(count);
    for (lived& l : lives)
        in.get(l.life), in.get(l.first);
    return in.complete() ? lives : std::vector<lived>{};
}

found_replica interpret(recovered_replica const& found) {
    interpreter in(found);
    for (record const& r : found.records)
        in.take(r);
    return in.finish(found);
}

} // namespace zooid

// Histories of a cell that never lies, and ways to make them lie.
#pragma once

#include "kv/generate.hpp"

#include <zooid/kv/store.hpp>
#include <zooid/sim/history.hpp>

#include <algorithm>
#include <variant>

namespace zooid::sim::test {

/// Calls of many kinds, or a few that are often the same.
enum class asking { variously, alike };

struct shape {
    std::size_t calls = 5;
    std::uint64_t overlap = 30; ///< how many ns a call lasts before and after it takes effect, at most
    std::uint64_t unknown_percent = 15;
    std::uint64_t failed_percent = 5;
    std::uint64_t keys = 2;
    asking kinds = asking::variously;
};

class history_generator {
  public:
    explicit history_generator(std::uint64_t seed) : draw_(seed) {}

    /// Runs calls one after the other, 10 ns apart, and gives each an interval around its instant.
    history honest(shape const& s) {
        kv::store cell;
        history h;
        for (std::size_t i = 0; i < s.calls; ++i)
            h.push_back(one_call(cell, s, static_cast<std::int64_t>(i)));
        return h;
    }

    /// Changes one thing of one known call; the result may be linearizable still.
    void tell_a_lie(history& h) {
        call& c = h[random().below(h.size())];
        call const& other = h[random().below(h.size())];
        switch (random().below(6)) {
        case 0: std::swap(c.ended, const_cast<call&>(other).ended); break; // NOLINT: both are in h
        case 1: shift(c, static_cast<std::int64_t>(random().below(120)) - 60); break;
        case 2: change_version(c); break;
        case 3: change_value(c); break;
        case 4: c.ended = other.ended; break;
        default: c.ended = failed{}; break;
        }
    }

    prng& random() { return draw_.random; }

  private:
    call one_call(kv::store& cell, shape const& s, std::int64_t nth) {
        call c;
        c.client = {random().between(1, 3)};
        c.cell = "cell";
        c.asked = ask(s, nth);
        c.kind =
            c.asked.read_only() && random().chance(2, 3) ? call_kind::strict_read : call_kind::transaction;
        std::int64_t const instant = 1000 + nth * 10;
        c.invoked_ns = instant - static_cast<std::int64_t>(random().below(s.overlap + 1));
        c.responded_ns = instant + static_cast<std::int64_t>(random().below(s.overlap + 1));
        finish(cell, s, c);
        return c;
    }

    void finish(kv::store& cell, shape const& s, call& c) {
        std::uint64_t const fate = random().below(100);
        bool const is_unknown = fate < s.unknown_percent;
        bool const is_failed = !is_unknown && fate < s.unknown_percent + s.failed_percent;
        if (is_failed) c.ended = failed{};
        if (is_failed || (is_unknown && random().chance(1, 2))) return;
        auto o = c.kind == call_kind::strict_read ? cell.ask(c.asked) : cell.run(c.asked);
        if (!is_unknown) std::visit([&](auto& known) { c.ended = std::move(known); }, o);
    }

    kv::transaction ask_alike(bytes key) {
        switch (random().below(5)) {
        case 0: return kv::transaction().read(key);
        case 1: return kv::transaction().read("a").read("b");
        case 2: return kv::transaction().require_unchanged(key, {random().below(2)}).put(key, 1);
        default: return kv::transaction().add(key, 1);
        }
    }

    /// Values repeat now and then, so that a lie is not always obvious.
    kv::transaction ask(shape const& s, std::int64_t nth) {
        bytes key(1, static_cast<char>('a' + random().below(s.keys)));
        if (s.kinds == asking::alike) return ask_alike(std::move(key));
        std::int64_t const content =
            random().chance(1, 2) ? nth : static_cast<std::int64_t>(random().below(2));
        switch (random().below(6)) {
        case 0: return kv::transaction().read(key);
        case 1: return kv::transaction().add(key, 1);
        case 2: return kv::transaction().require_equal(key, content).put(key, content + 1).scan("");
        case 3: return kv::transaction().require_unchanged(key, {random().below(3)}).put(key, content);
        case 4: return kv::transaction().erase(key).read(key);
        default: return kv::transaction().put(key, content);
        }
    }

    static void shift(call& c, std::int64_t by) {
        c.invoked_ns += by;
        c.responded_ns += by;
    }
    void change_version(call& c) {
        if (auto* done = std::get_if<kv::committed>(&c.ended)) done->version.value += random().below(3);
        if (auto* refused = std::get_if<kv::rejected>(&c.ended)) refused->version.value += random().below(3);
    }
    void change_value(call& c) {
        if (auto* refused = std::get_if<kv::rejected>(&c.ended)) refused->met.content = kv::value(1);
        auto* const done = std::get_if<kv::committed>(&c.ended);
        if (!done || done->results.empty() || done->results[0].entries.empty()) return;
        auto& entry = done->results[0].entries[0];
        entry.content = kv::value(static_cast<std::int64_t>(random().below(3)));
        entry.version = {random().below(4)};
    }

    kv::test::generator draw_;
};

} // namespace zooid::sim::test

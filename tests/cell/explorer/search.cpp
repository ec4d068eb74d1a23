#include "cell/explorer/search.hpp"

#include "cell/scenario/names.hpp"

#include <algorithm>
#include <bit>
#include <ostream>
#include <stdexcept>

namespace zooid::explore {

namespace {

constexpr std::size_t words_max = 16; // 1024 messages
constexpr std::size_t replicas_max = 9;

struct world {
    std::array<std::uint32_t, replicas_max> places{};
    std::array<std::uint64_t, words_max> sent{};
    slot_values chosen{}; ///< follows from `sent`

    bool has(std::uint32_t m) const { return (sent[m / 64] >> m % 64 & 1u) != 0; }
};

std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30, x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27, x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/// Fingerprints, open addressing; 0 marks a free cell.
class seen {
  public:
    explicit seen(std::uint64_t hint) : cells_(std::bit_ceil(std::max<std::uint64_t>(hint * 2, 1024))) {}

    bool insert(std::uint64_t fingerprint) {
        if (count_ * 4 > cells_.size() * 3) grow();
        return put(fingerprint == 0 ? 1 : fingerprint);
    }

  private:
    bool put(std::uint64_t fingerprint) {
        std::uint64_t const mask = cells_.size() - 1;
        for (std::uint64_t i = fingerprint & mask;; i = (i + 1) & mask) {
            if (cells_[i] == fingerprint) return false;
            if (cells_[i] != 0) continue;
            cells_[i] = fingerprint;
            ++count_;
            return true;
        }
    }
    void grow() {
        std::vector<std::uint64_t> old(cells_.size() * 2);
        old.swap(cells_);
        count_ = 0;
        for (std::uint64_t fingerprint : old) {
            if (fingerprint != 0) put(fingerprint);
        }
    }

    std::vector<std::uint64_t> cells_;
    std::uint64_t count_ = 0;
};

struct origin {
    std::uint32_t parent = 0;
    move made;
    std::uint8_t by = 0;
};

class search {
  public:
    search(bounds const& limits, std::ostream* progress)
        : rig_(limits), limits_(rig_.limits()), table_(rig_), seen_(limits.states_hint), progress_(progress) {
        if (rig_.size() > replicas_max || limits.slots > slots_max)
            throw std::invalid_argument("at most 9 replicas and 4 slots");
    }

    report run() {
        world first;
        rig::start begun = rig_.beginning();
        for (std::size_t i = 0; i < begun.places.size(); ++i)
            first.places[i] = table_.add(std::move(begun.places[i]));
        for (letter const& l : begun.sent)
            send(first, table_.add(l), result_.broken);
        reach(first, {});
        std::vector<world> level;
        std::uint64_t index = 0; // of the level's first world
        while (!next_.empty() && result_.broken.empty() && !enough()) {
            level.swap(next_);
            next_.clear();
            for (world const& w : level) {
                if (!result_.broken.empty()) break;
                expand(w, static_cast<std::uint32_t>(index++));
            }
            ++result_.depth;
            tell(level.size());
        }
        result_.complete = next_.empty() && result_.broken.empty();
        result_.places = table_.places();
        result_.messages = table_.messages();
        result_.steps = table_.steps();
        return std::move(result_);
    }

  private:
    bool enough() const {
        return (limits_.depth != 0 && result_.depth >= limits_.depth) ||
               (limits_.states_max != 0 && result_.states >= limits_.states_max);
    }

    void tell(std::size_t size) const {
        if (!progress_) return;
        *progress_ << "depth " << result_.depth << ": " << size << " states, " << result_.states
                   << " in all, " << result_.moves << " moves, " << table_.places() << " places, "
                   << table_.messages() << " messages" << std::endl;
    }

    unsigned crashes(world const& w) const {
        unsigned all = 0;
        for (std::size_t i = 0; i < rig_.size(); ++i)
            all += table_.at(w.places[i]).place.crashes;
        return all;
    }

    std::uint32_t acknowledged(world const& w) const {
        slot highest;
        for (std::size_t i = 0; i < rig_.size(); ++i)
            highest = std::max(highest, table_.at(w.places[i]).place.acknowledged);
        return static_cast<std::uint32_t>(highest.value);
    }

    void expand(world const& w, std::uint32_t index) {
        unsigned const crashed = crashes(w);
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            for (move const& m : rig_.moves()) {
                if (m.kind == kind::crash && crashed == limits_.crashes) continue;
                take(w, index, i, m);
            }
            if (limits_.reads != 0) take(w, index, i, {kind::read, acknowledged(w)});
            for (std::size_t word = 0; word < words_max; ++word) {
                for (std::uint64_t left = w.sent[word] & addressed_[i][word]; left != 0; left &= left - 1) {
                    auto const m = static_cast<std::uint32_t>(word * 64 + std::countr_zero(left));
                    take(w, index, i, {kind::deliver, m});
                }
            }
        }
    }

    void take(world const& w, std::uint32_t index, std::size_t by, move m) {
        if (!result_.broken.empty()) return;
        transition const& t = table_.move_at(w.places[by], m);
        if (!t.allowed) return;
        ++result_.moves;
        world after = w;
        std::string broken = t.broken.empty() ? "" : t.broken.front();
        after.places[by] = t.after;
        for (std::uint32_t s : t.sent)
            send(after, s, broken);
        bool const last_crash = m.kind == kind::crash && crashes(after) == limits_.crashes;
        if (crashes(after) == limits_.crashes) {
            for (std::size_t i = limits_.proposers; i < rig_.size(); ++i) {
                if (last_crash || i == by) flush(after, i, broken);
            }
        }
        for (std::size_t i = 0; i < limits_.proposers; ++i)
            count_early(after, i);
        check(after, broken);
        reach(after, {index, m, static_cast<std::uint8_t>(by)});
        if (!broken.empty() && result_.broken.empty()) {
            result_.broken = broken;
            origins_.push_back({index, m, static_cast<std::uint8_t>(by)});
            tell_story(origins_.size() - 1);
        }
    }

    // Counts the votes and confirmations that complete nothing.
    void count_early(world& w, std::size_t i) {
        for (std::size_t word = 0; word < words_max; ++word) {
            for (std::uint64_t left = w.sent[word] & addressed_[i][word]; left != 0; left &= left - 1) {
                auto const m = static_cast<std::uint32_t>(word * 64 + std::countr_zero(left));
                if (!table_.message_at(m).counted) continue;
                transition const& t = table_.move_at(w.places[i], {kind::deliver, m});
                if (t.sent.empty() && t.broken.empty() && t.quiet) w.places[i] = t.after;
            }
        }
    }

    void flush(world& w, std::size_t i, std::string& broken) {
        while (!table_.at(w.places[i]).flushed) {
            transition const& t = table_.move_at(w.places[i], {kind::flush});
            w.places[i] = t.after;
            for (std::uint32_t s : t.sent)
                send(w, s, broken);
        }
    }

    void send(world& w, std::uint32_t m, std::string& broken) {
        if (m >= words_max * 64) throw std::length_error("more messages than a world has room for");
        known_message const& known = table_.message_at(m);
        if (known.letter.to != known.letter.from)
            addressed_[known.letter.to][m / 64] |= std::uint64_t{1} << m % 64;
        w.sent[m / 64] |= std::uint64_t{1} << m % 64;
        if (known.vote != 0) count(w, table_.box(known.vote), broken);
        if (known.proposal == 0) return;
        for (std::uint32_t other : table_.proposals(known.proposal)) {
            if (w.has(other) && table_.message_at(other).value != known.value)
                broken = "Q2: two values are proposed for a slot in one ballot";
        }
    }

    // config(slot), as bits: what the last change chosen alpha slots before made.
    std::uint32_t voters(world const& w, std::size_t at) const {
        std::uint32_t members = (1u << limits_.replicas) - 1;
        for (std::size_t i = 0; i + limits_.alpha <= at; ++i) {
            if (std::uint32_t const made = table_.members_by(w.chosen[i])) members = made;
        }
        return members;
    }

    void count(world& w, ballot_box const& box, std::string& broken) const {
        if (box.at >= slots_max) return;
        std::uint32_t voted = 0;
        for (std::uint32_t m : box.votes) {
            if (w.has(m)) voted |= 1u << table_.message_at(m).letter.from;
        }
        std::uint32_t const members = voters(w, box.at);
        if (std::popcount(voted & members) < std::popcount(members) / 2 + 1) return;
        std::uint8_t& chosen = w.chosen[box.at];
        if (chosen != 0 && chosen != box.value) broken = "agreement: a slot is chosen with two values";
        chosen = box.value;
    }

    void check(world const& w, std::string& broken) const {
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            slot_values const& known = table_.at(w.places[i]).chosen;
            for (std::size_t at = 0; at < slots_max; ++at) {
                if (known[at] != 0 && known[at] != w.chosen[at])
                    broken = "a replica takes a value for chosen that is not";
            }
        }
    }

    std::uint64_t fingerprint(world const& w) const {
        std::uint64_t h = 0x9e3779b97f4a7c15;
        for (std::size_t i = 0; i < rig_.size(); ++i)
            h = mix(h ^ w.places[i]) + 0x9e3779b97f4a7c15;
        for (std::size_t i = 0; i * 64 < table_.messages(); ++i)
            h = w.sent[i] == 0 ? h : mix(h ^ mix(w.sent[i] + i)) + i;
        return h;
    }

    void reach(world const& w, origin const& from) {
        if (!seen_.insert(fingerprint(w))) return;
        ++result_.states;
        bool const chosen = std::any_of(w.chosen.begin(), w.chosen.end(), [](auto v) { return v != 0; });
        result_.states_chosen += chosen ? 1 : 0;
        origins_.push_back(from);
        next_.push_back(w);
    }

    void tell_story(std::size_t index) {
        scenario::names names;
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            std::string const name(1, static_cast<char>('a' + i));
            names.add_server(rig_.members()[i].server, name);
            names.add_replica(rig_.members()[i].replica, name);
            for (unsigned life = 0; life <= limits_.crashes; ++life)
                names.add_life(life_id{i * 100 + life + 1}, life + 1);
        }
        for (; index != 0; index = origins_[index].parent)
            result_.story.push_back(told(names, origins_[index]));
        std::reverse(result_.story.begin(), result_.story.end());
    }

    std::string told(scenario::names const& names, origin const& o) const {
        static constexpr std::array<char const*, 12> verbs{"gets",
                                                           "flushes",
                                                           "stands",
                                                           "proposes",
                                                           "reads",
                                                           "repeats",
                                                           "reminds",
                                                           "gives up",
                                                           "asks for it",
                                                           "resigns",
                                                           "crashes and is back",
                                                           "changes the members"};
        std::string text = std::string(1, static_cast<char>('a' + o.by)) + " " +
                           verbs[static_cast<std::size_t>(o.made.kind)];
        if (o.made.kind != kind::deliver) return text;
        letter const& l = table_.message_at(o.made.argument).letter;
        return text + " from " + std::string(1, static_cast<char>('a' + l.from)) + ": " + names.of(l.content);
    }

    rig rig_;
    bounds const& limits_;
    table table_;
    seen seen_;
    std::ostream* progress_;
    std::array<std::array<std::uint64_t, words_max>, replicas_max> addressed_{};
    std::vector<world> next_;
    std::vector<origin> origins_;
    report result_;
};

} // namespace

report explore(bounds const& limits, std::ostream* progress) {
    return search(limits, progress).run();
}

} // namespace zooid::explore

#include "cell/explorer/search.hpp"

#include "cell/explorer/choices.hpp"
#include "cell/explorer/story.hpp"

#include <algorithm>
#include <bit>
#include <ostream>
#include <stdexcept>

namespace zooid::explore {

namespace {

struct world {
    std::array<std::uint32_t, replicas_max> places{};
    std::array<std::uint32_t, replicas_max> sent{}; ///< by each: an outbox
    slot_values chosen{};                           ///< follows from `sent`
};

/// Worlds that wait for their turn, first in, first out, without room for replicas that there are not.
class queue {
  public:
    explicit queue(std::size_t replicas) : replicas_(replicas) {}

    std::uint64_t size() const { return words_.size() / (2 * replicas_ + 1); }

    void push(world const& w) {
        words_.insert(words_.end(), w.places.begin(), w.places.begin() + replicas_);
        words_.insert(words_.end(), w.sent.begin(), w.sent.begin() + replicas_);
        words_.push_back(std::bit_cast<std::uint32_t>(w.chosen));
    }
    world pop() {
        world w;
        take(w.places), take(w.sent);
        w.chosen = std::bit_cast<slot_values>(words_.front());
        words_.pop_front();
        return w;
    }

  private:
    void take(std::array<std::uint32_t, replicas_max>& to) {
        auto const end = words_.begin() + static_cast<std::ptrdiff_t>(replicas_);
        std::copy(words_.begin(), end, to.begin());
        words_.erase(words_.begin(), end);
    }

    std::size_t replicas_;
    std::deque<std::uint32_t> words_;
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

class search {
  public:
    search(bounds const& limits, std::ostream* progress)
        : rig_(limits), limits_(rig_.limits()), table_(rig_), sent_(rig_, table_),
          choices_(rig_, table_, sent_), seen_(limits.states_hint), progress_(progress), next_(rig_.size()) {
        if (rig_.size() > replicas_max || limits.slots > slots_max)
            throw std::invalid_argument("at most 9 replicas and 4 slots");
    }

    report run() {
        begin();
        std::uint32_t index = 0;
        while (next_.size() != 0 && result_.broken.empty() && !enough()) {
            std::uint64_t const level = next_.size();
            for (std::uint64_t i = 0; i < level && result_.broken.empty(); ++i)
                expand(next_.pop(), index++);
            ++result_.depth;
            tell(level);
        }
        result_.complete = next_.size() == 0 && result_.broken.empty();
        result_.places = table_.places();
        result_.messages = table_.messages();
        result_.steps = table_.steps();
        return std::move(result_);
    }

  private:
    void begin() {
        world first;
        rig::start begun = rig_.beginning();
        for (std::size_t i = 0; i < begun.places.size(); ++i)
            first.places[i] = table_.add(std::move(begun.places[i]));
        for (letter const& l : begun.sent) {
            std::uint32_t const m = table_.add(l);
            first.sent[l.from] = sent_.with(first.sent[l.from], std::array{m});
            notice(first, m, result_.broken);
        }
        reach(first, {});
    }

    bool enough() const {
        return (limits_.depth != 0 && result_.depth >= limits_.depth) ||
               (limits_.states_max != 0 && result_.states >= limits_.states_max);
    }

    void tell(std::size_t size) const {
        if (!progress_) return;
        *progress_ << "depth " << result_.depth << ": " << size << " states, " << result_.states
                   << " in all, " << result_.moves << " moves, " << table_.places() << " places, "
                   << table_.messages() << " messages, " << choices_.situations() << " situations"
                   << std::endl;
    }

    // Those that happened, and those that must happen yet if what was lost shall come to light.
    unsigned crashes(world const& w) const {
        unsigned all = 0;
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            place const& p = table_.at(w.places[i]).place;
            all += p.crashes + (p.loses ? 1 : 0);
        }
        return all;
    }

    std::uint32_t acknowledged(world const& w) const {
        slot highest;
        for (std::size_t i = 0; i < rig_.size(); ++i)
            highest = std::max(highest, table_.at(w.places[i]).place.acknowledged);
        return static_cast<std::uint32_t>(highest.value);
    }

    void expand(world const& w, std::uint32_t index) {
        bool const may_crash = crashes(w) < limits_.crashes;
        std::uint32_t const told = limits_.reads != 0 ? acknowledged(w) : 0;
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            if (table_.at(w.places[i]).retired) continue;
            situation it{w.places[i], told, may_crash, {}};
            for (std::size_t from = 0; from < rig_.size(); ++from)
                it.letterboxes[from] = sent_.addressed(w.sent[from], i);
            for (choice const& c : choices_.of(it))
                take(w, {index, c.made, c.before, static_cast<std::uint8_t>(i)}, *c.done);
        }
    }

    void take(world const& w, origin const& from, transition const& t) {
        if (!result_.broken.empty()) return;
        ++result_.moves;
        world after = w;
        std::string broken = t.broken.empty() ? "" : t.broken.front();
        after.places[from.by] = t.after;
        if (!t.sent.empty()) after.sent[from.by] = sent_.with(w.sent[from.by], t);
        for (std::uint32_t const m : t.sent)
            notice(after, m, broken);
        check(after, broken);
        reach(after, from);
        if (broken.empty()) return;
        result_.broken = broken;
        origins_.push_back(from);
        result_.story = story(rig_, table_, choices_, origins_);
    }

    bool has(world const& w, std::uint32_t m) const {
        return sent_.has(w.sent[table_.message_at(m).letter.from], m);
    }

    // What a message that was just sent means for what is chosen.
    void notice(world& w, std::uint32_t m, std::string& broken) const {
        known_message const& known = table_.message_at(m);
        if (known.vote != 0) count(w, table_.box(known.vote), broken);
        if (known.proposal == 0) return;
        for (std::uint32_t other : table_.proposals(known.proposal)) {
            if (has(w, other) && table_.message_at(other).value != known.value)
                broken = "Q2: two values are proposed for a slot in one ballot";
        }
    }

    // config(slot), as bits: what the last change chosen alpha slots before made.
    std::uint32_t voters(world const& w, std::size_t at) const {
        std::uint32_t members = (1u << limits_.replicas) - 1;
        for (std::size_t i = 0; i + limits_.alpha <= at && i < slots_max; ++i) {
            if (std::uint32_t const made = table_.value_at(w.chosen[i]).members) members = made;
        }
        return members;
    }

    static bool is_quorum(std::uint32_t some, std::uint32_t members) {
        return std::popcount(some & members) >= std::popcount(members) / 2 + 1;
    }

    void count(world& w, ballot_box const& box, std::string& broken) const {
        if (box.at >= slots_max) return;
        std::uint32_t voted = 0;
        for (std::uint32_t m : box.votes) {
            if (has(w, m)) voted |= 1u << table_.message_at(m).letter.from;
        }
        if (!is_quorum(voted, voters(w, box.at))) return;
        std::uint8_t& chosen = w.chosen[box.at];
        if (chosen != 0 && chosen != box.value) broken = "agreement: a slot is chosen with two values";
        if (chosen == 0) check_release(w, table_.value_at(box.value).releases, broken);
        chosen = box.value;
    }

    // C3, by the disks alone.
    void check_release(world const& w, slot of, std::string& broken) const {
        if (!of || !limits_.releases) return;
        std::uint32_t know = 0;
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            if (table_.at(w.places[i]).durable + 1 >= of + limits_.alpha) know |= 1u << i;
        }
        if (!is_quorum(know, voters(w, of.value - 1 + limits_.alpha)))
            broken = "C3: a change is released before a quorum knows all slots before it durably";
    }

    void check(world const& w, std::string& broken) const {
        bool const released = std::any_of(w.chosen.begin(), w.chosen.end(), [&](auto v) {
            return static_cast<bool>(table_.value_at(v).releases);
        });
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            known_place const& p = table_.at(w.places[i]);
            for (std::size_t at = 0; at < slots_max; ++at) {
                if (p.chosen[at] != 0 && p.chosen[at] != w.chosen[at])
                    broken = "a replica takes a value for chosen that is not";
            }
            if (p.retired && !released) broken = "C4: a replica is destroyed before its release is chosen";
        }
    }

    std::uint64_t fingerprint(world const& w) const {
        std::uint64_t h = 0x9e3779b97f4a7c15;
        for (std::size_t i = 0; i < rig_.size(); ++i)
            h = mix(h ^ (std::uint64_t{w.sent[i]} << 32 | w.places[i])) + 0x9e3779b97f4a7c15;
        return h;
    }

    void reach(world const& w, origin const& from) {
        if (!seen_.insert(fingerprint(w))) return;
        ++result_.states;
        for (std::uint8_t const v : w.chosen)
            result_.states_released += table_.value_at(v).releases ? 1 : 0;
        bool const chosen = std::any_of(w.chosen.begin(), w.chosen.end(), [](auto v) { return v != 0; });
        result_.states_chosen += chosen ? 1 : 0;
        note_outcome(w);
        origins_.push_back(from);
        next_.push(w);
    }

    // What is chosen, and who knows it.
    void note_outcome(world const& w) {
        std::uint64_t h = 1;
        for (std::uint8_t const v : w.chosen)
            h = mix(h * 257 + v);
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            for (std::uint8_t const v : table_.at(w.places[i]).chosen)
                h = mix(h * 257 + v);
        }
        if (!outcomes_.emplace(h, 0).second) return;
        std::string all;
        for (std::uint8_t const v : w.chosen)
            all += name_of(v);
        for (std::size_t i = 0; i < rig_.size(); ++i) {
            all += '|';
            for (std::uint8_t const v : table_.at(w.places[i]).chosen)
                all += name_of(v);
        }
        result_.outcomes.insert(all);
    }

    std::string name_of(std::uint8_t value) const {
        return value == 0 ? "-" : to_string(table_.value_at(value).name).substr(0, 8) + ' ';
    }

    rig rig_;
    bounds const& limits_;
    table table_;
    outboxes sent_;
    choices choices_;
    seen seen_;
    std::ostream* progress_;
    queue next_;
    std::deque<origin> origins_; ///< of each world, in the order in which they were reached
    boost::unordered_flat_map<std::uint64_t, char> outcomes_;
    report result_;
};

} // namespace

report explore(bounds const& limits, std::ostream* progress) {
    return search(limits, progress).run();
}

} // namespace zooid::explore

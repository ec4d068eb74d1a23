// What a key may hold at a version if every later reply is to come true: found backwards, key by key. A
// commit whose reply is known turns what the key must hold after it into what it must hold before it; where
// nobody was told of the commit, it may be any unknown call that writes the key, or none that does. That each
// such call is there once, and that it writes other keys too, is left out: a content outside these sets
// is wrong, one inside may be.
#pragma once

#include "sim/linear_model.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace zooid::sim {

class told_versions;

/// Nothing: the key is absent.
using key_content = std::optional<kv::value>;

/// Some contents, or any.
class content_set {
  public:
    static content_set none() { return content_set(false); }
    static content_set any() { return content_set(true); }

    bool is_any() const { return any_; }
    bool contains(key_content const& one) const;
    void add(key_content one);
    void add(content_set const& more);
    void keep_only(key_content const& one);
    std::vector<key_content> const& all() const { return all_; }

  private:
    explicit content_set(bool any) : any_(any) {}

    bool any_;
    std::vector<key_content> all_;
};

/// What a transaction that commits does to one key.
struct effect_on_key {
    enum class kind : std::uint8_t { nothing, sets, adds, unclear } what = kind::nothing;
    std::optional<key_content> required; ///< before it
    key_content set_to;
    kv::integer amount;

    friend bool operator==(effect_on_key const&, effect_on_key const&) = default;
    /// What the key may hold before, if it holds one of these after.
    content_set before(content_set const& after) const;
};

class needed_contents {
  public:
    /// Of the versions after `from` that no reply claims for a commit.
    needed_contents(history const& calls, told_versions const& told, version from);

    /// False if some key holds what it must not at the state's version.
    bool allow(kv::store const& state) const;

  private:
    struct event {
        std::vector<key_content> held; ///< by the state at this version
        std::vector<effect_on_key> effects;
    };
    struct story {
        std::map<version, event> events;
        std::vector<effect_on_key> open; ///< of unknown calls, each once
    };

    void read(call const& c);
    void read_commit(call const& c, version at);
    void go_back(bytes const& key, story const& s, told_versions const& told);
    content_set before_gap(bytes const& key, version at, content_set const& after, story const& s,
                           told_versions const& told) const;

    std::map<bytes, story> stories_;
    std::set<version> gaps_;
    std::map<version, std::vector<std::pair<bytes, content_set>>> needed_; // by gap
};

} // namespace zooid::sim

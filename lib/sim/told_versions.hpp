// What replies say about commits that nobody was told of. A key carries the version of the commit that wrote
// it last, so a reply that shows (key, content, version w) at the cell's version c says: commit w left this
// content there, and no commit from w + 1 to c wrote that key. Whatever unknown call is placed there must
// agree. This holds only where replies are compared whole.
#pragma once

#include "sim/linear_model.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace zooid::sim {

class told_versions {
  public:
    told_versions(history const& calls, replies compare);

    /// False if some reply contradicts that `c` was the commit that led to `after`. True says nothing.
    bool allow(call const& c, kv::store const& after) const;

    /// Commit `at` surely did not write this key; surely did.
    bool is_untouched(bytes const& key, version at) const;
    bool is_written(bytes const& key, version at) const;

    /// Equal for states that no call of the history can tell apart, now or after the same further commits: a
    /// version that no reply shows and no condition names may as well be any other such.
    digest digest_of(kv::store const& state) const;

  private:
    void learn(call const& c);
    void learn_state(kv::observation const& seen, version at);

    replies compare_;
    std::map<version, std::vector<kv::observation>> left_;  // by commits
    std::map<bytes, std::map<version, version>> untouched_; // by key: after the first, up to the second
    std::set<std::pair<bytes, version>> told_apart_;
};

} // namespace zooid::sim

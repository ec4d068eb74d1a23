// The writes of one transaction, undone on destruction unless they were kept.
#pragma once

#include <zooid/kv/store.hpp>

#include <optional>
#include <vector>

namespace zooid::kv {

class store_change {
  public:
    /// Writes will carry this version.
    store_change(store& changed, version v)
        : store_(changed), version_(v), bytes_before_(changed.state_bytes_),
          digest_before_(changed.entries_digest_) {}
    ~store_change();
    store_change(store_change const&) = delete;
    store_change& operator=(store_change const&) = delete;

    void set(bytes&& key, value&& content);
    void remove(bytes_view key);
    void keep() { kept_ = true; }

    /// Counts an entry into size and digest.
    void account(observation const& e);

  private:
    struct step {
        bytes key; // of an entry that was not there before
        std::optional<observation> before;
    };

    void discount(observation const& e);
    void put_back(step&& s);
    digest digest_of(observation const& e);

    store& store_;
    version version_;
    std::size_t bytes_before_;
    digest digest_before_;
    std::vector<step> undo_;
    bytes scratch_;
    bool kept_ = false;
};

} // namespace zooid::kv

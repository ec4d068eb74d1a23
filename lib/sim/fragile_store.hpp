// The store that ships, with one more bit that can flip. It is part of the state, so of its digest and of
// what is taught, but no command or query sees it: callers are never told wrong, and the replicas have to
// find it.
#pragma once

#include <zooid/kv/store.hpp>

namespace zooid::sim {

class fragile_store final : public state_machine {
  public:
    /// What a bit that flips in the memory of a running process amounts to.
    void flip() { flipped_ = !flipped_; }

    bool apply(slot at, bytes_view command, bytes& reply) override {
        return store_.apply(at, command, reply);
    }
    void query(bytes_view query, bytes& reply) const override { store_.query(query, reply); }
    digest state_digest() const override {
        digest d = store_.state_digest();
        if (flipped_) d += hash128("flipped", 0);
        return d;
    }
    void snapshot(bytes& out) const override {
        out.push_back(flipped_ ? '\1' : '\0');
        store_.snapshot(out);
    }
    result<void> restore(bytes_view snapshot) override {
        if (snapshot.empty()) return error(errc::malformed, "a snapshot without its first byte");
        if (auto done = store_.restore(snapshot.substr(1)); done.has_error()) return done.error();
        flipped_ = snapshot.front() != '\0';
        return outcome::success();
    }
    std::size_t memory_bytes() const override { return store_.memory_bytes(); }

  private:
    kv::store store_;
    bool flipped_ = false;
};

} // namespace zooid::sim

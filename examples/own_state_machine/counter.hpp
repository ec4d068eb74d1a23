// A state machine of your own: a counter. A command is 8 bytes to be added (modulo 2^64), the reply and a
// query's answer are the 8 bytes of the sum.
#pragma once

#include <zooid/base/codec.hpp>
#include <zooid/base/state_machine.hpp>

namespace own {

using zooid::bytes;
using zooid::bytes_view;

inline bytes encoded(std::uint64_t n) {
    bytes out;
    zooid::writer(out).put(n);
    return out;
}

class counter final : public zooid::state_machine {
  public:
    // What is no command of ours must not get here: `admit` in main.cpp keeps it out of the log. If it did, a
    // newer version wrote it, and this replica stops instead of guessing.
    bool apply(zooid::slot, bytes_view command, bytes& reply) override {
        if (command.size() != sizeof(sum_)) return false;
        sum_ += zooid::reader(command).get<std::uint64_t>();
        reply += encoded(sum_);
        return true;
    }
    void query(bytes_view, bytes& reply) const override { reply += encoded(sum_); }
    zooid::digest state_digest() const override { return zooid::hash128(encoded(sum_)); }
    void snapshot(bytes& out) const override { out += encoded(sum_); }
    zooid::result<void> restore(bytes_view snapshot) override {
        zooid::reader in(snapshot);
        auto const sum = in.get<std::uint64_t>();
        if (!in.complete()) return zooid::error(zooid::errc::malformed, "not a counter's snapshot");
        sum_ = sum;
        return zooid::outcome::success();
    }
    std::size_t memory_bytes() const override { return sizeof(*this); }

  private:
    std::uint64_t sum_ = 0;
};

} // namespace own

// How much this server may send to those that fell behind, so that teaching a thousand cells that come back
// at once does not stand in the way of those that commit.
//
// A bucket that fills with time and holds a second's worth. It may be overdrawn by what was asked for while
// something was left: a snapshot larger than it must get through. Who asks while nothing is left gets no
// answer, and asks again after its back-off, perhaps somebody else; so nothing has to be remembered here.
#pragma once

#include <zooid/base/time.hpp>

#include <algorithm>
#include <cstdint>

namespace zooid {

class teach_budget {
  public:
    /// @param per_second  bytes, at most 2^33; zero: no limit
    explicit teach_budget(std::uint64_t per_second)
        : rate_(static_cast<std::int64_t>(per_second)), left_(rate_) {}

    bool has_some(time_point now) {
        if (rate_ == 0) return true;
        fill(now);
        return left_ > 0;
    }
    void spend(std::size_t sent) {
        if (rate_ != 0) left_ -= static_cast<std::int64_t>(sent);
    }

  private:
    void fill(time_point now) {
        constexpr duration second = std::chrono::seconds(1);
        duration const since = now - filled_;
        bool const long_ago = since >= second; // the product below would not fit into 64 bits for ever
        std::int64_t const more = long_ago ? rate_ : rate_ * since.count() / second.count();
        if (more == 0) return; // keeps the fraction
        left_ = std::min(rate_, left_ + more);
        filled_ = now;
    }

    std::int64_t rate_;
    std::int64_t left_;
    time_point filled_{};
};

} // namespace zooid

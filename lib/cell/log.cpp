#include "cell/log.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid {

log_slot const* log_window::find(slot at) const {
    if (at < first_ || at - first_ >= slots_.size()) return nullptr;
    return &slots_[at - first_];
}

log_slot* log_window::find(slot at) {
    return const_cast<log_slot*>(std::as_const(*this).find(at));
}

log_slot& log_window::open(slot at) {
    ZOOID_CHECK(at >= first_, "a slot below the log's window is never opened again");
    if (at - first_ >= slots_.size()) slots_.resize(at - first_ + 1);
    return slots_[at - first_];
}

void log_window::trim(slot at) {
    if (at <= first_) return;
    std::size_t const dropped = std::min<std::size_t>(at - first_, slots_.size());
    slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(dropped));
    first_ = at;
}

void log_window::restart_after(slot at) {
    trim(at + 1);
}

std::size_t log_window::value_bytes() const {
    std::size_t total = 0;
    for (log_slot const& held : slots_)
        total += held.value.encoded().size();
    return total;
}

} // namespace zooid

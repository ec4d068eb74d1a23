// What will happen: a heap of small fixed-size events, and a slab for the bytes that some of them carry.
//
// Events of one moment happen in the order in which they were scheduled, so that a life is a function of its
// seed. Nothing here allocates once the world is warm.
#pragma once

#include "sim/clock.hpp"

#include <zooid/base/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace zooid::sim {

enum class occurrence : std::uint8_t {
    frame,     ///< arrives at `target` from `other`; `item` holds the payload
    wake,      ///< the deadline of the process on `target`
    disk,      ///< the present step of task `item` of the disk of `target` is done
    link_try,  ///< `target` and `other` try to shake hands
    link_up,   ///< at the end of `target`; `item` holds the claims of `other`
    link_down, ///< at the end of `target`
    request,   ///< arrives at server `target` from client `other`
    reply,     ///< arrives at client `target` from server `other`
    client,    ///< a timer of client `target`
    start,     ///< the process on `target` starts
};

struct scheduled {
    world_time at = 0;
    std::uint64_t order = 0;
    occurrence what{};
    std::uint8_t flavour = 0; ///< channel of a frame, kind of a client's timer
    std::uint16_t target = 0;
    std::uint16_t other = 0;
    std::uint32_t epoch = 0; ///< of the process or link that it is meant for: it may be gone by then
    std::uint32_t item = 0;
};

class event_queue {
  public:
    void push(scheduled e) {
        e.order = ++order_;
        push_again(e);
    }
    /// Keeps the order that it had among others of the same moment.
    void push_again(scheduled const& e) {
        heap_.push_back(e);
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    scheduled pop() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        scheduled const e = heap_.back();
        heap_.pop_back();
        return e;
    }
    bool empty() const { return heap_.empty(); }
    scheduled const& next() const { return heap_.front(); }

  private:
    static bool later(scheduled const& a, scheduled const& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<scheduled> heap_;
    std::uint64_t order_ = 0;
};

/// Bytes under way.
class slab {
  public:
    std::uint32_t put(bytes content) {
        if (free_.empty()) {
            items_.push_back(std::move(content));
            return static_cast<std::uint32_t>(items_.size() - 1);
        }
        std::uint32_t const at = free_.back();
        free_.pop_back();
        items_[at] = std::move(content);
        return at;
    }
    bytes take(std::uint32_t at) {
        free_.push_back(at);
        return std::move(items_[at]);
    }

  private:
    std::vector<bytes> items_;
    std::vector<std::uint32_t> free_;
};

} // namespace zooid::sim

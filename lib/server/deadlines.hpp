// When which cell wants to be woken: a heap that forgives.
//
// A deadline that moves later, as a proposer's retransmission does with every answer, costs nothing: the old
// entry surfaces at its time, is compared with what the cell wants by then, and goes back. An idle cell has
// none.
#pragma once

#include <zooid/base/time.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace zooid {

class deadline_heap {
  public:
    struct entry {
        time_point at;
        std::uint32_t cell;
        // Ties by cell: the order must not depend on the history of the heap.
        friend bool operator<(entry const& a, entry const& b) {
            return a.at != b.at ? a.at > b.at : a.cell > b.cell;
        }
    };

    void push(time_point at, std::uint32_t cell) {
        heap_.push_back({at, cell});
        std::push_heap(heap_.begin(), heap_.end());
    }
    time_point next() const { return heap_.empty() ? never : heap_.front().at; }
    /// Takes out the earliest entry at or before `now`.
    std::optional<entry> pop_due(time_point now) {
        if (next() > now || heap_.empty()) return std::nullopt;
        std::pop_heap(heap_.begin(), heap_.end());
        entry const due = heap_.back();
        heap_.pop_back();
        return due;
    }

  private:
    std::vector<entry> heap_;
};

} // namespace zooid

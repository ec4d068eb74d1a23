#include "placement/overlaps.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid::placement {

void overlap_index::add(std::uint64_t key, std::span<server_ref const> members) {
    if (!on()) return;
    std::uint32_t number;
    if (free_.empty()) {
        number = static_cast<std::uint32_t>(key_of_.size());
        key_of_.push_back(key), shared_.push_back(0);
    } else {
        number = free_.back();
        free_.pop_back();
        key_of_[number] = key;
    }
    for (auto const m : members) {
        cells_on_[m.value].push_back(number);
    }
    ++live_;
}

void overlap_index::remove(std::uint64_t key, std::span<server_ref const> members) {
    if (!on() || members.empty()) return;
    look_from({});
    std::uint32_t number = 0;
    for (auto const m : members) {
        auto& cells = cells_on_[m.value];
        auto const found =
            std::find_if(cells.begin(), cells.end(), [&](auto n) { return key_of_[n] == key; });
        ZOOID_CHECK(found != cells.end(), "a cell that is removed was recorded on each of its servers");
        number = *found;
        *found = cells.back();
        cells.pop_back();
    }
    free_.push_back(number);
    --live_;
}

void overlap_index::look_from(std::span<std::uint32_t const> chosen) {
    for (auto const number : touched_) {
        shared_[number] = 0;
    }
    touched_.clear();
    for (auto const server : chosen) {
        for (auto const number : cells_on_[server]) {
            if (shared_[number]++ == 0) touched_.push_back(number);
        }
    }
}

bool overlap_index::forbids(std::uint32_t server) const {
    return std::any_of(cells_on_[server].begin(), cells_on_[server].end(),
                       [this](auto number) { return shared_[number] >= *most_; });
}

unsigned overlap_index::largest(std::span<std::uint32_t const> chosen) {
    if (!on()) return 0;
    look_from(chosen);
    unsigned most = 0;
    for (auto const number : touched_) {
        most = std::max<unsigned>(most, shared_[number]);
    }
    return most;
}

bool overlap_index::recorded(std::uint64_t key, std::span<server_ref const> members) const {
    if (!on() || members.empty()) return false;
    auto const& cells = cells_on_[members[0].value];
    return std::any_of(cells.begin(), cells.end(), [&](auto n) { return key_of_[n] == key; });
}

std::size_t overlap_index::bytes() const {
    std::size_t sum = key_of_.capacity() * sizeof(std::uint64_t) + shared_.capacity();
    for (auto const& cells : cells_on_) {
        sum += cells.capacity() * sizeof(std::uint32_t);
    }
    return sum;
}

} // namespace zooid::placement

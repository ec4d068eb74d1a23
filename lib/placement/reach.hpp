// Who is up and who is connected under one set of failures.
#pragma once

#include <zooid/placement/availability.hpp>

#include <algorithm>
#include <optional>

namespace zooid::placement {

/// A sorted set of elements, asked by binary search.
class down_set {
  public:
    explicit down_set(failures f) : sorted_(std::move(f)) { std::sort(sorted_.begin(), sorted_.end()); }
    bool has(element_kind k, std::uint32_t i) const {
        return std::binary_search(sorted_.begin(), sorted_.end(), element{k, i});
    }

  private:
    failures sorted_;
};

/// Whether nothing of `down` takes the server itself; what the topology marks as failed is not asked.
bool is_up(topology const& t, server_ref s, down_set const& down);

/// As `reachable_under`, for many cells under one set of failures.
std::optional<unsigned> reachable(topology const& t, cell const& c, down_set const& down);

} // namespace zooid::placement

// Which cells live on which server: kept only when the overlap of cells is limited.
#pragma once

#include <zooid/placement/cell.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace zooid::placement {

class overlap_index {
  public:
    overlap_index(std::size_t servers, std::optional<unsigned> most) : most_(most) {
        if (most_) cells_on_.resize(servers);
    }
    bool on() const { return most_.has_value(); }
    unsigned most() const { return most_.value_or(cell_size_max); }
    std::size_t cells() const { return live_; }

    /// Records a cell under a hash of its key; removes it again.
    void add(std::uint64_t key, std::span<server_ref const> members);
    void remove(std::uint64_t key, std::span<server_ref const> members);

    /// Servers that `chosen` makes impossible are told by `forbids` until the next call.
    void look_from(std::span<std::uint32_t const> chosen);
    bool forbids(std::uint32_t server) const;
    /// The most servers that `chosen` has in common with a recorded cell.
    unsigned largest(std::span<std::uint32_t const> chosen);
    bool recorded(std::uint64_t key, std::span<server_ref const> members) const;
    std::size_t bytes() const;

  private:
    std::optional<unsigned> most_;
    std::vector<std::vector<std::uint32_t>> cells_on_;
    std::vector<std::uint64_t> key_of_; ///< by number of the cell
    std::vector<std::uint8_t> shared_;  ///< with the chosen servers, by number of the cell
    std::vector<std::uint32_t> touched_, free_;
    std::size_t live_ = 0;
};

} // namespace zooid::placement

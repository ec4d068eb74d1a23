// All servers, sorted by what a decision can tell apart, with the room that is left.
//
//   class  servers of one rack, pool, feeds and rate: interchangeable for any cell that is not anchored on
//          one of them
//   group  classes of one row that differ in their rack alone: interchangeable while those racks are
//          untouched
//   kind   groups that differ in their row alone: interchangeable while those rows are untouched
//
// A pool holds the servers that one cell may mix: those of one colour, or all if colours are no floor.
// Counts of usable servers, classes and groups are kept current at each change of load, in constant time.
#pragma once

#include "placement/view.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace zooid::placement {

/// Mixes a word into a hash (the finaliser of splitmix64 over both).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t z = (a ^ (b * 0x9E3779B97F4A7C15ull)) + 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/// What one decision looks at comes first and fills one line of the cache.
struct alignas(64) server_class {
    std::uint32_t usable; ///< servers with room
    std::uint32_t pool, group;
    std::uint64_t rates; ///< hash of the rates of server, rack and row
    site common;         ///< of each of its servers
    std::vector<std::uint32_t> servers;
};
struct class_group {
    std::uint32_t row, pool, kind;
    std::vector<std::uint32_t> classes;
    std::uint32_t usable = 0; ///< classes with a usable server
};
struct group_kind {
    std::uint32_t pool;
    std::vector<std::uint32_t> groups;
    std::uint32_t usable = 0; ///< groups with a usable class
};

/// Lists of numbers, one for each rack or row, end to end in memory.
class index_lists {
  public:
    index_lists() = default;
    explicit index_lists(std::vector<std::vector<std::uint32_t>> const& lists);
    std::span<std::uint32_t const> operator[](std::uint32_t i) const {
        return {items_.data() + start_[i], start_[i + 1] - start_[i]};
    }

  private:
    std::vector<std::uint32_t> start_, items_;
};

struct pool {
    index_lists classes_by_rack;
    index_lists groups_by_row;
    std::vector<std::uint32_t> kinds;
    std::vector<std::uint32_t> classes;
    std::uint64_t load = 0;
    std::uint64_t capacity = 0; ///< of eligible servers
    std::uint32_t eligible = 0; ///< servers that are neither draining nor down
};

class catalogue {
  public:
    catalogue(topology const& t, failures const& down, bool one_colour);

    located at(std::uint32_t server) const { return {{server}, &class_of(server).common}; }
    std::uint32_t class_index(std::uint32_t server) const { return class_of_[server]; }
    server_class const& class_of(std::uint32_t server) const { return classes_[class_of_[server]]; }
    std::uint32_t pool_of(std::uint32_t server) const { return class_of(server).pool; }
    double rate_of_feed(std::uint32_t power) const { return feed_rates_[power]; }
    /// A hash of a power domain's rate and the name that a cell gives it.
    static std::uint64_t feed_hash(double rate, std::uint64_t name);
    /// The name of a domain that the cell does not use yet.
    static constexpr std::uint64_t fresh_name = 255;
    std::uint64_t hash_of_fresh_feed(std::uint32_t power) const { return fresh_feeds_[power]; }
    std::vector<server_class> const& classes() const { return classes_; }
    std::vector<class_group> const& groups() const { return groups_; }
    std::vector<group_kind> const& kinds() const { return kinds_; }
    std::vector<pool> const& pools() const { return pools_; }
    std::size_t servers() const { return class_of_.size(); }

    /// Neither draining nor down today.
    bool eligible(std::uint32_t server) const { return seats_[server].room > 0; }
    /// Eligible, and not beyond its capacity: its replicas may stay.
    bool holds(std::uint32_t server) const {
        return eligible(server) && seats_[server].load <= seats_[server].room;
    }
    bool up(std::uint32_t server) const { return up_[server]; }
    bool usable(std::uint32_t server) const { return seats_[server].load < seats_[server].room; }
    std::uint32_t load(std::uint32_t server) const { return seats_[server].load; }
    std::uint32_t room(std::uint32_t server) const { return seats_[server].room; }
    /// True if a is less loaded than b, relative to their room; both have some.
    bool emptier(std::uint32_t a, std::uint32_t b) const {
        return std::uint64_t{seats_[a].load} * seats_[b].room <
               std::uint64_t{seats_[b].load} * seats_[a].room;
    }

    void add_load(std::uint32_t server);
    void remove_load(std::uint32_t server);
    /// Reads again from the topology whether the server is up and takes replicas.
    void refresh(topology const& t, std::uint32_t server, failures const& down);

  private:
    void build_classes(topology const& t, bool one_colour);
    void build_groups(topology const& t);
    void build_kinds();
    void set_room(std::uint32_t server, std::uint32_t room);
    void count_usable(std::uint32_t server, int change);

    struct seats {
        std::uint32_t load = 0;
        std::uint32_t room = 0; ///< the capacity, or 0 if it takes no replica
    };
    std::vector<std::uint32_t> class_of_; ///< by server, like the next two
    std::vector<seats> seats_;
    std::vector<char> up_;
    std::vector<double> feed_rates_; ///< by power domain, like the next
    std::vector<std::uint64_t> fresh_feeds_;
    std::vector<server_class> classes_;
    std::vector<class_group> groups_;
    std::vector<group_kind> kinds_;
    std::vector<pool> pools_;
};

} // namespace zooid::placement

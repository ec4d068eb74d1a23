// What a data centre is, as placement sees it: a network tree crossed with power, colours and capacities.
//
// The tree has typed levels: data centre, row, rack, server. The link of a row and the link of a rack can be
// cut without anything behind it failing: what is inside goes on by itself. Power domains cross the tree;
// a server that several of them feed goes down only with all of them. Everything is plain data: fill it by
// hand, parse it (json.hpp) or generate it (generate.hpp), then ask `validate`.
#pragma once

#include <zooid/base/error.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace zooid::placement {

/// The position of one kind of thing in the topology that it belongs to. Two kinds never mix.
template <class Tag>
struct ref {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(ref, ref) = default;
};

using server_ref = ref<struct server_ref_tag>;
using rack_ref = ref<struct rack_ref_tag>;
using row_ref = ref<struct row_ref_tag>;
using power_ref = ref<struct power_ref_tag>;
using colour_ref = ref<struct colour_ref_tag>;

/// Probabilities that one of a class is down (a link: cut) at an instant, all independent of each other.
/// Each in [0, 1). These are the defaults of a document; every element carries its own.
struct failure_rates {
    double server = 1e-3;
    double rack = 1e-4;
    double row = 1e-5;
    double row_link = 1e-4;
    double rack_link = 1e-4;
    double power = 1e-4;
    friend bool operator==(failure_rates const&, failure_rates const&) = default;
};

struct server {
    std::string id;               ///< unique within the topology
    rack_ref rack;                ///< exactly one
    std::vector<power_ref> power; ///< 1 to 4 distinct domains; down only when all of them are
    colour_ref colour;
    std::uint32_t capacity = 1; ///< replicas that it may host, at least 1
    bool draining = false;      ///< takes no new replica; `repair` moves those that it has
    bool failed = false;        ///< down today: takes nothing, counts as a failure in every plan
    double rate = 0;            ///< P(this server is down, all else being up)
    friend bool operator==(server const&, server const&) = default;
};

struct rack {
    std::string id;
    row_ref row;
    double rate = 0;
    double link_rate = 0; ///< P(the rack's link is cut)
    friend bool operator==(rack const&, rack const&) = default;
};

struct row {
    std::string id;
    double rate = 0;
    double link_rate = 0; ///< P(the row's aggregation link is cut)
    friend bool operator==(row const&, row const&) = default;
};

struct power_domain {
    std::string id;
    double rate = 0;
    friend bool operator==(power_domain const&, power_domain const&) = default;
};

struct topology {
    std::vector<server> servers;
    std::vector<rack> racks;
    std::vector<row> rows;
    std::vector<power_domain> powers;
    std::vector<std::string> colours;
    failure_rates rates;

    row_ref row_of(server_ref s) const { return racks[servers[s.value].rack.value].row; }
    friend bool operator==(topology const&, topology const&) = default;
};

/// Accepts a topology in which every reference exists, names are unique, every probability is a number in
/// [0, 1), and every server has capacity and power. Otherwise `invalid_argument`, naming the path as in the
/// JSON document: "servers[12].capacity: 0 is not at least 1".
result<void> validate(topology const& t);

inline constexpr std::size_t power_feeds_max = 4;

} // namespace zooid::placement

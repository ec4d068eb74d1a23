// How likely a cell is out of its clients' reach: exactly, not by sampling.
//
//   unavailable = P(fewer than a majority of the members reachable from the anchors
//                   | every anchor is up, and they are connected with each other)
//
// Reachable means: up, and on the anchors' side of every cut link. In a tree connectedness is an equivalence,
// so "from the anchors" names one side. The computation conditions on the power domains that feed two members
// or more (few), folds every other domain into its member, and runs dynamic programming over the tree on the
// number of reachable members. Only tails below a majority are summed, without subtraction: 1e-30 is as
// exact as 0.1. Without anchors the point of view is the core of the network.
#pragma once

#include <zooid/placement/cell.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace zooid::placement {

/// What the solver minimises. `joint`: as above, weights only tell which anchors count (0 does not).
/// `weighted`: the sum over anchors a of weight(a) / total * P(no majority reachable from a | a is up):
/// for a client that must get on when its primary is gone.
enum class objective : std::uint8_t { joint, weighted };

/// The probabilities that describe one placed cell. Each in [0, 1].
struct score {
    double unavailable = 0; ///< given the anchors, by the joint formula
    double weighted = 0;    ///< the weighted sum over single anchors
    /// P(fewer than a majority are up at all, whatever is cut), unconditionally: down counts as lost.
    double not_durable = 0;
    friend bool operator==(score const&, score const&) = default;
};

/// The exact score of `members`, which need not satisfy any floor but must be distinct. Anchors and members
/// must exist. The cost is exponential only in the number of power domains that feed several members.
score score_of(topology const& t, cell const& c);
/// One entry alone, for those who need no more.
double unavailability_of(topology const& t, cell const& c, objective o = objective::joint);

struct estimate {
    double mean = 0;
    double standard_error = 0; ///< of the mean
};
/// Estimates `score::unavailable` by drawing `samples` states of the data centre, at least one. The same seed
/// draws the same states.
estimate simulate(topology const& t, cell const& c, std::uint64_t samples, std::uint64_t seed);

/// Things that fail or are cut.
enum class element_kind : std::uint8_t { server, rack, row, rack_link, row_link, power };
struct element {
    element_kind kind;
    std::uint32_t index;
    friend constexpr auto operator<=>(element const&, element const&) = default;
};
/// "rack r12", "link of row w3", "power B".
std::string to_string(topology const& t, element const& e);

/// A set of elements that are down or cut at one instant.
using failures = std::vector<element>;

/// `down` and the servers that the topology marks as failed: all that is down today.
failures with_failed(topology const& t, failures down);

/// How many members the anchors reach under `down`; nothing if an anchor is down or they are separated.
std::optional<unsigned> reachable_under(topology const& t, cell const& c, failures const& down);

/// A minimal set of failures that takes the majority away while the anchors stay up and connected.
struct cut_set {
    failures elements;
    double probability = 0; ///< that all of its elements fail: the product of their rates
};
/// All minimal cut sets of at most `order` elements, likeliest first. Order 3 takes milliseconds.
std::vector<cut_set> minimal_cut_sets(topology const& t, cell const& c, unsigned order);

} // namespace zooid::placement

// The solver: where cells go, and why.
//
// Servers that differ in nothing that matters (rack, feeds, colour, rate) form a class; a decision is made
// between classes, and between classes of the same *shape* as seen from the cell only once: its exact scores
// are remembered under the shape. Which server of the chosen class takes the replica is decided by load and
// chance.
//
// A solver is a value: same topology, options and calls, same answers. Not thread safe; use one per thread.
#pragma once

#include <zooid/placement/plan.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace zooid::placement {

struct solver_options {
    std::uint64_t seed = 1; ///< of the choice between equally good servers
    floors hard = {};
    objective minimise = objective::joint;
    /// `improve` moves a replica only if the score falls by this share, in (0, 1): moves cost teaching.
    double hysteresis = 0.1;
    /// `improve` moves at most this many replicas in one call.
    std::uint64_t churn_max = 1000;
    /// Elements down today besides the servers marked failed; plans count them.
    failures down = {};
};

/// One way to give way: what to change, and what then becomes feasible.
struct relaxation {
    /// 1 to use draining servers, 2 to exceed capacities by one replica, 4 for each step of a spread limit,
    /// 8 to lift the overlap limit, 16 to mix colours, 20 for each step down in size.
    double cost = 0;
    std::string text; ///< "allow 4 of 7 in one rack"; empty if nothing helps
};

/// Why a request cannot be met. The conflict set is minimal: without any one of its members the rest can be
/// met.
struct infeasibility {
    std::vector<constraint> conflict;
    relaxation cheapest;
    std::string reason; ///< one sentence with the numbers
};

/// What became of one request.
struct answer {
    std::vector<server_ref> members; ///< ascending; those it had if nothing could or needed to be done
    double unavailable = 1;          ///< exact, by the solver's objective
    plan steps;                      ///< how to get there, empty for a new cell
    bool changed = false;
    std::optional<infeasibility> refused; ///< set: the request is not met
};

/// A rejected alternative: the same cell with one member elsewhere.
struct alternative {
    swap change;
    double unavailable = 1; ///< of the alternative
    std::string why;        ///< why it lost
};

/// Everything that can be said about one placed cell.
struct explanation {
    score probabilities;
    std::vector<std::string> binding;  ///< floors that are at their limit here
    std::vector<std::string> violated; ///< floors that do not hold
    std::vector<alternative> rejected; ///< best first
    std::vector<cut_set> cuts;         ///< likeliest first
};
/// One line: score, members by rack and power, binding floors, first rejected alternative, likeliest cut.
std::string to_line(topology const& t, cell const& c, explanation const& e);

/// What a set of failures does to a set of cells. Cells without members are in none of the lists.
struct blast {
    std::vector<std::size_t> dead;         ///< positions of cells whose anchors live and reach no majority
    std::vector<std::size_t> lost_margin;  ///< reach a majority, but fewer than all
    std::vector<std::size_t> anchors_gone; ///< an anchor is down or they are separated
};
/// `down` comes on top of the servers that the topology marks as failed.
blast what_if(topology const& t, std::span<cell const> cells, failures const& down);

/// Two cells with the most servers in common.
struct overlap {
    unsigned servers = 0;
    std::size_t first = 0;
    std::size_t second = 0;
};
/// Exact, in time linear in the number of cells for each size of overlap tried (largest first).
overlap largest_overlap(std::span<cell const> cells);

struct audit_report {
    std::size_t cells = 0;
    std::size_t floors_violated = 0; ///< cells that break a floor
    /// What each cell breaks, in order, as sentences: `violations`, and what depends on today and on the
    /// other cells: members whose server is draining, down or beyond its capacity, too many in common with
    /// another cell. Cells without members break nothing.
    std::vector<std::vector<std::string>> broken;
    std::size_t on_draining = 0; ///< replicas on draining servers
    std::size_t on_failed = 0;   ///< on servers that are down
    double unavailable_mean = 0;
    double unavailable_p50 = 0;
    double unavailable_p99 = 0;
    double unavailable_max = 0;
    std::size_t worst = 0;
    std::uint32_t load_max = 0;
    double load_mean = 0; ///< over servers that take replicas
    std::size_t servers_over_capacity = 0;
    std::size_t servers_with_twin = 0; ///< servers whose set of cells equals another's, empty ones aside
    overlap shared;
    std::vector<double> unavailable; ///< of each cell, in order
};

/// Exact and complete. Linear in cells, apart from the search for the largest overlap. Of the options `hard`,
/// `minimise` and `down` are asked.
audit_report audit(topology const& t, std::span<cell const> cells, solver_options const& o);

/// What becomes of a server: `taking` new replicas; `draining`: up, but keeps none; `failed`: down.
enum class server_state : std::uint8_t { taking, draining, failed };

class solver {
  public:
    /// Fails with `invalid_argument` for a topology or options that make no sense.
    static result<std::unique_ptr<solver>> create(topology t, solver_options o = {});
    ~solver();
    solver(solver const&) = delete;
    solver& operator=(solver const&) = delete;

    topology const& world() const;

    /// Counts an existing cell's replicas as load (and its overlaps, if limited). Floors are not asked.
    result<void> adopt(cell const& c);
    /// Takes a cell's replicas off the load.
    void forget(cell const& c);
    /// Finds servers for c, which has no members yet, and counts them as load.
    result<answer> place(cell const& c);
    /// Replaces members that are failed or draining or whose server holds more than its capacity, and as few
    /// others as the spread floors and the overlap limit need. c must be adopted or placed here.
    result<answer> repair(cell const& c);
    /// Takes note of what a server is from now on. Its cells are moved away, if need be, by `repair` of each.
    result<void> mark(server_ref s, server_state now);
    result<void> drain(server_ref s) { return mark(s, server_state::draining); }
    /// Moves replicas of the cells that gain most, within hysteresis and churn; no cell gets worse in any of
    /// its scores. A cell whose anchors moved away follows them as a whole; on the way the floors and a
    /// majority hold, scores are those of its end. Answers in the order of `cells`, with `changed` set on
    /// those that move.
    result<std::vector<answer>> improve(std::span<cell const> cells);
    /// Why these members and no others. Slow (milliseconds): for people.
    explanation explain(cell const& c, unsigned rejected_max = 3, unsigned cut_order = 2);

    std::uint32_t load_of(server_ref s) const;
    /// Bytes held for placed cells and for remembered shapes.
    std::size_t bytes_for_cells() const;
    std::size_t bytes_for_shapes() const;
    std::size_t shapes_remembered() const;

  private:
    struct impl;
    explicit solver(std::unique_ptr<impl> i);
    std::unique_ptr<impl> impl_;
};

/// The best members there are.
struct optimum {
    std::vector<server_ref> members;
    double unavailable = 1;
    std::uint64_t visited = 0; ///< nodes of the search tree
};
/// By branch and bound over every lawful set: for small instances and for tests. Loads are the replicas that
/// servers hold already (empty: none). Nothing if there is no lawful set.
std::optional<optimum> find_optimum(topology const& t, cell const& c, floors const& f, objective o,
                                    std::span<std::uint32_t const> loads = {});

} // namespace zooid::placement

// What the client remembers of each cell: where it is, and how far it has seen it.
//
// Both may be forgotten at any time without harm to an outcome: sequences count over all cells of the client,
// so a forgotten cell never sees a number twice, and a cell that is not known is looked up again.
#pragma once

#include <zooid/client/client_core.hpp>

#include <map>
#include <set>

namespace zooid {

struct known_cell {
    configuration members; ///< empty: not known
    server_id proposer;    ///< a guess, or zero
    generation birth;
    slot members_at;                         ///< the slot that `members` were reported with
    slot seen;                               ///< the highest slot that any reply of the cell itself showed
    time_point heard_at = time_point::min(); ///< of the last such reply
    time_point complained_at = time_point::min();
    std::set<sequence> outstanding; ///< commits that have an envelope and have not ended
    bytes key;                      ///< by which it was found, or empty
    std::uint64_t used = 0;         ///< when, in uses of any cell
};

class known_cells {
  public:
    explicit known_cells(std::size_t most) : most_(most) {}

    /// Null if it is not remembered. Counts as a use.
    known_cell* find(cell_id cell);
    /// Zero if no cell is remembered under this key.
    cell_id find_key(bytes const& key) const;
    /// Remembers what a reply tells of a cell, in preference to older news.
    known_cell& learn(cell_location const& news);
    void bind_key(cell_id cell, bytes const& key);
    /// It is not where we thought; what was seen of it stays.
    void forget_place(cell_id cell);
    void forget_key(bytes const& key);
    std::size_t size() const { return cells_.size(); }

  private:
    void touch(cell_id cell, known_cell& known);
    void shrink();

    std::size_t most_;
    std::uint64_t uses_ = 0;
    std::map<cell_id, known_cell> cells_;
    std::map<bytes, cell_id> by_key_;
    std::map<std::uint64_t, cell_id> by_use_;
};

} // namespace zooid

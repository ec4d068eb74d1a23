// Where a cell goes on that lost its majority for good (recovery.hpp).
#pragma once

#include <zooid/base/codec.hpp>

namespace zooid {

/// The cell that a recovery founded: another id, the next generation of the same key.
struct successor_cell {
    cell_id cell;
    generation birth;
    configuration members; ///< as it was founded

    friend bool operator==(successor_cell const&, successor_cell const&) = default;
};

inline void put(writer& w, successor_cell const& s) {
    w.put(s.cell), w.put(s.birth), w.put(s.members);
}
/// Fails on one that nobody can be sent to.
inline void get(reader& in, successor_cell& s) {
    in.get(s.cell), in.get(s.birth), in.get(s.members);
    if (!s.cell || !s.birth || s.members.empty()) in.fail();
}

} // namespace zooid

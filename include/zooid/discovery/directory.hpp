// The directory: which cell serves a key, decided in one place.
//
// A fixed number of cells, founded with the colony, hold one entry for each key; keys are spread over them by
// hash. An entry is written by a conditional write (the key is absent, or bound to an older generation), so
// of two creators of one key one wins, and the other finds the winner's entry (trap 5). The entry holds the
// whole founding: whoever reads it can finish a creation that was interrupted after the write.
//
//   D1  The id of a directory cell is a function of the colony and its index, so founding it again is the
//       same founding, and a client that knows the colony needs nobody to find it but any server that
//       hosts it.
//   D2  The number of directory cells never changes in the life of a colony.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/base/ids.hpp>

#include <cstdint>
#include <optional>

namespace zooid {

inline constexpr std::uint32_t directory_cells = 16;

/// Which directory cell holds the entry of a key.
std::uint32_t directory_index(bytes_view key);
/// The key that a directory cell itself serves: "directory/7".
bytes directory_key(std::uint32_t index);
/// The id of a directory cell (D1).
cell_id directory_cell_id(colony_id const& colony, std::uint32_t index);
/// `invalid_argument` for the empty key and for those that directory cells serve; `too_large`.
result<void> check_partition_key(bytes_view key);

/// Of a cell that goes on from another (an emergency recovery), or was created above another, which it ends:
/// what whoever goes on with an interrupted attempt has to know.
struct fork_origin {
    cell_id from;            ///< the cell that lost its majority, or is ended
    generation birth;        ///< of that one
    digest confirmed;        ///< what the operator confirmed: zooid::confirmation_of; zero: a creation
    digest founding;         ///< of the founding record, fixed before anybody gets it; zero: not yet
    bytes words;             ///< who, when, which servers are off; of a creation: the entry of `from`
    bool is_founded = false; ///< by a majority of its founders: from here on it is a cell like any other

    friend bool operator==(fork_origin const&, fork_origin const&) = default;
};

/// What the directory knows of a key: enough to found the cell, and where it was born.
struct directory_entry {
    cell_id cell;
    generation birth;
    configuration founders; ///< from its first slot; later configurations are in the cell's own log
    std::optional<fork_origin> origin{}; ///< of a cell that was recovered, or ended another

    friend bool operator==(directory_entry const&, directory_entry const&) = default;
};

bytes encode(directory_entry const& entry); ///< what the directory cell holds under the key
/// `malformed`, or `unsupported_version` for a newer format.
result<directory_entry> decode_directory_entry(bytes_view encoded);

} // namespace zooid

// The documents that the tools read and write. Schema: lib/placement/README.md.
//
// Whatever the bytes are, the answer is a value or `invalid_argument` / `too_large` whose detail starts with
// the path in the document: "servers[3].power: no power domain". Ids are strings or whole numbers.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/placement/solver.hpp>

#include <string>
#include <vector>

namespace zooid::placement {

inline constexpr std::size_t document_bytes_max = std::size_t{1}
                                                  << 30; ///< 1 GiB: a million cells take 250 MB

/// A topology, and whether its server ids were numbers (then they are written as numbers again).
struct topology_document {
    topology world;
    failures down = {}; ///< elements marked "failed" in `domains`
    bool numeric_ids = false;
};
/// What is down in `domains` is read, and not written.
result<topology_document> read_topology(bytes_view json);
std::string write_topology(topology const& t);

/// The servers that cells name have to be in `t`.
result<std::vector<cell>> read_cells(bytes_view json, topology const& t);
std::string write_cells(topology_document const& t, std::vector<cell> const& cells);

/// A list of failures: [{"kind": "rack_link", "id": "r1"}, ...]; kinds are server, rack, row, rack_link,
/// row_link, power.
result<failures> read_failures(bytes_view json, topology const& t);

/// One element of the answer document, without the brackets around all of them.
std::string write_answer(topology_document const& t, cell const& c, answer const& a,
                         std::string_view explanation, std::vector<std::string> const& violated);

} // namespace zooid::placement

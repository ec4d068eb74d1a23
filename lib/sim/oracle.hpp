// The referee: an independent account of the protocol, kept from what all servers report as durable.
//
//   O1  A slot of a cell is chosen with one value, and leaves one state behind.
//   O2  It is chosen only after a quorum made an acceptance of that value durable in one ballot.
//   O3  One (slot, ballot) is accepted with one value only.
//   O4  A replica accepts nothing below a promise that it made durable before, but what it had accepted then
//       and writes again; its promise never goes down, restarts included.
//   O5  Reads of one version see one state.
//   O6  Whoever knows which configuration governs a slot knows the same one.
#pragma once

#include <zooid/cell/snapshot.hpp>
#include <zooid/server/options.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace zooid::sim {

class oracle {
  public:
    /// Cells are numbered by the order of these calls.
    void add_cell(cell_id cell, configuration const& members);
    /// A replica holds this configuration, from this slot on.
    void on_configuration(std::size_t cell, governed const& g);
    void on_fact(durable_fact const& fact);
    /// What a restart found on its disk counts as durable, though nobody may have reported it yet.
    void on_recovered(cell_id cell, replica_id replica, slot at, ballot in, digest value);
    /// The state of a replica was changed on purpose. Whom it teaches is wrong as well, so from now on O1
    /// asks for one value only.
    void spoil(std::size_t cell) { cells_[cell].spoilt = true; }
    bool is_spoilt(cell_id cell) const;
    void on_read(std::size_t cell, version at, std::uint64_t query, std::uint64_t results);

    std::vector<std::string> const& findings() const { return findings_; }
    std::uint64_t slots_chosen() const { return slots_chosen_; }

  private:
    struct accepted_in {
        ballot in;
        digest value;
        std::vector<replica_id> voters;
    };
    struct slot_account {
        bool chosen = false;
        digest value;
        digest state;
        std::vector<accepted_in> accepted;
    };
    struct cell_account {
        cell_id id;
        bool spoilt = false;
        std::map<slot, configuration> governs; ///< from this slot on
        std::vector<slot_account> slots;       ///< from slot 1
        std::map<replica_id, ballot> promised;
        std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> reads; ///< version, query: results
    };

    cell_account* find(cell_id cell);
    bool has_accepted(cell_account const& c, durable_fact const& fact) const;
    void on_acceptance(cell_account& c, replica_id voter, slot at, ballot const& in, digest const& value);
    void on_choice(cell_account& c, durable_fact const& fact);
    void find_fault(cell_account const& c, slot at, std::string const& what);

    std::vector<cell_account> cells_;
    std::vector<std::string> findings_;
    std::uint64_t slots_chosen_ = 0;
};

} // namespace zooid::sim

// What servers say to each other: batches of cell messages, pulses, and the claims of a handshake.
#pragma once

#include <zooid/cell/leases.hpp>
#include <zooid/cell/message.hpp>
#include <zooid/journal/journal.hpp>

#include <vector>

namespace zooid {

/// One message of a `cells` frame, addressed to a replica of a cell.
struct addressed {
    cell_id cell;
    replica_id to;
    replica_id from;
    bytes_view content; ///< an encoded message; empty: "the replica that you addressed is not here"
};
void append_addressed(bytes& frame, cell_id cell, replica_id to, replica_id from, message const& content);
void append_not_here(bytes& frame, cell_id cell, replica_id to, replica_id from);
/// Views into the frame. `malformed` for anything that the two functions above did not write.
result<std::vector<addressed>> decode_addressed(bytes_view frame);

/// One server's sign of life to another; independent of the number of cells.
struct pulse {
    life_id life;
    std::uint64_t number = 0; ///< counts this sender's pulses to this peer
    std::uint64_t echo = 0;   ///< the highest number heard from the peer in its present life
    bool stopping = false;
    std::uint32_t journal_age_ms = 0;  ///< of the oldest outstanding flush
    std::uint16_t version_highest = 0; ///< the highest cell version that the sender understands
    journal_claim claim;
    std::vector<server_id> hears; ///< whole (peer_liveness), ascending
    grant_notice grant;           ///< since version 2; a pulse without one is written as version 1

    friend bool operator==(pulse const&, pulse const&) = default;
};
bytes encode(pulse const& p);
result<pulse> decode_pulse(bytes_view in);

/// What one side of a handshake claims: how far its own journal is durable, and how far it heard journals of
/// the other's server to be: the present one, and those before it, which a restored image may bring back.
struct claims {
    journal_claim own;
    std::vector<journal_claim> heard;

    friend bool operator==(claims const&, claims const&) = default;
};
bytes encode(claims const& c);
result<claims> decode_claims(bytes_view in);
/// Who knows that its own journal was rolled back claims no life.
inline bool is_rolled_back(journal_claim const& own) {
    return own.journal && !own.life;
}

void put(class writer& w, journal_claim const& c);
void get(class reader& in, journal_claim& c);
void put(class writer& w, std::vector<journal_claim> const& all);
void get(class reader& in, std::vector<journal_claim>& all);

} // namespace zooid

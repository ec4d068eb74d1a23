// What a client asks a server, and what it gets back: plain structs and their codec.
//
// Payloads are opaque here: a session envelope, a query, a founding record are the business of other rooms.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/ids.hpp>

#include <cstdint>
#include <optional>

namespace zooid {

/// Pairs a reply with its request; drawn by the client, unique among those outstanding on one link.
using correlation_id = tagged<struct correlation_tag>;

/// The numbers are the wire's, and never used again for another; 10 is none.
enum class operation : std::uint8_t {
    commit = 1,            ///< payload: the session envelope (client, sequence, settled, as_of, command)
    strict_read = 2,       ///< payload: a query
    prefix_read = 3,       ///< payload: a query; `min_slot` is the lowest applied slot that may answer
    locate = 4,            ///< by cell or by key: generation, members and proposer, no payload
    open_session = 5,      ///< asks for the as_of of a new session: the reply's slot
    reserve = 6,           ///< a server draws and keeps a replica id; needs an admin
    found = 7,             ///< the founding record; needs an admin
    status = 8,            ///< counters of the server, as JSON
    explain = 9,           ///< everything about this server's replica of one cell, as JSON
    complain = 11,         ///< the cell's proposer does not answer this client: it is asked whether it leads,
                           ///< and replaced if it is stuck
    describe_members = 12, ///< `members_description` of the cell, as this replica knows it
    change_members = 13,   ///< a `configuration_change`; done when it is chosen; needs an admin
    transfer_lead = 14,    ///< the proposer hands over to the replica whose id is the payload; needs an admin
    leased_read = 15,      ///< a strict read that a lease may confirm; payload: a query
    raise_version = 16,    ///< a `version_rise` of the cell; done when it is chosen; needs an admin
    survey = 17,           ///< what this server's replica of the cell knows, for a recovery: `survey_answer`
    seal = 18,             ///< a `successor_cell`: that replica takes part in nothing again; answers as
                           ///< `survey` does, once that is durable; needs an admin
    kept_state = 19,       ///< the snapshot that a sealed replica kept; needs an admin
    found_fork = 20,       ///< the founding of a recovered cell; needs an admin
};

/// False for a number that this software does not know; answer `unsupported_version` then.
bool known(operation op);
/// True for what creates, moves, hands over, raises or recovers a cell, `kept_state` included:
/// `permission_denied` unless the keys of an admin or a server ask. All other operations are open to every
/// client; but servers refuse a commit to a cell of the directory in the same way.
bool needs_admin(operation op);
std::string_view name_of(operation op); ///< "commit"; "unknown" for a number that is not known

/// The views belong to whoever made or decoded the request, and live as long as those bytes.
struct request {
    correlation_id correlation;
    operation op = operation::commit;
    cell_id cell;                   ///< zero: by key
    bytes_view key;                 ///< empty: by cell
    generation birth;               ///< zero: any; else another generation is `conflict`
    slot min_slot;                  ///< prefix_read only
    std::uint64_t remaining_ms = 0; ///< until the caller's deadline, as of sending; 0: it has none
    bytes_view payload;

    friend bool operator==(request const&, request const&) = default;
};

/// (birth, at) is the host application's fencing token: it rises with every commit of a key.
struct reply {
    correlation_id correlation;
    std::optional<errc> failure; ///< absent: done
    bytes_view detail;           ///< words for the failure, or empty
    cell_id cell;
    generation birth;
    slot at;
    server_id proposer;    ///< whom to ask instead, or zero
    configuration members; ///< of the cell, when the server knows them; else empty
    bytes_view payload;

    friend bool operator==(reply const&, reply const&) = default;
};

/// Appends the encoding.
void encode(request const& r, bytes& out);
void encode(reply const& r, bytes& out);

/// Decodes all of `in`; `malformed` otherwise. A request's unknown operation passes (see `known`), a reply's
/// unknown error is `outcome_unknown`: the only safe reading of it.
result<request> decode_request(bytes_view in);
result<reply> decode_reply(bytes_view in);
/// The correlation id of a request or reply, even if the rest is malformed; zero if there is none.
correlation_id correlation_of(bytes_view in);

} // namespace zooid

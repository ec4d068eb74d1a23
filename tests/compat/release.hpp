// What is kept of a release: a data directory that it wrote, what today's code must find in it, and what two
// of its processes said to each other. The same code writes and reads it; README.md beside it says how and
// when.
#pragma once

#include "runtime/rig.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <vector>

namespace compat {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;
using namespace zooid;

/// The keys of every release's colony: nothing secret is in there.
key_ring ring();
/// How server `number` opens its directory, `folder`/`number`.
running_server_options options(fs::path const& folder, std::uint64_t number);

inline cell_id const alone{0xA, 1};  ///< one replica, on server 1: every kind of value, many commits
inline cell_id const shared{0xB, 1}; ///< three replicas, on servers 1 to 3
inline cell_id const named{0xC, 1};  ///< reserved on server 1 and never founded

/// Runs three servers until their directories hold something of everything, and kills them.
void live(fs::path const& folder);
/// Opens server 1 by itself and says what it recovered; `folder` is changed by that.
json::object recovered(fs::path const& folder);

/// One side's bytes of a conversation, as they left it.
struct utterance {
    bool by_initiator = true;
    bytes said;

    friend bool operator==(utterance const&, utterance const&) = default;
};
using transcript = std::vector<utterance>;

/// Who dials in a transcript.
std::vector<party_role> const& dialling_roles();
std::string transcript_name(party_role role);

/// A conversation with at least one of everything that this release says.
transcript converse(party_role dialler);
/// Both sides again, each hearing the other's recorded bytes. Returns what is wrong, or nothing.
std::string replay(party_role dialler, transcript const& recorded);

/// A line for each utterance: "initiator" or "acceptor", and its bytes in hexadecimal.
std::string text_of(transcript const& t);
transcript parse_transcript(std::string const& text);

std::string read_all(fs::path const& path);

} // namespace compat

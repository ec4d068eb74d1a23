// Versions: what this software understands of a cell, and the rise of a cell's version.
//
//   V1  A replica that meets an entry, a command or a snapshot above what its software understands stops. It
//       counts as failed and skips nothing. That is not durable: upgraded software goes on where it stopped.
//   V2  A cell's version is raised by an entry of its log only. A rise is void unless it was computed from
//       the newest configuration, so a change that came in between makes it void.
//   V3  It is proposed when an operator asks for it (he finalises the version), and only if the server of
//       every held member is heard both ways and says that its software understands it. That is for
//       availability; what safety needs is V1.
//   V4  Until then commands of the old version are let in and nothing else is written, so that software which
//       is rolled back finds nothing that it does not understand (trap 21).
#include "cell/turn.hpp"

#include <zooid/base/mutant.hpp>

#include <algorithm>

namespace zooid {

// A rise that is void raises nothing, whatever version it names.
std::string above_version(slot at, entry const& value, membership const& before,
                          std::uint16_t version_highest) {
    bool const understood = value.understood();
    auto const rise = understood ? value.raises() : std::nullopt;
    bool const raises = rise && rise->base == before.base() && rise->to > version_highest;
    if (understood && !raises) return {};
    std::string const unknown = "an entry of kind " + std::to_string(static_cast<unsigned>(value.kind())) +
                                ", in a format that is unknown here";
    return "slot " + to_string(at) + " holds " +
           (rise ? "the rise to cell version " + std::to_string(rise->to) : unknown) +
           "; this software understands cell version " + std::to_string(version_highest);
}

std::string above_version(snapshot const& state, std::uint16_t version_highest) {
    if (state.cell_version <= version_highest) return {};
    return "the state after slot " + to_string(state.at) + " is of cell version " +
           std::to_string(state.cell_version) + "; this software understands cell version " +
           std::to_string(version_highest);
}

bool turn::every_member_understands(std::uint16_t to) const {
    if (mutated(mutant::raise_unasked)) return true;
    std::vector<member> const all = everyone_held();
    return std::all_of(all.begin(), all.end(), [&](member const& m) {
        if (m.server == s_.identity.self.server) return s_.identity.version_highest >= to;
        peer_liveness const* const known = around_.servers.find(m.server);
        return known && known->both_ways && !known->suspected && known->version_highest >= to;
    });
}

void turn::on(raise_version const& e) {
    if (!leads()) {
        if (!s_.proposer && !somebody_leads()) consider_candidacy(duration::zero());
        return end(e.request, errc::not_proposer);
    }
    if (e.what.to <= s_.demands.cell_version || e.what.base != s_.members.base())
        return end(e.request, errc::conflict);
    if (s_.proposer->rise) return end(e.request, errc::overloaded);
    if (!every_member_understands(e.what.to)) return end(e.request, errc::unsupported_version); // V3
    s_.proposer->rise = waiting_rise{e.request, e.what};
}

std::optional<entry> turn::rise_to_propose(std::vector<token>& requests) {
    if (!s_.proposer->rise) return std::nullopt;
    waiting_rise const rise = *s_.proposer->rise;
    s_.proposer->rise.reset();
    requests.push_back(rise.request);
    return entry::raise(rise.what);
}

} // namespace zooid

#include "server/describe.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace zooid {

namespace json = boost::json;

namespace {

json::array servers_of(configuration const& members) {
    json::array all;
    for (member const& m : members.members())
        all.push_back(m.server.value);
    return all;
}

constexpr std::size_t reservations_told_max = 32;

json::object counters(server_statistics const& s) {
    return {{"cells", s.cells},
            {"leading", s.leading},
            {"reserved", s.reserved},
            {"requests_waiting", s.requests_waiting},
            {"commits_admitted", s.commits_admitted},
            {"commits_answered", s.commits_answered},
            {"reads_answered", s.reads_answered},
            {"reads_leased", s.reads_leased},
            {"bytes_taught", s.bytes_taught},
            {"lessons_refused", s.lessons_refused},
            {"values_rewritten", s.values_rewritten},
            {"requests_failed", s.requests_failed},
            {"messages_sent", s.messages_sent},
            {"messages_received", s.messages_received},
            {"messages_refused", s.messages_refused},
            {"messages_dropped", s.messages_dropped},
            {"frames_sent", s.frames_sent},
            {"slots_applied", s.slots_applied},
            {"turns", s.turns},
            {"turns_persisted", s.turns_persisted},
            {"replica_bytes", s.replica_bytes}};
}

json::object journal_counters(journal_statistics const& s) {
    return {{"appends", s.appends},        {"records", s.records},
            {"batches", s.batches},        {"bytes_written", s.bytes_written},
            {"segments", s.segments},      {"segment_bytes", s.segment_bytes},
            {"live_bytes", s.live_bytes},  {"live_records", s.live_records},
            {"index_bytes", s.index_bytes}};
}

} // namespace

bytes describe(explanation const& e) {
    json::object out{{"cell", to_string(e.cell)},
                     {"key", e.key},
                     {"generation", e.birth.value},
                     {"server", e.self.server.value},
                     {"replica", to_string(e.self.replica)},
                     {"role", name_of(e.role)},
                     {"promised", to_string(e.promised)},
                     {"proposer", to_string(e.proposer)},
                     {"prefix", e.prefix.value},
                     {"applied", e.applied.value},
                     {"checkpoint", e.checkpoint.value},
                     {"state_digest", to_string(e.state_digest)},
                     {"members", servers_of(e.members)},
                     {"may_vote", e.may_vote},
                     {"cell_version", e.cell_version},
                     {"version_highest", e.version_highest},
                     {"open_slots", e.open_slots},
                     {"pending_commands", e.pending_commands},
                     {"pending_reads", e.pending_reads}};
    if (!e.quarantine.empty()) {
        out["quarantine"] = e.quarantine;
        out["distrusted"] = name_of(e.quarantined_for);
    }
    json::object prefixes;
    for (auto const& [server, prefix] : e.known_prefixes)
        prefixes[to_string(server)] = prefix.value;
    if (!prefixes.empty()) out["known_prefixes"] = prefixes;
    return json::serialize(out);
}

bytes describe(server::host const& h) {
    json::array reservations; // of creations and moves that are on their way, or that nobody went on with
    for (auto const& [cell, reserved] : h.reservations_) {
        if (reservations.size() == reservations_told_max) break;
        reservations.push_back(json::object{{"cell", to_string(cell)}, {"generation", reserved.birth.value}});
    }
    json::array peers;
    for (peer_state const& p : h.peers_.all()) {
        peers.push_back(json::object{{"server", p.server.value},
                                     {"connected", p.connected},
                                     {"both_ways", h.peers_.view().both_ways(p.server)},
                                     {"suspected", h.peers_.view().suspected(p.server)},
                                     {"version_highest", h.peers_.view().find(p.server)->version_highest}});
    }
    json::object out{{"server", h.identity_.server.value},
                     {"life", to_string(h.identity_.life)},
                     {"version_highest", h.machines_.version_highest},
                     {"stopping", h.stopping_},
                     {"rolled_back", h.rolled_back_},
                     {"journal_hung", h.hung_},
                     {"counters", counters(h.statistics())},
                     {"journal", journal_counters(h.journal_.statistics())},
                     {"reservations", reservations},
                     {"peers", peers}};
    if (h.latched_) out["journal_error"] = h.latched_->message();
    return json::serialize(out);
}

} // namespace zooid

#include "log.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>

namespace zooidd {

namespace json = boost::json;
using namespace zooid;

namespace {

std::string wall_time() {
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    std::time_t const seconds = static_cast<std::time_t>(ms / 1000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms % 1000);
}

struct named {
    std::string_view name;
    json::object fields;
};

struct describe_event {
    named operator()(leadership_changed const& e) const {
        return {e.leads ? "leads" : "leads_no_more",
                {{"cell", to_string(e.cell)}, {"ballot", to_string(e.in)}}};
    }
    named operator()(suspicion_changed const& e) const {
        return {e.suspected ? "suspected" : "trusted_again", {{"peer", e.peer.value}}};
    }
    named operator()(replica_retired const& e) const {
        return {"replica_retired", {{"cell", to_string(e.cell)}}};
    }
    named operator()(replica_stopped const& e) const {
        return {"replica_quarantined", {{"cell", to_string(e.cell)}, {"cause", e.cause}}};
    }
    named operator()(replica_healed const& e) const {
        return {"replica_healed", {{"cell", to_string(e.cell)}}};
    }
    named operator()(cell_recovered const& e) const {
        return {"cell_recovered",
                {{"cell", to_string(e.cell)},
                 {"from", to_string(e.mark.from)},
                 {"known", e.mark.known.value},
                 {"taken", e.mark.taken.value},
                 {"words", e.mark.words}}};
    }
    named operator()(digests_differ const& e) const {
        return {"digests_differ", {{"cell", to_string(e.cell)}, {"slot", e.at.value}}};
    }
    named operator()(journal_latched const& e) const {
        return {"journal_latched", {{"error", e.reason.message()}}};
    }
    named operator()(journal_hung const& e) const {
        return {e.hung ? "journal_hung" : "journal_moves_again", {}};
    }
    named operator()(journal_rolled_back const& e) const {
        return {"journal_rolled_back", {{"told_by", e.told_by.value}}};
    }
    named operator()(damage_reported const& e) const {
        return {"damage", {{"cell", to_string(e.cell)}, {"what", e.what}}};
    }
    named operator()(requests_overloaded const&) const { return {"requests_overloaded", {}}; }
    named operator()(frame_refused const& e) const {
        return {"frame_refused", {{"peer", e.from.value}, {"error", e.why.message()}}};
    }
    named operator()(server_ready const& e) const {
        return {"ready", {{"cells", e.cells}, {"tail_bytes_cut", e.tail_bytes_cut}}};
    }
    named operator()(peer_connected const& e) const {
        return {"peer_connected", {{"peer", e.peer.value}, {"life", to_string(e.life)}}};
    }
    named operator()(peer_disconnected const& e) const {
        return {"peer_disconnected", {{"peer", e.peer.value}, {"error", e.why.message()}}};
    }
    named operator()(appends_stalled const& e) const {
        return {"journal_stalled", {{"error", e.why.message()}}};
    }
    named operator()(journal_damaged const& e) const {
        journal_damage const& d = e.damage;
        named line{
            "journal_damaged",
            {{"kind", name_of(d.kind)}, {"segment", d.segment}, {"offset", d.offset}, {"size", d.size}}};
        bool const of_a_record = d.kind == damage_kind::voting || d.kind == damage_kind::value;
        if (!of_a_record) return line;
        line.fields["record"] = name_of(d.record);
        line.fields["slot"] = d.at.value;
        line.fields["superseded"] = d.superseded;
        if (!d.replica) return line;
        line.fields["cell"] = to_string(d.cell);
        line.fields["replica"] = to_string(d.replica);
        return line;
    }
    named operator()(refused_connection const& e) const {
        return {"connection_refused",
                {{"address", e.address},
                 {"peer", e.peer.value},
                 {"by_peer", e.by_peer},
                 {"error", e.failure.message()}}};
    }
};

json::object json_of(histogram const& h) {
    return {{"count", h.count()},
            {"mean", h.mean()},
            {"p50", h.quantile(1, 2)},
            {"p99", h.quantile(99, 100)},
            {"p999", h.quantile(999, 1000)},
            {"max", h.max()}};
}

} // namespace

void event_log::write(std::string_view event, json::object fields) const {
    json::object line{{"time", wall_time()}, {"server", server_.value}, {"event", event}};
    for (auto const& field : fields)
        line.insert(field);
    std::string const text = json::serialize(line) + "\n";
    (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

void event_log::write_of(std::uint16_t shard, std::string_view event, json::object fields) const {
    if (shards_ > 1) fields["shard"] = shard;
    write(event, std::move(fields));
}

void event_log::write(std::uint16_t shard, server_event const& e) const {
    auto const [name, fields] = std::visit(describe_event{}, e);
    write_of(shard, name, fields);
}

void event_log::write(std::uint16_t shard, runtime_event const& e) const {
    auto const [name, fields] = std::visit(describe_event{}, e);
    write_of(shard, name, fields);
}

void refusal_log::write(std::uint16_t shard, refused_connection const& refused) {
    std::lock_guard const lock(guard_);
    auto const now = clock::now();
    auto const [at, fresh] =
        rows_.try_emplace({refused.reason, refused.by_peer, refused.peer}, row{now, 0, shard, refused});
    row& r = at->second;
    r.shard = shard;
    r.last = refused;
    ++r.untold;
    if (!fresh && now - r.told < std::chrono::seconds(1)) return;
    r.told = now;
    tell(r);
}

void refusal_log::flush() {
    std::lock_guard const lock(guard_);
    for (auto& [kind, r] : rows_)
        if (r.untold != 0) tell(r);
}

void refusal_log::tell(row& r) const {
    auto line = describe_event{}(r.last);
    line.fields["reason"] = name_of(r.last.reason);
    line.fields["count"] = std::exchange(r.untold, 0);
    log_.write_of(r.shard, line.name, std::move(line.fields));
}

json::object json_of(running_server_snapshot const& s) {
    return {{"shards", s.shards},
            {"cells", s.server.cells},
            {"leading", s.server.leading},
            {"requests_waiting", s.server.requests_waiting},
            {"commits_answered", s.server.commits_answered},
            {"reads_answered", s.server.reads_answered},
            {"requests_failed", s.server.requests_failed},
            {"messages_sent", s.server.messages_sent},
            {"messages_received", s.server.messages_received},
            {"messages_refused", s.server.messages_refused},
            {"messages_dropped", s.server.messages_dropped},
            {"slots_applied", s.server.slots_applied},
            {"turns", s.server.turns},
            {"turns_persisted", s.server.turns_persisted},
            {"replica_bytes", s.server.replica_bytes},
            {"journal_batches", s.journal.batches},
            {"journal_bytes_written", s.journal.bytes_written},
            {"journal_segments", s.journal.segments},
            {"journal_live_bytes", s.journal.live_bytes},
            {"socket_reads", s.transport.reads},
            {"socket_writes", s.transport.writes},
            {"peers_up", s.transport.peers_up},
            {"clients_up", s.transport.clients_up},
            {"links_refused", s.transport.links_refused},
            {"dropped_unreachable", s.transport.dropped_unreachable},
            {"handed_requests", s.between_shards.requests},
            {"handed_replies", s.between_shards.replies},
            {"handed_dropped", s.between_shards.dropped_full},
            {"commit_latency_ns", json_of(s.commit_latency)},
            {"flush_latency_ns", json_of(s.flush_latency)},
            {"turn_inputs", json_of(s.turn_inputs)}};
}

} // namespace zooidd

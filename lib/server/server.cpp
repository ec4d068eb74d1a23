// The public face of the host, and the small values of the room.
#include "server/host.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/store.hpp>

namespace zooid {

namespace {

bool is_interval(duration d) {
    return d >= std::chrono::milliseconds(1) && d <= std::chrono::hours(1);
}

} // namespace

std::string explain_invalid(server_options const& o) {
    if (!is_interval(o.pulse_interval)) return "pulse_interval: must be 1 ms to 1 h";
    if (!is_interval(o.pulse_timeout)) return "pulse_timeout: must be 1 ms to 1 h";
    if (o.pulse_timeout < 2 * o.pulse_interval) return "pulse_timeout: must be at least two pulse intervals";
    if (!is_interval(o.probe_interval)) return "probe_interval: must be 1 ms to 1 h";
    if (auto const lease = explain_invalid(o.lease, o.pulse_interval); !lease.empty())
        return "lease." + lease;
    if (o.requests_max == 0) return "requests_max: must be above 0";
    if (o.cells_max == 0 || o.cells_max > 0xFFFFFFFFu) return "cells_max: must be 1 to 2^32 - 1";
    if (o.candidates_max == 0) return "candidates_max: must be above 0";
    if (o.teach_bytes_per_second != 0 && o.teach_bytes_per_second < teach_bytes_per_second_min)
        return "teach_bytes_per_second: must be 0, or at least 32768";
    if (o.teach_bytes_per_second > (1ull << 33)) return "teach_bytes_per_second: must be at most 2^33";
    if (o.unflushed_bytes_max == 0) return "unflushed_bytes_max: must be above 0";
    if (o.pointer_retention < duration::zero()) return "pointer_retention: must not be negative";
    if (auto const cells = explain_invalid(o.cells); !cells.empty()) return "cells." + cells;
    return {};
}

machine_kind machine_kind::key_value() {
    auto const make = []() -> std::unique_ptr<state_machine> {
        return std::make_unique<kv::session_machine>(std::make_unique<kv::store>());
    };
    auto const admit = [](bytes_view command, std::uint16_t) { return kv::admit_request(command); };
    return {make, admit};
}

void server_output::clear() {
    frames.clear();
    replies.clear();
    events.clear();
    facts.clear();
}

server::server(server_options const& options, server_identity const& identity, machine_kind machines,
               zooid::journal& journal, journal_id id, recovered_journal const& recovered) {
    auto const wrong = explain_invalid(options);
    ZOOID_CHECK(wrong.empty(), wrong);
    host_ = std::make_unique<host>(options, identity, std::move(machines), journal, id);
    host_->restore(recovered);
}
server::~server() = default;

void server::set_peers(std::vector<server_id> peers) {
    host_->set_peers(peers);
}
void server::on_secured(time_point now) {
    host_->on_secured(now);
}
void server::on_persisted(time_point now, std::uint64_t through) {
    host_->on_persisted(now, through);
}
void server::on_journal_failed(time_point now, error const& reason) {
    host_->on_journal_failed(now, reason);
}
void server::on_damage(time_point now, journal_damage const& damage) {
    host_->on_damage(now, damage);
}
bytes server::claims_for(server_id peer) const {
    return host_->claims_for(peer);
}
result<void> server::may_replace_link(time_point now, server_id peer, life_id life, bytes_view claims) const {
    return host_->may_replace_link(now, peer, life, claims);
}
result<void> server::on_peer_up(time_point now, server_id peer, life_id life, bytes_view claims) {
    return host_->on_peer_up(now, peer, life, claims);
}
void server::on_peer_down(time_point now, server_id peer) {
    host_->on_peer_down(now, peer);
}
void server::on_frame(time_point now, server_id from, channel on, bytes_view payload) {
    host_->on_frame(now, from, on, payload);
}
void server::on_request(time_point now, requester from, bytes_view request) {
    host_->on_request(now, from, request);
}
// Its requests go on; their replies find nobody and are dropped by the transport.
void server::on_client_down(link_id) {}
void server::wake(time_point now) {
    host_->wake(now);
}
void server::stop(time_point now) {
    host_->stop(now);
}
void server::finish(time_point now, server_output& out) {
    host_->finish(now, out);
}
time_point server::deadline() const {
    return host_->deadline();
}
bool server::is_stopping() const {
    return host_->stopping_;
}
bool server::is_quiet() const {
    return host_->is_quiet();
}
server_statistics server::statistics() const {
    return host_->statistics();
}
sometimes_set const& server::marks() const {
    return host_->marks_;
}
liveness const& server::servers() const {
    return host_->peers_.view();
}

server_statistics server::host::statistics() const {
    server_statistics now = statistics_;
    now.cells = by_id_.size();
    now.reserved = reservations_.size();
    now.requests_waiting = waiting_.size();
    for (hosted_cell const& c : cells_)
        now.replica_bytes += c.replica.memory_bytes() + (c.machine ? c.machine->memory_bytes() : 0);
    return now;
}

std::vector<cell_id> server::cells() const {
    std::vector<cell_id> all;
    for (hosted_cell const& c : host_->cells_) {
        if (!c.replica.is_retired()) all.push_back(c.replica.cell());
    }
    return all;
}

std::optional<explanation> server::explain(cell_id cell) const {
    replica const* here = find_replica(cell);
    return here ? std::optional(here->explain()) : std::nullopt;
}

replica const* server::find_replica(cell_id cell) const {
    auto const index = host_->index_of(cell);
    return index ? &host_->cells_[*index].replica : nullptr;
}

state_machine const* server::find_machine(cell_id cell) const {
    auto const index = host_->index_of(cell);
    return index ? host_->cells_[*index].machine.get() : nullptr;
}

bytes encode(reserve_request const& r) {
    bytes out;
    writer w(out);
    w.put(r.cell), w.put(r.birth);
    return out;
}

result<reserve_request> decode_reserve_request(bytes_view encoded) {
    reader in(encoded);
    reserve_request r;
    in.get(r.cell), in.get(r.birth);
    if (!in.complete() || !r.cell || !r.birth)
        return error(errc::malformed, "reserve: a cell id and a generation");
    return r;
}

bytes encode(members_description const& d) {
    bytes out;
    writer w(out);
    w.put(d.base), w.put(d.newest), w.put(static_cast<std::uint8_t>(d.changing ? 1 : 0));
    w.put(d.cell_version);
    return out;
}

result<members_description> decode_members_description(bytes_view encoded) {
    reader in(encoded);
    members_description d;
    in.get(d.base), in.get(d.newest);
    d.changing = in.get<std::uint8_t>() != 0;
    in.get(d.cell_version);
    if (!in.complete()) return error(errc::malformed, "a description of members");
    return d;
}

bytes encode(member const& m) {
    bytes out;
    writer(out).put(m);
    return out;
}

result<member> decode_member(bytes_view encoded) {
    reader in(encoded);
    member m;
    in.get(m);
    if (!in.complete()) return error(errc::malformed, "member: cut or too long");
    return m;
}

} // namespace zooid

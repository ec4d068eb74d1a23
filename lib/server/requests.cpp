// Requests of clients and operators.
#include "server/host.hpp"

#include "server/describe.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/base/system_key.hpp>

namespace zooid {

namespace {

// A server holds the colony's secret: it could issue itself the keys of an admin.
bool may_administer(party_role role) {
    return role != party_role::client;
}

// When the caller has given up: what still waits for a slot then would be work for nobody.
time_point gives_up_at(time_point now, request const& r) {
    constexpr std::uint64_t longest = 24ull * 60 * 60 * 1000;
    if (r.remaining_ms == 0 || r.remaining_ms > longest) return never;
    return now + std::chrono::milliseconds(r.remaining_ms);
}

} // namespace

bytes server::host::make_reply(correlation_id correlation, std::optional<errc> failure, bytes_view detail,
                               hosted_cell const* cell, bytes_view payload, std::optional<slot> at) const {
    reply r;
    r.correlation = correlation;
    r.failure = failure;
    r.detail = detail;
    r.payload = payload;
    if (cell) {
        replica const& here = cell->replica;
        r.cell = here.cell();
        r.birth = here.birth();
        r.at = at.value_or(here.applied_slot());
        if (here.proposer() && !peers_.view().gone(here.proposer())) r.proposer = here.proposer().server;
        if (failure) r.members = here.members(); // who is told to go elsewhere is told where that is
    }
    bytes out;
    encode(r, out);
    return out;
}

void server::host::reply_now(link_id client, correlation_id correlation, std::optional<errc> failure,
                             bytes_view detail, hosted_cell const* cell, bytes_view payload) {
    replies_.push_back({client, make_reply(correlation, failure, detail, cell, payload)});
}

void server::host::answer(token request, std::optional<errc> failure, bytes_view payload,
                          std::optional<slot> at) {
    auto const waiting = waiting_.find(request);
    if (waiting == waiting_.end()) return;
    waiting_request const w = std::move(waiting->second);
    waiting_.erase(waiting);
    if (failure) ++statistics_.requests_failed;
    if (failure == errc::overloaded) mark(marks_, sometimes::proposal_rejected_overloaded);
    replies_.push_back({w.client, make_reply(w.correlation, failure, {}, &cells_[w.cell], payload, at)});
}

void server::host::refuse(link_id client, request const& r, error const& why, hosted_cell const* cell) {
    ++statistics_.requests_failed;
    reply_now(client, r.correlation, why.code(), why.detail(), cell, {});
}

void server::host::refuse_role(requester from, request const& r, std::string_view what) {
    std::string const why = std::string(what) + " needs the keys of an admin; these are a " +
                            std::string(name_of(from.role)) + "'s";
    refuse(from.link, r, error(errc::permission_denied, why), nullptr);
}

std::optional<std::uint32_t> server::host::cell_of(request const& r) const {
    if (r.cell) return index_of(r.cell);
    auto const found = by_key_.find(bytes(r.key));
    return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

void server::host::on_request(time_point now, requester from, bytes_view encoded) {
    link_id const client = from.link;
    auto const decoded = decode_request(encoded);
    if (!decoded) {
        request unknown;
        unknown.correlation = correlation_of(encoded);
        return refuse(client, unknown, decoded.error(), nullptr);
    }
    request const& r = decoded.value();
    if (!known(r.op))
        return refuse(client, r, error(errc::unsupported_version, "an unknown operation"), nullptr);
    if (needs_admin(r.op) && !may_administer(from.role)) return refuse_role(from, r, name_of(r.op));
    if (stopping_) return refuse(client, r, errc::stopping, nullptr);
    if (!secured_) return refuse(client, r, errc::unreachable, nullptr);
    switch (r.op) {
    case operation::reserve: return on_reserve(client, r);
    case operation::found: return on_found(client, r);
    case operation::found_fork: return on_found_fork(client, r);
    case operation::status:
        return reply_now(client, r.correlation, std::nullopt, {}, nullptr, describe(*this));
    default: return on_cell_request(now, from, r);
    }
}

void server::host::on_cell_request(time_point now, requester from, request const& r) {
    link_id const client = from.link;
    auto const index = cell_of(r);
    if (!index) return refuse_absent(client, r);
    hosted_cell& cell = cells_[*index];
    switch (r.op) {
    case operation::survey:
        return reply_now(client, r.correlation, std::nullopt, {}, &cell, encode(cell.replica.survey()));
    case operation::seal: return on_seal(now, client, r, *index);
    case operation::kept_state: return on_kept_state(client, r, cell);
    default: break;
    }
    successor_cell const* const there = cell.replica.sealed_for();
    if (there && r.op != operation::explain) return refuse_sealed(client, r, *there);
    if (r.birth && r.birth != cell.replica.birth()) {
        return refuse(client, r,
                      error(errc::conflict, "the key's generation is " + to_string(cell.replica.birth())),
                      &cell);
    }
    switch (r.op) {
    case operation::locate: {
        bytes members;
        writer(members).put(cell.replica.members());
        return reply_now(client, r.correlation, std::nullopt, {}, &cell, members);
    }
    case operation::open_session: return reply_now(client, r.correlation, std::nullopt, {}, &cell, {});
    case operation::prefix_read: return on_prefix_read(client, r, cell);
    case operation::explain:
        return reply_now(client, r.correlation, std::nullopt, {}, &cell, describe(cell.replica.explain()));
    case operation::describe_members: {
        replica const& here = cell.replica;
        members_description const d{here.configuration_base(), here.newest_members(), here.is_changing(),
                                    here.cell_version()};
        return reply_now(client, r.correlation, std::nullopt, {}, &cell, encode(d));
    }
    case operation::transfer_lead: return on_transfer_lead(now, client, r, *index);
    case operation::complain:
        step(now, *index, complaint{});
        return reply_now(client, r.correlation, std::nullopt, {}, &cell, {});
    default: break;
    }
    if (hung_ || latched_) return refuse(client, r, errc::unreachable, &cell);
    if (waiting_.size() >= options_.requests_max) {
        events_.push_back(requests_overloaded{});
        return refuse(client, r, errc::overloaded, &cell);
    }
    if (r.op == operation::change_members) return on_change_members(now, client, r, *index);
    if (r.op == operation::raise_version) return on_raise_version(now, client, r, *index);
    token const request{++tokens_};
    if (r.op == operation::commit) {
        if (is_system_key(cell.replica.key()) && !may_administer(from.role))
            return refuse_role(from, r, "writing into a cell of the directory");
        if (auto const admitted = machines_.admit(r.payload, cell.replica.cell_version()); !admitted)
            return refuse(client, r, admitted.error(), &cell);
        ++statistics_.commits_admitted;
        waiting_.emplace(request, waiting_request{client, r.correlation, *index, r.op, {}});
        return step(now, *index, propose{request, shared_bytes(r.payload), gives_up_at(now, r)});
    }
    waiting_.emplace(request, waiting_request{client, r.correlation, *index, r.op, bytes(r.payload)});
    read_mode const how = r.op == operation::leased_read ? read_mode::leased : read_mode::strict;
    step(now, *index, read{request, how});
}

// The cell was here: its members as of then are told. A wrong pointer costs a detour, never safety.
void server::host::refuse_absent(link_id client, request const& r) {
    configuration const* const left_for = forwarding_.find(r.cell);
    if (!left_for) return refuse(client, r, errc::not_here, nullptr);
    ++statistics_.requests_failed;
    reply moved;
    moved.correlation = r.correlation;
    moved.failure = errc::not_here;
    moved.cell = r.cell;
    moved.members = *left_for;
    bytes out;
    encode(moved, out);
    replies_.push_back({client, std::move(out)});
}

// ---- members

void server::host::on_change_members(time_point now, link_id client, request const& r, std::uint32_t cell) {
    auto decoded = decode_change(r.payload);
    if (!decoded) return refuse(client, r, decoded.error(), &cells_[cell]);
    token const request{++tokens_};
    waiting_.emplace(request, waiting_request{client, r.correlation, cell, r.op, {}});
    step(now, cell, change_members{request, std::move(decoded).value()});
}

void server::host::on_raise_version(time_point now, link_id client, request const& r, std::uint32_t cell) {
    auto decoded = decode_rise(r.payload);
    if (!decoded) return refuse(client, r, decoded.error(), &cells_[cell]);
    token const request{++tokens_};
    waiting_.emplace(request, waiting_request{client, r.correlation, cell, r.op, {}});
    step(now, cell, raise_version{request, decoded.value()});
}

void server::host::on_transfer_lead(time_point now, link_id client, request const& r, std::uint32_t cell) {
    hosted_cell const& c = cells_[cell];
    reader in(r.payload);
    auto const successor = in.get<replica_id>();
    if (!in.complete() || !c.replica.members().contains(successor)) {
        return refuse(client, r, error(errc::invalid_argument, "the successor is no member"), &c);
    }
    if (c.replica.role() != role::leading) return refuse(client, r, errc::not_proposer, &c);
    member const& there = c.replica.members()[*c.replica.members().index_of(successor)];
    if (peers_.view().suspected(there.server) || !peers_.view().hears(there))
        return refuse(client, r,
                      error(errc::unreachable, "the successor's server is not heard, or has no vote"), &c);
    step(now, cell, resign{successor});
    reply_now(client, r.correlation, std::nullopt, {}, &c, {});
}

// Any replica answers, from a prefix of the log that is no older than what this client saw before.
void server::host::on_prefix_read(link_id client, request const& r, hosted_cell const& cell) {
    if (cell.replica.is_quarantined()) return refuse(client, r, errc::quarantined, &cell);
    if (cell.replica.applied_slot() < r.min_slot) {
        return refuse(client, r,
                      error(errc::unreachable, "this replica has not applied slot " + to_string(r.min_slot)),
                      &cell);
    }
    bytes found;
    cell.machine->query(r.payload, found);
    ++statistics_.reads_answered;
    reply_now(client, r.correlation, std::nullopt, {}, &cell, found);
}

// ---- birth

replica_id server::host::draw_replica_id() {
    for (;;) {
        replica_id const drawn{random_.next()};
        if (drawn) return drawn; // 64 random bits: they are not drawn twice
    }
}

void server::host::on_reserve(link_id client, request const& r) {
    auto const asked = decode_reserve_request(r.payload);
    if (!asked) return refuse(client, r, asked.error(), nullptr);
    if (latched_ || rolled_back_) return refuse(client, r, errc::io_failed, nullptr);
    cell_id const cell = asked.value().cell;
    if (auto const here = index_of(cell)) {
        replica const& known = cells_[*here].replica;
        // A newcomer that was taught, and whose change was not made: whoever asks again goes on from there.
        if (!known.is_member() && known.birth() == asked.value().birth && !known.is_quarantined())
            return reply_now(client, r.correlation, std::nullopt, {}, nullptr, encode(known.self()));
        // It may be one that the cell let go of, and that nobody told: then it finds out now.
        misdirected_.push_back(*here);
        return refuse(client, r, error(errc::already_exists, "a replica of the cell is here"), nullptr);
    }
    if (by_id_.size() + reservations_.size() >= options_.cells_max)
        return refuse(client, r, errc::overloaded, nullptr);
    auto const known = reservations_.find(cell);
    if (known != reservations_.end() && known->second.birth != asked.value().birth) {
        return refuse(client, r, error(errc::conflict, "reserved for another generation"), nullptr);
    }
    reservation reserved{cell, {}, asked.value().birth, true};
    if (known != reservations_.end()) {
        reserved = known->second;
    } else {
        reserved.replica = draw_replica_id();
        reservations_.emplace(cell, reserved);
        batch_.push_back(to_record(reserved));
    }
    member const self{identity_.server, journal_id_, reserved.replica};
    turn_.replies.push_back({client, make_reply(r.correlation, std::nullopt, {}, nullptr, encode(self))});
}

// The founding record is immutable and names every founder by the id that its server drew and made durable
// before: a delayed or repeated one can't turn anybody into an empty acceptor (trap 4).
void server::host::on_found(link_id client, request const& r) {
    auto decoded = decode_snapshot(r.payload);
    if (!decoded) return refuse(client, r, decoded.error(), nullptr);
    snapshot founding = std::move(decoded).value();
    if (founding.at || founding.configurations.size() != 1) {
        return refuse(client, r,
                      error(errc::invalid_argument, "a cell is founded at slot 0 with one configuration"),
                      nullptr);
    }
    begin_founder(client, r, {std::move(founding)});
}

void server::host::begin_founder(link_id client, request const& r, first_state first) {
    snapshot const& founding = first.state;
    if (founding.cell_version > machines_.version_highest) {
        return refuse(client, r,
                      error(errc::unsupported_version, "this software understands cell version " +
                                                           std::to_string(machines_.version_highest)),
                      nullptr);
    }
    configuration const& members = founding.configurations.front().members;
    auto const self = members.index_of(identity_.server);
    if (auto const index = index_of(founding.cell)) {
        bool const same = self && members[*self] == cells_[*index].replica.self();
        if (same) return reply_now(client, r.correlation, std::nullopt, {}, &cells_[*index], {});
        return refuse(client, r, error(errc::already_exists, "the cell is here with another founding record"),
                      nullptr);
    }
    auto const reserved = reservations_.find(founding.cell);
    bool const ours = self && reserved != reservations_.end() && reserved->second.birth == founding.birth &&
                      members[*self] == member{identity_.server, journal_id_, reserved->second.replica};
    if (!ours) return refuse(client, r, error(errc::conflict, "no such reservation on this server"), nullptr);
    if (latched_ || rolled_back_) return refuse(client, r, errc::io_failed, nullptr);
    // A retry while the first one waits for its flush must not found the cell twice: the second, empty
    // replica would forget what the first one promised (trap 4).
    if (!founding_.insert(founding.cell).second) return refuse(client, r, errc::overloaded, nullptr);
    to_records(founding.cell, reserved->second.replica, checkpoint_record{founding}, batch_);
    for (acceptance_record const& known : first.log)
        to_records(founding.cell, reserved->second.replica, known, batch_);
    turn_.replies.push_back({client, make_reply(r.correlation, std::nullopt, {}, nullptr, {})});
    turn_.founded.push_back(std::move(first));
}

} // namespace zooid

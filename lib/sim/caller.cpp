#include "sim/caller.hpp"

#include <zooid/kv/sessions.hpp>

#include <algorithm>
#include <utility>

namespace zooid::sim {

namespace {

constexpr duration attempt_patience = std::chrono::milliseconds(250);
constexpr unsigned redirects_in_a_row_max = 8;
constexpr std::uint64_t attempts_in_correlation = 1 << 12;

bytes encoded(kv::transaction const& t) {
    bytes out;
    kv::encode(t, out);
    return out;
}

std::uint64_t digest_of_results(kv::committed const& c) {
    bytes out;
    kv::encode(kv::outcome(c), out);
    return hash64(out);
}

} // namespace

caller::caller(caller_surroundings& around, caller_place place, client_options options,
               std::unique_ptr<workload> work, std::uint64_t seed)
    : around_(around), place_(std::move(place)), options_(options), work_(std::move(work)), random_(seed) {
    id_ = client_id{random_.next() | 1};
}

// Roughly exponential, in integers: the mean of the sum of two draws.
duration caller::draw(duration mean) {
    auto const width = static_cast<std::uint64_t>(mean.count());
    std::uint64_t const a = random_.below(width + 1);
    std::uint64_t const b = random_.below(width + 1);
    return duration(static_cast<std::int64_t>(a + b));
}

server_id caller::any_member() {
    return place_.members[random_.below(place_.members.size())].server;
}

void caller::wait(waiting_for what, world_time at) {
    waiting_ = what;
    around_.set_timer(place_.index, at, ++epoch_);
}

void caller::begin_after(duration pause) {
    wait(waiting_for::thinking, around_.now() + pause.count());
}

void caller::ask(intent what) {
    intent_ = std::move(what);
    busy_ = true;
    ++number_;
    attempts_ = refusals_ = redirects_ = unanswered_ = 0;
    maybe_ = false;
    deadline_ = around_.now() + options_.patience.count();
    call_ = call{};
    call_.client = id_;
    call_.cell = place_.name;
    call_.kind = intent_.kind == intent_kind::commit ? call_kind::transaction : call_kind::strict_read;
    call_.asked = intent_.asked;
    call_.invoked_ns = around_.now();
    envelope_.clear();
    attempt();
}

// The envelope is made once: as_of is a slot told before the first attempt, and stays.
void caller::attempt() {
    if (intent_.kind == intent_kind::commit && opened_ && envelope_.empty()) {
        ++sequence_;
        sequence const settled{sequence_.value - std::min(sequence_.value, options_.unsettled)};
        kv::encode(kv::request{id_, sequence_, settled, seen_, encoded(intent_.asked)}, envelope_);
    }
    if (intent_.kind != intent_kind::commit && envelope_.empty()) envelope_ = encoded(intent_.asked);
    server_id to = intent_.kind == intent_kind::prefix_read ? any_member() : proposer_;
    if (!to) to = any_member();
    send(to);
    duration const patience = attempt_patience * (1 + std::min(attempts_, 4u));
    wait(waiting_for::answer, std::min(deadline_, around_.now() + patience.count()));
}

void caller::send(server_id to) {
    ++attempts_, ++unanswered_;
    request r;
    r.correlation = {number_ * attempts_in_correlation + attempts_ % attempts_in_correlation};
    r.cell = place_.id;
    r.remaining_ms = static_cast<std::uint32_t>((deadline_ - around_.now()) / 1'000'000);
    r.payload = envelope_;
    r.op = intent_.kind == intent_kind::commit        ? operation::commit
           : intent_.kind == intent_kind::strict_read ? operation::strict_read
                                                      : operation::prefix_read;
    if (r.op == operation::strict_read && options_.reads == read_mode::leased) r.op = operation::leased_read;
    if (r.op == operation::commit && !opened_) r.op = operation::open_session, r.payload = {};
    if (r.op == operation::prefix_read) r.min_slot = seen_;
    if (r.op == operation::commit) maybe_ = maybe_ || attempts_ > 1;
    bytes out;
    encode(r, out);
    around_.send_request(place_.index, to, std::move(out));
}

// No answer: perhaps the proposer can't commit. Another member is told; it asks before it believes.
void caller::complain() {
    request r;
    r.cell = place_.id;
    r.op = operation::complain;
    bytes out;
    encode(r, out);
    around_.send_request(place_.index, any_member(), std::move(out));
}

void caller::on_timer(std::uint32_t epoch) {
    if (epoch != epoch_) return;
    if (waiting_ == waiting_for::thinking) {
        if (work_ && !stopping_) ask(work_->next(random_));
        return;
    }
    if (!busy_) return;
    if (around_.now() >= deadline_) return give_up();
    if (waiting_ == waiting_for::answer) {
        place_.members = around_.members_of(place_.cell);
        if (intent_.kind != intent_kind::prefix_read) complain();
        proposer_ = {};
        redirects_ = 0;
    }
    attempt();
}

void caller::give_up() {
    bool const sent = intent_.kind == intent_kind::commit && !envelope_.empty();
    end(sent && (maybe_ || unanswered_ > 0) ? ending(unknown{}) : ending(failed{}));
}

void caller::retry_later() {
    ++refusals_;
    duration const width = std::chrono::milliseconds(10) * (1u << std::min(refusals_, 5u));
    world_time const at = around_.now() + draw(width / 2).count();
    wait(waiting_for::retry, std::min(at, deadline_));
}

void caller::on_reply(server_id from, bytes_view in) {
    auto const decoded = decode_reply(in);
    if (!decoded) return around_.on_fault_found("a reply is malformed: " + decoded.error().message());
    reply const& r = decoded.value();
    bool const ours = r.correlation && r.correlation.value / attempts_in_correlation == number_ && busy_;
    if (r.cell == place_.id && !r.failure) seen_ = std::max(seen_, r.at);
    if (!ours) return;
    if (unanswered_ > 0) --unanswered_;
    r.failure ? on_refusal(from, r) : on_success(r);
}

void caller::on_refusal(server_id from, reply const& r) {
    if (*r.failure == errc::outcome_unknown) maybe_ = true;
    if (*r.failure == errc::invalid_argument || *r.failure == errc::malformed ||
        *r.failure == errc::too_large || *r.failure == errc::conflict) {
        around_.on_fault_found("a valid request was refused: " + std::string(name_of(*r.failure)) + " " +
                               std::string(r.detail));
    }
    if (r.cell == place_.id && !r.members.empty())
        place_.members = r.members;
    else if (*r.failure == errc::not_here)
        place_.members = around_.members_of(place_.cell);
    if (waiting_ != waiting_for::answer) return;
    bool const redirected = r.proposer && r.proposer != from && redirects_ < redirects_in_a_row_max;
    proposer_ = redirected ? r.proposer : server_id{};
    redirects_ = redirected ? redirects_ + 1 : 0;
    if (redirects_ == 1) return ++refusals_, attempt();
    retry_later();
}

void caller::on_success(reply const& r) {
    if (intent_.kind != intent_kind::commit) return on_read_reply(r);
    if (opened_ && !envelope_.empty()) return on_commit_reply(r);
    opened_ = true; // the answer to open_session: now there is an as_of
    ++number_;      // a later answer to another copy of it is none to the request
    if (r.proposer) proposer_ = r.proposer;
    attempts_ = unanswered_ = 0;
    attempt();
}

void caller::on_commit_reply(reply const& r) {
    if (r.proposer) proposer_ = r.proposer;
    auto const session = kv::decode_request_reply(r.payload);
    if (!session) return around_.on_fault_found("a session reply is malformed");
    switch (session.value().status) {
    case kv::request_status::applied: {
        auto const outcome = kv::decode_outcome(session.value().body);
        if (!outcome) return around_.on_fault_found("an outcome is malformed");
        if (auto const* c = std::get_if<kv::committed>(&outcome.value())) return end(*c);
        return end(std::get<kv::rejected>(outcome.value()));
    }
    case kv::request_status::reply_not_kept: return end(unknown{});
    case kv::request_status::expired: // this copy was not applied; an earlier one may have been
        return end(maybe_ ? ending(unknown{}) : ending(failed{}));
    case kv::request_status::overloaded: return retry_later();
    case kv::request_status::malformed: around_.on_fault_found("a valid request was called malformed");
    }
}

void caller::on_read_reply(reply const& r) {
    auto const outcome = kv::decode_outcome(r.payload);
    if (!outcome) return around_.on_fault_found("an outcome is malformed");
    auto const* found = std::get_if<kv::committed>(&outcome.value());
    if (!found) return around_.on_fault_found("a query was rejected");
    if (intent_.kind == intent_kind::prefix_read && found->version < version_)
        around_.on_fault_found("a prefix read went back within a session");
    version_ = std::max(version_, found->version);
    if (intent_.kind == intent_kind::strict_read && r.proposer) proposer_ = r.proposer;
    around_.on_read_seen(place_.cell, found->version, hash64(envelope_), digest_of_results(*found));
    end(*found);
}

void caller::end(ending how) {
    busy_ = false;
    call_.responded_ns = around_.now();
    call_.ended = std::move(how);
    work_ ? work_->learn(intent_, call_.ended) : void(last_ = call_.ended);
    if (intent_.kind != intent_kind::prefix_read) around_.on_ended(place_.index, std::move(call_));
    if (work_ && !stopping_) begin_after(draw(options_.think_mean));
}

} // namespace zooid::sim

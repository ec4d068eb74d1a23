#include <zooid/journal/log.hpp>

#include "journal/core.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <bit>

namespace zooid {

std::string explain_invalid(journal_options const& o) {
    if (!std::has_single_bit(o.block_bytes) || o.block_bytes < 512 || o.block_bytes > 65536) {
        return "block_bytes is a power of 2 from 512 to 65,536";
    }
    if (o.segment_bytes < 8ull * o.block_bytes || o.segment_bytes >= 1ull << 31) {
        return "segment_bytes is from 8 blocks to below 2 GiB";
    }
    if (o.segment_bytes % o.block_bytes != 0) return "segment_bytes is a multiple of block_bytes";
    if (o.batch_bytes_max < o.block_bytes || o.batch_bytes_max > 1ull << 28) {
        return "batch_bytes_max is from one block to 256 MiB";
    }
    if (o.reclaim_bytes_max == 0) return "reclaim_bytes_max is at least 1";
    if (o.live_percent_min < 1 || o.live_percent_min > 90) return "live_percent_min is from 1 to 90";
    return {};
}

journal_log::core::core(log_state_pointer recovered, life_id life) : s_(std::move(recovered)), life_(life) {
    ZOOID_CHECK(s_ != nullptr, "a log goes on from what was recovered");
    durable_number_ = s_->number;
    durable_chain_ = s_->chain;
    durable_life_ = s_->life;
    for (auto const& [number, segment] : s_->segments)
        restate(number);
    pay_for_reclaiming(s_->index.usage().reclaimable().bytes);
}

std::uint64_t journal_log::core::emit(std::vector<io_step> steps, journal_effects& out) {
    out.tasks.push_back({++task_last_, std::move(steps)});
    return task_last_;
}

// J4: bytes that were read may be nowhere but in the page cache, and after a failed flush the kernel takes
// the pages for clean. So what lies above durable_below is written again, and all is flushed.
void journal_log::core::start(journal_effects& out) {
    removing_ = std::move(s_->obsolete); // the first table doesn't list them
    secure(out);
    advance(out);
}

void journal_log::core::secure(journal_effects& out) {
    std::vector<io_step> steps;
    for (auto const& r : s_->rewrites) {
        steps.emplace_back(io_write{r.position.segment, r.position.offset, r.content});
    }
    for (auto const& [number, segment] : s_->segments) {
        if (segment.size != 0) steps.emplace_back(io_flush{number});
    }
    steps.emplace_back(io_sync_directory{});
    phase_ = phase::securing;
    commit_task_ = emit(std::move(steps), out);
}

void journal_log::core::append(time_point now, std::uint64_t sequence_number, std::span<record> records) {
    if (latched_) return;
    auto const last = pending_.empty() ? inflight_sequence_ : pending_.back().sequence;
    ZOOID_CHECK(sequence_number > last, "sequences of appends rise");
    std::uint64_t payload_bytes = 0;
    for (auto& r : records) {
        bool const server = r.kind == record_kind::server;
        ZOOID_CHECK(known_kind(static_cast<std::uint8_t>(r.kind)) && r.kind <= record_kind::moved,
                    "a record has a known kind");
        ZOOID_CHECK(server == !r.replica, "facts of the journal, and only they, have replica 0");
        ZOOID_CHECK(r.payload.size() <= record_payload_bytes_max, "a payload is within its limit");
        if (r.kind == record_kind::forget) r.payload = {};
        payload_bytes += r.payload.size();
        pending_records_.push_back(std::move(r));
    }
    pending_.push_back({sequence_number, now, records.size(), payload_bytes});
    ++stats_.appends;
}

void journal_log::core::probe(time_point now) {
    if (latched_) return;
    create_blocked_ = false;
    secure_due_ = std::exchange(secure_again_, false);
    forgive_unread();
    if (pending_head_ < pending_.size() || phase_ == phase::committing || probe_since_) return;
    probe_since_ = now;
}

void journal_log::core::advance(journal_effects& out) {
    if (latched_) return;
    if (std::exchange(secure_due_, false)) secure(out);
    if (phase_ == phase::idle && is_secured_) form_batch(out);
    start_background(out);
}

void journal_log::core::complete(std::uint64_t task, io_outcome outcome, journal_effects& out) {
    if (latched_) return;
    if (phase_ != phase::idle && task == commit_task_) {
        if (outcome.status.has_error()) return commit_failed(outcome.status.error(), out);
        phase_ == phase::securing ? secured(out) : committed(out);
    } else {
        ZOOID_CHECK(job_ != job::none && task == background_task_, "a task is completed once");
        background_done(std::move(outcome), out);
    }
    advance(out);
}

duration journal_log::core::outstanding_age(time_point now) const {
    auto since = now;
    if (inflight_since_) since = std::min(since, *inflight_since_);
    if (probe_since_) since = std::min(since, *probe_since_);
    if (pending_head_ < pending_.size()) since = std::min(since, pending_[pending_head_].since);
    return now - since;
}

journal_claim journal_log::core::claim() const {
    return {s_->journal, durable_life_, durable_number_, durable_chain_};
}

claim_verdict journal_log::core::check(journal_claim const& heard) const {
    if (heard.journal != s_->journal) return claim_verdict::foreign;
    if (heard.batch > durable_number_) return claim_verdict::lacking;
    auto const chain = s_->recent.chain_of(heard.batch);
    return chain && *chain != heard.chain ? claim_verdict::forked : claim_verdict::consistent;
}

journal_statistics journal_log::core::statistics() const {
    auto stats = stats_;
    stats.segments = s_->segments.size();
    for (auto const& [number, s] : s_->segments)
        stats.segment_bytes += s.size;
    stats.live_bytes = s_->index.usage().live_bytes();
    stats.live_records = s_->index.records();
    stats.index_bytes = s_->index.memory_bytes();
    return stats;
}

// The public face.

void log_state_deleter::operator()(log_state* state) const {
    delete state;
}

journal_log::journal_log(log_state_pointer recovered, life_id life)
    : core_(std::make_unique<core>(std::move(recovered), life)) {}
journal_log::journal_log(journal_log&&) noexcept = default;
journal_log::~journal_log() = default;

void journal_log::start(journal_effects& out) {
    core_->start(out);
}
void journal_log::append(time_point now, std::uint64_t sequence_number, std::span<record> records,
                         journal_effects& out) {
    core_->append(now, sequence_number, records);
    core_->advance(out);
}
void journal_log::probe(time_point now, journal_effects& out) {
    core_->probe(now);
    core_->advance(out);
}
void journal_log::scrub(std::uint64_t budget_bytes, journal_effects& out) {
    core_->scrub(budget_bytes);
    core_->advance(out);
}
void journal_log::complete(std::uint64_t task, io_outcome outcome, journal_effects& out) {
    core_->complete(task, std::move(outcome), out);
}
duration journal_log::outstanding_age(time_point now) const {
    return core_->outstanding_age(now);
}
journal_claim journal_log::claim() const {
    return core_->claim();
}
claim_verdict journal_log::check(journal_claim const& heard) const {
    return core_->check(heard);
}
journal_statistics journal_log::statistics() const {
    return core_->statistics();
}
sometimes_set const& journal_log::marks() const {
    return core_->marks();
}

namespace {

struct deliverer {
    journal_listener& to;
    void operator()(journal_secured const&) const { to.secured(); }
    void operator()(journal_persisted const& e) const { to.persisted(e.sequence); }
    void operator()(journal_failed const& e) const { to.failed(e.reason); }
    void operator()(journal_stalled const& e) const { to.stalled(e.reason); }
    void operator()(journal_damage_found const& e) const { to.damage_found(e.damage); }
};

} // namespace

void deliver(std::span<journal_event const> events, journal_listener& listener) {
    for (auto const& e : events)
        std::visit(deliverer{listener}, e);
}

std::string_view name_of(record_kind kind) {
    switch (kind) {
    case record_kind::reserved: return "reserved";
    case record_kind::promise: return "promise";
    case record_kind::acceptance: return "acceptance";
    case record_kind::value: return "value";
    case record_kind::prefix: return "prefix";
    case record_kind::checkpoint: return "checkpoint";
    case record_kind::quarantine: return "quarantine";
    case record_kind::forget: return "forget";
    case record_kind::server: return "server";
    case record_kind::moved: return "moved";
    }
    return "unknown";
}

std::string_view name_of(damage_kind kind) {
    switch (kind) {
    case damage_kind::voting: return "voting";
    case damage_kind::value: return "value";
    case damage_kind::unattributed: return "unattributed";
    case damage_kind::harmless: return "harmless";
    }
    return "unknown";
}

} // namespace zooid

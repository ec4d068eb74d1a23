// The running log: two lanes of I/O and what decides when each is used.
//
// L1  Commit lane: secure what was recovered, then write and flush batch after batch, one at a time. So every
//     byte before a batch's own place is flushed when the batch is formed: its durable_below is its place.
// L2  Background lane: prepare the next segment, remove segments, read segments for reclaiming and scrubbing.
// L3  A segment is removed only when the index names nothing there, no evidence of damage lies there, and the
//     batch that says so is durable.
// L4  A latched error ends everything: no task and no event ever follows.
#pragma once

#include "journal/inspect.hpp"
#include "journal/state.hpp"

namespace zooid {

class journal_log::core {
  public:
    core(log_state_pointer recovered, life_id life);

    void start(journal_effects& out);
    void append(time_point now, std::uint64_t sequence, std::span<record> records);
    void probe(time_point now);
    void scrub(std::uint64_t budget_bytes) { scrub_budget_ += budget_bytes; }
    void complete(std::uint64_t task, io_outcome outcome, journal_effects& out);
    /// Starts whatever can be started; called at the end of every input.
    void advance(journal_effects& out);

    duration outstanding_age(time_point now) const;
    journal_claim claim() const;
    claim_verdict check(journal_claim const& heard) const;
    journal_statistics statistics() const;
    sometimes_set const& marks() const { return s_->marks; }

  private:
    enum class phase : std::uint8_t { idle, securing, committing };
    enum class job : std::uint8_t { none, create, remove, reclaim, scrub };

    struct pending_append {
        std::uint64_t sequence = 0;
        time_point since;
        std::size_t records = 0;
        std::uint64_t payload_bytes = 0;
    };
    struct active_segment {
        std::uint64_t number = 0;
        std::uint64_t size = 0;
    };
    /// A live entry of the segment that is being reclaimed.
    struct moving_entry {
        found_entry found;
        bytes_view payload; ///< in victim_bytes_
    };
    /// What goes into the next batch.
    struct draft {
        std::size_t appends = 0;
        std::uint64_t entries = 0;
        std::uint64_t payload_bytes = 0;
        std::size_t moved_until = 0; ///< in moving_
    };

    void secure(journal_effects& out);

    // commit.cpp
    void secured(journal_effects& out);
    void commit_failed(error reason, journal_effects& out);
    void committed(journal_effects& out);
    bool form_batch(journal_effects& out);
    bool anything_to_commit() const;
    draft draft_appends() const;
    void draft_moves(draft& d) const;
    bool place(draft const& d);
    bool enter_next_segment(std::uint64_t bytes_needed);
    std::uint64_t room_for_appends() const;
    void gather(draft const& d);
    void gather_notes();
    void gather_moves(draft const& d);
    void gather_appends(draft const& d);
    void apply_contents(batch_header const& h);
    void settle(replica_id forgotten);
    void drop_consumed(draft const& d);
    void emit_batch(journal_effects& out);
    void latch(error reason, journal_effects& out);

    // background.cpp
    void start_background(journal_effects& out);
    bool start_create(journal_effects& out);
    bool start_remove(journal_effects& out);
    bool start_reclaim(journal_effects& out);
    bool start_scrub(journal_effects& out);
    void background_done(io_outcome outcome, journal_effects& out);
    void created(io_outcome const& outcome, journal_effects& out);
    void victim_read(bytes content, journal_effects& out);
    void victim_unread();
    void forgive_unread();
    void scrubbed(bytes content, journal_effects& out);
    template <class Visit>
    void verify_segment(std::uint64_t number, bytes_view content, Visit visit, journal_effects& out);
    void report(inspected_batch const& batch, journal_effects& out);
    void report_hole(std::uint64_t segment, std::uint64_t from, std::uint64_t to, journal_effects& out);
    std::uint64_t size_of_next() const;
    bool any_removable() const;
    void restate(std::uint64_t number);
    void pay_for_reclaiming(std::uint64_t size);
    void release_victim();
    void expire_forgets();
    std::uint64_t choose_victim() const;
    std::uint64_t emit(std::vector<io_step> steps, journal_effects& out);

    log_state_pointer s_;
    life_id life_;
    bool latched_ = false;
    bool is_secured_ = false;
    bool secure_again_ = false; // with the next probe, unless it is due now
    bool secure_due_ = false;

    // appends
    std::vector<pending_append> pending_;
    std::vector<record> pending_records_;
    std::size_t pending_head_ = 0; // of pending_
    std::size_t records_head_ = 0; // of pending_records_
    std::optional<time_point> probe_since_;

    // the commit lane
    phase phase_ = phase::idle;
    std::uint64_t commit_task_ = 0;
    std::uint64_t oldest_batch_ = 0; // that any segment of the log may hold
    active_segment active_;
    bytes batch_;
    std::vector<entry_content> contents_;
    bytes table_payload_, removed_payload_, prepared_payload_;
    std::uint64_t inflight_sequence_ = 0;
    std::optional<time_point> inflight_since_;
    std::vector<std::uint64_t> removing_; // named in the batch in flight
    std::uint64_t durable_number_ = 0;
    std::uint64_t durable_chain_ = 0;
    life_id durable_life_;

    // the background lane
    job job_ = job::none;
    std::uint64_t background_task_ = 0;
    std::optional<active_segment> next_; // prepared
    bool next_announced_ = false;
    active_segment creating_;
    std::uint64_t needed_bytes_ = 0; // a batch waits for a segment that has room for it
    bool create_blocked_ = false;
    std::vector<std::uint64_t> discarded_; // spare segments that were too small
    std::vector<std::uint64_t> to_remove_;
    std::uint64_t victim_ = 0;
    std::uint64_t reclaim_credit_ = 0;  // bytes of segments that may be reclaimed before anything is appended
    std::vector<std::uint64_t> unread_; // segments that could not be read for reclaiming
    bytes victim_bytes_;
    std::vector<moving_entry> moving_;
    std::size_t moved_ = 0; // of moving_
    std::uint64_t scrub_budget_ = 0;
    std::uint64_t scrub_cursor_ = 0;
    bytes segment_head_;

    std::uint64_t task_last_ = 0;
    journal_statistics stats_;
};

} // namespace zooid

// A journal that remembers when each append was made, so that its flush can be timed.
#pragma once

#include <zooid/journal/journal.hpp>
#include <zooid/runtime/clock.hpp>
#include <zooid/runtime/histogram.hpp>

#include <deque>
#include <utility>

namespace zooid {

/// Forwards every call; the listener goes to the inner journal as it is, and tells `note_persisted`.
class measured_journal final : public journal {
  public:
    explicit measured_journal(journal& inner) : inner_(inner) {}

    void note_persisted(time_point now, std::uint64_t through) {
        while (!waiting_.empty() && waiting_.front().first <= through) {
            latency_.record(now - waiting_.front().second);
            waiting_.pop_front();
        }
    }
    /// Nothing is persisted after it.
    void note_failed() {
        failed_ = true;
        waiting_.clear();
    }
    histogram const& latency() const { return latency_; }
    std::size_t waiting() const { return waiting_.size(); } ///< appends not known as durable

    void start(journal_listener& listener) override { inner_.start(listener); }
    void append(time_point now, std::uint64_t sequence_number, std::span<record> records) override {
        if (!failed_) waiting_.emplace_back(sequence_number, now);
        inner_.append(now, sequence_number, records);
    }
    void probe(time_point now) override { inner_.probe(now); }
    void scrub(std::uint64_t budget_bytes) override { inner_.scrub(budget_bytes); }
    duration outstanding_age(time_point now) const override { return inner_.outstanding_age(now); }
    journal_claim claim() const override { return inner_.claim(); }
    claim_verdict check(journal_claim const& heard) const override { return inner_.check(heard); }
    journal_statistics statistics() const override { return inner_.statistics(); }

  private:
    journal& inner_;
    std::deque<std::pair<std::uint64_t, time_point>> waiting_;
    histogram latency_;
    bool failed_ = false;
};

} // namespace zooid

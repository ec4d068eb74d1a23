// A journal for tests: the real log and the real format on a disk in memory that forgets, on a crash, what
// was not flushed. No files, no threads, no time.
#pragma once

#include <zooid/journal/recovery.hpp>

#include <memory>
#include <vector>

namespace zooid {

/// A disk in memory: what was written, and what of it was flushed. Carries out the steps of a task at once.
class memory_disk {
  public:
    memory_disk() = default;
    explicit memory_disk(disk_image image) : written_(image), flushed_(std::move(image)) {}

    io_outcome carry_out(io_task const& task); ///< never fails
    /// Rot: flips a bit wherever these bytes were flushed. Says how often that was.
    std::size_t rot(bytes_view where);
    /// What a reader sees now.
    disk_image const& written() const { return written_; }
    /// What a loss of power leaves: nothing but what was flushed.
    disk_image const& flushed() const { return flushed_; }

  private:
    void step(io_step const& s, bytes& read);
    void flush(std::uint64_t segment);

    disk_image written_;
    disk_image flushed_;
    std::map<std::uint64_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>> dirty_; // offset, size
};

/// For tests and for measuring without a disk. Appends become durable when the owner calls `flush`.
class memory_journal final : public journal {
  public:
    /// Opens what `memory_disk::flushed` of an earlier one returned, or `format_journal`.
    static result<std::unique_ptr<memory_journal>> open(journal_id journal, life_id life,
                                                        journal_options const& options, disk_image image);
    ~memory_journal() override;

    recovered_journal const& recovered() const { return recovered_; }
    memory_disk const& disk() const { return disk_; }
    memory_disk& disk() { return disk_; }

    /// Carries out all outstanding I/O and calls the listener; not from within the listener.
    void flush();
    /// Makes the next task fail, whatever it does, as `io_failed`. The journal latches, unless it only reads.
    void fail_next_task() { fail_next_ = true; }

    void start(journal_listener& listener) override;
    void append(time_point now, std::uint64_t sequence, std::span<record> records) override;
    void probe(time_point now) override;
    void scrub(std::uint64_t budget_bytes) override;
    duration outstanding_age(time_point now) const override { return log_.outstanding_age(now); }
    journal_claim claim() const override { return log_.claim(); }
    claim_verdict check(journal_claim const& heard) const override { return log_.check(heard); }
    journal_statistics statistics() const override { return log_.statistics(); }

  private:
    memory_journal(journal_recovery recovery, life_id life, disk_image image);

    recovered_journal recovered_;
    journal_log log_;
    memory_disk disk_;
    journal_effects effects_;
    journal_listener* listener_ = nullptr;
    bool fail_next_ = false;
};

} // namespace zooid

// A journal of your own: one file that only grows, one write and one flush for all that was appended since
// the last. It keeps the promises J1 to J6 of journal.hpp; it reclaims nothing and keeps no lock on its file.
//
//   file   := frame*                             each begins at a multiple of 4,096, padded with zeros
//   frame  := magic:u64 checksum:u64 body:sized  the checksum is the body's
//   body   := number:u64 chain:u64 life:u64 records:u32 record{records}
//   record := cell:16 replica:u64 kind:u8 at:u64 payload:sized
//
// `number` counts the frames from 1; `chain` is the checksum of the frame before.
// A frame is written when all before it are flushed. So a bad one with nothing whole behind it is a tail that
// no flush confirmed, and is cut; with a whole one behind it, it is damage, and is reported (J5).
#pragma once

#include <zooid/journal/journal.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace own {

class single_file_journal final : public zooid::journal {
  public:
    /// Opens the file, or creates an empty one. `life` is drawn anew at each start.
    static zooid::result<std::unique_ptr<single_file_journal>>
    open(std::string const& path, zooid::journal_id id, zooid::life_id life);
    ~single_file_journal() override;

    zooid::recovered_journal const& recovered() const { return recovered_; }
    /// Writes and flushes what is outstanding, and tells the listener: the owner's turn of the executor.
    void poll();

    void start(zooid::journal_listener& listener) override;
    void append(zooid::time_point now, std::uint64_t sequence, std::span<zooid::record> records) override;
    void probe(zooid::time_point now) override;
    void scrub(std::uint64_t) override {} // the whole file was verified when it was opened
    zooid::duration outstanding_age(zooid::time_point now) const override;
    zooid::journal_claim claim() const override { return last_; }
    zooid::claim_verdict check(zooid::journal_claim const& heard) const override;
    zooid::journal_statistics statistics() const override { return statistics_; }

  private:
    // One live record under each key: acceptances, values and server facts per slot, of the rest the latest.
    using key = std::tuple<zooid::replica_id, zooid::record_kind, zooid::slot>;
    using records = std::map<key, zooid::record>;

    single_file_journal(int fd, zooid::journal_id id, zooid::life_id life);
    void recover(zooid::bytes_view file);
    bool take_frame(zooid::bytes_view file, std::uint64_t at, records& live);
    void take(zooid::record r, records& live) const;
    void report_damage(std::uint64_t from, std::uint64_t to);
    zooid::bytes frame(zooid::journal_claim const& next) const;
    bool write(zooid::bytes_view frame, std::uint64_t at);

    int fd_;
    zooid::life_id life_;
    zooid::journal_listener* listener_ = nullptr;
    zooid::recovered_journal recovered_;
    zooid::journal_claim last_; // the last durable frame
    std::uint64_t end_ = 0;     // of the last durable frame, in the file
    zooid::bytes last_frame_;   // as it was read, until it is secured
    zooid::bytes waiting_;      // encoded records
    std::uint32_t waiting_records_ = 0;
    std::uint64_t waiting_sequence_ = 0;
    std::optional<zooid::time_point> waiting_since_;
    bool secured_ = false;
    bool latched_ = false;
    zooid::journal_statistics statistics_;
};

} // namespace own

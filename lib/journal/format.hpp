// The bytes of a journal: segments, batches, entries. FORMAT.md is the grammar; this file is all of the code
// that knows an offset.
//
// F1  A batch is trusted only where it says that it lies: journal, segment and offset are under its checksum.
// F2  A batch's checksum covers its predecessor's, so it is the head of a chain over the whole log.
// F3  Entries and payloads have checksums of their own, so damage to one leaves the others readable.
// F4  Entries have a fixed size and lie before all payloads; voting payloads lie before values.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/journal/record.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zooid {

inline constexpr std::uint16_t journal_format_version = 1;
inline constexpr std::uint64_t segment_number_max = 0xFFFFFFFF; ///< the index keeps 32 bits of it
inline constexpr std::size_t segment_header_bytes = 64;
inline constexpr std::size_t batch_header_bytes = 128;
inline constexpr std::size_t entry_bytes = 72;
inline constexpr std::size_t segment_row_bytes = 24; ///< of a table of segments

/// Entries that the journal writes for itself use kinds that no record has.
inline constexpr std::uint8_t kind_segments = 0xF0; ///< the segments that exist; first entry of a segment
inline constexpr std::uint8_t kind_removed = 0xF1;  ///< segments that are removed once this is durable
inline constexpr std::uint8_t kind_prepared = 0xF2; ///< segments that exist and hold no batch yet

/// A place in the log. Segments are ordered by number, and so are places.
struct log_position {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    friend constexpr auto operator<=>(log_position const&, log_position const&) = default;
};

struct segment_header {
    std::uint32_t block_bytes = 0;
    journal_id journal{};
    std::uint64_t segment = 0;
    std::uint64_t size = 0; ///< bytes of the segment
};

struct batch_header {
    std::uint32_t entries = 0;
    journal_id journal{};
    log_position position{};
    std::uint64_t size = 0;   ///< with header and padding
    std::uint64_t number = 0; ///< of the batch: 1, 2, ...
    life_id life{};
    log_position durable_below{}; ///< all bytes of the log under it were flushed before this batch was formed
    log_position previous_end{};  ///< where the batch before this one ends: what lies between is no log
    std::uint64_t previous_chain = 0;
    std::uint64_t body_hash = 0; ///< of everything after the header
    std::uint64_t chain = 0;     ///< of the header

    log_position end() const { return {position.segment, position.offset + size}; }
};

struct journal_entry {
    std::uint8_t kind = 0;
    std::uint32_t payload_bytes = 0;
    cell_id cell{};
    replica_id replica{};
    slot at{};
    std::uint32_t payload_offset = 0; ///< from the start of the batch
    std::uint64_t payload_hash = 0;
    std::uint64_t born = 0; ///< the number of the batch that held it first; reclaiming keeps it

    bool internal() const { return kind >= kind_segments; }
    record_kind as_record() const { return static_cast<record_kind>(kind); }
};

/// What an entry is made of, before it has a place.
struct entry_content {
    std::uint8_t kind = 0;
    cell_id cell{};
    replica_id replica{};
    slot at{};
    std::uint64_t born = 0; ///< 0: this batch
    bytes_view payload{};
};

/// One row of a `kind_segments` payload.
struct segment_row {
    std::uint64_t segment = 0;
    std::uint64_t end = 0;         ///< where its log ends: what follows is no log
    std::uint64_t first_batch = 0; ///< the number of its first batch
    friend bool operator==(segment_row const&, segment_row const&) = default;
};

/// True for the kinds that this version knows.
bool known_kind(std::uint8_t kind);
/// True if the payload is framed among the values.
bool value_kind(std::uint8_t kind);

std::uint64_t round_up(std::uint64_t size, std::uint64_t block);
/// The bytes of a batch with these contents, padded.
std::uint64_t batch_bytes(std::uint64_t entries, std::uint64_t payload_bytes, std::uint32_t block);

/// A whole first block.
void encode_segment_header(segment_header const& header, bytes& out);

enum class segment_check : std::uint8_t { fine, unreadable, newer, foreign, misplaced };
segment_check decode_segment_header(bytes_view segment, journal_id journal, std::uint64_t number,
                                    segment_header& out);

/// Replaces `out` by the batch, and fills in sizes and hashes of the header.
void encode_batch(batch_header& header, std::span<entry_content const> contents, std::uint32_t block,
                  bytes& out);

/// The header of a batch that lies at `at`, or nothing if none is there that can be trusted. The body may be
/// anything, even beyond the end of the bytes.
std::optional<batch_header> decode_batch_header(bytes_view segment, log_position at, journal_id journal,
                                                std::uint32_t block);
/// All bytes after the header are what was written.
bool body_intact(bytes_view segment, batch_header const& header);
/// Entry `index` of a batch, if it can be trusted. Its payload may still be damaged.
std::optional<journal_entry> decode_entry(bytes_view segment, batch_header const& header,
                                          std::uint64_t index);
/// The payload of an entry, if it is what was written.
std::optional<bytes_view> payload_of(bytes_view segment, batch_header const& header, journal_entry const& e);

void encode_segments(std::span<segment_row const> rows, bytes& out);
std::optional<std::vector<segment_row>> decode_segments(bytes_view payload);
void encode_numbers(std::span<std::uint64_t const> numbers, bytes& out);
std::optional<std::vector<std::uint64_t>> decode_numbers(bytes_view payload);

} // namespace zooid

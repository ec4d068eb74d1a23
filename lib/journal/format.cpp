#include "journal/format.hpp"

#include <zooid/base/check.hpp>
#include <zooid/base/codec.hpp>
#include <zooid/base/hash.hpp>

#include <cstring>

namespace zooid {
namespace {

constexpr bytes_view segment_magic = "zooidseg";
constexpr bytes_view batch_magic = "zooidbat";

// Domains of hashing: no kind of bytes can be taken for another.
constexpr std::uint64_t seed_segment = 0x7365676d656e7431ull;
constexpr std::uint64_t seed_batch = 0x6261746368686431ull;
constexpr std::uint64_t seed_body = 0x626f647962797431ull;
constexpr std::uint64_t seed_entry = 0x656e747279656e31ull;
constexpr std::uint64_t seed_payload = 0x7061796c6f616431ull;

// The journal id is secret from clients; with it in the seed no value can pretend to be a batch.
std::uint64_t seeded(std::uint64_t seed, journal_id journal) {
    return seed ^ journal.low ^ (journal.high * 0x9E3779B97F4A7C15ull);
}

std::uint64_t entry_seed(batch_header const& h) {
    return seeded(seed_entry, h.journal) + h.number;
}

void patch(bytes& out, std::size_t offset, bytes const& content) {
    std::memcpy(out.data() + offset, content.data(), content.size());
}

void put_header(batch_header const& h, bytes& raw) {
    writer w(raw);
    w.put_raw(batch_magic);
    w.put(journal_format_version);
    w.put(std::uint16_t{0}); // feature bits
    w.put(h.entries);
    w.put(h.journal);
    w.put(h.position.segment), w.put(h.position.offset);
    w.put(h.size);
    w.put(h.number);
    w.put(h.life);
    w.put(h.durable_below.segment), w.put(h.durable_below.offset);
    w.put(h.previous_end.segment), w.put(h.previous_end.offset);
    w.put(h.previous_chain);
    w.put(h.body_hash);
}

void put_entry(journal_entry const& e, bytes& raw) {
    writer w(raw);
    w.put(e.kind);
    w.put(std::uint8_t{1}); // version of the entry
    w.put(std::uint16_t{0});
    w.put(e.payload_bytes);
    w.put(e.cell);
    w.put(e.replica);
    w.put(e.at);
    w.put(e.payload_offset);
    w.put(std::uint32_t{0});
    w.put(e.payload_hash);
    w.put(e.born);
}

std::uint64_t payload_total(std::span<entry_content const> contents) {
    std::uint64_t total = 0;
    for (auto const& c : contents)
        total += c.payload.size();
    return total;
}

// Sizes that a trusted checksum may still not claim.
bool plausible(batch_header const& h, std::uint32_t block) {
    return h.size >= block && h.size % block == 0 && h.durable_below <= h.position &&
           h.previous_end <= h.position && h.number != 0 &&
           batch_header_bytes + std::uint64_t{h.entries} * entry_bytes <= h.size;
}

} // namespace

bool known_kind(std::uint8_t kind) {
    return (kind >= 1 && kind <= 10) || (kind >= kind_segments && kind <= kind_prepared);
}

bool value_kind(std::uint8_t kind) {
    return !is_voting(static_cast<record_kind>(kind));
}

std::uint64_t round_up(std::uint64_t size, std::uint64_t block) {
    return (size + block - 1) / block * block;
}

std::uint64_t batch_bytes(std::uint64_t entries, std::uint64_t payload_bytes, std::uint32_t block) {
    return round_up(batch_header_bytes + entries * entry_bytes + payload_bytes, block);
}

void encode_segment_header(segment_header const& h, bytes& out) {
    out.clear();
    writer w(out);
    w.put_raw(segment_magic);
    w.put(journal_format_version);
    w.put(std::uint16_t{0}); // feature bits
    w.put(h.block_bytes);
    w.put(h.journal);
    w.put(h.segment);
    w.put(h.size);
    w.put(std::uint64_t{0});
    w.put(hash64(out, seeded(seed_segment, {})));
    out.resize(h.block_bytes, '\0');
}

segment_check decode_segment_header(bytes_view segment, journal_id journal, std::uint64_t number,
                                    segment_header& out) {
    if (segment.size() < segment_header_bytes || segment.substr(0, 8) != segment_magic) {
        return segment_check::unreadable;
    }
    reader r(segment.substr(8, segment_header_bytes - 8));
    auto const written_by = r.get<std::uint16_t>();
    auto const features = r.get<std::uint16_t>();
    out.block_bytes = r.get<std::uint32_t>();
    r.get(out.journal), r.get(out.segment), r.get(out.size);
    r.get<std::uint64_t>();
    auto const expected = hash64(segment.substr(0, segment_header_bytes - 8), seeded(seed_segment, {}));
    if (r.get<std::uint64_t>() != expected) return segment_check::unreadable;
    if (written_by != journal_format_version || features != 0) return segment_check::newer;
    if (out.journal != journal) return segment_check::foreign;
    return out.segment == number ? segment_check::fine : segment_check::misplaced;
}

void encode_batch(batch_header& h, std::span<entry_content const> contents, std::uint32_t block, bytes& out) {
    h.entries = static_cast<std::uint32_t>(contents.size());
    h.size = batch_bytes(contents.size(), payload_total(contents), block);
    ZOOID_CHECK(h.size < (1ull << 31), "a batch is addressed with 31 bits");
    out.assign(h.size, '\0');
    std::size_t at = batch_header_bytes + contents.size() * entry_bytes;
    bytes raw;
    raw.reserve(batch_header_bytes);
    for (bool const values : {false, true}) {
        for (std::size_t i = 0; i < contents.size(); ++i) {
            auto const& c = contents[i];
            if (value_kind(c.kind) != values) continue;
            journal_entry const e{.kind = c.kind,
                                  .payload_bytes = static_cast<std::uint32_t>(c.payload.size()),
                                  .cell = c.cell,
                                  .replica = c.replica,
                                  .at = c.at,
                                  .payload_offset = static_cast<std::uint32_t>(at),
                                  .payload_hash = hash64(c.payload, seeded(seed_payload, h.journal)),
                                  .born = c.born != 0 ? c.born : h.number};
            raw.clear();
            put_entry(e, raw);
            writer(raw).put(hash64(raw, entry_seed(h)));
            patch(out, batch_header_bytes + i * entry_bytes, raw);
            if (!c.payload.empty()) std::memcpy(out.data() + at, c.payload.data(), c.payload.size());
            at += c.payload.size();
        }
    }
    h.body_hash = hash64(bytes_view(out).substr(batch_header_bytes), seeded(seed_body, h.journal));
    raw.clear();
    put_header(h, raw);
    h.chain = hash64(raw, seeded(seed_batch, h.journal));
    writer(raw).put(h.chain);
    patch(out, 0, raw);
}

std::optional<batch_header> decode_batch_header(bytes_view segment, log_position at, journal_id journal,
                                                std::uint32_t block) {
    if (at.offset > segment.size() || segment.size() - at.offset < batch_header_bytes) return {};
    bytes_view const raw = segment.substr(at.offset, batch_header_bytes);
    if (raw.substr(0, 8) != batch_magic) return {};
    reader r(raw.substr(8));
    batch_header h;
    auto const written_by = r.get<std::uint16_t>();
    auto const features = r.get<std::uint16_t>();
    r.get(h.entries), r.get(h.journal), r.get(h.position.segment), r.get(h.position.offset);
    r.get(h.size), r.get(h.number), r.get(h.life);
    r.get(h.durable_below.segment), r.get(h.durable_below.offset);
    r.get(h.previous_end.segment), r.get(h.previous_end.offset);
    r.get(h.previous_chain), r.get(h.body_hash), r.get(h.chain);
    auto const expected = hash64(raw.substr(0, batch_header_bytes - 8), seeded(seed_batch, journal));
    bool const ours = h.chain == expected && h.journal == journal && h.position == at;
    if (!ours || written_by != journal_format_version || features != 0 || !plausible(h, block)) return {};
    return h;
}

bool body_intact(bytes_view segment, batch_header const& h) {
    if (segment.size() < h.end().offset) return false;
    auto const body = segment.substr(h.position.offset + batch_header_bytes,
                                     static_cast<std::size_t>(h.size) - batch_header_bytes);
    return hash64(body, seeded(seed_body, h.journal)) == h.body_hash;
}

std::optional<journal_entry> decode_entry(bytes_view segment, batch_header const& h, std::uint64_t index) {
    std::uint64_t const at = h.position.offset + batch_header_bytes + index * entry_bytes;
    if (segment.size() < at + entry_bytes) return {};
    bytes_view const raw = segment.substr(at, entry_bytes);
    reader r(raw);
    journal_entry e;
    e.kind = r.get<std::uint8_t>();
    auto const written_by = r.get<std::uint8_t>();
    r.get<std::uint16_t>();
    e.payload_bytes = r.get<std::uint32_t>();
    r.get(e.cell), r.get(e.replica), r.get(e.at);
    e.payload_offset = r.get<std::uint32_t>();
    r.get<std::uint32_t>();
    r.get(e.payload_hash), r.get(e.born);
    if (r.get<std::uint64_t>() != hash64(raw.substr(0, entry_bytes - 8), entry_seed(h))) return {};
    if (written_by != 1 || std::uint64_t{e.payload_offset} + e.payload_bytes > h.size) return {};
    return e;
}

std::optional<bytes_view> payload_of(bytes_view segment, batch_header const& h, journal_entry const& e) {
    std::uint64_t const at = h.position.offset + e.payload_offset;
    if (segment.size() < at + e.payload_bytes) return {};
    bytes_view const payload = segment.substr(at, e.payload_bytes);
    if (hash64(payload, seeded(seed_payload, h.journal)) != e.payload_hash) return {};
    return payload;
}

void encode_segments(std::span<segment_row const> rows, bytes& out) {
    out.clear();
    writer w(out);
    for (auto const& row : rows)
        w.put(row.segment), w.put(row.end), w.put(row.first_batch);
}

std::optional<std::vector<segment_row>> decode_segments(bytes_view payload) {
    std::vector<segment_row> rows(payload.size() / segment_row_bytes);
    reader r(payload);
    for (auto& row : rows)
        r.get(row.segment), r.get(row.end), r.get(row.first_batch);
    if (!r.complete()) return {};
    return rows;
}

void encode_numbers(std::span<std::uint64_t const> numbers, bytes& out) {
    out.clear();
    writer w(out);
    for (auto const n : numbers)
        w.put(n);
}

std::optional<std::vector<std::uint64_t>> decode_numbers(bytes_view payload) {
    std::vector<std::uint64_t> segments(payload.size() / 8);
    reader r(payload);
    for (auto& s : segments)
        r.get(s);
    if (!r.complete()) return {};
    return segments;
}

} // namespace zooid

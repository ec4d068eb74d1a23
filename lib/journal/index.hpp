// Which records are live, and where they lie: 24 bytes a record and about 100 a replica.
//
// I1  A record is live unless a later one with its key, a checkpoint at or above its slot, a `forget` or
//     a `moved` makes it obsolete. Applying entries in the order of the log gives the same index as the
//     running log had.
// I2  `forget` is live as long as a segment exists that may hold older records of the replica: removed
//     earlier, it would let them rise from the dead.
// I3  The live bytes of a segment are those of the entries that the index names there; a segment with none
//     is needed by nobody.
#pragma once

#include "journal/format.hpp"
#include "journal/usage.hpp"

#include <map>
#include <unordered_map>
#include <vector>

namespace zooid {

/// Where an entry lies. A segment number is kept in 32 bits: with segments of 16 MiB they last for 64 PiB.
/// Recovery refuses a file beyond `segment_number_max`, and the log checks before it creates one.
struct entry_place {
    std::uint32_t segment = 0;
    std::uint32_t offset = 0; ///< of the 72 bytes of the entry, in the segment
    friend constexpr auto operator<=>(entry_place const&, entry_place const&) = default;
};

struct indexed_entry {
    slot at;
    entry_place place;
    std::uint32_t payload_bytes = 0;
    record_kind kind{};
};
static_assert(sizeof(indexed_entry) == 24);

struct indexed_replica {
    cell_id cell;
    std::vector<indexed_entry> entries; ///< by kind, then slot
};

class journal_index {
  public:
    /// Applies the next entry of the log. Requires a record's kind.
    void apply(journal_entry const& e, entry_place place);
    /// The entry at this place is what its key stands for.
    bool live(journal_entry const& e, entry_place place) const;

    /// Forgets the `forget` records that no segment needs any more; `oldest_batch` is the lowest number of a
    /// batch that any remaining segment may hold.
    void expire_forgets(std::uint64_t oldest_batch);

    indexed_replica const* find(replica_id replica) const;
    bool forgotten(replica_id replica) const { return forgotten_.contains(replica); }
    /// A live entry and whose it is.
    struct live_entry {
        cell_id cell;
        replica_id replica;
        indexed_entry content;
    };
    /// What is live there, by place. Costs a walk over the whole index: for damage, which is rare.
    std::vector<live_entry> lying_in(std::uint64_t segment, std::uint64_t from, std::uint64_t to) const;
    /// The slot of the live checkpoint.
    std::optional<slot> checkpoint_of(replica_id replica) const;

    /// What lives where. The log tells it which segments may be given back.
    segment_usage& usage() { return usage_; }
    segment_usage const& usage() const { return usage_; }
    std::uint64_t records() const { return records_; }
    std::uint64_t memory_bytes() const;

  private:
    struct forget_note {
        std::uint64_t born = 0;
        entry_place place;
    };

    void add(entry_place place, std::uint32_t payload_bytes);
    void drop(entry_place place, std::uint32_t payload_bytes);
    void forget(journal_entry const& e, entry_place place);
    void drop_all(indexed_replica& r);
    void drop_below_checkpoint(indexed_replica& r, slot checkpoint);

    std::unordered_map<replica_id, indexed_replica> replicas_; // iterated only to sort what is found
    std::map<replica_id, forget_note> forgotten_;
    segment_usage usage_;
    std::uint64_t records_ = 0;
};

} // namespace zooid

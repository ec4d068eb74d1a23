// What a journal keeps: records, of a few kinds, each of one replica.
//
// The journal is a log-structured map. It never reads a payload: the cell and the server own what is in
// there, together with its version. All that the journal must know of a record is its key, whether losing it
// costs a vote or only a value, and what it makes obsolete.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/ids.hpp>

#include <cstdint>
#include <string_view>

namespace zooid {

/// The kinds of records. The numbers are part of the format: never reuse one.
///
/// Under one replica, `acceptance` and `value` are kept per slot and `server` per `at`; of every other kind
/// only the latest is kept, and `at` is content, not key.
enum class record_kind : std::uint8_t {
    reserved = 1,   ///< voting: the replica exists on this journal
    promise = 2,    ///< voting: the ballot promised
    acceptance = 3, ///< voting, per slot: ballot and digest of the accepted value
    value = 4,      ///< per slot: the bytes accepted
    prefix = 5,     ///< voting: all slots <= at are known as chosen
    checkpoint = 6, ///< the state at slot `at`: acceptances and values with slot <= at are obsolete
    quarantine = 7, ///< voting: the replica stopped, and why
    forget = 8,     ///< the replica is destroyed: all its records are obsolete; nothing may follow
    server = 9,     ///< voting, per `at`, under replica 0: facts of the journal, such as claims heard
    moved = 10,     ///< the replica is destroyed, and where its cell is now: all its other records are
                    ///< obsolete; only another `moved` or `forget` may follow
};

/// The enumerator's name: "acceptance".
std::string_view name_of(record_kind kind);

/// True unless losing the payload merely loses bytes that a peer can teach again, or a pointer.
constexpr bool is_voting(record_kind kind) {
    return kind != record_kind::value && kind != record_kind::checkpoint && kind != record_kind::moved;
}

/// One fact. A later record with the same key supersedes an earlier one.
struct record {
    cell_id cell{};
    replica_id replica{}; ///< 0 only for `record_kind::server`
    record_kind kind{};
    slot at{};
    shared_bytes payload{};

    friend bool operator==(record const&, record const&) = default;
};

/// No payload is longer: a checkpoint is a cell's state and its kept replies, 1 MiB each, and a little about
/// them.
inline constexpr std::size_t record_payload_bytes_max = 3 * 1024 * 1024;

} // namespace zooid

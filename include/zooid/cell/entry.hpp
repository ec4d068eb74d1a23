// What a slot of a cell's log holds.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/cell/change.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zooid {

/// The kinds of entries that consensus itself understands; the commands inside `commands` are opaque to it.
enum class entry_kind : std::uint8_t {
    no_op = 1,     ///< fills a slot that nobody needs
    commands = 2,  ///< a batch of opaque commands, applied in order
    change = 3,    ///< a configuration change; takes effect alpha slots later
    release = 4,   ///< lets go of the members that an earlier change removed
    raise = 5,     ///< raises the cell's version
    recovered = 6, ///< the mark of an emergency recovery: says what may be lost, and does nothing
};

/// One value that can be chosen for a slot: a kind, a version and a payload, kept in their encoded form.
///
/// The encoding (kind: u8, version: u8, payload) is what is hashed, journaled and sent; an entry is never
/// decoded and encoded again on its way, so its digest is the same everywhere.
class entry {
  public:
    entry() = default; ///< no entry at all: what a damaged value reads as

    static entry no_op();
    /// A batch, in order. Requires at least one command.
    static entry batch(std::span<shared_bytes const> commands);
    static entry change(configuration_change const& c); ///< of the members, alpha slots later
    /// Lets go of whom the change at slot `of` and all before it removed.
    static entry release(slot of);
    static entry raise(version_rise const& r);      ///< of the cell's version
    static entry recovered(recovery_mark const& m); ///< the cell is the fork of another
    /// From its encoding, as it is: what it means is judged when it is applied.
    static entry from_encoded(shared_bytes encoded) { return entry(std::move(encoded)); }

    shared_bytes const& encoded() const { return encoded_; }
    bool empty() const { return encoded_.empty(); } ///< no entry, as opposed to a no-op
    /// Identifies the value of a slot at an acceptor.
    digest value_digest() const;

    /// True if this software understands it fully: a kind and version it knows, a payload that decodes.
    bool understood() const;
    entry_kind kind() const; ///< as its first byte says, known here or not
    /// The commands of a batch, as views into it; empty for every other kind. Requires `understood()`.
    std::vector<bytes_view> commands() const;
    /// The change that it holds; nothing for every other kind. Requires `understood()`.
    std::optional<configuration_change> changes() const;
    /// The slot of the change of which a release lets go those that it and all changes before it removed; 0
    /// for every other kind. Requires `understood()`.
    slot releases() const;
    /// The rise of the cell's version; nothing for every other kind. Requires `understood()`.
    std::optional<version_rise> raises() const;
    /// The mark of a recovery; nothing for every other kind. Requires `understood()`.
    std::optional<recovery_mark> recovers() const;

    friend bool operator==(entry const&, entry const&) = default;

  private:
    explicit entry(shared_bytes encoded) : encoded_(std::move(encoded)) {}

    shared_bytes encoded_;
};

} // namespace zooid

// Little-endian, fixed-width encoding: the alphabet of every record and message.
#pragma once

#include <zooid/base/ballot.hpp>
#include <zooid/base/bytes.hpp>
#include <zooid/base/configuration.hpp>
#include <zooid/base/hash.hpp>
#include <zooid/base/ids.hpp>

#include <concepts>
#include <cstdint>

namespace zooid {

/// Appends to a byte string that the caller owns.
class writer {
  public:
    explicit writer(bytes& out) : out_(out) {}

    template <std::unsigned_integral T>
    void put(T value) {
        char raw[sizeof(T)];
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            raw[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
        }
        out_.append(raw, sizeof(T));
    }
    template <class Tag>
    void put(tagged<Tag> id) {
        put(id.value);
    }
    template <class Tag>
    void put(position<Tag> p) {
        put(p.value);
    }
    template <class Tag>
    void put(wide_id<Tag> const& id) {
        put(id.low), put(id.high);
    }
    void put(digest const& d) { put(d.low), put(d.high); }
    void put(ballot const& b) { put(b.round), put(b.server), put(b.life); }
    void put(member const& m) { put(m.server), put(m.journal), put(m.replica); }
    void put(configuration const& c);
    /// A 32-bit length, then the bytes. Requires fewer than 2^32.
    void put_sized(bytes_view content);
    /// The bytes as they are.
    void put_raw(bytes_view content) { out_.append(content); }

    std::size_t size() const { return out_.size(); }

  private:
    bytes& out_;
};

/// Reads what a writer wrote, from bytes that may be anything.
///
/// The first read that does not fit makes the reader fail for good: it yields zeros from there on, and
/// `failed()` tells. A length is compared with what is left before anything is allocated for it.
class reader {
  public:
    explicit reader(bytes_view in) : in_(in) {}

    template <std::unsigned_integral T>
    T get() {
        bytes_view const raw = get_raw(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
        }
        return static_cast<T>(value);
    }
    template <std::unsigned_integral T>
    void get(T& out) {
        out = get<T>();
    }
    template <class Tag>
    void get(tagged<Tag>& id) {
        get(id.value);
    }
    template <class Tag>
    void get(position<Tag>& p) {
        get(p.value);
    }
    template <class Tag>
    void get(wide_id<Tag>& id) {
        get(id.low), get(id.high);
    }
    void get(digest& d) { get(d.low), get(d.high); }
    void get(ballot& b) { get(b.round), get(b.server), get(b.life); }
    void get(member& m) { get(m.server), get(m.journal), get(m.replica); }
    /// Fails on anything that is not a valid, or the empty, configuration.
    void get(configuration& c);
    template <class T>
    requires std::default_initializable<T> &&(!std::unsigned_integral<T>)T get() {
        T value{};
        get(value);
        return value;
    }
    /// A view into the input, valid as long as the input is.
    bytes_view get_sized() { return get_raw(get<std::uint32_t>()); }
    bytes_view get_raw(std::size_t size);

    void fail() { failed_ = true, in_ = {}; }
    bool failed() const { return failed_; }
    bool at_end() const { return in_.empty(); }
    std::size_t left() const { return in_.size(); }
    /// True when everything was read and nothing was wrong.
    bool complete() const { return !failed_ && in_.empty(); }

  private:
    bytes_view in_;
    bool failed_ = false;
};

} // namespace zooid

// Byte strings: owned, borrowed, shared.
//
// A byte string is a std::string: short keys and values live inside the object, and literals are convenient
// at every call site. Nothing in zooid reads it as text. A command that is chosen travels through the
// acceptor's log, six messages and a journal record; `shared_bytes` lets all of them hold the same
// allocation.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace zooid {

using bytes = std::string;
using bytes_view = std::string_view;

/// An immutable, reference-counted byte string: one allocation for count and content.
///
/// Copies are cheap and may be held by different threads; the content never changes after construction.
/// Comparison compares content. Default constructed: empty, no allocation.
class shared_bytes {
  public:
    shared_bytes() = default;
    explicit shared_bytes(bytes_view content);
    shared_bytes(shared_bytes const& other) noexcept : block_(other.block_) { retain(); }
    shared_bytes(shared_bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    shared_bytes& operator=(shared_bytes other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~shared_bytes() { release(); }

    bytes_view view() const noexcept {
        return block_ ? bytes_view(reinterpret_cast<char const*>(block_ + 1), block_->size) : bytes_view();
    }
    std::size_t size() const noexcept { return block_ ? block_->size : 0; }
    bool empty() const noexcept { return size() == 0; }

    friend bool operator==(shared_bytes const& a, shared_bytes const& b) noexcept {
        return a.block_ == b.block_ || a.view() == b.view();
    }

  private:
    struct block {
        std::atomic<std::size_t> references;
        std::size_t size;
    };

    void retain() const noexcept {
        if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    void release() noexcept;

    block* block_ = nullptr;
};

} // namespace zooid

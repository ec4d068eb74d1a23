// The two buffers of a session. Both keep their memory, within reason, so that a warm one never allocates.
#pragma once

#include <zooid/base/bytes.hpp>
#include <zooid/transport/wire.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace zooid {

/// Bytes on their way in: read at the end, consumed from the front.
class receive_buffer {
  public:
    /// Free space of at least `wanted` bytes behind what is unread. Moves unread bytes; views end.
    std::span<char> prepare(std::size_t wanted);
    void commit(std::size_t count) { tail_ += count; } ///< so much of the space was filled
    bytes_view unread() const { return {data_.get() + head_, tail_ - head_}; }
    void consume(std::size_t count) { head_ += count; } ///< requires as many unread
    void clear() { head_ = tail_ = 0; }

  private:
    void move_to(std::size_t capacity);

    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
};

/// Frames that are not sealed yet, first in, first out.
class frame_queue {
  public:
    struct entry {
        frame_kind kind;
        bytes_view payload;
    };

    void push(frame_kind kind, bytes_view payload);
    /// The oldest; requires not empty. Its view lives until the next `push` or `pop`.
    entry front() const;
    void pop();
    void clear();
    bool empty() const { return head_ == data_.size(); }
    /// Bytes in use, with a small overhead for each frame.
    std::size_t size() const { return data_.size() - head_; }

  private:
    bytes data_;
    std::size_t head_ = 0;
};

} // namespace zooid

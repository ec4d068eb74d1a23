#include <zooid/transport/frame_buffer.hpp>

#include <zooid/base/codec.hpp>

#include <algorithm>
#include <cstring>

namespace zooid {

namespace {

constexpr std::size_t capacity_min = 64 * 1024;
constexpr std::size_t capacity_kept_max = 1024 * 1024; // more than this is given back when it is empty
constexpr std::size_t entry_header_bytes = 6;

} // namespace

std::span<char> receive_buffer::prepare(std::size_t wanted) {
    if (head_ == tail_) {
        clear();
        if (capacity_ > capacity_kept_max && wanted <= capacity_min) move_to(capacity_min);
    }
    if (capacity_ - tail_ < wanted) move_to(std::max({capacity_, capacity_min, tail_ - head_ + wanted}));
    return {data_.get() + tail_, capacity_ - tail_};
}

void receive_buffer::move_to(std::size_t capacity) {
    std::size_t const unread = tail_ - head_;
    if (capacity == capacity_) {
        std::memmove(data_.get(), data_.get() + head_, unread);
    } else {
        std::unique_ptr<char[]> bigger(new char[capacity]);
        if (unread != 0) std::memcpy(bigger.get(), data_.get() + head_, unread);
        data_ = std::move(bigger);
        capacity_ = capacity;
    }
    head_ = 0;
    tail_ = unread;
}

void frame_queue::push(frame_kind kind, bytes_view payload) {
    if (head_ > data_.size() / 2) { // moves each byte at most once on average
        data_.erase(0, head_);
        head_ = 0;
    }
    writer out(data_);
    out.put(static_cast<std::uint16_t>(kind));
    out.put_sized(payload);
}

frame_queue::entry frame_queue::front() const {
    reader in(bytes_view(data_).substr(head_));
    auto const kind = static_cast<frame_kind>(in.get<std::uint16_t>());
    return {kind, in.get_sized()};
}

void frame_queue::pop() {
    head_ += entry_header_bytes + front().payload.size();
    if (head_ == data_.size()) clear();
}

void frame_queue::clear() {
    data_.clear();
    head_ = 0;
    if (data_.capacity() > capacity_kept_max) data_.shrink_to_fit();
}

} // namespace zooid

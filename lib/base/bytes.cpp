#include <zooid/base/bytes.hpp>

#include <cstring>
#include <new>

namespace zooid {

shared_bytes::shared_bytes(bytes_view content) {
    if (content.empty()) return;
    void* memory = ::operator new(sizeof(block) + content.size());
    block_ = ::new (memory) block{1, content.size()};
    std::memcpy(static_cast<char*>(memory) + sizeof(block), content.data(), content.size());
}

void shared_bytes::release() noexcept {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        block_->~block();
        ::operator delete(block_);
    }
}

} // namespace zooid

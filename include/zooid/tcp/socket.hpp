// A connected socket on its way from one executor to another: the descriptor alone, closed if nobody takes
// it.
#pragma once

#include <utility>

namespace zooid {

class tcp_socket {
  public:
    explicit tcp_socket(int descriptor) : descriptor_(descriptor) {}
    tcp_socket(tcp_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    tcp_socket& operator=(tcp_socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~tcp_socket();

    /// The caller closes it from here on.
    int release() { return std::exchange(descriptor_, -1); }

  private:
    int descriptor_;
};

} // namespace zooid

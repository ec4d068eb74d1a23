#include <zooid/transport/mac.hpp>

#include <zooid/base/hash.hpp>

namespace zooid {

namespace {

// Two keyed XXH3 digests side by side. XXH3 is linear enough that a liar could find collisions; here only
// accidents are to be found.
class keyed_hash final : public mac_key {
  public:
    explicit keyed_hash(secret const& key)
        : first_(hash64({key.data(), key.size()}, 1)), second_(hash64({key.data(), key.size()}, 2)) {}
    void compute(bytes_view content, mac_tag& out) override {
        put(hash128(content, first_), out.data());
        put(hash128(content, second_), out.data() + 16);
    }

  private:
    static void put(digest const& d, char* out) {
        for (std::size_t i = 0; i < 8; ++i) {
            out[i] = static_cast<char>(d.low >> (8 * i));
            out[i + 8] = static_cast<char>(d.high >> (8 * i));
        }
    }
    std::uint64_t first_;
    std::uint64_t second_;
};

class keyed_hash_suite final : public mac_suite {
  public:
    std::unique_ptr<mac_key> make_key(secret const& key) const override {
        return std::make_unique<keyed_hash>(key);
    }
};

} // namespace

mac_suite const& insecure_keyed_hash() {
    static keyed_hash_suite const suite;
    return suite;
}

bool equal_in_constant_time(bytes_view a, bytes_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |=
            static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(b[i]));
    }
    return difference == 0;
}

} // namespace zooid

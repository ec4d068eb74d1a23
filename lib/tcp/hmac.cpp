#include <zooid/tcp/hmac.hpp>

#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <new>

namespace zooid {

namespace {

struct context_free {
    void operator()(EVP_MAC_CTX* c) const { EVP_MAC_CTX_free(c); }
};
using context = std::unique_ptr<EVP_MAC_CTX, context_free>;

// OpenSSL's calls fail here only when memory is short, or when the build lacks HMAC or SHA-256 altogether.
void require(bool succeeded) {
    if (!succeeded) throw std::bad_alloc();
}

class hmac_key final : public mac_key {
  public:
    hmac_key(EVP_MAC* algorithm, secret const& key) : context_(EVP_MAC_CTX_new(algorithm)) {
        char digest[] = "SHA256";
        OSSL_PARAM const parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                         OSSL_PARAM_construct_end()};
        auto const* raw = reinterpret_cast<unsigned char const*>(key.data());
        require(context_ && EVP_MAC_init(context_.get(), raw, key.size(), parameters) == 1);
    }
    void compute(bytes_view content, mac_tag& out) override {
        auto const* raw = reinterpret_cast<unsigned char const*>(content.data());
        std::size_t written = 0;
        require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1); // the key stays
        require(EVP_MAC_update(context_.get(), raw, content.size()) == 1);
        require(EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &written,
                              out.size()) == 1);
    }

  private:
    context context_;
};

class hmac_suite final : public mac_suite {
  public:
    hmac_suite() : algorithm_(EVP_MAC_fetch(nullptr, "HMAC", nullptr)) { require(algorithm_ != nullptr); }
    ~hmac_suite() override { EVP_MAC_free(algorithm_); }
    std::unique_ptr<mac_key> make_key(secret const& key) const override {
        return std::make_unique<hmac_key>(algorithm_, key);
    }

  private:
    EVP_MAC* algorithm_;
};

} // namespace

mac_suite const& hmac_sha256() {
    static hmac_suite const suite;
    return suite;
}

result<nonce> random_bytes() {
    nonce out;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) != 1) {
        return error(errc::io_failed, "no random bytes");
    }
    return out;
}

} // namespace zooid

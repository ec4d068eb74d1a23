#include "support/catch.hpp"

#include <zooid/base/hash.hpp>

using namespace zooid;

TEST_CASE("hashes are those of XXH3, on every machine and compiler") {
    CHECK(hash64("") == 0x2d06800538d394c2ull);
    CHECK(hash128("") == digest{0x99aa06d3014798d8ull, 0x6001c324468d497full});
    CHECK(hash64("zooid") != hash64("zooid", 1));
}

TEST_CASE("digests of a set do not depend on the order, and an entry can be taken out again") {
    digest const a = hash128("a");
    digest const b = hash128("b");
    digest ab = a;
    ab += b;
    digest ba = b;
    ba += a;
    CHECK(ab == ba);
    ab -= a;
    CHECK(ab == b);
    ab -= b;
    CHECK(ab == digest{});
}

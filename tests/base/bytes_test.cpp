#include "support/catch.hpp"

#include <zooid/base/bytes.hpp>

#include <type_traits>

using namespace zooid;

TEST_CASE("shared bytes compare by content and share one allocation between copies") {
    shared_bytes const a("primary");
    shared_bytes const copy = a;
    CHECK(copy == a);
    CHECK(copy.view().data() == a.view().data());
    CHECK(shared_bytes("primary") == a);
    CHECK_FALSE(shared_bytes("replica") == a);
}

TEST_CASE("shared bytes outlive the one that they were copied from") {
    shared_bytes kept;
    {
        shared_bytes const original(bytes(100000, 'x'));
        kept = original;
    }
    CHECK(kept.view() == bytes(100000, 'x'));
}

TEST_CASE("empty shared bytes own nothing") {
    CHECK(shared_bytes().view().empty());
    CHECK(shared_bytes("") == shared_bytes());
    CHECK(sizeof(shared_bytes) == sizeof(void*));
    shared_bytes moved("abc");
    shared_bytes const target = std::move(moved);
    CHECK(target.size() == 3);
}

#include "support/catch.hpp"

#include <zooid/base/codec.hpp>

using namespace zooid;

namespace {

member nth(std::uint64_t n) {
    return {{n}, {n, n}, {n + 100}};
}

} // namespace

TEST_CASE("integers are little-endian and of fixed width") {
    bytes out;
    writer w(out);
    w.put(std::uint8_t{1});
    w.put(std::uint16_t{0x0203});
    w.put(std::uint32_t{0x04050607});
    w.put(std::uint64_t{0x08090a0b0c0d0e0f});
    CHECK(out == bytes("\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08", 15));
}

TEST_CASE("what was written is read back, and nothing is left") {
    std::array const members{nth(1), nth(2), nth(3)};
    bytes out;
    writer w(out);
    w.put(slot{7});
    w.put(cell_id{1, 2});
    w.put(ballot{{3}, {4}, {5}});
    w.put(configuration(members));
    w.put(configuration());
    w.put(digest{8, 9});
    w.put_sized("hello");

    reader r(out);
    CHECK(r.get<slot>() == slot{7});
    CHECK(r.get<cell_id>() == cell_id{1, 2});
    CHECK(r.get<ballot>() == ballot{{3}, {4}, {5}});
    CHECK(r.get<configuration>() == configuration(members));
    CHECK(r.get<configuration>().empty());
    CHECK(r.get<digest>() == digest{8, 9});
    CHECK(r.get_sized() == "hello");
    CHECK(r.complete());
}

TEST_CASE("every proper prefix of an encoding is refused") {
    std::array const members{nth(1), nth(2), nth(3)};
    bytes out;
    writer w(out);
    w.put(configuration(members));
    w.put_sized("payload");
    for (std::size_t cut = 0; cut < out.size(); ++cut) {
        reader r(bytes_view(out).substr(0, cut));
        (void)r.get<configuration>();
        (void)r.get_sized();
        CHECK_FALSE(r.complete());
        CHECK(r.failed());
    }
}

TEST_CASE("a failed reader yields zeros and stays failed") {
    reader r("\xff\xff\xff\xff"
             "abc");
    CHECK(r.get_sized().empty());
    CHECK(r.failed());
    CHECK(r.get<std::uint64_t>() == 0);
    CHECK(r.left() == 0);
    CHECK_FALSE(r.complete());
}

TEST_CASE("a configuration that no cell can have is refused when read") {
    auto refused = [](auto const& edit) {
        bytes out;
        writer w(out);
        edit(w);
        reader r(out);
        (void)r.get<configuration>();
        return r.failed();
    };
    CHECK(refused([](writer& w) { w.put(std::uint8_t{2}), w.put(nth(1)), w.put(nth(2)); }));
    CHECK(refused([](writer& w) { w.put(std::uint8_t{3}), w.put(nth(1)), w.put(nth(2)), w.put(nth(1)); }));
    CHECK(refused([](writer& w) { w.put(std::uint8_t{11}); }));
    CHECK(refused([](writer& w) { w.put(std::uint8_t{1}), w.put(member{{0}, {1, 1}, {1}}); }));
}

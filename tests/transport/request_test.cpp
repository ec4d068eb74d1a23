#include "support/catch.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/transport/request.hpp>

#include <set>
#include <string_view>

using namespace zooid;

namespace {

request some_request() {
    request r;
    r.correlation = {42};
    r.op = operation::prefix_read;
    r.cell = {1, 2};
    r.key = "volume-7";
    r.birth = {3};
    r.min_slot = {99};
    r.remaining_ms = 2000;
    r.payload = "query";
    return r;
}

reply some_reply() {
    static member const members[] = {{{1}, {1, 1}, {11}}, {{2}, {2, 2}, {12}}, {{3}, {3, 3}, {13}}};
    reply r;
    r.correlation = {42};
    r.failure = errc::not_proposer;
    r.detail = "server 2 leads";
    r.cell = {1, 2};
    r.birth = {3};
    r.at = {100};
    r.proposer = {2};
    r.members = configuration(members);
    r.payload = "value";
    return r;
}

} // namespace

TEST_CASE("requests and replies come back as they were") {
    bytes out;
    encode(some_request(), out);
    CHECK(decode_request(out).value() == some_request());
    CHECK(correlation_of(out) == correlation_id{42});
    bytes back;
    encode(some_reply(), back);
    CHECK(decode_reply(back).value() == some_reply());
    bytes empty;
    encode(reply{}, empty);
    CHECK(decode_reply(empty).value() == reply{});
}

TEST_CASE("a request or reply cut anywhere, or with more behind it, is malformed") {
    bytes a;
    encode(some_request(), a);
    bytes b;
    encode(some_reply(), b);
    for (std::size_t keep = 0; keep < a.size(); ++keep) {
        REQUIRE(decode_request(bytes_view(a).substr(0, keep)).error() == errc::malformed);
    }
    for (std::size_t keep = 0; keep < b.size(); ++keep) {
        REQUIRE(decode_reply(bytes_view(b).substr(0, keep)).error() == errc::malformed);
    }
    CHECK(decode_request(a + "x").error() == errc::malformed);
    CHECK(decode_reply(b + "x").error() == errc::malformed);
}

TEST_CASE("an unknown operation is passed on, an unknown error is an unknown outcome") {
    request r = some_request();
    r.op = static_cast<operation>(200);
    bytes out;
    encode(r, out);
    REQUIRE(decode_request(out));
    CHECK_FALSE(known(decode_request(out).value().op));
    reply p = some_reply();
    p.failure = static_cast<errc>(200);
    bytes back;
    encode(p, back);
    CHECK(decode_reply(back).value().failure == errc::outcome_unknown);
}

TEST_CASE("every operation but 10, which is set aside, is known by its number and has a name of its own") {
    std::set<std::string_view> names;
    for (int number = 0; number < 256; ++number) {
        auto const op = static_cast<operation>(number);
        INFO(number);
        CHECK(known(op) == (number >= 1 && number <= 20 && number != 10));
        CHECK(known(op) == (name_of(op) != "unknown"));
        if (!known(op)) CHECK(needs_admin(op));
        if (known(op)) CHECK(names.insert(name_of(op)).second);
    }
    CHECK(static_cast<int>(operation::explain) == 9);
    CHECK(static_cast<int>(operation::complain) == 11);
    CHECK(static_cast<int>(operation::found_fork) == 20);
}

TEST_CASE("a key over its limit is refused with its size") {
    request r = some_request();
    bytes const key(1025, 'k');
    r.key = key;
    bytes out;
    encode(r, out);
    CHECK(decode_request(out).error().message() == "too_large: a key of 1025 bytes");
}

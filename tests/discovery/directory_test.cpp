// Entries of the directory as bytes.
#include "support/catch.hpp"

#include <zooid/discovery/directory.hpp>

using namespace zooid;

namespace {

directory_entry entry_of_a_fork() {
    directory_entry e{{7, 8}, {3}, configuration(std::vector<member>{{{1}, {1, 1}, {101}}}), {}};
    e.origin = fork_origin{{5, 6}, {2}, {1, 2}, {3, 4}, "who, when", true};
    return e;
}

} // namespace

TEST_CASE(
    "an entry of the directory survives its encoding, with and without a recovery, and no part decodes") {
    directory_entry plain = entry_of_a_fork();
    plain.origin.reset();
    for (directory_entry const& e : {entry_of_a_fork(), plain}) {
        bytes const encoded = encode(e);
        CHECK(decode_directory_entry(encoded).value() == e);
        for (std::size_t size = 0; size < encoded.size(); ++size)
            CHECK(!decode_directory_entry(bytes_view(encoded).substr(0, size)));
    }
}

TEST_CASE("an entry without a recovery is written as software before recoveries reads it") {
    directory_entry plain = entry_of_a_fork();
    plain.origin.reset();
    CHECK(encode(plain).front() == 1);
    CHECK(encode(entry_of_a_fork()).front() == 2);
}

// The worked example of FORMAT.md is what the code writes.
#include "journal/format.hpp"
#include "support/catch.hpp"

#include <zooid/journal/recovery.hpp>

#include <fstream>
#include <sstream>

using namespace zooid;

namespace {

// The hex dump between the fences of the worked example: "offset  bytes".
bytes documented_example() {
    std::ifstream in(ZOOID_SOURCE_DIR "/lib/journal/FORMAT.md");
    std::string line;
    bytes content;
    bool inside = false;
    while (std::getline(in, line)) {
        if (line == "```hex") inside = true;
        if (line == "```") inside = false;
        std::istringstream words(line);
        std::string word;
        words >> word;
        if (!inside || word == "```hex") continue;
        while (words >> word && word.size() == 2)
            content += static_cast<char>(std::stoi(word, nullptr, 16));
    }
    return content;
}

bytes written_example() {
    batch_header h{.journal = {0x1111, 0x2222},
                   .position = {2, 512},
                   .number = 2,
                   .life = life_id{0x99},
                   .durable_below = {2, 512},
                   .previous_end = {1, 1024},
                   .previous_chain = 0x0123456789abcdef};
    entry_content const contents[] = {
        {static_cast<std::uint8_t>(record_kind::acceptance), {0, 0xc1}, replica_id{5}, slot{9}, 0, "ballot"},
        {static_cast<std::uint8_t>(record_kind::value), {0, 0xc1}, replica_id{5}, slot{9}, 0, "hello"}};
    bytes out;
    encode_batch(h, contents, 512, out);
    return out;
}

std::string dump(bytes const& content) {
    std::string text;
    char const* digits = "0123456789abcdef";
    for (std::size_t i = 0; i < content.size(); ++i) {
        if (i % 16 == 0) text += (i == 0 ? "" : "\n") + to_hex(i).substr(12) + " ";
        auto const c = static_cast<unsigned char>(content[i]);
        text += {' ', digits[c >> 4], digits[c & 15]};
    }
    return text;
}

} // namespace

TEST_CASE("the worked example of FORMAT.md is byte for byte what is written") {
    auto const written = written_example();
    auto const used = written.find_last_not_of('\0') + 1;
    INFO(dump(written.substr(0, used)));
    CHECK(documented_example() == written.substr(0, used));
    CHECK(written.size() == 512);
}

TEST_CASE("segments of another format, journal or block size are refused by name") {
    journal_options const options{.block_bytes = 512, .segment_bytes = 4096};
    journal_id const journal{0x1111, 0x2222};
    auto const image = format_journal(journal, options);
    CHECK(recover_journal(journal, options, image));
    auto const code = [&](auto const& opened) { return opened.error().code(); };
    CHECK(code(recover_journal({1, 1}, options, image)) == errc::wrong_owner);
    CHECK(code(recover_journal(journal, {.block_bytes = 1024, .segment_bytes = 8192}, image)) ==
          errc::unsupported_version);
    CHECK(code(recover_journal(journal, {.block_bytes = 500}, image)) == errc::invalid_argument);
    CHECK(explain_invalid(journal_options{}).empty());
}

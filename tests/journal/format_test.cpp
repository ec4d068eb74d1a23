// The worked example of FORMAT.md is what the code writes.
#include "journal/format.hpp"
#include "support/catch.hpp"

#include <zooid/journal/recovery.hpp>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

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

struct documented_field {
    std::size_t offset;
    std::string what;
    friend bool operator==(documented_field const&, documented_field const&) = default;
};

// The fields of one section of the grammar: under its title, pairs of offset and description, two blanks or
// more between them, until an empty line.
std::vector<documented_field> documented_fields(std::string const& title) {
    std::ifstream in(ZOOID_SOURCE_DIR "/lib/journal/FORMAT.md");
    std::vector<documented_field> fields;
    std::string line;
    while (std::getline(in, line) && !line.starts_with("    " + title)) {
    }
    while (std::getline(in, line) && !line.empty()) {
        std::vector<std::string> words;
        for (std::size_t at = line.find_first_not_of(' '); at != std::string::npos;) {
            auto const end = std::min(line.find("  ", at), line.size());
            words.push_back(line.substr(at, end - at));
            at = line.find_first_not_of(' ', end);
        }
        REQUIRE(words.size() % 2 == 0);
        for (std::size_t i = 0; i < words.size(); i += 2)
            fields.push_back({std::stoul(words[i]), words[i + 1]});
    }
    return fields;
}

// What a field holds in the example; nothing for names, ids and checksums.
struct known_field {
    std::string what;
    std::size_t size;
    std::optional<std::uint64_t> content;
};

// The grammar lists these fields and no others, without a gap, and the bytes hold what it says.
void require_documented(std::string const& title, bytes_view raw, std::vector<known_field> const& known) {
    auto const documented = documented_fields(title);
    std::vector<documented_field> expected;
    std::size_t at = 0;
    for (auto const& field : known) {
        expected.push_back({at, field.what});
        std::uint64_t held = 0;
        for (std::size_t i = std::min<std::size_t>(field.size, 8); i-- > 0;)
            held = held << 8 | static_cast<unsigned char>(raw[at + i]);
        INFO(title << ": " << field.what);
        if (field.content) REQUIRE(held == *field.content);
        at += field.size;
    }
    INFO(title);
    REQUIRE(documented.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(documented[i].offset == expected[i].offset);
        CHECK(documented[i].what == expected[i].what);
    }
    CHECK(title.ends_with(std::to_string(at) + " bytes"));
}

} // namespace

TEST_CASE("the grammar of FORMAT.md names every field of what is written, at its place") {
    auto const batch = written_example();
    require_documented("batch-header, 128 bytes", batch,
                       {{"\"zooidbat\"", 8, {}},
                        {"u16 version (1)", 2, 1},
                        {"u16 feature bits (0)", 2, 0},
                        {"u32 number of entries", 4, 2},
                        {"journal id", 16, {}},
                        {"u64 segment number", 8, 2},
                        {"u64 offset in it", 8, 512},
                        {"u64 bytes of the batch, with padding", 8, 512},
                        {"u64 batch number: 1, 2, ...", 8, 2},
                        {"u64 life that wrote it", 8, 0x99},
                        {"durable_below: u64 segment, u64 offset", 16, 2},
                        {"previous_end: u64 segment, u64 offset", 16, 1},
                        {"u64 previous_chain", 8, 0x0123456789abcdef},
                        {"u64 checksum of everything behind the header", 8, {}},
                        {"u64 chain: checksum of bytes 0..119", 8, {}}});
    require_documented("entry, 72 bytes", bytes_view(batch).substr(batch_header_bytes),
                       {{"u8 kind", 1, 3},
                        {"u8 version (1)", 1, 1},
                        {"u16 0", 2, 0},
                        {"u32 bytes of the payload", 4, 6},
                        {"cell id", 16, {}},
                        {"u64 replica id", 8, 5},
                        {"u64 at", 8, 9},
                        {"u32 offset of the payload in the batch", 4, 128 + 2 * 72},
                        {"u32 0", 4, 0},
                        {"u64 checksum of the payload", 8, {}},
                        {"u64 born: the batch that held the record first", 8, 2},
                        {"u64 checksum of bytes 0..63", 8, {}}});
    bytes block;
    encode_segment_header({512, {0x1111, 0x2222}, 7, 8192}, block);
    CHECK(block.size() == 512);
    require_documented("header-block, 64 bytes", block,
                       {{"\"zooidseg\"", 8, {}},
                        {"u16 version (1)", 2, 1},
                        {"u16 feature bits (0)", 2, 0},
                        {"u32 block_bytes", 4, 512},
                        {"journal id, low word then high", 16, {}},
                        {"u64 segment number", 8, 7},
                        {"u64 bytes of the segment", 8, 8192},
                        {"u64 0", 8, 0},
                        {"u64 checksum of bytes 0..55", 8, {}}});
}

TEST_CASE("the kinds that FORMAT.md lists are those that the code knows") {
    std::ifstream in(ZOOID_SOURCE_DIR "/lib/journal/FORMAT.md");
    std::stringstream text;
    text << in.rdbuf();
    std::string listed = "    kinds ";
    for (std::uint8_t kind = 1; known_kind(kind); ++kind) {
        listed += (kind == 1 ? "" : ", ") + std::to_string(kind) + " ";
        listed += name_of(static_cast<record_kind>(kind));
    }
    INFO(listed);
    CHECK(text.str().find(listed + "\n") != std::string::npos);
    std::string const internal[] = {"0xF0 segments", "0xF1 removed", "0xF2 prepared"};
    for (std::size_t i = 0; i < std::size(internal); ++i) {
        CHECK(known_kind(static_cast<std::uint8_t>(0xF0 + i)));
        CHECK(text.str().find("      " + internal[i]) != std::string::npos);
    }
    CHECK(!known_kind(0xF3));
}

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

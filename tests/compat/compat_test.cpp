#include "compat/release.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdlib>
#include <fstream>

using namespace compat;

namespace {

fs::path const kept = ZOOID_SOURCE_DIR "/tests/compat";

std::vector<fs::path> releases() {
    std::vector<fs::path> all;
    for (auto const& entry : fs::directory_iterator(kept)) {
        if (entry.is_directory()) all.push_back(entry.path());
    }
    return all;
}

void write_all(fs::path const& path, std::string const& content) {
    std::ofstream(path, std::ios::binary) << content;
}

} // namespace

TEST_CASE("a data directory of every release is recovered: the same cells, states and replies") {
    REQUIRE_FALSE(releases().empty());
    for (fs::path const& release : releases()) {
        INFO(release);
        rig::scratch folder;
        fs::copy(release / "data", folder.path / "1", fs::copy_options::recursive);
        auto const expected = json::parse(read_all(release / "expected.json"));
        json::object const found = recovered(folder.path);
        CHECK(json::serialize(found) == json::serialize(expected));
    }
}

TEST_CASE("a wire transcript of every release is understood: the same handshake, the same frames") {
    for (fs::path const& release : releases()) {
        for (party_role role : dialling_roles()) {
            INFO(release << " " << transcript_name(role));
            CHECK(replay(role, parse_transcript(read_all(release / transcript_name(role)))) == "");
        }
    }
}

TEST_CASE("a transcript that was changed anywhere is not understood") {
    transcript const good = converse(party_role::client);
    REQUIRE(replay(party_role::client, good) == "");
    for (std::size_t i = 0; i < good.size(); ++i) {
        transcript bad = good;
        bad[i].said[bad[i].said.size() / 2] ^= 1;
        INFO(i);
        std::string wrong;
        try {
            wrong = replay(party_role::client, bad);
        } catch (std::exception const& e) {
            wrong = e.what();
        }
        CHECK(wrong != "");
    }
}

// ZOOID_COMPAT_OUT=FOLDER test_compat "[make]" writes what is kept of the release that this is.
TEST_CASE("what is kept of a release is written", "[.make]") {
    char const* const out = std::getenv("ZOOID_COMPAT_OUT");
    if (out == nullptr) return; // a tool, and no test: ctest lists it with the others
    REQUIRE(fs::create_directories(out));
    rig::scratch folder;
    live(folder.path);
    fs::copy(folder.path / "1", fs::path(out) / "data", fs::copy_options::recursive);
    write_all(fs::path(out) / "expected.json", json::serialize(recovered(folder.path)) + "\n");
    for (party_role role : dialling_roles())
        write_all(fs::path(out) / transcript_name(role), text_of(converse(role)));
}

#include "support/catch.hpp"
#include "support/scratch.hpp"

#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace zooid;

namespace {

struct folder {
    std::string write(std::string const& text, unsigned mode) const {
        std::string const file = path + "/keys";
        std::filesystem::remove(file);
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }
    test_support::scratch made;
    std::string path = made.path.string();
};

std::string const key_digits(64, 'a');
std::string const good =
    "# ours\nzooid-keys 1\ncolony 000102030405060708090a0b0c0d0e0f\nkey 2 " + key_digits + "\n";

} // namespace

TEST_CASE("keys come back from their file as they were written, and the file is private") {
    folder f;
    key_ring const colony = make_colony_keys().value();
    key_ring const client = issue_client_keys(hmac_sha256(), colony, {77});
    key_ring const admin = issue_admin_keys(hmac_sha256(), colony, {78});
    CHECK(admin.keys.at(0).value != issue_client_keys(hmac_sha256(), colony, {78}).keys.at(0).value);
    for (auto const& [name, ring] :
         {std::pair("/server", colony), std::pair("/client", client), std::pair("/admin", admin)}) {
        REQUIRE(save_key_file(f.path + name, ring));
        struct stat status {};
        REQUIRE(::stat((f.path + name).c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        key_ring const back = load_key_file(f.path + name).value();
        CHECK(back.colony == ring.colony);
        CHECK(back.role == ring.role);
        CHECK(back.principal == ring.principal);
        CHECK(back.keys.at(0).value == ring.keys.at(0).value);
    }
    CHECK(save_key_file(f.path + "/server", colony).error() == errc::already_exists);
}

TEST_CASE("a key file that group or others may touch is refused with path and mode") {
    folder f;
    for (unsigned mode : {0640u, 0604u, 0660u, 0620u, 0601u}) {
        std::string const file = f.write(good, mode);
        error const why = load_key_file(file).error();
        CHECK(why == errc::permission_denied);
        CHECK(why.detail().find(file) != std::string_view::npos);
    }
    CHECK(load_key_file(f.write(good, 0640)).error().detail().find("0640") != std::string_view::npos);
    CHECK(load_key_file(f.write(good, 0400)));
}

TEST_CASE("a malformed key file is refused with its line and what is wrong") {
    folder f;
    auto complaint = [&](std::string const& text) {
        auto const loaded = load_key_file(f.write(text, 0600));
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error() == errc::invalid_argument);
        return std::string(loaded.error().detail().substr(f.path.size() + 5));
    };
    CHECK(complaint("zooid-keys 2\n") == ":1: expected \"zooid-keys 1\"");
    CHECK(complaint("zooid-keys 1\ncolony 12\n") == ":2: a colony has 32 hexadecimal digits");
    CHECK(complaint(good + "key 3 beef\n") == ":5: a key has 64 hexadecimal digits");
    CHECK(complaint(good + "key two " + key_digits + "\n") == ":5: a key has a decimal number");
    CHECK(complaint(good + "secret 1\n") == ":5: expected colony, client, admin or key");
    CHECK(complaint(good + "admin 0\n") == ":5: a client or admin has a decimal number above 0");
    CHECK(complaint(good + "client 7 8\n") == ":5: there is more on the line than belongs there");
    CHECK(complaint(good + "key 2 " + key_digits + "\n") == ": two keys have the number 2");
    CHECK(complaint("zooid-keys 1\ncolony 000102030405060708090a0b0c0d0e0f\n") == ": there is no key");
    CHECK(complaint("zooid-keys 1\n") == ": the keys name no colony");
    CHECK(load_key_file(f.path + "/none").error() == errc::not_found);
}

TEST_CASE("tags are those of HMAC-SHA256, again and again from one context") {
    secret key;
    key.fill('\x0b');
    auto const mac = hmac_sha256().make_key(key);
    mac_tag tag;
    for (int i = 0; i < 2; ++i) {
        mac->compute("Hi There", tag);
        std::string hex;
        for (char c : tag)
            hex += to_hex(static_cast<unsigned char>(c)).substr(14);
        // python3: hmac.new(b"\x0b" * 32, b"Hi There", "sha256").hexdigest()
        CHECK(hex == "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
        mac->compute("something else", tag);
    }
}

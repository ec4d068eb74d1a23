// A journal that is known to be rolled back stops every replica on it: also one that could not have voted
// when it was found out, and one that came later.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include "server/wire.hpp"

#include <zooid/base/codec.hpp>

using namespace zooid;

namespace {

constexpr std::uint16_t newer = cell_version_highest + 1;

bool is_stopped(colony& c, cell_id cell = volume) {
    replica const* const here = c.at(3).find_replica(cell);
    REQUIRE(here);
    return here->is_quarantined();
}

snapshot founding_of(colony& c, std::uint16_t version) {
    std::vector<member> members;
    for (std::size_t n = 1; n <= 3; ++n) {
        auto const reserved = c.ask(n, operation::reserve, {}, encode(reserve_request{volume, {1}}));
        members.push_back(decode_member(reserved.value().content.payload).value());
    }
    return {volume, "volume", {1}, version, 3, {}, {{slot{1}, configuration(members)}}, {}, {}};
}

// Server 1 says that it heard of a batch which server 3 does not have.
void find_out(colony& c) {
    journal_claim const lost{journal_id{3, 3}, life_id{3000}, 1'000'000, {}};
    CHECK_FALSE(c.at(3).on_peer_up(c.now(), {1}, c.identity(1).life, encode(claims{{}, {lost}})));
    c.run_for(std::chrono::milliseconds(200)); // its turn ends
}

// A cell that server 1 leads, and in which server 3 has no vote any more.
void found_with_one_rolled_back(colony& c, std::size_t size) {
    c.found(volume, "volume", size);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    c.run_for(std::chrono::seconds(1));
    REQUIRE(c.leader(volume) == 1);
    find_out(c);
    REQUIRE(is_stopped(c)); // 3
    c.run_for(std::chrono::seconds(1));
}

// A dead journal is no reason to let go of a process that was heard just now: it may be another copy of the disk.
void forget_the_process(colony& c) {
    c.run_for(server_options().pulse_timeout + std::chrono::milliseconds(40));
}

} // namespace

TEST_CASE("a proposer that needs a server with a rolled-back journal for its majority is not defended") {
    colony c(5);
    found_with_one_rolled_back(c, 5);
    bytes successor;
    writer(successor).put(c.at(3).find_replica(volume)->self().replica);
    auto const handed = c.ask(1, operation::transfer_lead, volume, successor);
    REQUIRE(handed);
    CHECK(handed->content.failure == errc::unreachable);
    c.part(1, 4);
    c.part(1, 5);
    c.run_for(std::chrono::seconds(5)); // and no client complains
    auto const leads = [&](std::size_t n) { return c.at(n).find_replica(volume)->role() == role::leading; };
    CHECK((leads(2) || leads(4) || leads(5)));
}

TEST_CASE("nobody stands who would need a member whose journal was rolled back") {
    colony c(3);
    found_with_one_rolled_back(c, 3);
    c.kill(1);
    c.run_for(std::chrono::seconds(5));
    (void)c.take_traffic();
    c.run_for(std::chrono::seconds(5));
    CHECK(c.take_traffic().cells == 0);
    c.restart(1);
    c.run_for(std::chrono::seconds(1));
    CHECK(c.leader(volume) != 0);
}

TEST_CASE("a replica that newer software could resume is stopped for good by the rollback of its journal") {
    colony c(3);
    for (std::size_t n = 1; n <= 3; ++n) {
        c.kill(n);
        c.set_software(n, newer);
        c.restart(n);
    }
    c.run_for(std::chrono::seconds(1));
    snapshot const founding = founding_of(c, newer);
    for (std::size_t n = 1; n <= 3; ++n)
        REQUIRE_FALSE(c.ask(n, operation::found, {}, encode(founding))->content.failure);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    c.kill(3);
    c.set_software(3, cell_version_highest);
    c.restart(3);
    REQUIRE(is_stopped(c)); // V1
    find_out(c);
    for (int start = 0; start < 2; ++start) {
        c.kill(3);
        forget_the_process(c);
        c.set_software(3, newer);
        c.restart(3);
        c.run_for(std::chrono::seconds(1));
        CHECK(is_stopped(c));
        CHECK(c.at(3).explain(volume)->quarantine.find("rolled back") != std::string::npos);
    }
}

TEST_CASE("software that resumes what older software stopped at needs no more than that") {
    colony c(3);
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    c.kill(3);
    c.set_software(3, 0);
    c.restart(3);
    REQUIRE(is_stopped(c));
    c.kill(3);
    c.set_software(3, cell_version_highest);
    c.restart(3);
    CHECK_FALSE(is_stopped(c));
}

TEST_CASE(
    "a founder whose record waited for its flush while the rollback was found is stopped as it begins") {
    colony c(3);
    snapshot const founding = founding_of(c, 1);
    c.hang_journal(3);
    CHECK_FALSE(c.ask(3, operation::found, {}, encode(founding))); // parked
    REQUIRE_FALSE(c.at(3).find_replica(volume));
    find_out(c);
    c.flush_journal(3);
    SECTION("at once") {
        CHECK(is_stopped(c));
        c.settle();
    }
    SECTION("or when it comes back, if the power fails before a record says so") {}
    c.kill(3);
    forget_the_process(c);
    c.restart(3);
    c.run_for(std::chrono::seconds(1));
    CHECK(is_stopped(c));
}

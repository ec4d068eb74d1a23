// Two copies of one disk, and disks that went back in time: what handshakes find out, and the limit of that,
// shown up to where it costs an acknowledged write (PROTOCOL.md, R2; FORMAT.md, what can't be detected).
#include "server/colony.hpp"
#include "support/catch.hpp"

#include "server/wire.hpp"

#include <algorithm>

using namespace zooid;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

server_options reporting() {
    server_options options;
    options.report_durable = true;
    return options;
}

bool is_voteless(colony& c, std::size_t machine) {
    auto const said = c.at(machine).explain(volume).value();
    bool const stopped = said.quarantine.find("the journal was rolled back") != std::string::npos;
    CHECK(stopped == c.at(machine).find_replica(volume)->is_quarantined());
    return stopped && said.quarantined_for == distrust::votes;
}

bool may_vote(colony& c, std::size_t machine) {
    return c.at(machine).explain(volume)->may_vote && !c.at(machine).find_replica(volume)->is_quarantined();
}

std::size_t rollbacks_told(colony& c, std::size_t machine, server_id by) {
    auto const& all = c.events(machine);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](server_event const& e) {
        auto const* const found = std::get_if<journal_rolled_back>(&e);
        return found && found->told_by == by;
    }));
}

/// Seven servers with a cell. The last one is off, and started from its disk twice; neither is connected.
struct cloned {
    colony c{7, reporting()};
    std::size_t original = 7, copy = 0;

    cloned() {
        c.found(volume, "volume", 7);
        REQUIRE(c.commit(volume, put_once("a")).has_value());
        c.run_for(seconds(1));
        c.kill(original);
        copy = c.start_copy(original);
        c.start_alone(original);
    }
};

// Through whoever leads among these, which hear nobody else.
bool commit_among(colony& c, std::vector<std::size_t> const& machines, std::string const& text) {
    for (int attempt = 0; attempt < 50; ++attempt) {
        for (std::size_t n : machines) { // whoever does not lead makes sure that somebody does
            auto const done = c.commit_at(n, volume, put_once(text));
            if (done && std::holds_alternative<kv::committed>(done.value())) return true;
        }
        c.run_for(milliseconds(100));
    }
    return false;
}

} // namespace

TEST_CASE("of two copies of a disk the second that a peer hears of is refused there and loses its votes") {
    cloned two;
    colony& c = two.c;
    bool const copy_comes_first = GENERATE(false, true);
    std::size_t const first = copy_comes_first ? two.copy : two.original;
    std::size_t const second = copy_comes_first ? two.original : two.copy;
    REQUIRE(c.meet(first, 1));
    c.run_for(seconds(2)); // it writes a probe, if nothing else, and a pulse tells
    CHECK_FALSE(c.meet(second, 1));
    c.settle();
    CHECK(rollbacks_told(c, second, {1}) == 1);
    CHECK(is_voteless(c, second));
    CHECK_FALSE(is_voteless(c, first));
    c.kill(second); // for good
    c.start_alone(second);
    CHECK(is_voteless(c, second));
    CHECK(rollbacks_told(c, first, {1}) == 0);
}

TEST_CASE("the first of two copies is welcome again unless the second told more than it holds") {
    cloned two;
    colony& c = two.c;
    bool const copy_comes_first = GENERATE(false, true);
    std::size_t const first = copy_comes_first ? two.copy : two.original;
    std::size_t const second = copy_comes_first ? two.original : two.copy;
    bool const wrote_more = GENERATE(false, true);
    if (!wrote_more) c.hang_journal(second);
    REQUIRE(c.meet(first, 1));
    c.run_for(seconds(2));
    if (wrote_more) {
        c.hang_journal(first);
        c.run_for(seconds(20)); // only the second goes on writing: its probes
        c.flush_journal(first);
    }
    CHECK_FALSE(c.meet(second, 1));
    if (!wrote_more) c.flush_journal(second);
    c.settle();
    CHECK(is_voteless(c, second));
    CHECK(c.meet(first, 1) == !wrote_more);
    c.settle();
    CHECK(is_voteless(c, first) == wrote_more);
    CHECK(rollbacks_told(c, first, {1}) == (wrote_more ? 1 : 0));
    // The cell has a majority without either.
    for (std::size_t machine : {first, second})
        c.kill(machine);
    CHECK(commit_among(c, {1, 2, 3, 4, 5, 6}, "b"));
    CHECK(c.chosen_twice() == 0);
}

TEST_CASE(
    "a copy that was found out takes no link from the one that has the votes, and is met once that is gone") {
    cloned two;
    colony& c = two.c;
    c.hang_journal(two.copy); // it tells of nothing that the original lacks
    REQUIRE(c.meet(two.original, 1));
    c.run_for(seconds(2));
    CHECK_FALSE(c.meet(two.copy, 1)); // it lacks what server 1 heard
    c.flush_journal(two.copy);
    c.settle();
    REQUIRE(is_voteless(c, two.copy));
    REQUIRE(c.meet(two.original, 1));
    c.run_for(seconds(1));
    auto const may_replace = [&](std::size_t machine) {
        bytes const claimed = c.at(machine).claims_for({1});
        return c.at(1).may_replace_link(c.now(), {7}, c.identity(machine).life, claimed).has_value();
    };
    CHECK_FALSE(may_replace(two.copy));
    CHECK(may_replace(two.original)); // by a newer connection of the same process
    CHECK_FALSE(c.meet(two.copy, 1)); // also where a link was lost just now
    CHECK_FALSE(is_voteless(c, two.original));
    REQUIRE(c.meet(two.original, 1));
    c.part(two.original, 1);
    c.run_for(server_options().pulse_timeout + milliseconds(40));
    CHECK(may_replace(two.copy));
    CHECK(c.meet(two.copy, 1)); // it learns
    c.run_for(seconds(1));
    CHECK(may_replace(two.original));
    REQUIRE(c.meet(two.original, 1));
    c.run_for(seconds(1));
    CHECK_FALSE(may_replace(two.copy));
    CHECK_FALSE(is_voteless(c, two.original));
}

// Each reservation is a batch; nobody has to be connected.
void write_batches(colony& c, std::size_t machine, std::uint64_t count) {
    for (std::uint64_t n = 1; n <= count; ++n)
        REQUIRE(c.ask(machine, operation::reserve, {}, encode(reserve_request{{9, n}, {1}})));
}

// A journal knows the hashes of its last batches. Of those before it still knows which life wrote them.
TEST_CASE("a copy that wrote on is refused, however much, and also if it was started again since") {
    cloned two;
    colony& c = two.c;
    REQUIRE(c.meet(two.original, 1));
    c.run_for(seconds(2));
    write_batches(c, two.copy, GENERATE(20u, 100u, 17'000u));
    if (GENERATE(false, true)) {
        c.kill(two.copy);
        c.start_alone(two.copy);
    }
    CHECK_FALSE(c.meet(two.copy, 1));
    c.settle();
    CHECK(is_voteless(c, two.copy));
    CHECK_FALSE(is_voteless(c, two.original));
}

TEST_CASE("a peer refuses claims below or beside what it heard of a journal, whoever else finds that out") {
    cloned two;
    colony& c = two.c;
    bytes const before = c.at(two.original).claims_for({1});
    journal_claim const old = decode_claims(before).value().own;
    REQUIRE(c.meet(two.original, 1));
    c.run_for(seconds(2));
    journal_claim const heard = decode_claims(c.at(1).claims_for({7})).value().heard.back();
    REQUIRE(heard.batch > old.batch);
    auto const welcome = [&](journal_claim const& own, life_id life = {99}) {
        return c.at(1).on_peer_up(c.now(), {7}, life, encode(claims{own, {}})).has_value();
    };
    CHECK_FALSE(welcome(old));
    journal_claim beside = heard;
    ++beside.chain;
    CHECK_FALSE(welcome(beside));
    CHECK(welcome(heard));
    ++beside.batch;
    CHECK(welcome(beside));
    CHECK(welcome(heard)); // that process said it earlier, on another link
    CHECK_FALSE(welcome(heard, {100}));
    CHECK(decode_claims(c.at(1).claims_for({7})).value().heard.back() == beside);
}

TEST_CASE("limit: two copies that different halves of the peers answer both vote, until a peer hears both") {
    cloned two;
    colony& c = two.c;
    std::vector<std::size_t> const left{1, 2, 3}, right{4, 5, 6};
    for (std::size_t l : left) {
        for (std::size_t r : right)
            c.part(l, r);
    }
    for (std::size_t l : left)
        REQUIRE(c.meet(two.original, l));
    for (std::size_t r : right)
        REQUIRE(c.meet(two.copy, r));
    CHECK(commit_among(c, {1, 2, 3, two.original}, "left"));
    CHECK(commit_among(c, {4, 5, 6, two.copy}, "right"));
    // Nobody can know, and this is what it costs.
    CHECK(may_vote(c, two.original));
    CHECK(may_vote(c, two.copy));
    CHECK(c.chosen_twice() > 0);
    c.run_for(seconds(1)); // pulses tell each half how far its copy has written
    CHECK(may_vote(c, two.original));
    CHECK(may_vote(c, two.copy));
    SECTION("one of the right hears the original") {
        CHECK_FALSE(c.meet(two.original, right[GENERATE(0u, 1u, 2u)]));
        c.settle();
        CHECK(is_voteless(c, two.original));
        CHECK(may_vote(c, two.copy));
    }
    SECTION("one of the left hears the copy") {
        CHECK_FALSE(c.meet(two.copy, left[GENERATE(0u, 1u, 2u)]));
        c.settle();
        CHECK(is_voteless(c, two.copy));
        CHECK(may_vote(c, two.original));
    }
}

TEST_CASE("a copy that two of six peers answer does not vote, and one that three of them answer does") {
    cloned two;
    colony& c = two.c;
    std::size_t const leads = c.leader(volume);
    REQUIRE(leads != 0);
    auto const next = [&](std::size_t n) { return (leads + n - 1) % 6 + 1; };
    REQUIRE(c.meet(two.copy, leads));
    REQUIRE(c.meet(two.copy, next(1)));
    for (bool const three : {false, true}) {
        if (three) REQUIRE(c.meet(two.copy, next(2)));
        CHECK(c.commit(volume, put_once("b")).has_value());
        c.run_for(seconds(3));
        CHECK(c.at(two.copy).find_replica(volume)->prefix() == c.at(leads).find_replica(volume)->prefix());
        CHECK(may_vote(c, two.copy) == three);
    }
}

TEST_CASE("a server that lost its disk answers for no member of a cell") {
    colony c(5, reporting());
    c.found(volume, "volume", 5);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    c.run_for(seconds(1));
    std::size_t const leads = c.leader(volume);
    std::size_t const back = leads % 5 + 1, wiped = back % 5 + 1, member = wiped % 5 + 1;
    c.kill(back);
    c.wipe(wiped);
    REQUIRE(c.leader(volume) == leads);
    c.start_alone(back);
    REQUIRE(c.meet(back, leads));
    REQUIRE(c.meet(back, wiped));
    for (bool const is_member : {false, true}) {
        if (is_member) REQUIRE(c.meet(back, member));
        c.run_for(seconds(1)); // it learns what it missed
        CHECK(c.commit_at(leads, volume, put_once("b")).has_value());
        CHECK(may_vote(c, back) == is_member);
    }
}

TEST_CASE(
    "limit: images of all servers of one moment are believed, and what was acknowledged since is gone") {
    colony c(3, reporting());
    c.found(volume, "volume", 3);
    auto const put = [](std::string const& key) { return kv::transaction().put(key, bytes("x")); };
    REQUIRE(c.commit(volume, put("before")).has_value());
    c.run_for(seconds(1));
    std::map<std::size_t, disk_image> images;
    for (std::size_t n = 1; n <= 3; ++n)
        c.kill(n), images[n] = c.image(n);
    for (std::size_t n = 1; n <= 3; ++n)
        c.restart(n);
    REQUIRE(c.commit(volume, put("after")).has_value());
    c.run_for(seconds(10)); // every claim is told, and recorded
    for (std::size_t n = 1; n <= 3; ++n)
        c.kill(n);
    std::size_t const restored = GENERATE(3u, 2u, 1u); // of three: all, those of a majority, or one
    for (std::size_t n = 1; n <= restored; ++n)
        c.image(n) = images[n];
    for (std::size_t n = 1; n <= 3; ++n) {
        c.start_alone(n);
        for (std::size_t other = 1; other < n; ++other) { // who was found out already is met as a learner
            bool const is_found_out = restored != 3 && other <= restored && is_voteless(c, other);
            bool const is_alike = (n <= restored) == (other <= restored);
            CHECK(c.meet(n, other) == (restored == 3 || is_alike || is_found_out));
        }
    }
    c.run_for(seconds(2));
    if (restored == 3) {
        REQUIRE(c.commit(volume, put("again")).has_value());
        std::size_t const leads = c.leader(volume);
        CHECK(c.read_at(leads, operation::strict_read, volume, "before") == "x");
        CHECK(c.read_at(leads, operation::strict_read, volume, "after") == "nothing");
        CHECK(c.chosen_twice() > 0);
        return;
    }
    // A peer that remembers is enough: then it can't go on without those whose disks are true.
    for (std::size_t n = 1; n <= restored; ++n)
        CHECK(is_voteless(c, n));
    CHECK_FALSE(is_voteless(c, 3));
    if (restored == 1) {
        REQUIRE(c.commit(volume, put("again")).has_value());
        CHECK(c.read_at(c.leader(volume), operation::strict_read, volume, "after") == "x");
    }
    if (restored == 2) CHECK(c.leader(volume) == 0);
    CHECK(c.chosen_twice() == 0);
}

TEST_CASE("limit: an image is found to be old by who heard a claim of a later batch, and by nobody before") {
    colony c(3, reporting());
    c.found(volume, "volume", 3);
    REQUIRE(c.commit(volume, put_once("a")).has_value());
    c.run_for(seconds(1));
    std::size_t const leads = c.leader(volume);
    std::size_t const votes = leads % 3 + 1, away = votes % 3 + 1;
    c.kill(away);
    c.run_for(seconds(1));
    REQUIRE(c.leader(volume) == leads);
    std::size_t const image = c.start_copy(votes);
    REQUIRE(c.commit_at(leads, volume, put_once("b")).has_value()); // by the two, and no time passes
    bool const is_told = GENERATE(false, true), wrote_on = GENERATE(false, true);
    if (is_told) c.run_for(milliseconds(200)); // a pulse of who voted
    c.kill(votes);
    if (wrote_on) { // alone, and was started again
        write_batches(c, image, 17'000);
        c.kill(image);
        c.start_alone(image);
    }
    CHECK(c.meet(image, leads) == !is_told);
    c.settle();
    CHECK(is_voteless(c, image) == is_told);
    if (is_told) return;
    // What it costs: it voted for the write and forgot, and can now be the majority for another one.
    c.kill(leads);
    c.start_alone(away);
    REQUIRE(c.meet(away, image));
    CHECK(commit_among(c, {away, image}, "c"));
    CHECK(may_vote(c, image));
    CHECK(c.chosen_twice() > 0);
}

// Each row of the table in lib/client/README.md: what a failure of an attempt means for its call.
#include "client/world.hpp"

using namespace client_test;

namespace {

// The first attempt of a commit, at the proposer.
seen_request const& first_attempt(world& w) {
    seen_request const& s = w.next();
    CHECK(s.r.op == operation::commit);
    CHECK(s.to == w.proposer);
    return s;
}

} // namespace

TEST_CASE("a commit is located, told a slot and then proposed under one envelope") {
    world w;
    auto const c = w.commit();
    auto const& s = first_attempt(w);
    auto const session = s.session();
    CHECK(session.client == client_id{77});
    CHECK(session.sequence == sequence{1});
    CHECK(session.settled == sequence{1});
    CHECK(session.as_of == slot{40});
    w.answer_commit(s, kv::request_status::applied, world::committed_body());
    auto const reply = transaction_reply_of(operation::commit, w.end_of(c));
    REQUIRE(reply);
    CHECK(reply.value().is_committed());
    CHECK(reply.value().token == fencing_token{{1}, {50}});
}

TEST_CASE("a rejected transaction is a value with a fencing token") {
    world w;
    auto const c = w.commit();
    bytes body;
    kv::encode(kv::outcome(kv::rejected{kv::rejection::condition_failed, 0, {}, {8}}), body);
    w.answer_commit(first_attempt(w), kv::request_status::applied, body);
    auto const reply = transaction_reply_of(operation::commit, w.end_of(c));
    REQUIRE(reply);
    REQUIRE(reply.value().rejected());
    CHECK(reply.value().rejected()->version == version{8});
}

TEST_CASE("a redirect is followed at once, with the same bytes") {
    world w;
    auto const c = w.commit();
    auto const& a = first_attempt(w);
    w.answer(a, world::failed(errc::not_proposer, {3}));
    auto const& b = w.next();
    CHECK(b.to == server_id{3});
    CHECK(b.r.payload == a.r.payload);
    CHECK(b.r.correlation != a.r.correlation);
    w.answer_commit(b, kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
}

TEST_CASE("two servers that name each other are not asked without end") {
    world w;
    w.commit();
    for (int i = 0; i < 20 && !w.pending.empty(); ++i) {
        auto const& s = w.next();
        w.answer(s, world::failed(errc::not_proposer, s.to == server_id{1} ? server_id{2} : server_id{1}));
    }
    CHECK(w.pending.empty()); // it backs off
    CHECK(w.sent.size() < 15);
    w.pass(200ms);
    CHECK_FALSE(w.pending.empty());
}

TEST_CASE("failures that say that nothing was proposed leave the outcome certain at the deadline") {
    for (errc const why : {errc::not_proposer, errc::unreachable, errc::stopping, errc::timed_out}) {
        CAPTURE(name_of(why));
        world w;
        auto const c = w.commit(2s);
        for (int i = 0; i < 1000 && !w.has_ended(c); ++i) {
            while (!w.pending.empty())
                w.answer(w.next(), world::failed(why));
            w.pass(10ms);
        }
        CHECK(w.failure_of(c) == errc::timed_out);
    }
}

TEST_CASE(
    "an overloaded cell is asked again at the same server, later and later, and named at the deadline") {
    world w;
    auto const c = w.commit(3s);
    std::vector<time_point> at;
    for (int i = 0; i < 10000 && !w.has_ended(c); ++i) {
        while (!w.pending.empty()) {
            at.push_back(w.now);
            auto const& s = w.next();
            CHECK(s.to == w.proposer);
            w.answer(s, world::failed(errc::overloaded));
        }
        w.pass(1ms);
    }
    CHECK(w.failure_of(c) == errc::overloaded);
    REQUIRE(at.size() >= 6);
    CHECK(at.size() <= 12);
    CHECK(at[5] - at[4] > 3 * (at[1] - at[0]));
}

TEST_CASE("a full session table is overload, and the retry carries the same bytes") {
    world w;
    auto const c = w.commit();
    auto const& a = first_attempt(w);
    w.answer_commit(a, kv::request_status::overloaded);
    w.pass(50ms);
    auto const& b = w.next();
    CHECK(b.r.payload == a.r.payload);
    w.answer_commit(b, kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
}

TEST_CASE("a lost link, a timeout and outcome_unknown repeat the same bytes, and leave the outcome unknown") {
    for (int how = 0; how < 4; ++how) {
        CAPTURE(how);
        world w;
        auto const c = w.commit(3s);
        auto const& a = first_attempt(w);
        if (how == 0) w.link_down(a.to);
        if (how == 1) w.pass(500ms);
        if (how == 2) w.answer(a, world::failed(errc::outcome_unknown));
        if (how == 3) w.answer(a, world::failed(errc::quarantined));
        auto const& b = w.next();
        CHECK(b.to != a.to);
        CHECK(b.r.payload == a.r.payload);
        w.answer(b, world::failed(errc::not_proposer));
        w.pass(3s);
        CHECK(w.failure_of(c) == errc::outcome_unknown);
    }
}

TEST_CASE("after a lost attempt the session's answer still makes the outcome certain") {
    world w;
    auto const c = w.commit();
    w.link_down(first_attempt(w).to);
    w.answer_commit(w.next(), kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
}

TEST_CASE("a late answer of an overdue attempt ends the call, once") {
    world w;
    auto const c = w.commit();
    auto const& a = first_attempt(w);
    w.pass(600ms);
    auto const& b = w.next();
    auto const ignored = w.core.statistics().replies_ignored;
    w.answer_commit(a, kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
    w.answer_commit(b, kv::request_status::applied, world::committed_body());
    CHECK(w.ended[c].size() == 1);
    CHECK(w.core.statistics().replies_ignored == ignored + 1);
}

TEST_CASE("an overdue attempt that turns out not to have been proposed leaves no doubt") {
    world w;
    auto const c = w.commit(2s);
    auto const& a = first_attempt(w);
    w.pass(600ms);
    w.answer(a, world::failed(errc::not_proposer));
    while (!w.pending.empty())
        w.answer(w.next(), world::failed(errc::not_proposer));
    w.cancel(c);
    CHECK(w.failure_of(c) == errc::cancelled);
}

TEST_CASE("a mute proposer is complained of to the next member, before the request") {
    world w;
    w.commit();
    auto const& a = first_attempt(w);
    CHECK(w.complaints.empty());
    w.pass(500ms);
    REQUIRE(w.complaints.size() == 1);
    auto const& b = w.next();
    CHECK(w.complaints[0] == b.to);
    CHECK(b.to != a.to);
    auto const complaint = std::find_if(w.sent.begin(), w.sent.end(),
                                        [](auto const& s) { return s->r.op == operation::complain; });
    CHECK(complaint + 1 != w.sent.end());
    CHECK((complaint + 1)->get() == &b);
}

TEST_CASE("many calls that find a proposer mute complain once") {
    world w;
    for (int i = 0; i < 20; ++i)
        w.commit();
    w.pass(510ms);
    CHECK(w.complaints.size() == 1);
}

TEST_CASE("expired without a lost attempt starts again under a new number and a fresh slot") {
    world w;
    auto const c = w.commit();
    auto const& a = first_attempt(w);
    w.opened_at = 5000;
    w.answer_commit(a, kv::request_status::expired, {}, {4000});
    w.pass(50ms);
    auto const& b = w.next();
    CHECK(b.session().sequence > a.session().sequence);
    CHECK(b.session().as_of == slot{5000});
    w.answer_commit(b, kv::request_status::applied, world::committed_body(), {5001});
    CHECK_FALSE(w.failure_of(c));
}

TEST_CASE("expired after a lost attempt is outcome_unknown") {
    world w;
    auto const c = w.commit();
    w.link_down(first_attempt(w).to);
    w.answer_commit(w.next(), kv::request_status::expired);
    CHECK(w.failure_of(c) == errc::outcome_unknown);
}

TEST_CASE("a reply that was too large to be kept is outcome_unknown") {
    world w;
    auto const c = w.commit();
    w.answer_commit(first_attempt(w), kv::request_status::reply_not_kept);
    CHECK(w.failure_of(c) == errc::outcome_unknown);
}

TEST_CASE("a refusal ends the call with the server's code, or as unknown after a lost attempt") {
    for (errc const why : {errc::too_large, errc::invalid_argument, errc::conflict, errc::permission_denied,
                           errc::unsupported_version}) {
        CAPTURE(name_of(why));
        world w;
        auto const c = w.commit();
        w.answer(first_attempt(w), world::failed(why));
        CHECK(w.failure_of(c) == why);
        auto const d = w.commit();
        w.link_down(w.next().to);
        w.answer(w.next(), world::failed(why));
        CHECK(w.failure_of(d) == errc::outcome_unknown);
    }
}

TEST_CASE("a member that has no such cell is passed over; if none has it, the cell is looked up again") {
    world w;
    auto const c = w.commit();
    for (int i = 0; i < 3; ++i)
        w.answer(w.next(), world::failed(errc::not_here));
    CHECK(w.pending.empty());
    w.pass(100ms);
    auto const lookups = std::count_if(w.sent.begin(), w.sent.end(),
                                       [](auto const& s) { return s->r.op == operation::locate; });
    CHECK(lookups > 3);
    w.answer_commit(w.next(), kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
}

TEST_CASE("a malformed reply is no answer: the attempt becomes overdue") {
    world w;
    auto const c = w.commit(1s);
    auto const& a = first_attempt(w);
    auto const ignored = w.core.statistics().replies_ignored;
    w.core.on_reply(w.now, a.to, bytes_view(a.raw).substr(0, 9), w.out);
    w.run();
    CHECK_FALSE(w.has_ended(c));
    CHECK(w.core.statistics().replies_ignored == ignored + 1);
    w.pass(1s);
    CHECK(w.failure_of(c) == errc::outcome_unknown);
}

TEST_CASE("a request that the link refused never left") {
    world w;
    auto const c = w.commit(1s);
    auto const& a = first_attempt(w);
    w.core.on_unsent(w.now, a.to, a.raw, w.out);
    w.run();
    while (!w.pending.empty())
        w.answer(w.next(), world::failed(errc::not_proposer));
    w.cancel(c);
    CHECK(w.failure_of(c) == errc::cancelled);
}

TEST_CASE("reads are never unknown") {
    for (operation const op : {operation::strict_read, operation::prefix_read}) {
        world w;
        auto const c = w.read(op, 2s);
        w.link_down(w.next().to);
        w.pass(2s);
        CHECK(w.failure_of(c) == errc::timed_out);
    }
}

// Calls as a whole: finding cells, sessions, deadlines, cancellation, bounds.
#include "client/world.hpp"

using namespace client_test;

TEST_CASE("an unknown cell is asked for at a bounded number of servers at once") {
    world w({}, {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}});
    w.automatic = false;
    auto const c = w.commit();
    REQUIRE(w.pending.size() == 3);
    w.answer(w.next(), world::failed(errc::not_here));
    CHECK(w.pending.size() == 3);
    w.answer(w.next(), w.located());
    CHECK(w.sent.back()->r.op == operation::open_session);
    CHECK_FALSE(w.has_ended(c));
}

TEST_CASE("a cell that no server knows is not found; one unreachable server leaves it open") {
    world w;
    w.automatic = false;
    auto const c = w.commit();
    while (!w.pending.empty())
        w.answer(w.next(), world::failed(errc::not_here));
    CHECK(w.failure_of(c) == errc::not_found);

    world v;
    v.automatic = false;
    v.unreachable = {{2}};
    auto const d = v.commit(1s);
    for (int i = 0; i < 500; ++i) {
        while (!v.pending.empty())
            v.answer(v.next(), world::failed(errc::not_here));
        v.pass(3ms);
    }
    CHECK(v.failure_of(d) == errc::timed_out);
}

TEST_CASE("calls for one cell share its lookup and its session, and the next takes over when the first is "
          "cancelled") {
    world w;
    w.automatic = false;
    auto const a = w.commit();
    auto const b = w.commit();
    CHECK(w.pending.size() == 3);
    w.cancel(a);
    CHECK(w.failure_of(a) == errc::cancelled);
    REQUIRE(w.pending.size() == 6); // b asks for itself
    w.answer(*w.pending.back(), w.located());
    auto const& open = *w.sent.back();
    CHECK(open.r.op == operation::open_session);
    w.automatic = true;
    w.pending.clear();
    w.answer(open, world::done({40}));
    w.answer_commit(w.next(), kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(b));
}

TEST_CASE("a key is looked up once and its calls go to the cell that it has") {
    world w;
    auto const c = w.commit(10s, "volume-1");
    CHECK(w.sent[0]->r.key == "volume-1");
    auto const& s = w.next();
    CHECK(s.r.cell == the_cell);
    w.answer_commit(s, kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
    auto const before = w.sent.size();
    w.commit(10s, "volume-1");
    CHECK(w.sent.size() == before + 1);
}

TEST_CASE("a session's slot and settled sequence follow what the cell told and what has ended") {
    world w;
    w.commit();
    w.commit();
    w.commit();
    auto const& a = w.next();
    auto const& b = w.next();
    auto const& c = w.next();
    CHECK(c.session().sequence == sequence{3});
    CHECK(c.session().settled == sequence{1});
    w.answer_commit(a, kv::request_status::applied, world::committed_body(), {60});
    w.answer_commit(b, kv::request_status::applied, world::committed_body(), {61});
    w.commit();
    auto const& d = w.next();
    CHECK(d.session().settled == sequence{3});
    CHECK(d.session().as_of == slot{61});
}

TEST_CASE("a session that was silent for long asks for a fresh slot before the next commit") {
    world w;
    w.commit();
    w.answer_commit(w.next(), kv::request_status::applied, world::committed_body(), {60});
    w.pass(3s);
    w.opened_at = 9000;
    w.commit();
    CHECK(w.next().session().as_of == slot{9000});
}

TEST_CASE("prefix reads never go back behind what was seen") {
    world w;
    auto const a = w.read(operation::prefix_read);
    auto const& first = w.next();
    CHECK(first.r.min_slot == slot{0});
    w.answer(first, world::done({70}, world::committed_body()));
    CHECK_FALSE(w.failure_of(a));
    w.read(operation::prefix_read);
    auto const& second = w.next();
    CHECK(second.r.min_slot == slot{70});
    w.answer(second, world::failed(errc::unreachable));
    CHECK(w.next().to != second.to);
}

TEST_CASE("replies that overtake each other leave what was seen where it was highest") {
    world w;
    w.read(operation::prefix_read);
    w.read(operation::prefix_read);
    auto const& slow = w.next();
    w.answer(w.next(), world::done({90}, world::committed_body()));
    w.answer(slow, world::done({80}, world::committed_body()));
    w.read(operation::prefix_read);
    CHECK(w.next().r.min_slot == slot{90});
}

TEST_CASE("whatever may change something and was sent ends as unknown if nobody answers, never as not done") {
    auto const op = static_cast<operation>(GENERATE(range(0, 256)));
    if (!known(op) || !(op == operation::commit || needs_admin(op))) return;
    INFO(name_of(op));
    bool const only_copies = op == operation::kept_state;
    auto const request = [&](world const& w) {
        call_request r;
        r.op = op;
        r.cell = the_cell;
        r.server = {1};
        r.deadline = w.now + 1s;
        r.payload = "x";
        return r;
    };
    world late;
    auto const a = late.start(request(late));
    CHECK(late.next().r.op == op);
    late.pass(1s);
    CHECK((late.failure_of(a) == errc::outcome_unknown) == !only_copies);

    world cancelled;
    auto const b = cancelled.start(request(cancelled));
    CHECK(cancelled.next().r.op == op);
    cancelled.cancel(b);
    CHECK((cancelled.failure_of(b) == errc::outcome_unknown) == !only_copies);
}

TEST_CASE(
    "a call by key that may have been proposed in a cell is never sent to another, whoever has the key now") {
    world w;
    auto const c = w.commit(3s, "volume-1");
    auto const& first = w.next();
    CHECK(first.r.cell == the_cell);
    w.link_down(first.to);
    w.automatic = false; // from here on the key has another cell, on the same servers
    w.pending.clear();
    auto const answer_all = [&] {
        for (auto const waiting = std::exchange(w.pending, {}); seen_request const* s : waiting) {
            reply born = world::done({9});
            born.cell = {8, 8}, born.birth = {2};
            if (s->r.op == operation::locate) born.members = three_members(), born.proposer = {2};
            bool const of_the_old = s->r.cell == the_cell;
            w.answer(*s, of_the_old ? world::failed(errc::not_here) : born);
        }
    };
    for (int i = 0; i < 300; ++i)
        answer_all(), w.pass(10ms);
    CHECK(w.failure_of(c) == errc::outcome_unknown);
    for (auto const& s : w.sent)
        CHECK_FALSE((s->r.op == operation::commit && s->r.cell != the_cell));
}

TEST_CASE("a server that let an attempt time out is asked again only when nobody else is left, or later") {
    world w;
    w.commit();
    server_id const mute = w.next().to;
    w.pass(500ms);
    REQUIRE(w.complaints.size() == 1);
    w.pending.clear();
    w.commit(10s); // the others have no luck either
    auto const asked_before = w.sent.size();
    for (int i = 0; i < 2; ++i)
        w.answer(w.next(), world::failed(errc::unreachable));
    w.pass(50ms);
    for (auto s = w.sent.begin() + static_cast<std::ptrdiff_t>(asked_before); s != w.sent.end(); ++s)
        CHECK((*s)->to != mute);
}

TEST_CASE("the deadline ends a call that was never sent as timed_out") {
    world w;
    w.mute_dials = {{1}, {2}, {3}};
    auto const c = w.commit(1s);
    w.pass(999ms);
    CHECK_FALSE(w.has_ended(c));
    w.pass(1ms);
    CHECK(w.failure_of(c) == errc::timed_out);
    CHECK(w.core.is_idle());
    CHECK(w.failure_of(w.commit(0s)) == errc::timed_out);
}

TEST_CASE("an attempt that waits for its link is not sent after it was given up") {
    world w;
    w.mute_dials = {{1}};
    w.automatic = true;
    w.commit();
    w.pass(600ms);
    auto const before =
        std::count_if(w.sent.begin(), w.sent.end(), [](auto& s) { return s->to == server_id{1}; });
    CHECK(before == 0);
    w.core.on_link_up(w.now, {1}, w.out);
    w.run();
    auto const commits =
        std::count_if(w.sent.begin(), w.sent.end(), [](auto& s) { return s->r.op == operation::commit; });
    CHECK(commits == 1);
}

TEST_CASE("a server that cannot be reached is dialled again after growing waits, others meanwhile") {
    world w;
    w.unreachable = {{1}};
    auto const c = w.commit(5s);
    auto const& s = w.next();
    CHECK(s.to != server_id{1});
    w.answer_commit(s, kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(c));
    w.unreachable = {{1}, {2}, {3}};
    w.link_down({2}), w.link_down({3});
    w.dialled.clear();
    w.commit(10s);
    w.pass(10s);
    CHECK(w.dialled.size() > 20);
    CHECK(w.dialled.size() < 120);
}

TEST_CASE("cancelling before a commit was sent is cancelled, after it outcome_unknown, twice is once") {
    world w;
    w.automatic = false;
    auto const a = w.commit();
    w.cancel(a);
    w.cancel(a);
    CHECK(w.failure_of(a) == errc::cancelled);
    world v;
    auto const b = v.commit();
    v.cancel(b);
    CHECK(v.failure_of(b) == errc::outcome_unknown);
    auto const c = v.read(operation::strict_read);
    v.cancel(c);
    CHECK(v.failure_of(c) == errc::cancelled);
}

TEST_CASE("waiting calls are bounded in bytes; beyond it they are refused at once") {
    client_options o;
    o.queue_bytes_max = 4 * 1024;
    world w(o);
    w.automatic = false;
    std::vector<call_id> refused, waiting;
    for (int i = 0; i < 10; ++i) {
        auto const c = w.commit();
        (w.has_ended(c) ? refused : waiting).push_back(c);
    }
    CHECK(waiting.size() == 7);
    for (call_id const c : refused)
        CHECK(w.failure_of(c) == errc::overloaded);
    w.cancel(waiting[0]);
    CHECK_FALSE(w.has_ended(w.commit()));
}

TEST_CASE("stopping ends every call once and refuses later ones") {
    world w;
    auto const a = w.commit();
    auto const b = w.read(operation::strict_read);
    w.core.stop(w.now, w.out);
    w.run();
    CHECK(w.failure_of(a) == errc::outcome_unknown);
    CHECK(w.failure_of(b) == errc::cancelled);
    CHECK(w.failure_of(w.commit()) == errc::stopping);
}

TEST_CASE("an admin request goes to the server that it names, and only there") {
    world w;
    call_request r;
    r.op = operation::status;
    r.server = {2};
    r.deadline = w.now + 5s;
    auto const c = w.start(r);
    auto const& s = w.next();
    CHECK(s.to == server_id{2});
    reply answer;
    answer.payload = "{}";
    w.answer(s, answer);
    REQUIRE_FALSE(w.failure_of(c));
    CHECK(w.end_of(c).value().payload == "{}");
    r.server = {99};
    CHECK(w.failure_of(w.start(r)) == errc::not_found);
}

TEST_CASE("a reservation whose answer is lost is asked again, and unknown at the deadline") {
    world w;
    call_request r;
    r.op = operation::reserve;
    r.server = {2};
    r.payload = "some cell";
    r.deadline = w.now + 2s;
    auto const c = w.start(r);
    auto const& a = w.next();
    w.link_down({2});
    w.pass(100ms);
    auto const& b = w.next();
    CHECK(b.to == a.to);
    CHECK(b.r.payload == a.r.payload);
    w.pass(2s);
    CHECK(w.failure_of(c) == errc::outcome_unknown);
}

TEST_CASE("what is no call is refused with the reason") {
    world w;
    call_request r;
    r.deadline = w.now + 1s;
    CHECK(w.failure_of(w.start(r)) == errc::invalid_argument);
    r.cell = the_cell;
    for (operation const op : {operation::open_session, operation{10}, operation{99}}) {
        r.op = op;
        CHECK(w.failure_of(w.start(r)) == errc::invalid_argument);
    }
    r.op = operation::commit;
    r.cell = bytes(1025, 'k');
    CHECK(w.failure_of(w.start(r)) == errc::too_large);
    CHECK_FALSE(strict_read_call(the_cell, kv::transaction().put("k", 1), w.now));
    CHECK_FALSE(commit_call(the_cell, kv::transaction().put(bytes(2000, 'k'), 1), w.now));
    client_options o;
    o.fan_out = 0;
    CHECK(explain_invalid(o) == "fan_out must be positive");
}

TEST_CASE("cells that were not used for longest are forgotten, and numbers are never used twice") {
    client_options o;
    o.cells_max = 1;
    world w(o);
    w.commit();
    auto const& a = w.next();
    auto const first = a.session().sequence;
    w.answer_commit(a, kv::request_status::applied, world::committed_body());
    reply other = world::done({3});
    call_request r;
    r.op = operation::locate;
    r.cell = cell_id{8, 8};
    r.deadline = w.now + 1s;
    w.automatic = false;
    w.start(r);
    other.cell = {8, 8};
    other.members = three_members();
    w.answer(w.next(), other);
    CHECK(w.core.statistics().cells_known == 1);
    w.automatic = true;
    w.pending.clear();
    w.commit();
    CHECK(w.next().session().sequence > first);
}

TEST_CASE("a cell with a commit under way is not forgotten, so nothing that is still waited for is settled") {
    client_options o;
    o.cells_max = 1;
    world w(o);
    w.commit();
    auto const first = w.next().session().sequence;
    w.automatic = false;
    call_request r;
    r.op = operation::locate;
    r.cell = cell_id{8, 8};
    r.deadline = w.now + 1s;
    w.start(r);
    reply other = world::done({3});
    other.cell = {8, 8};
    other.members = three_members();
    w.answer(w.next(), other);
    w.automatic = true;
    w.pending.clear();
    w.commit();
    CHECK(w.next().session().settled == first);
}

TEST_CASE("what a replica that lags says of the members does not replace what is known") {
    world w;
    w.opened_at = 100;
    w.commit();
    auto const& first = w.next();
    reply left = world::failed(errc::not_proposer);
    left.at = {50}; // it was removed, and knows only whom it left
    left.members = configuration(std::vector<member>{{{1}, {1, 1}, {101}}});
    w.answer(first, left);
    CHECK(w.next().to != server_id{1});
}

TEST_CASE("a call that nobody could be asked for says whom it tried last and why that failed") {
    world w;
    w.unreachable = {{1}, {2}, {3}};
    auto const c = w.commit(2s);
    w.pass(2s);
    REQUIRE(w.failure_of(c) == errc::timed_out);
    std::string const words(w.end_of(c).error().detail());
    INFO(words);
    CHECK(words.starts_with("last tried: unreachable, server "));
    CHECK(words.ends_with(": nobody listens"));
}

TEST_CASE("when every server refuses our keys a call ends at once, and says so; one that does not is asked") {
    world w;
    w.unreachable = {{1}, {2}, {3}};
    w.refusal = error(errc::authentication_failed, "wrong key");
    auto const c = w.commit(60s);
    w.pass(5s);
    REQUIRE(w.failure_of(c) == errc::authentication_failed);
    CHECK(w.end_of(c).error().detail().ends_with(": wrong key"));
    CHECK(w.core.is_idle());

    w.unreachable = {{1}, {2}};
    auto const again = w.commit(60s);
    w.pass(5s);
    CHECK_FALSE(w.has_ended(again));
    w.answer_commit(w.next(), kv::request_status::applied, world::committed_body());
    CHECK_FALSE(w.failure_of(again));
}

TEST_CASE("a commit that left before every server refused us may have happened") {
    world w;
    auto const c = w.commit(60s);
    (void)w.next();
    w.unreachable = {{1}, {2}, {3}};
    w.refusal = error(errc::authentication_failed, "wrong key");
    for (std::uint64_t n : {1, 2, 3})
        w.link_down({n});
    w.pass(5s);
    CHECK(w.failure_of(c) == errc::outcome_unknown);
}

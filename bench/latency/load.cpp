#include "load.hpp"

#include <zooid/kv/outcome.hpp>
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/transaction.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace latency {

using namespace zooid;

namespace {

constexpr std::chrono::milliseconds retry_pause(2);

double uniform(prng& random) {
    return (static_cast<double>(random.next() >> 11) + 0.5) * 0x1.0p-53;
}

} // namespace

load::load(client_links& links, std::vector<cell> const& cells, std::size_t value_bytes)
    : links_(links), session_{static_cast<std::uint64_t>(now_ns())}, value_bytes_(value_bytes),
      retry_at_(links.io()), due_at_(links.io()) {
    for (cell const& c : cells) {
        target t;
        t.where = c;
        t.proposer = c.members[0].server;
        targets_.push_back(std::move(t));
    }
}

void load::warm_up() {
    begin_leg(60, 60);
    until_ = 0; // one each
    std::size_t sessions = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        target& t = targets_[i];
        if (t.as_of) continue;
        ++sessions;
        request r;
        r.op = operation::open_session;
        r.cell = t.where.id;
        r.remaining_ms = 60'000;
        links_.ask(t.proposer, r, [this, &sessions, i](reply const& back) {
            if (back.failure) throw std::runtime_error("opening a session failed");
            targets_[i].as_of = back.at;
            --sessions;
        });
    }
    links_.flush();
    links_.run_until([&] { return sessions == 0; }, std::chrono::seconds(60), "opening sessions");
    // Few at once: elections of thousands of cells are work that is not to be measured. However many there
    // are, only standing still is an error.
    std::size_t started = 0;
    while (started < targets_.size()) {
        std::size_t const end = std::min(started + 1000, targets_.size());
        auto const more = [&] {
            for (; started < end && outstanding_ < 64; ++started)
                start(started, now_ns());
            links_.flush();
            return outstanding_ == 0 && started == end;
        };
        links_.run_until(more, std::chrono::seconds(120), "the first transaction of a thousand cells");
        if (targets_.size() >= 10'000 && (started % 10'000 == 0 || started == targets_.size()))
            fmt::print(stderr, "the first transaction of {} of {} cells\n", started, targets_.size());
    }
}

leg_result load::closed_loop(std::size_t outstanding, double seconds, double warm_up_seconds) {
    begin_leg(seconds, warm_up_seconds);
    for (std::size_t n = 0; n < outstanding; ++n) {
        for (std::size_t i = 0; i < targets_.size(); ++i)
            start(i, now_ns());
    }
    links_.flush();
    return end_leg();
}

leg_result load::open_loop(double per_second, double seconds, double warm_up_seconds) {
    begin_leg(seconds, warm_up_seconds);
    gap_ns_ = 1e9 / per_second;
    due_ = now_ns();
    start_due();
    return end_leg();
}

void load::begin_leg(double seconds, double warm_up_seconds) {
    result_ = {};
    gap_ns_ = 0;
    measured_from_ = now_ns() + static_cast<std::int64_t>(warm_up_seconds * 1e9);
    until_ = measured_from_ + static_cast<std::int64_t>(seconds * 1e9);
}

leg_result load::end_leg() {
    auto const done = [this] { return now_ns() >= until_ && outstanding_ == 0; };
    links_.run_until(done, std::chrono::nanoseconds(until_ - now_ns()) + std::chrono::seconds(60), "a leg");
    result_.seconds = static_cast<double>(until_ - measured_from_) / 1e9;
    return result_;
}

// ---- one transaction

std::size_t load::take_call() {
    if (free_calls_.empty()) {
        calls_.emplace_back();
        return calls_.size() - 1;
    }
    std::size_t const index = free_calls_.back();
    free_calls_.pop_back();
    return index;
}

void load::start(std::size_t index, std::int64_t intended) {
    target& t = targets_[index];
    std::size_t const number = take_call();
    call& c = calls_[number];
    c.target = index;
    c.sequence = ++t.sequence;
    c.intended = intended;
    t.answered.push_back(false);
    kv::transaction put;
    put.put(fmt::format("key-{}", c.sequence % 16),
            bytes(value_bytes_, static_cast<char>('a' + c.sequence % 26)));
    kv::request const r{session_, {c.sequence}, {t.settled}, t.as_of, kv::encode(put)};
    c.payload.clear();
    kv::encode(r, c.payload);
    ++outstanding_;
    send(number);
}

void load::send(std::size_t index) {
    call const& c = calls_[index];
    target const& t = targets_[c.target];
    request r;
    r.op = operation::commit;
    r.cell = t.where.id;
    r.remaining_ms = 60'000;
    r.payload = c.payload;
    links_.ask(t.proposer, r, [this, index](reply const& back) { on_reply(index, back); });
}

void load::on_reply(std::size_t index, reply const& r) {
    if (r.failure) return on_failure(index, r);
    auto const answer = kv::decode_request_reply(r.payload);
    bool const done = answer && answer.value().status == kv::request_status::applied;
    bool const full = answer && answer.value().status == kv::request_status::overloaded;
    target& t = targets_[calls_[index].target];
    t.as_of = std::max(t.as_of, r.at);
    if (r.proposer) t.proposer = r.proposer;
    if (full) return retry_soon(index);
    if (!done) throw std::runtime_error("a transaction was not applied");
    finish(index);
}

void load::on_failure(std::size_t index, reply const& r) {
    target& t = targets_[calls_[index].target];
    if (*r.failure == errc::not_proposer || *r.failure == errc::unreachable) {
        bool const known = r.proposer && r.proposer != t.proposer;
        t.proposer = r.proposer ? r.proposer : t.where.members[0].server;
        if (!known) { // nobody leads yet: the member that is to be first is asked to
            request complaint;
            complaint.op = operation::complain;
            complaint.cell = t.where.id;
            links_.ask(t.proposer, complaint, [](reply const&) {});
        }
        return retry_soon(index);
    }
    if (*r.failure == errc::overloaded || *r.failure == errc::outcome_unknown) return retry_soon(index);
    throw std::runtime_error(fmt::format("commit: {} {}", zooid::name_of(*r.failure), r.detail));
}

void load::retry_soon(std::size_t index) {
    ++retries_;
    retrying_.push_back(index);
    if (retrying_.size() > 1) return;
    retry_at_.expires_after(retry_pause);
    retry_at_.async_wait([this](boost::system::error_code const& cancelled) {
        if (cancelled) return;
        for (std::size_t const i : std::exchange(retrying_, {}))
            send(i);
        links_.flush();
    });
}

void load::settle(target& t, std::uint64_t sequence) {
    t.answered[static_cast<std::size_t>(sequence - t.settled)] = true;
    while (!t.answered.empty() && t.answered.front()) {
        t.answered.pop_front();
        ++t.settled;
    }
}

void load::finish(std::size_t index) {
    call const& c = calls_[index];
    std::size_t const where = c.target;
    auto const now = now_ns();
    settle(targets_[where], c.sequence);
    // In an open loop everything that was due in the time counts, also if it ended after it.
    bool const counts = c.intended >= measured_from_ && (gap_ns_ > 0 || now <= until_);
    if (counts) result_.latencies.record(now - c.intended);
    free_calls_.push_back(index);
    --outstanding_;
    if (gap_ns_ > 0 || now >= until_) return;
    start(where, now);
}

// ---- open loop

void load::start_due() {
    for (auto const now = now_ns(); due_ <= now && due_ < until_;) {
        start(next_target_, due_);
        next_target_ = (next_target_ + 1) % targets_.size();
        due_ += static_cast<std::int64_t>(-std::log(uniform(random_)) * gap_ns_) + 1;
    }
    links_.flush();
    if (due_ < until_) wait_for_due();
}

void load::wait_for_due() {
    due_at_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>(due_ - now_ns(), 0)));
    due_at_.async_wait([this](boost::system::error_code const& cancelled) {
        if (!cancelled) start_due();
    });
}

} // namespace latency

#include "naked_quorum.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace latency {

namespace {

std::string file_of(std::string const& folder, std::size_t process) {
    return folder + "/naked-" + std::to_string(process);
}

// Flushes what arrived, in whole messages, and answers how many that were in all.
void follow(int leader, flushed_file& file, std::size_t value_bytes) {
    std::vector<char> buffer(1 << 20);
    std::size_t held = 0;
    std::uint64_t flushed = 0;
    for (;;) {
        std::size_t const n = receive_some(leader, std::span(buffer).subspan(held));
        if (n == 0) return;
        held += n;
        std::size_t const whole = held / value_bytes * value_bytes;
        if (whole == 0) continue;
        file.append(std::span(buffer).first(whole));
        flushed += whole / value_bytes;
        std::memmove(buffer.data(), buffer.data() + whole, held - whole);
        held -= whole;
        if (!send_all(leader, {reinterpret_cast<char const*>(&flushed), sizeof flushed})) return;
    }
}

// The leader's own flushes: in the caller's time, or in a thread that reports through an eventfd.
class own_file {
  public:
    own_file(naked_options const& how, std::string const& path)
        : value_bytes_(how.value_bytes), file_(path, how.block_bytes, how.how),
          done_fd_(::eventfd(0, EFD_CLOEXEC)) {
        if (how.own == own_flush::beside) thread_ = std::thread([this] { work(); });
    }
    ~own_file() {
        if (!thread_.joinable()) return;
        wanted_.store(stop, std::memory_order_release);
        wanted_.notify_one();
        thread_.join();
    }
    int done_fd() const { return done_fd_.get(); }
    std::uint64_t flushed() const { return flushed_.load(std::memory_order_acquire); }
    void flush_to(std::uint64_t count) {
        if (!thread_.joinable()) return append_to(count);
        wanted_.store(count, std::memory_order_release);
        wanted_.notify_one();
    }
    void take_report() const {
        std::uint64_t ignored = 0;
        (void)!::read(done_fd_.get(), &ignored, sizeof ignored);
    }

  private:
    static constexpr std::uint64_t stop = ~std::uint64_t{0};

    void append_to(std::uint64_t count) {
        std::uint64_t const before = flushed_.load(std::memory_order_relaxed);
        content_.resize((count - before) * value_bytes_, 'v');
        file_.append(content_);
        flushed_.store(count, std::memory_order_release);
    }
    void work() {
        for (std::uint64_t seen = 0;;) {
            wanted_.wait(seen, std::memory_order_acquire);
            seen = wanted_.load(std::memory_order_acquire);
            if (seen == stop) return;
            append_to(seen);
            std::uint64_t const one = 1;
            (void)!::write(done_fd_.get(), &one, sizeof one);
        }
    }

    std::size_t value_bytes_;
    flushed_file file_;
    descriptor done_fd_;
    std::vector<char> content_;
    std::atomic<std::uint64_t> wanted_ = 0;
    std::atomic<std::uint64_t> flushed_ = 0;
    std::thread thread_;
};

class leader {
  public:
    leader(naked_options const& how, std::vector<descriptor> const& others, leg_result& out)
        : how_(how), own_(how, file_of(how.folder, 0)), out_(out),
          batch_(how.outstanding * how.value_bytes, 'v') {
        for (descriptor const& d : others)
            watched_.push_back({d.get(), POLLIN, 0});
        watched_.push_back({own_.done_fd(), POLLIN, 0});
        counts_.resize(others.size() + 1);
    }

    void run() {
        auto const begin = now_ns() + static_cast<std::int64_t>(how_.warm_up_seconds * 1e9);
        auto const end = begin + static_cast<std::int64_t>(how_.seconds * 1e9);
        while (now_ns() < end) {
            issue();
            collect();
            complete(begin);
        }
        out_.seconds = static_cast<double>(now_ns() - begin) / 1e9;
    }

  private:
    void issue() {
        std::size_t const free = how_.outstanding - started_.size();
        if (free == 0) return;
        auto const now = now_ns();
        started_.insert(started_.end(), free, now);
        issued_ += free;
        for (std::size_t i = 0; i + 1 < watched_.size(); ++i)
            send_or_throw(watched_[i].fd, std::span(batch_).first(free * how_.value_bytes));
        own_.flush_to(issued_);
        counts_.back() = own_.flushed();
    }
    void collect() {
        if (majority() > completed_) return; // a cell of one that flushes first
        if (::poll(watched_.data(), watched_.size(), -1) < 0) {
            if (errno == EINTR) return throw_if_interrupted();
            throw_errno("poll");
        }
        for (std::size_t i = 0; i + 1 < watched_.size(); ++i) {
            if (watched_[i].revents) counts_[i] = last_count(watched_[i].fd);
        }
        if (watched_.back().revents) own_.take_report();
        counts_.back() = own_.flushed();
    }
    static void send_or_throw(int fd, std::span<char const> content) {
        if (!send_all(fd, content)) throw std::runtime_error("a process of the naked quorum ended");
    }
    static std::uint64_t last_count(int fd) {
        std::array<char, 4096> buffer;
        std::size_t held = 0;
        do {
            std::size_t const n = receive_some(fd, std::span(buffer).subspan(held));
            if (n == 0) throw std::runtime_error("a process of the naked quorum ended");
            held += n;
        } while (held % sizeof(std::uint64_t) != 0);
        std::uint64_t count = 0;
        std::memcpy(&count, buffer.data() + held - sizeof count, sizeof count);
        return count;
    }
    // How many writes a majority has flushed.
    std::uint64_t majority() const {
        auto sorted = counts_;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        return sorted[sorted.size() / 2];
    }
    void complete(std::int64_t begin) {
        auto const now = now_ns();
        for (std::uint64_t const done = majority(); completed_ < done; ++completed_) {
            if (started_.front() >= begin) out_.latencies.record(now - started_.front());
            started_.pop_front();
        }
    }

    naked_options const& how_;
    own_file own_;
    leg_result& out_;
    std::vector<char> const batch_;
    std::vector<pollfd> watched_;
    std::vector<std::uint64_t> counts_; ///< flushed by each; the leader's own is the last
    std::deque<std::int64_t> started_;
    std::uint64_t issued_ = 0;
    std::uint64_t completed_ = 0;
};

} // namespace

leg_result run_naked_quorum(naked_options const& how) {
    std::vector<descriptor> ours, theirs;
    for (std::size_t i = 0; i < how.replicas; ++i)
        flushed_file::prepare(file_of(how.folder, i), how.block_bytes);
    for (std::size_t i = 1; i < how.replicas; ++i) {
        auto [a, b] = tcp_pair();
        ours.push_back(std::move(a));
        theirs.push_back(std::move(b));
    }
    shared<leg_result> result;
    std::vector<child> all;
    for (std::size_t i = 1; i < how.replicas; ++i) {
        all.push_back(child::run([&] {
            ours.clear(); // else nobody would see the leader's end
            flushed_file file(file_of(how.folder, i), how.block_bytes, how.how);
            follow(theirs[i - 1].get(), file, how.value_bytes);
        }));
    }
    child leading = child::run([&] {
        theirs.clear();
        leader(how, ours, *result).run();
    });
    ours.clear();
    theirs.clear();
    leading.join();
    for (child& c : all)
        c.join();
    return *result;
}

histogram loopback_round_trips(std::size_t bytes, double seconds) {
    auto [a, b] = tcp_pair();
    shared<histogram> result;
    std::vector<char> buffer(bytes, 'p');
    auto const receive_all = [&](int fd) {
        for (std::size_t held = 0; held < bytes;) {
            std::size_t const n = receive_some(fd, std::span(buffer).subspan(held));
            if (n == 0) return false;
            held += n;
        }
        return true;
    };
    child echo = child::run([&] {
        { descriptor const closed = std::move(a); }
        run_on_cpu(cpu_count() > 1 ? 1 : 0);
        while (receive_all(b.get()) && send_all(b.get(), buffer)) {
        }
    });
    child ping = child::run([&] {
        { descriptor const closed = std::move(b); }
        run_on_cpu(0);
        auto const end = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        for (auto t = now_ns(); t < end; t = now_ns()) {
            if (!send_all(a.get(), buffer) || !receive_all(a.get()))
                throw std::runtime_error("the echo ended");
            result->record(now_ns() - t);
        }
    });
    { descriptor const closed_a = std::move(a), closed_b = std::move(b); }
    ping.join();
    echo.join();
    return *result;
}

leg_result flushes(std::string const& folder, std::size_t processes, std::size_t bytes,
                   std::size_t block_bytes, flushing how, double seconds) {
    std::vector<std::unique_ptr<shared<leg_result>>> results;
    std::vector<child> all;
    for (std::size_t i = 0; i < processes; ++i)
        flushed_file::prepare(file_of(folder, i), block_bytes);
    for (std::size_t i = 0; i < processes; ++i) {
        results.push_back(std::make_unique<shared<leg_result>>());
        all.push_back(child::run([&, i] {
            flushed_file file(file_of(folder, i), block_bytes, how);
            std::vector<char> const content(bytes, 'v');
            auto const begin = now_ns(), end = begin + static_cast<std::int64_t>(seconds * 1e9);
            leg_result& out = **results[i];
            for (auto t = begin, done = t; t < end; t = done) {
                file.append(content);
                done = now_ns();
                out.latencies.record(done - t);
            }
            out.seconds = static_cast<double>(now_ns() - begin) / 1e9;
        }));
    }
    leg_result sum;
    for (std::size_t i = 0; i < processes; ++i) {
        all[i].join();
        sum.latencies.merge((*results[i])->latencies);
        sum.seconds = std::max(sum.seconds, (*results[i])->seconds);
    }
    return sum;
}

} // namespace latency

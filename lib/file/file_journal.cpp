// A journal_log on a file_disk: each task is one hop to the blocking executor and one hop back, but commits
// that the owner wants to carry out itself.
//
// What a task touches is owned by `engine`, which the task's handlers hold: a journal may be destroyed while
// the operating system still writes from its buffers.
#include "file/file_journal.hpp"

#include "file/file_disk.hpp"

#include <zooid/base/check.hpp>

#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

namespace zooid {
namespace {

struct engine : std::enable_shared_from_this<engine> {
    engine(journal_recovery recovery, life_id life, std::filesystem::path const& folder,
           file_journal_options const& how, boost::asio::any_io_executor blocking_on,
           boost::asio::any_io_executor owned_by, std::shared_ptr<void const> directory_lock)
        : lock(std::move(directory_lock)), recovered(std::move(recovery.content)),
          log(std::move(recovery.state), life), disk(folder, how.method), thread(how.thread),
          blocking(std::move(blocking_on)), owner(std::move(owned_by)) {}

    void send_tasks() {
        for (auto& task : effects.tasks) {
            bool const ours = thread != flush_thread::blocking && is_commit(task);
            ours ? void(due = std::move(task)) : send(std::move(task));
        }
        effects.tasks.clear();
    }

    void send(io_task task) {
        boost::asio::post(blocking, [self = shared_from_this(), work = std::move(task)] {
            boost::asio::post(self->owner, [self, id = work.id, done = self->disk.carry_out(work)]() mutable {
                bool const owed = self->due.has_value(); // by a turn that is to end yet
                self->completed(id, std::move(done));
                if (!owed) self->flush(); // no turn's end need follow
            });
        });
    }

    void flush_elsewhere() {
        if (due) send(*std::exchange(due, std::nullopt));
    }

    // The log has one commit in flight at most, so one can be due. What it sets free may make another due.
    void flush() {
        while (due && listener != nullptr) {
            io_task const work = std::move(*due);
            due.reset();
            completed(work.id, disk.carry_out(work));
        }
    }

    void completed(std::uint64_t id, io_outcome done) {
        if (listener == nullptr) return; // destroyed meanwhile
        log.complete(id, std::move(done), effects);
        send_tasks(); // the next batch is under way while the listener works
        events.swap(effects.events);
        for (std::size_t i = 0; i < events.size() && listener != nullptr; ++i) {
            deliver({&events[i], 1}, *listener);
        }
        events.clear();
    }

    std::shared_ptr<void const> lock;
    recovered_journal recovered;
    journal_log log;
    file_disk disk;
    flush_thread const thread;
    boost::asio::any_io_executor blocking, owner;
    journal_effects effects;
    std::vector<journal_event> events;    ///< being delivered; kept for its capacity
    std::optional<io_task> due;           ///< a commit for the owner to carry out
    journal_listener* listener = nullptr; // all but `disk` is touched on `owner` only
};

class file_journal_on_log final : public file_journal {
  public:
    explicit file_journal_on_log(std::shared_ptr<engine> e) : engine_(std::move(e)) {}
    ~file_journal_on_log() override { engine_->listener = nullptr; }

    recovered_journal& recovered() override { return engine_->recovered; }
    void flush() override {
        auto const kept_alive = engine_; // the listener may destroy the journal
        kept_alive->flush();
    }
    void flush_elsewhere() override { engine_->flush_elsewhere(); }
    void start(journal_listener& listener) override {
        engine_->listener = &listener;
        engine_->log.start(engine_->effects);
        engine_->send_tasks();
    }
    void append(time_point now, std::uint64_t sequence_number, std::span<record> records) override {
        engine_->log.append(now, sequence_number, records, engine_->effects);
        engine_->send_tasks();
    }
    void probe(time_point now) override {
        engine_->log.probe(now, engine_->effects);
        engine_->send_tasks();
    }
    void scrub(std::uint64_t budget_bytes) override {
        engine_->log.scrub(budget_bytes, engine_->effects);
        engine_->send_tasks();
    }
    duration outstanding_age(time_point now) const override { return engine_->log.outstanding_age(now); }
    journal_claim claim() const override { return engine_->log.claim(); }
    claim_verdict check(journal_claim const& heard) const override { return engine_->log.check(heard); }
    journal_statistics statistics() const override { return engine_->log.statistics(); }

  private:
    std::shared_ptr<engine> engine_;
};

} // namespace

std::unique_ptr<file_journal>
make_file_journal(journal_recovery recovery, life_id life, std::filesystem::path const& folder,
                  file_journal_options const& options, boost::asio::any_io_executor blocking,
                  boost::asio::any_io_executor owner, std::shared_ptr<void const> lock) {
    return std::make_unique<file_journal_on_log>(std::make_shared<engine>(
        std::move(recovery), life, folder, options, std::move(blocking), std::move(owner), std::move(lock)));
}

} // namespace zooid

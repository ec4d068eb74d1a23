#include <zooid/journal/memory_journal.hpp>

#include <zooid/base/check.hpp>

#include <utility>

namespace zooid {

void memory_disk::step(io_step const& s, bytes& read) {
    if (auto const* c = std::get_if<io_create>(&s)) {
        written_[c->segment].assign(c->size, '\0');
    } else if (auto const* w = std::get_if<io_write>(&s)) {
        auto& segment = written_.at(w->segment);
        ZOOID_CHECK(w->offset + w->content.size() <= segment.size(), "a write stays within its segment");
        segment.replace(w->offset, w->content.size(), w->content);
        dirty_[w->segment].emplace_back(w->offset, w->content.size());
    } else if (auto const* f = std::get_if<io_flush>(&s)) {
        flush(f->segment);
    } else if (auto const* x = std::get_if<io_remove>(&s)) {
        written_.erase(x->segment), flushed_.erase(x->segment), dirty_.erase(x->segment);
    } else if (auto const* r = std::get_if<io_read>(&s)) {
        read = written_.at(r->segment).substr(r->offset, r->size);
    }
}

void memory_disk::flush(std::uint64_t number) {
    auto const& from = written_.at(number);
    auto& to = flushed_[number];
    if (to.size() != from.size()) to = from;
    for (auto const& [offset, size] : dirty_[number]) {
        to.replace(offset, size, bytes_view(from).substr(offset, size));
    }
    dirty_[number].clear();
}

io_outcome memory_disk::carry_out(io_task const& task) {
    io_outcome done;
    for (auto const& s : task.steps)
        step(s, done.read);
    return done;
}

std::size_t memory_disk::rot(bytes_view where) {
    std::size_t count = 0;
    for (auto& [number, content] : flushed_) {
        for (auto at = content.find(where); at != bytes::npos; at = content.find(where, at + 1), ++count) {
            content[at + where.size() / 2] ^= 1;
            written_.at(number)[at + where.size() / 2] ^= 1;
        }
    }
    return count;
}

memory_journal::memory_journal(journal_recovery recovery, life_id life, disk_image image)
    : recovered_(std::move(recovery.content)), log_(std::move(recovery.state), life),
      disk_(std::move(image)) {}

memory_journal::~memory_journal() = default;

result<std::unique_ptr<memory_journal>>
memory_journal::open(journal_id journal, life_id life, journal_options const& options, disk_image image) {
    ZOOID_TRY(auto recovery, recover_journal(journal, options, image));
    return std::unique_ptr<memory_journal>(new memory_journal(std::move(recovery), life, std::move(image)));
}

void memory_journal::flush() {
    ZOOID_CHECK(listener_ != nullptr, "a journal is started before it is used");
    while (!effects_.tasks.empty() || !effects_.events.empty()) {
        auto const now = std::exchange(effects_, {});
        deliver(now.events, *listener_);
        for (auto const& task : now.tasks) {
            bool const fails = std::exchange(fail_next_, false);
            auto outcome = fails ? io_outcome::failed({errc::io_failed, "injected"}) : disk_.carry_out(task);
            log_.complete(task.id, std::move(outcome), effects_);
        }
    }
}

void memory_journal::start(journal_listener& listener) {
    listener_ = &listener;
    log_.start(effects_);
}
void memory_journal::append(time_point now, std::uint64_t sequence_number, std::span<record> records) {
    log_.append(now, sequence_number, records, effects_);
}
void memory_journal::probe(time_point now) {
    log_.probe(now, effects_);
}
void memory_journal::scrub(std::uint64_t budget_bytes) {
    log_.scrub(budget_bytes, effects_);
}

} // namespace zooid

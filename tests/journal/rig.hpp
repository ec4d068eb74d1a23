// A journal on a disk that can lose power between any two sectors, and a model that says what it should hold.
#pragma once

#include <zooid/base/prng.hpp>
#include <zooid/journal/recovery.hpp>

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace zooid::journal_test {

inline constexpr journal_id the_journal{0x1111, 0x2222};
inline constexpr std::uint32_t sector = 512;

inline journal_options small_options() {
    return {
        .block_bytes = 512, .segment_bytes = 16 * 512, .batch_bytes_max = 8 * 512, .reclaim_bytes_max = 2048};
}

inline record make(record_kind kind, std::uint64_t replica, std::uint64_t at, std::string const& payload) {
    auto const cell = replica == 0 ? cell_id{} : cell_id{7, replica};
    return {cell, replica_id{replica}, kind, slot{at}, shared_bytes(payload)};
}

/// What a journal holds, as the specification says it, in the plainest possible way.
class model {
  public:
    void apply(std::vector<record> const& append) {
        for (auto const& r : append)
            apply(r);
    }
    std::vector<record> replica_records() const {
        std::vector<record> all;
        for (auto const& [where, r] : live_)
            all.push_back(r);
        return all;
    }
    friend bool operator==(model const&, model const&) = default;

  private:
    using key = std::tuple<replica_id, record_kind, slot>;

    void apply(record const& r) {
        if (r.kind == record_kind::forget) {
            forgotten_.insert(r.replica);
            std::erase_if(live_, [&](auto const& kv) { return std::get<0>(kv.first) == r.replica; });
            return;
        }
        bool const slots = r.kind == record_kind::acceptance || r.kind == record_kind::value ||
                           r.kind == record_kind::server;
        auto const below = [&](auto const& kv) {
            auto const& [replica, kind, at] = kv.first;
            bool const in_log = kind == record_kind::acceptance || kind == record_kind::value;
            return replica == r.replica && in_log && at <= r.at;
        };
        if (r.kind == record_kind::checkpoint) std::erase_if(live_, below);
        live_[{r.replica, r.kind, slots ? r.at : slot{}}] = r;
    }

    std::map<key, record> live_;
    std::set<replica_id> forgotten_;
};

/// All records that recovery found.
inline std::vector<record> all_records(recovered_journal const& content) {
    std::vector<record> all = content.server;
    for (auto const& r : content.replicas)
        all.insert(all.end(), r.records.begin(), r.records.end());
    return all;
}

/// A disk with a cache. Steps are carried out one by one; the power may go between any two.
class crash_disk {
  public:
    explicit crash_disk(disk_image image) : durable_(image), cache_(std::move(image)) {}

    void carry_out(io_step const& s, bytes& read) {
        if (auto const* c = std::get_if<io_create>(&s)) {
            cache_[c->segment].assign(c->size, '\0');
            loose_[c->segment].clear();
        } else if (auto const* w = std::get_if<io_write>(&s)) {
            cache_.at(w->segment).replace(w->offset, w->content.size(), w->content);
            for (std::uint64_t at = 0; at < w->content.size(); at += sector) {
                loose_[w->segment].insert(w->offset + at);
            }
        } else if (auto const* f = std::get_if<io_flush>(&s)) {
            durable_[f->segment] = cache_.at(f->segment);
            loose_.erase(f->segment);
        } else if (auto const* x = std::get_if<io_remove>(&s)) {
            cache_.erase(x->segment), loose_.erase(x->segment);
            removed_.insert(x->segment);
        } else if (std::holds_alternative<io_sync_directory>(s)) {
            for (auto const number : removed_)
                durable_.erase(number);
            removed_.clear();
        } else if (auto const* r = std::get_if<io_read>(&s)) {
            read = cache_.at(r->segment).substr(r->offset, r->size);
        }
    }

    /// Sectors that were written and not flushed.
    std::size_t loose_sectors() const {
        std::size_t n = 0;
        for (auto const& [segment, sectors] : loose_)
            n += sectors.size();
        return n;
    }

    /// What the disk holds after the power went, if exactly the loose sectors for which `landed` says so
    /// landed.
    template <class Landed>
    disk_image crash(Landed landed) const {
        auto image = durable_;
        std::size_t i = 0;
        for (auto const& [number, sectors] : loose_) {
            for (auto const at : sectors) {
                if (!landed(i++)) continue;
                auto& segment = image[number];
                auto const& from = cache_.at(number);
                if (segment.size() != from.size()) segment.assign(from.size(), '\0');
                segment.replace(at, sector, bytes_view(from).substr(at, sector));
            }
        }
        return image;
    }
    disk_image const& killed() const { return cache_; } ///< the process died, the machine did not
    /// What the files take, less what creating this one would give back.
    std::uint64_t used_bytes(std::uint64_t created) const {
        std::uint64_t used = 0;
        for (auto const& [number, content] : cache_)
            used += number == created ? 0 : content.size();
        return used;
    }

  private:
    disk_image durable_, cache_;
    std::map<std::uint64_t, std::set<std::uint64_t>> loose_;
    std::set<std::uint64_t> removed_;
};

using workload = std::vector<std::vector<record>>;

/// Runs a log on a crash disk, appending as soon as anything is persisted, until the power goes.
class rig {
  public:
    rig(disk_image image, journal_options const& options, std::uint64_t life) : disk(image) {
        auto recovered = recover_journal(the_journal, options, image);
        if (!recovered) throw std::runtime_error(recovered.error().message());
        content = std::move(recovered.value().content);
        log.emplace(std::move(recovered.value().state), life_id{life});
        log->start(effects);
    }

    /// Carries out at most `steps_max` steps. `together` appends are outstanding at a time.
    void run(workload const& work, std::size_t steps_max, std::size_t together = 1) {
        for (;;) {
            while (submitted < work.size() && submitted - acknowledged < together)
                submit(work[submitted]);
            collect();
            if (tasks.empty()) {
                if (submitted == work.size() || acknowledged + together <= submitted) return;
                continue;
            }
            auto const& task = tasks.front();
            for (; progress < task.steps.size(); ++progress) {
                if (steps == steps_max) return;
                if (steps++ == fail_step) {
                    struck = task.steps[progress];
                    struck_commit = task.steps.size() == 2 && std::holds_alternative<io_write>(task.steps[0]);
                    if (fails_half_done) write_half(task.steps[progress]);
                    done = io_outcome::failed({fail_with, "injected"});
                    break;
                }
                if (!fits(task.steps[progress])) {
                    done = io_outcome::failed({errc::no_space, "injected"});
                    break;
                }
                disk.carry_out(task.steps[progress], done.read);
            }
            auto const id = task.id;
            tasks.erase(tasks.begin());
            progress = 0;
            log->complete(id, std::exchange(done, {}), effects);
            collect();
        }
    }

    bool fits(io_step const& s) const {
        auto const* c = std::get_if<io_create>(&s);
        return c == nullptr || disk.used_bytes(c->segment) + c->size <= capacity;
    }

    void write_half(io_step const& s) {
        auto const* w = std::get_if<io_write>(&s);
        if (w == nullptr) return;
        auto const size = w->content.size() / sector / 2 * sector;
        disk.carry_out(io_write{w->segment, w->offset, w->content.substr(0, size)}, done.read);
    }

    void submit(std::vector<record> records) {
        ++submitted;
        log->append({}, submitted, records, effects);
    }

    /// Carries out the task that came first, whole and without a fault.
    void finish_next() {
        auto const task = tasks.front();
        tasks.erase(tasks.begin());
        io_outcome outcome;
        for (auto const& step : task.steps)
            disk.carry_out(step, outcome.read);
        log->complete(task.id, std::move(outcome), effects);
        collect();
    }

    void collect() {
        for (auto& t : effects.tasks)
            tasks.push_back(std::move(t));
        for (auto const& e : effects.events) {
            if (auto const* p = std::get_if<journal_persisted>(&e)) acknowledged = p->sequence;
            if (std::holds_alternative<journal_failed>(e)) ++failures;
            if (std::holds_alternative<journal_stalled>(e)) ++stalls;
            if (std::holds_alternative<journal_secured>(e)) secured = true;
            if (auto const* d = std::get_if<journal_damage_found>(&e)) damage.push_back(d->damage);
        }
        effects.clear();
    }

    crash_disk disk;
    recovered_journal content;
    std::optional<journal_log> log;
    journal_effects effects;
    std::vector<io_task> tasks;
    io_outcome done; // of the first task, which got as far as `progress`
    std::size_t progress = 0;
    std::size_t steps = 0;
    std::size_t fail_step = ~std::size_t{0};
    errc fail_with = errc::io_failed;
    std::optional<io_step> struck;
    bool struck_commit = false;
    bool fails_half_done = false; ///< a write that fails has written its first half
    std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max(); ///< of the disk, in bytes
    std::size_t submitted = 0, acknowledged = 0, failures = 0, stalls = 0;
    bool secured = false;
    std::vector<journal_damage> damage;
};

inline constexpr std::size_t to_the_end = ~std::size_t{0} - 1;

/// The models after 0, 1, 2 ... appends on top of `start`.
inline std::vector<model> models_of(model start, workload const& work) {
    std::vector<model> models{start};
    for (auto const& append : work)
        start.apply(append), models.push_back(start);
    return models;
}

/// The number of appends that recovery shows, if it is a legal one: from `acknowledged` to `submitted`.
inline std::optional<std::size_t> legal_state(recovered_journal const& content,
                                              std::vector<model> const& models, std::size_t acknowledged,
                                              std::size_t submitted) {
    auto const found = all_records(content);
    for (std::size_t n = submitted + 1; n-- > acknowledged;) {
        if (models[n].replica_records() == found) return n;
    }
    return {};
}

inline workload three_replicas() {
    workload work;
    for (std::uint64_t i = 1; i <= 12; ++i) {
        std::uint64_t const replica = 1 + i % 3;
        std::vector<record> append;
        if (i <= 3) append.push_back(make(record_kind::reserved, replica, 0, "here"));
        append.push_back(make(record_kind::promise, replica, 0, "ballot " + std::to_string(i)));
        append.push_back(make(record_kind::acceptance, replica, i, "digest"));
        append.push_back(
            make(record_kind::value, replica, i, std::string(200 + i, static_cast<char>('a' + i))));
        work.push_back(append);
    }
    return work;
}

/// The disk once all of it was persisted.
inline disk_image journal_of(workload const& work) {
    rig r(format_journal(the_journal, small_options()), small_options(), 2);
    r.run(work, to_the_end);
    if (r.acknowledged != work.size()) throw std::runtime_error("not all of it was persisted");
    return r.disk.killed();
}

/// Reclaims even the last segments.
inline journal_options eager_options() {
    auto options = small_options();
    options.sealed_segments_min = 0;
    return options;
}

} // namespace zooid::journal_test

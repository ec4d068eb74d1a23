#include "sim/disk.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <utility>

namespace zooid::sim {

// ---- tasks

disk::progress disk::begin(io_task task) {
    auto const free =
        std::find_if(tasks_.begin(), tasks_.end(), [](running_task const& t) { return !t.used; });
    ZOOID_CHECK(free != tasks_.end(), "a journal has two tasks under way at most");
    *free = running_task{true, std::move(task), 0, {}};
    return go_on(static_cast<std::size_t>(free - tasks_.begin()));
}

disk::progress disk::advance(std::size_t place) {
    running_task& t = tasks_[place];
    ZOOID_CHECK(t.used, "only a running task advances");
    if (!carry_out(t.task.steps[t.next++], t.outcome)) t.next = t.task.steps.size();
    return go_on(place);
}

// Writes take no time of their own: they reach the cache at once. Nor does opening. All else is waited for.
disk::progress disk::go_on(std::size_t place) {
    running_task& t = tasks_[place];
    while (t.next < t.task.steps.size()) {
        io_step const& s = t.task.steps[t.next];
        duration const takes = time_of(s);
        if (takes > duration::zero()) return {place, false, takes};
        ++t.next;
        if (!carry_out(s, t.outcome)) t.next = t.task.steps.size();
    }
    return {place, true, {}};
}

std::pair<std::uint64_t, io_outcome> disk::take(std::size_t place) {
    running_task& t = tasks_[place];
    t.used = false;
    return {t.task.id, std::move(t.outcome)};
}

duration disk::time_of(io_step const& s) {
    if (std::holds_alternative<io_write>(s) || std::holds_alternative<io_open>(s)) return {};
    auto const span = static_cast<std::uint64_t>((options_.flush_max - options_.flush_min).count());
    auto const takes = options_.flush_min + duration(static_cast<std::int64_t>(random_.below(span + 1)));
    bool const outlier = options_.outlier_per_mille > 0 && random_.chance(options_.outlier_per_mille, 1000);
    // Not multiplied with each other: such a step would outlive the healing of its disk by half a minute.
    return takes * std::max(slow_, outlier ? outlier_factor : 1);
}

bool disk::carry_out(io_step const& s, io_outcome& outcome) {
    if (auto const* w = std::get_if<io_write>(&s)) {
        write(*w);
    } else if (auto const* f = std::get_if<io_flush>(&s)) {
        segment& flushed = segments_[f->segment];
        if (std::exchange(flush_fails_, false)) { // D4
            flushed.dirty.clear();
            ++mishaps_.flushes_failed;
            outcome = io_outcome::failed(error(errc::io_failed, "injected: flush failed"));
            return false;
        }
        flush(flushed);
    } else if (auto const* c = std::get_if<io_create>(&s)) {
        if (full_) {
            ++mishaps_.creations_refused;
            outcome = io_outcome::failed(error(errc::no_space, "injected: disk full"));
            return false;
        }
        segment& created = segments_[c->segment];
        created.in_cache = true;
        created.cache.assign(c->size, '\0');
        created.dirty.assign(1, {0, c->size});
    } else if (std::holds_alternative<io_sync_directory>(s)) {
        sync_directory();
    } else if (auto const* x = std::get_if<io_remove>(&s)) {
        auto const found = segments_.find(x->segment);
        if (found != segments_.end()) found->second.in_cache = false;
    } else if (auto const* r = std::get_if<io_read>(&s)) {
        bytes const& from = segments_.at(r->segment).cache;
        outcome.read = r->offset < from.size() ? from.substr(r->offset, r->size) : bytes();
    }
    return true;
}

void disk::write(io_write const& w) {
    segment& s = segments_.at(w.segment);
    std::uint64_t at = w.offset;
    if (std::exchange(misdirects_, false)) { // it lands beside, and what should have been there is not
        std::uint64_t const room = (s.cache.size() - w.content.size()) / sector_bytes;
        at = random_.below(room + 1) * sector_bytes;
        ++mishaps_.writes_misdirected;
    }
    ZOOID_CHECK(at + w.content.size() <= s.cache.size(), "a write stays within its segment");
    s.cache.replace(at, w.content.size(), w.content);
    s.dirty.push_back({at, w.content.size()});
}

void disk::flush(segment& s) {
    if (s.platter.size() != s.cache.size()) s.platter.resize(s.cache.size());
    for (extent const& e : s.dirty) {
        s.platter.replace(e.offset, e.size, bytes_view(s.cache).substr(e.offset, e.size));
    }
    s.dirty.clear();
}

void disk::sync_directory() {
    for (auto it = segments_.begin(); it != segments_.end();) {
        it->second.in_platter = it->second.in_cache;
        it->second.in_cache ? void(++it) : void(it = segments_.erase(it));
    }
}

disk_image disk::image() const {
    disk_image seen;
    for (auto const& [number, s] : segments_) {
        if (s.in_cache) seen.emplace(number, s.cache);
    }
    return seen;
}

// ---- fate

void disk::drop_tasks() {
    for (running_task& t : tasks_)
        t.used = false;
}

void disk::lose_power() {
    drop_tasks();
    std::uint64_t const mood = random_.below(4); // nothing landed, all of it, or some
    std::uint64_t const drawn = random_.below(1001);
    std::uint64_t const landing = mood == 0 ? 0 : mood == 1 ? 1000 : drawn;
    for (auto it = segments_.begin(); it != segments_.end();) {
        segment& s = it->second;
        tear(s, landing);
        bool const coin = random_.chance(1, 2);
        bool const there = s.in_cache == s.in_platter ? s.in_cache : coin; // D3
        s.in_cache = s.in_platter = there;
        s.cache = s.platter;
        there ? void(++it) : void(it = segments_.erase(it));
    }
    flush_fails_ = misdirects_ = full_ = hung_ = false;
}

void disk::tear(segment& s, std::uint64_t landing_per_mille) {
    if (s.platter.size() != s.cache.size()) s.platter.resize(s.cache.size(), '\0');
    for (extent const& e : s.dirty) {
        for (std::uint64_t at = e.offset; at < e.offset + e.size; at += sector_bytes) {
            if (!random_.chance(landing_per_mille, 1000)) {
                ++mishaps_.sectors_lost;
                continue;
            }
            ++mishaps_.sectors_landed;
            s.platter.replace(at, sector_bytes, bytes_view(s.cache).substr(at, sector_bytes));
        }
    }
    s.dirty.clear();
}

bool disk::rot(spread where) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> candidates; // segment, sector that holds something
    for (auto const& [number, s] : segments_) {
        for (std::uint64_t at = 0; at + sector_bytes <= s.platter.size(); at += sector_bytes) {
            if (s.platter.find_first_not_of('\0', at) < at + sector_bytes)
                candidates.emplace_back(number, at);
        }
    }
    if (candidates.empty()) return false;
    std::size_t const recent =
        where == spread::recent ? std::min(candidates.size(), recent_sectors) : candidates.size();
    auto const [number, at] = candidates[candidates.size() - recent + random_.below(recent)];
    segment& s = segments_[number];
    std::uint64_t const changed = at + random_.below(sector_bytes);
    char const flip = static_cast<char>(1u << random_.below(8));
    ++mishaps_.bits_flipped;
    s.platter[changed] = static_cast<char>(s.platter[changed] ^ flip);
    if (changed < s.cache.size()) s.cache[changed] = static_cast<char>(s.cache[changed] ^ flip);
    return true;
}

disk_image disk::platter() const {
    disk_image all;
    for (auto const& [number, s] : segments_) {
        if (s.in_platter) all.emplace(number, s.platter);
    }
    return all;
}

void disk::replace(disk_image image) {
    drop_tasks();
    segments_.clear();
    for (auto& [number, content] : image)
        segments_[number] = segment{content, content, true, true, {}};
}

} // namespace zooid::sim

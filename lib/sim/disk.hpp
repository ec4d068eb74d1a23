// A disk with a cache in front of it, and everything that disks do to those who trust them.
//
//   D1  A write reaches the cache at once and the platter when it is flushed, or in part, sector by sector in
//       any order, when the power goes first.
//   D2  Killing a process loses nothing of the cache; cutting the power loses all of it.
//   D3  A created segment whose folder was not synced may be gone after a power cut, a removed one back.
//   D4  A flush that failed leaves the cache clean and the platter without the bytes, for ever: a later flush
//       succeeds and writes nothing of it.
#pragma once

#include "sim/clock.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/journal/log.hpp>
#include <zooid/sim/world.hpp>

#include <array>
#include <map>
#include <vector>

namespace zooid::sim {

inline constexpr std::uint64_t sector_bytes = 512;
inline constexpr std::size_t recent_sectors = 48;
inline constexpr std::uint32_t outlier_factor = 20;

class disk {
  public:
    disk(disk_options const& options, std::uint64_t seed) : options_(options), random_(seed) {}

    // ---- the device, used by a process
    /// Starts a task; returns its place and when the first thing that takes time will be done.
    struct progress {
        std::size_t place = 0;
        bool finished = false;
        duration takes{};
    };
    progress begin(io_task task);
    /// The step that was under way is done; goes on to the next one.
    progress advance(std::size_t place);
    /// The outcome of a finished task, and its id.
    std::pair<std::uint64_t, io_outcome> take(std::size_t place);
    /// What a reader sees now.
    disk_image image() const;

    // ---- fate
    void drop_tasks();
    void lose_power();
    void fail_next_flush() { flush_fails_ = true; }
    void misdirect_next_write() { misdirects_ = true; }
    void set_full(bool full) { full_ = full; }
    void hang(bool hung) { hung_ = hung; }
    bool is_hung() const { return hung_; }
    void set_slow(std::uint32_t factor) { slow_ = factor; }
    /// What has not befallen it yet will not; what was harmed stays so.
    void heal() {
        flush_fails_ = misdirects_ = full_ = hung_ = false;
        slow_ = 1;
    }
    /// Where rot sets in: in any sector that holds something, or in one of the last that do.
    enum class spread : std::uint8_t { anywhere, recent };
    /// Changes a bit that lies on the platter. False if there is nothing to change.
    bool rot(spread where);
    void replace(disk_image image);
    /// What a loss of power would surely leave.
    disk_image platter() const;

    disk_mishaps const& mishaps() const { return mishaps_; }

  private:
    struct extent {
        std::uint64_t offset, size;
    };
    struct segment {
        bytes cache;
        bytes platter;
        bool in_cache = true;    ///< false: removed, but the folder is not synced
        bool in_platter = false; ///< the folder says so after a power cut
        std::vector<extent> dirty;
    };
    struct running_task {
        bool used = false;
        io_task task;
        std::size_t next = 0;
        io_outcome outcome;
    };

    progress go_on(std::size_t place);
    duration time_of(io_step const& s);
    bool carry_out(io_step const& s, io_outcome& outcome);
    void write(io_write const& w);
    void flush(segment& s);
    void sync_directory();
    void tear(segment& s, std::uint64_t landing_per_mille);

    disk_options options_;
    prng random_;
    std::map<std::uint64_t, segment> segments_;
    std::array<running_task, 4> tasks_;
    bool flush_fails_ = false;
    bool misdirects_ = false;
    bool full_ = false;
    bool hung_ = false;
    std::uint32_t slow_ = 1;
    disk_mishaps mishaps_;
};

} // namespace zooid::sim

// A machine: a clock, a disk, and perhaps a running server process. The process is the pure code of
// production; this file only stands in for the edges.
#pragma once

#include "sim/clock.hpp"
#include "sim/disk.hpp"

#include <zooid/journal/recovery.hpp>
#include <zooid/server/server.hpp>

#include <limits>
#include <memory>
#include <vector>

namespace zooid::sim {

inline constexpr world_time no_time = std::numeric_limits<world_time>::max();

/// The journal as a server sees it: the pure log; its tasks are picked up by the world after each turn.
class world_journal final : public journal {
  public:
    world_journal(log_state_pointer recovered, life_id life) : log(std::move(recovered), life) {}

    void start(journal_listener&) override { log.start(done); }
    void append(time_point now, std::uint64_t n, std::span<record> records) override {
        log.append(now, n, records, done);
    }
    void probe(time_point now) override { log.probe(now, done); }
    void scrub(std::uint64_t budget_bytes) override { log.scrub(budget_bytes, done); }
    duration outstanding_age(time_point now) const override { return log.outstanding_age(now); }
    journal_claim claim() const override { return log.claim(); }
    claim_verdict check(journal_claim const& heard) const override { return log.check(heard); }
    journal_statistics statistics() const override { return log.statistics(); }

    journal_log log;
    journal_effects done; ///< not carried out yet
};

/// What an image of a disk is: the journal with its id, as the manifest beside it would say.
struct disk_backup {
    journal_id journal;
    disk_image content;
};

/// One life of a server.
struct process {
    process(server_options const& options, server_identity const& identity, machine_kind machines,
            journal_id id, journal_recovery recovered)
        : store(std::move(recovered.state), identity.life),
          host(options, identity, std::move(machines), store, id, recovered.content), life(identity.life),
          found(std::move(recovered.content)) {}

    world_journal store;
    server host;
    life_id life;
    recovered_journal found; ///< until it is secured
    server_output out;
    std::vector<replica> earlier; ///< for the invariants of two successive states, by cell
    std::uint32_t turns = 0;
};

struct machine {
    machine(server_id id_, std::uint16_t index_, machine_clock clock_, disk storage_)
        : id(id_), index(index_), clock(clock_), storage(std::move(storage_)) {}

    server_id id;
    std::uint16_t index;
    machine_clock clock;
    disk storage;
    journal_id journal;
    std::uint64_t acknowledged = 0; ///< the last batch that its earlier processes knew to be durable
    std::unique_ptr<process> running;
    std::uint32_t epoch = 0; ///< of the process; events of an earlier one are stale
    world_time paused_until = 0;
    world_time wake_at = no_time; ///< the earliest wake in the queue
    world_time scrub_at = 0;
    std::uint16_t software = 1; ///< the highest cell version that it understands from its next start on
    bool harmed = false;        ///< something durable was destroyed on purpose: it may stop voting
    bool latched = false;       ///< its journal failed; only a new start helps
    disk_backup backup;
};

} // namespace zooid::sim

// What clients do, and what must be true of it besides linearizability.
#pragma once

#include <zooid/base/prng.hpp>
#include <zooid/sim/history.hpp>
#include <zooid/sim/world.hpp>

#include <memory>
#include <string>

namespace zooid::sim {

enum class intent_kind : std::uint8_t { commit, strict_read, prefix_read };

/// One call that a client wants to make.
struct intent {
    intent_kind kind = intent_kind::commit;
    kv::transaction asked;
};

/// One client's part: what it does next, given what it learned.
class workload {
  public:
    virtual ~workload() = default;
    virtual intent next(prng& random) = 0;
    virtual void learn(intent const& asked, ending const& ended) = 0;
};

std::unique_ptr<workload> make_workload(workload_kind kind, std::uint64_t client);

/// The transaction that a workload's cell begins with.
kv::transaction setup_of(workload_kind kind);

/// What the history of one cell and its final state (the answer to `final_question`) contradict; empty when
/// all is well. Independent of the linearizability checker.
std::string check_workload(workload_kind kind, history const& calls, kv::committed const& final_state);
kv::transaction final_question(workload_kind kind);

} // namespace zooid::sim

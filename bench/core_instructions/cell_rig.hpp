// Seven replicas of one cell in one hand, for counting and timing the core: no I/O, no clock, no encoding.
//
// Every message arrives at once and every record is durable at once, so what is left is what the replicas
// and their state machines compute. The rig keeps the proposer's steps apart from everybody else's in
// functions of their own (`proposer_step`, `other_step`, ...) which are never inlined: a profiler that is
// told one of these names counts exactly that share. Nothing is cloned or checked on the way.
#pragma once

#include <zooid/cell/replica.hpp>
#include <zooid/kv/sessions.hpp>
#include <zooid/kv/store.hpp>
#include <zooid/kv/transaction.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <vector>

namespace zooid::bench {

[[gnu::noinline]] inline void proposer_step(replica& r, surroundings const& around, event const& what,
                                            effects& out) {
    r.step(around, what, out);
    asm volatile("" ::: "memory"); // not a tail call: the name stays on the stack
}
[[gnu::noinline]] inline void other_step(replica& r, surroundings const& around, event const& what,
                                         effects& out) {
    r.step(around, what, out);
    asm volatile("" ::: "memory");
}
[[gnu::noinline]] inline bool proposer_apply(state_machine& m, slot at, bytes_view command, bytes& reply) {
    bool const understood = m.apply(at, command, reply);
    asm volatile("" ::: "memory");
    return understood;
}

/// The command of a client's commit: one put of `value_bytes` bytes under one of 16 keys, within a session.
inline bytes make_command(std::uint64_t number, std::uint64_t settled, std::size_t value_bytes, slot as_of) {
    kv::transaction t;
    t.put("key-" + std::to_string(number % 16), bytes(value_bytes, static_cast<char>('a' + number % 26)));
    kv::request r;
    r.client = {77};
    r.sequence = {number};
    r.settled = {settled};
    r.as_of = as_of;
    r.command = kv::encode(t);
    bytes out;
    kv::encode(r, out);
    return out;
}

class cell_rig {
  public:
    explicit cell_rig(std::size_t size) {
        std::vector<member> all;
        for (std::uint64_t n = 1; n <= size; ++n)
            all.push_back({{n}, {n, n}, {n + 100}});
        snapshot founding;
        founding.cell = {1, 1};
        founding.key = "volume";
        founding.birth = {1};
        founding.configurations = {{slot{1}, configuration(all)}};
        for (std::size_t i = 0; i < size; ++i) {
            auto m = std::make_unique<place>(founding, all, i);
            places_.push_back(std::move(m));
        }
        elect();
    }

    replica& proposer() { return places_[leader_]->running; }
    std::uint64_t committed() const { return committed_; }
    std::uint64_t messages() const { return messages_; }

    /// Proposes one transaction; `run` carries it through.
    void propose(std::size_t value_bytes) {
        slot const as_of = proposer().applied_slot();
        ++proposed_;
        step(leader_, zooid::propose{token{proposed_}, shared_bytes(make_command(proposed_, committed_ + 1,
                                                                                 value_bytes, as_of))});
    }
    /// Delivers until nothing is under way.
    void run() {
        while (!queue_.empty()) {
            auto next = std::move(queue_.front());
            queue_.pop_front();
            step(next.to, next.what);
        }
    }

  private:
    struct place {
        place(snapshot const& founding, std::vector<member> const& all, std::size_t i)
            : self(all[i]), servers(all[i].server, life_id{i + 1}),
              running(replica::found(founding, {all[i], {i + 1}, i + 7}, {})),
              machine(std::make_unique<kv::session_machine>(std::make_unique<kv::store>())) {
            for (std::size_t j = 0; j < all.size(); ++j) {
                if (i == j) continue;
                peer_liveness& peer = servers.at(all[j].server);
                peer.both_ways = true;
                peer.answered = {all[j].journal};
                peer.life = {j + 1};
                for (member const& m : all)
                    peer.hears.push_back(m.server);
            }
        }
        member self;
        liveness servers;
        replica running;
        std::unique_ptr<state_machine> machine;
        effects out;
    };
    struct pending {
        std::size_t to;
        event what;
    };

    void elect() {
        step(leader_, zooid::propose{token{~std::uint64_t{0}}, shared_bytes(make_command(1, 0, 1, {}))});
        for (int tries = 0; tries < 1000 && proposer().role() != role::leading; ++tries) {
            run();
            now_ += std::chrono::milliseconds(10);
            for (std::size_t i = 0; i < places_.size(); ++i) {
                if (places_[i]->running.deadline() <= now_) step(i, woken{});
                if (places_[i]->running.role() == role::leading) leader_ = i;
            }
        }
        run();
        if (proposer().role() != role::leading) throw std::runtime_error("the rig elects no proposer");
        committed_ = 0;
    }

    void step(std::size_t index, event const& what) {
        place& p = *places_[index];
        surroundings const around{now_, p.servers};
        if (index == leader_) {
            proposer_step(p.running, around, what, p.out);
        } else {
            other_step(p.running, around, what, p.out);
        }
        carry_out(index, p);
    }
    void carry_out(std::size_t index, place& p) {
        enqueue(p, p.out.now);
        enqueue(p, p.out.after_durable);
        if (p.out.tell_when_durable) queue_.push_back({index, persisted{*p.out.tell_when_durable}});
        if (p.out.want_snapshot) {
            bytes state;
            p.machine->snapshot(state);
            queue_.push_back({index, snapshot_taken{p.running.applied_slot(), shared_bytes(state),
                                                    p.machine->state_digest()}});
        }
        for (delivery const& d : p.out.deliver)
            apply(index, p, d);
    }
    void apply(std::size_t index, place& p, delivery const& d) {
        for (bytes_view command : d.value.commands()) {
            reply_.clear();
            bool const understood = index == leader_ ? proposer_apply(*p.machine, d.at, command, reply_)
                                                     : p.machine->apply(d.at, command, reply_);
            if (!understood) throw std::runtime_error("the rig's commands are understood");
        }
        if (index == leader_) committed_ += d.requests.size();
        queue_.push_back({index, applied{d.at, p.machine->state_digest()}});
    }
    void enqueue(place const& from, std::vector<outgoing>& out) {
        messages_ += out.size();
        for (outgoing& o : out) {
            auto const to = static_cast<std::size_t>(o.to.server.value - 1);
            queue_.push_back({to, received{from.self.server, from.self.replica, std::move(o.content)}});
        }
    }

    std::vector<std::unique_ptr<place>> places_;
    std::deque<pending> queue_;
    time_point now_{std::chrono::seconds(1000)};
    std::size_t leader_ = 0;
    std::uint64_t proposed_ = 0;
    std::uint64_t committed_ = 0;
    std::uint64_t messages_ = 0;
    bytes reply_;
};

} // namespace zooid::bench

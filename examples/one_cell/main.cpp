// One cell in your hands: three replicas without any I/O, and the whole contract of the core. A step takes
// one event and says all that follows from it; whoever calls it does that, in the order of `host::step`. Here
// the network is a queue, a disk is a list of records, and time is a number that this program moves.
#include <zooid/cell/replica.hpp>

#include <deque>
#include <iostream>

using namespace zooid;

namespace {

struct letter {
    member from, to;
    message content;
};
std::deque<letter> network;
time_point now{std::chrono::seconds(1000)};

// What the pulses between real servers would show: everybody is well, and hears everybody.
liveness all_are_well(member const& self, configuration const& members) {
    liveness view(self.server, {self.server.value});
    for (member const& other : members.members()) {
        if (other == self) continue;
        peer_liveness& peer = view.at(other.server);
        peer.life = {other.server.value};
        peer.both_ways = true;
        peer.answered = {other.journal};
        peer.hears = {{1}, {2}, {3}};
    }
    return view;
}

// What the disk has not yet confirmed: records, what may leave when they are durable, whom to tell then.
struct flush {
    std::vector<durable_record> records;
    std::vector<outgoing> letters;
    std::optional<std::uint64_t> ticket;
};

struct host {
    member self;
    liveness servers;
    replica core;
    std::deque<flush> unflushed;
    std::vector<durable_record> disk; // what a restart would be made of: replica::recover
    std::string state;                // the state machine: all commands, one after the other

    void step(event const& what) {
        effects out;
        core.step({now, servers}, what, out);
        send(out.now); // 1. requests and refusals rest on nothing durable
        // 2. Promises and acceptances do: they wait for the flush of these records, and of all before them.
        if (!out.persist.empty() || !out.after_durable.empty() || out.tell_when_durable)
            unflushed.push_back({out.persist, out.after_durable, out.tell_when_durable});
        for (delivery const& d : out.deliver) { // 3. what was chosen, in the order of slots
            for (bytes_view command : d.value.commands())
                state += command;
            if (!d.requests.empty()) std::cout << "slot " << d.at.value << " is chosen: " << state << '\n';
        }
        for (read_ready const& r : out.reads) // 4. a strict read, confirmed by a quorum after it was asked
            std::cout << "read " << r.request.value << " at slot " << r.at.value << ": " << state << '\n';
        for (ended const& e : out.ended_requests) // 5. what this replica will not carry through
            std::cout << "request " << e.request.value << ": " << name_of(e.why) << '\n';
        if (!out.deliver.empty()) step(applied{out.deliver.back().at, hash128(state)});
    } // a longer life brings two more: `restore`, taught by a snapshot, and `want_snapshot`, to shorten the
      // log

    bool flush_one() {
        if (unflushed.empty()) return false;
        flush const done = std::move(unflushed.front());
        unflushed.pop_front();
        disk.insert(disk.end(), done.records.begin(), done.records.end()); // write, fdatasync; and only then:
        send(done.letters);
        if (done.ticket) step(persisted{*done.ticket});
        return true;
    }
    void send(std::vector<outgoing> const& letters) const {
        for (outgoing const& o : letters)
            network.push_back({self, o.to, o.content}); // also to oneself: one's own vote takes the same road
    }
};

// Delivers and flushes until nothing moves, then lets time pass to the next deadline; ends when all is quiet.
void settle(std::vector<host>& hosts) {
    for (;;) {
        while (!network.empty()) {
            letter const l = std::move(network.front());
            network.pop_front();
            hosts[l.to.server.value - 1].step(received{l.from.server, l.from.replica, l.content});
        }
        bool flushed = false;
        time_point next = never;
        for (host& h : hosts) {
            flushed = h.flush_one() || flushed;
            next = std::min(next, h.core.deadline());
        }
        if (flushed) continue;
        if (next == never) return; // an idle cell wants nothing, not even a timer
        now = std::max(now, next);
        for (host& h : hosts) {
            if (h.core.deadline() <= now) h.step(woken{});
        }
    }
}

} // namespace

int main() {
    std::vector<member> const members{{{1}, {1, 1}, {11}}, {{2}, {2, 2}, {12}}, {{3}, {3, 3}, {13}}};
    snapshot founding; // slot 0; each server had drawn its replica id, durably, before it was named here
    founding.cell = {1, 1}, founding.key = "greeting", founding.birth = {1};
    founding.configurations = {{{1}, configuration(members)}};
    std::vector<host> hosts;
    for (member const& m : members) {
        replica_identity const who{m, {m.server.value}, 7 * m.server.value};
        hosts.push_back(
            {m, all_are_well(m, configuration(members)), replica::found(founding, who, {}), {}, {}, {}});
    }
    hosts[0].step(propose{{1}, shared_bytes("hello ")}); // nobody leads yet: the first in the list will
    settle(hosts);
    hosts[0].step(propose{{2}, shared_bytes("world")});
    hosts[0].step(zooid::read{{3}});
    settle(hosts);
    bool const agreed = hosts[0].state == "hello world" && hosts[1].state == hosts[0].state &&
                        hosts[2].state == hosts[0].state;
    std::cout << (agreed ? "three replicas agree" : "they differ") << ", with " << hosts[2].disk.size()
              << " durable records on the third\n";
    return agreed ? 0 : 1;
}

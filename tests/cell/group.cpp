#include "cell/group.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid {

namespace {

bytes joined(std::vector<std::string> const& lines) {
    bytes all;
    for (std::string const& line : lines)
        all += line + "\n";
    return all;
}

std::vector<std::string> split(bytes_view all) {
    std::vector<std::string> lines;
    while (!all.empty()) {
        lines.emplace_back(all.substr(0, all.find('\n')));
        all.remove_prefix(lines.back().size() + 1);
    }
    return lines;
}

} // namespace

void group_disk::write(durable_record const& record) {
    if (auto const* p = std::get_if<promise_record>(&record)) promised = p->in;
    if (auto const* q = std::get_if<quarantine_record>(&record))
        quarantine = q->of == distrust::nothing ? "" : q->cause, quarantined_for = q->of,
        sealed_for = q->sealed_for;
    if (auto const* a = std::get_if<acceptance_record>(&record)) {
        if (a->at > checkpoint.at) acceptances[a->at] = *a;
    }
    if (auto const* p = std::get_if<prefix_record>(&record)) prefix = p->at;
    if (auto const* c = std::get_if<checkpoint_record>(&record)) {
        checkpoint = c->state;
        acceptances.erase(acceptances.begin(), acceptances.upper_bound(checkpoint.at));
    }
}

recovered_state group_disk::read() const {
    recovered_state back{checkpoint, promised, {}, quarantine, quarantined_for, prefix, sealed_for};
    for (auto const& [at, record] : acceptances)
        back.acceptances.push_back(record);
    return back;
}

recovered_state group_disk::first() const {
    recovered_state begins = read();
    begins.is_first = true;
    return begins;
}

group::group(std::size_t size, std::uint64_t seed, cell_options options, std::size_t spares,
             std::uint8_t alpha)
    : random_(seed), options_(options) {
    std::vector<member> all;
    for (std::uint64_t n = 1; n <= size + spares; ++n)
        all.push_back({{n}, {n, n}, {n + 100}});
    configuration const founders(std::span<member const>(all.data(), size));
    snapshot const founding{cell_id{1, 1}, "volume", {1}, 1, alpha, slot{0}, {{slot{1}, founders}}, {}, {}};
    for (std::size_t i = 0; i < all.size(); ++i) {
        group_member m;
        m.self = all[i];
        m.reserved = i >= size;
        m.disk.checkpoint = founding;
        m.life = i + 1;
        m.servers.emplace(all[i].server, life_id{m.life});
        members_.push_back(std::move(m));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = 0; j < all.size(); ++j) {
            if (i == j) continue;
            peer_liveness& peer = members_[i].servers->at(all[j].server);
            peer.both_ways = true, peer.answered = {all[j].journal};
            peer.life = {members_[j].life};
            for (member const& m : all)
                peer.hears.push_back(m.server);
        }
        if (members_[i].reserved) continue;
        members_[i].running.emplace(
            replica::found(founding, {members_[i].self, {members_[i].life}, seed * 100 + i}, options_));
    }
}

void group::step(std::size_t index, event const& what) {
    group_member& m = members_[index];
    if (!m.running) return;
    replica const before = m.running->clone();
    effects out;
    m.running->step({now_, *m.servers}, what, out);
    for (auto& found : violations(*m.running))
        violations_.push_back(std::to_string(index) + ": " + found);
    for (auto& found : violations(before, *m.running))
        violations_.push_back(std::to_string(index) + ": " + found);
    if (m.running->is_quarantined() && !before.is_quarantined()) {
        violations_.push_back(std::to_string(index) + " quarantined: " + m.running->explain().quarantine);
    }
    carry_out(index, out);
}

void group::carry_out(std::size_t index, effects& out) {
    group_member& m = members_[index];
    marks_ |= out.marks;
    for (ended const& e : out.ended_requests)
        ended_.push_back(e);
    for (read_ready const& r : out.reads)
        reads_[r.request.value] = r.at;
    for (change_chosen const& c : out.changed)
        changed_[c.request.value] = c.at;
    m.retired = m.retired || out.retired;
    enqueue(index, out.now);
    if (!out.persist.empty() || !out.after_durable.empty() || out.tell_when_durable) {
        m.unflushed.push_back({out.persist, out.after_durable, out.tell_when_durable});
    }
    std::optional<applied> done;
    if (out.restore) {
        m.applied = split(out.restore->state.state.view());
        done = applied{out.restore->state.at, hash128(joined(m.applied))};
    }
    for (delivery const& d : out.deliver) {
        apply(index, d);
        done = applied{d.at, hash128(joined(m.applied))};
    }
    bool const asked = out.want_snapshot;
    if (done) step(index, *done);
    if (asked) {
        slot const at = m.running->applied_slot();
        step(index, snapshot_taken{at, shared_bytes(joined(m.applied)), hash128(joined(m.applied))});
    }
}

void group::apply(std::size_t index, delivery const& d) {
    digest const value = d.value.value_digest();
    auto const [known, is_new] = chosen_.emplace(d.at, value);
    if (!is_new && known->second != value)
        violations_.push_back("agreement broken in slot " + to_string(d.at));
    for (bytes_view command : d.value.commands()) {
        members_[index].applied.push_back(to_string(d.at) + ":" + std::string(command));
    }
    for (token request : d.requests)
        committed_[request.value] = d.at;
}

std::size_t group::index_of(replica_id replica) const {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (members_[i].self.replica == replica) return i;
    }
    ZOOID_CHECK(false, "messages go to members");
    return 0;
}

void group::enqueue(std::size_t from, std::vector<outgoing> const& out) {
    for (outgoing const& o : out) {
        bytes encoded;
        encode(o.content, encoded);
        messages_.push_back({from, index_of(o.to.replica), decode_message(encoded).value()});
    }
}

void group::propose_at(std::size_t index, std::string const& command) {
    step(index, propose{token{++tokens_}, shared_bytes(command)});
}

token group::read_at(std::size_t index) {
    step(index, read{token{++tokens_}});
    return token{tokens_};
}

configuration group::members_of(std::vector<std::size_t> const& indices) const {
    std::vector<member> chosen;
    for (std::size_t i : indices)
        chosen.push_back(members_[i].self);
    return configuration(chosen);
}

token group::change_at(std::size_t index, std::vector<std::size_t> const& to) {
    replica const& r = at(index);
    configuration_change change{r.configuration_base(), members_of(to), {}};
    for (member const& m : change.members.members()) {
        if (!r.newest_members().contains(m.replica)) change.newcomers.push_back({m.replica, 0, 1});
    }
    step(index, change_members{token{++tokens_}, change});
    return token{tokens_};
}

// What a server does for a replica id that it reserved: it asks for a state, and begins with it.
void group::teach_newcomer(group_message const& m) {
    group_member& newcomer = members_[m.to];
    auto const* taught = std::get_if<teach_snapshot>(&m.content);
    if (!taught) return enqueue(m.to, {{members_[m.from].self, fetch{slot{}}}});
    newcomer.reserved = false;
    newcomer.disk.checkpoint = taught->state;
    newcomer.running.emplace(
        replica::recover(newcomer.disk.first(), {newcomer.self, {newcomer.life}, m.to}, options_));
}

bool group::deliver_one(std::size_t queue_index) {
    if (queue_index >= messages_.size()) return false;
    group_message const m = std::move(messages_[queue_index]);
    messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(queue_index));
    if (m.from != m.to && !connected(m.from, m.to)) return true;
    if (members_[m.to].reserved) return teach_newcomer(m), true;
    step(m.to, received{members_[m.from].self.server, members_[m.from].self.replica, m.content});
    return true;
}

bool group::flush_one(std::size_t index) {
    group_member& m = members_[index];
    if (m.unflushed.empty()) return false;
    group_flush const flushed = std::move(m.unflushed.front());
    m.unflushed.pop_front();
    for (durable_record const& record : flushed.records)
        m.disk.write(record);
    enqueue(index, flushed.after);
    if (flushed.ticket) step(index, persisted{*flushed.ticket});
    return true;
}

void group::advance(duration by) {
    now_ += by;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (members_[i].running && members_[i].running->deadline() <= now_) step(i, woken{});
    }
}

void group::settle(duration horizon) {
    time_point const end = now_ + horizon;
    for (;;) {
        bool busy = deliver_one(0);
        for (std::size_t i = 0; i < members_.size(); ++i)
            busy = flush_one(i) || busy;
        if (busy) continue;
        time_point next = never;
        for (group_member const& m : members_) {
            if (m.running) next = std::min(next, m.running->deadline());
        }
        if (next > end) break;
        advance(std::max(next - now_, duration(1)));
    }
    now_ = end;
}

void group::crash(std::size_t index) {
    members_[index].running.reset();
    members_[index].unflushed.clear();
}

void group::suspect(std::size_t who, bool suspected) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (i == who || !members_[i].running) continue;
        peer_liveness& peer = members_[i].servers->at(members_[who].self.server);
        peer.suspected = suspected;
        peer.both_ways = !suspected;
        peer.life = {members_[who].life};
        step(i, liveness_changed{members_[who].self.server});
    }
}

void group::restart(std::size_t index) {
    group_member& m = members_[index];
    m.life += 1000;
    m.applied.clear();
    liveness servers(m.self.server, {m.life});
    for (group_member const& other : members_) {
        if (other.self == m.self) continue;
        peer_liveness& peer = servers.at(other.self.server);
        peer = *m.servers->find(other.self.server);
        peer.life = {other.life};
    }
    m.servers = servers;
    m.running.emplace(replica::recover(m.disk.read(), {m.self, {m.life}, m.life}, options_));
    suspect(index, false);
}

void group::cut(std::size_t a, std::size_t b, bool is_cut) {
    std::pair const link{std::min(a, b), std::max(a, b)};
    if (is_cut) {
        cuts_[link] = true;
    } else {
        cuts_.erase(link);
    }
    for (auto [from, to] : {std::pair(a, b), std::pair(b, a)}) {
        peer_liveness& peer = members_[from].servers->at(members_[to].self.server);
        peer.both_ways = !is_cut;
        peer.suspected = is_cut;
        if (members_[from].running) step(from, liveness_changed{members_[to].self.server});
    }
}

std::optional<std::size_t> group::leader() const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (!members_[i].running || members_[i].running->role() != role::leading) continue;
        if (!found || members_[*found].running->proposes_in() < members_[i].running->proposes_in()) found = i;
    }
    return found;
}

} // namespace zooid

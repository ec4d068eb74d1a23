#include "server/colony.hpp"

#include <zooid/base/check.hpp>
#include <zooid/cell/change.hpp>
#include <zooid/kv/sessions.hpp>

namespace zooid {

namespace {

journal_options small_segments() {
    journal_options o;
    o.block_bytes = 512;
    o.segment_bytes = 64 * 1024;
    return o;
}

} // namespace

struct colony::node : journal_listener {
    colony* owner = nullptr;
    std::size_t number = 0;                     ///< of the machine
    std::size_t serves = 0;                     ///< the server that it runs
    std::map<std::uint64_t, std::size_t> links; ///< to servers: the machines
    std::uint64_t lives = 0;
    std::uint64_t disks_lost = 0;
    journal_id disk() const { return {serves + 1000 * disks_lost, serves}; }
    disk_image image;
    std::unique_ptr<memory_journal> journal;
    std::unique_ptr<server> running;
    std::vector<server_event> events;
    std::uint16_t version_highest = cell_version_highest;
    bool hangs = false; ///< the journal flushes nothing
    bool dirty = false; ///< something arrived since the last turn

    void secured() override { running->on_secured(owner->now_), dirty = true; }
    void persisted(std::uint64_t n) override { running->on_persisted(owner->now_, n), dirty = true; }
    void failed(error const& e) override { running->on_journal_failed(owner->now_, e), dirty = true; }
    void stalled(error const&) override {}
    void damage_found(journal_damage const& d) override { running->on_damage(owner->now_, d), dirty = true; }
};

colony::colony(std::size_t servers, server_options options, machine_kind machines)
    : options_(options), machines_(std::move(machines)) {
    for (std::size_t n = 1; n <= servers; ++n) {
        auto added = std::make_unique<node>();
        added->owner = this;
        added->number = added->serves = n;
        added->image = format_journal(journal_id{n, n}, small_segments());
        nodes_[n] = std::move(added);
    }
    for (std::size_t n = 1; n <= servers; ++n)
        start(n);
    for (std::size_t a = 1; a <= servers; ++a) {
        for (std::size_t b = a + 1; b <= servers; ++b)
            ZOOID_CHECK(meet(a, b), "neighbours accept each other");
    }
    run_for(std::chrono::milliseconds(300));
}

colony::~colony() = default;

server& colony::at(std::size_t number) {
    return *nodes_.at(number)->running;
}
bool colony::is_up(std::size_t number) const {
    return nodes_.at(number)->running != nullptr;
}
std::vector<server_event> const& colony::events(std::size_t number) const {
    return nodes_.at(number)->events;
}
disk_image& colony::image(std::size_t number) {
    return nodes_.at(number)->image;
}

server_identity colony::identity(std::size_t number) const {
    std::uint64_t const life = number * 1000 + nodes_.at(number)->lives;
    return {colony_id{7, 7}, server_id{nodes_.at(number)->serves}, life_id{life}, life};
}

void colony::start(std::size_t number) {
    node& n = *nodes_.at(number);
    ++n.lives;
    journal_id const disk = n.disk();
    auto opened = memory_journal::open(disk, identity(number).life, small_segments(), n.image);
    ZOOID_CHECK(opened.has_value(), "a memory journal opens");
    n.journal = std::move(opened).value();
    machine_kind machines = machines_;
    machines.version_highest = n.version_highest;
    n.running = std::make_unique<server>(options_, identity(number), std::move(machines), *n.journal, disk,
                                         n.journal->recovered());
    std::vector<server_id> peers;
    for (auto const& [unused, other] : nodes_) {
        if (other->serves == other->number) peers.push_back({other->serves});
    }
    n.running->set_peers(peers);
    n.journal->start(n);
    n.dirty = true;
}

bool colony::are_connected(std::size_t a, std::size_t b) const {
    node const &here = *nodes_.at(a), &there = *nodes_.at(b);
    auto const out = here.links.find(there.serves), back = there.links.find(here.serves);
    return out != here.links.end() && out->second == b && back != there.links.end() && back->second == a;
}

void colony::part(std::size_t a, std::size_t b) {
    if (!are_connected(a, b)) return;
    for (auto const& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
        node& n = *nodes_.at(from);
        server_id const other{nodes_.at(to)->serves};
        n.links.erase(other.value);
        if (!n.running) continue;
        n.running->on_peer_down(now_, other);
        n.dirty = true;
    }
}

bool colony::meet(std::size_t a, std::size_t b) {
    node &one = *nodes_.at(a), &other = *nodes_.at(b);
    for (auto const& [here, there] : {std::pair(&one, &other), std::pair(&other, &one)}) {
        auto const before = here->links.find(there->serves);
        if (before != here->links.end()) part(here->number, before->second);
    }
    bytes const from_a = at(a).claims_for({other.serves});
    bytes const from_b = at(b).claims_for({one.serves});
    bool const up_a = at(a).on_peer_up(now_, {other.serves}, identity(b).life, from_b).has_value();
    bool const up_b = at(b).on_peer_up(now_, {one.serves}, identity(a).life, from_a).has_value();
    one.links[other.serves] = b;
    other.links[one.serves] = a;
    one.dirty = other.dirty = true;
    if (up_a && up_b) return true;
    part(a, b);
    return false;
}

bool colony::turn(std::size_t number) {
    node& n = *nodes_.at(number);
    if (!n.running || !std::exchange(n.dirty, false)) return false;
    server_output out;
    std::uint64_t const before = n.journal->statistics().appends;
    n.running->finish(now_, out);
    traffic_.appends += n.journal->statistics().appends - before;
    take(out, n);
    return true;
}

void colony::take(server_output& out, node& n) {
    for (auto& f : out.frames) {
        ++(f.on == channel::pulse ? traffic_.pulses : traffic_.cells);
        auto const link = n.links.find(f.to.value);
        if (link != n.links.end()) frames_.emplace_back(n.number, link->second, f.on, std::move(f.payload));
    }
    for (auto& r : out.replies) {
        kept_reply kept{std::move(r.payload), {}};
        kept_reply& stored = replies_[r.to.value] = std::move(kept);
        stored.content = decode_reply(stored.encoded).value();
    }
    for (auto& e : out.events)
        n.events.push_back(std::move(e));
    for (durable_fact const& f : out.facts) {
        if (f.what != durable_fact::kind::chosen) continue;
        auto const [known, fresh] = chosen_.try_emplace({f.cell, f.at}, f.value_digest);
        if (!fresh && known->second != f.value_digest) ++chosen_twice_;
    }
}

std::size_t colony::leader(cell_id cell) const {
    for (auto const& [number, n] : nodes_) {
        auto const* here = n->running ? n->running->find_replica(cell) : nullptr;
        if (here && here->role() == role::leading) return number;
    }
    return 0;
}

void colony::settle() {
    for (bool moved = true; moved;) {
        moved = false;
        for (auto& [number, n] : nodes_) {
            moved = turn(number) || moved;
            if (n->journal && !n->hangs) n->journal->flush();
        }
        while (!frames_.empty()) {
            auto [from, to, on, payload] = std::move(frames_.front());
            frames_.pop_front();
            if (!is_up(to) || !is_up(from) || !are_connected(from, to)) continue;
            if (tamper_) tamper_(from, to, on, payload);
            at(to).on_frame(now_, {nodes_.at(from)->serves}, on, payload);
            nodes_.at(to)->dirty = moved = true;
        }
    }
}

void colony::run_for(duration span) {
    for (time_point const end = now_ + span; now_ < end;) {
        now_ += std::chrono::milliseconds(20);
        for (auto& [number, n] : nodes_) {
            if (n->running && n->running->deadline() <= now_) n->running->wake(now_), n->dirty = true;
        }
        settle();
    }
}

void colony::kill(std::size_t number) {
    node& n = *nodes_.at(number);
    n.image = n.journal->disk().flushed();
    n.hangs = false;
    n.running.reset();
    n.journal.reset();
    for (auto const& [server, machine] : std::map(n.links))
        part(number, machine);
}

void colony::hang_journal(std::size_t number) {
    nodes_.at(number)->hangs = true;
}

void colony::flush_journal(std::size_t number) {
    nodes_.at(number)->hangs = false;
    nodes_.at(number)->journal->flush();
}

void colony::set_software(std::size_t number, std::uint16_t version_highest) {
    nodes_.at(number)->version_highest = version_highest;
}

void colony::damage(std::size_t number, journal_damage const& found) {
    nodes_.at(number)->damage_found(found);
    settle();
}

std::size_t colony::rot(std::size_t number, bytes_view where) {
    node& n = *nodes_.at(number);
    std::size_t const places = n.journal->disk().rot(where);
    n.journal->scrub(64 * 1024 * 1024);
    n.dirty = true;
    settle();
    return places;
}

void colony::start_alone(std::size_t number) {
    start(number);
    settle();
}

std::size_t colony::start_copy(std::size_t number) {
    node const& original = *nodes_.at(number);
    std::size_t const machine = nodes_.rbegin()->first + 1;
    auto added = std::make_unique<node>();
    added->owner = this;
    added->number = machine;
    added->serves = original.serves;
    added->image = original.journal ? original.journal->disk().flushed() : original.image;
    nodes_[machine] = std::move(added);
    start_alone(machine);
    return machine;
}

void colony::restart(std::size_t number) {
    start_alone(number);
    for (auto const& [other, n] : nodes_) {
        if (other != number && n->running) ZOOID_CHECK(meet(number, other), "neighbours accept each other");
    }
    settle();
}

void colony::wipe(std::size_t number) {
    node& n = *nodes_.at(number);
    kill(number);
    ++n.disks_lost;
    n.image = format_journal(n.disk(), small_segments());
    restart(number);
}

std::optional<kept_reply> colony::ask(std::size_t number, operation op, cell_id cell, bytes_view payload,
                                      party_role as, slot min_slot) {
    request r;
    r.min_slot = min_slot;
    r.correlation = {++correlations_};
    r.op = op;
    r.cell = cell;
    r.payload = payload;
    r.remaining_ms = 5000;
    bytes encoded;
    encode(r, encoded);
    link_id const link{correlations_};
    at(number).on_request(now_, {link, as}, encoded);
    nodes_.at(number)->dirty = true;
    settle();
    for (int waited = 0; waited < 100 && !replies_.count(link.value); ++waited) {
        run_for(std::chrono::milliseconds(20));
    }
    auto const found = replies_.find(link.value);
    return found == replies_.end() ? std::nullopt : std::optional(found->second);
}

snapshot colony::found(cell_id cell, bytes const& key, std::size_t size) {
    std::vector<member> members;
    for (std::size_t n = 1; n <= size; ++n) {
        auto const reserved = ask(n, operation::reserve, {}, encode(reserve_request{cell, {1}}));
        members.push_back(decode_member(reserved.value().content.payload).value());
    }
    snapshot const founding{cell, key, {1}, 1, 3, {}, {{slot{1}, configuration(members)}}, {}, {}};
    for (std::size_t n = 1; n <= size; ++n)
        (void)ask(n, operation::found, {}, encode(founding));
    return founding;
}

namespace {

bytes envelope_of(std::uint64_t sequence, kv::transaction const& t) {
    bytes out;
    encode(kv::request{{9}, {sequence}, {}, {}, encode(t)}, out);
    return out;
}

result<kv::outcome> outcome_in(kept_reply const& answered) {
    if (answered.content.failure) return *answered.content.failure;
    ZOOID_TRY(auto session, kv::decode_request_reply(answered.content.payload));
    return kv::decode_outcome(session.body);
}

} // namespace

result<kv::outcome> colony::commit_at(std::size_t number, cell_id cell, kv::transaction const& t) {
    auto const answered = ask(number, operation::commit, cell, envelope_of(++sequences_, t));
    if (!answered) return errc::unreachable;
    return outcome_in(*answered);
}

result<kv::outcome> colony::commit(cell_id cell, kv::transaction const& t) {
    bytes const envelope = envelope_of(++sequences_, t);
    std::size_t to = 1;
    error last = errc::unreachable;
    for (int attempt = 0; attempt < 50; ++attempt) {
        while (!is_up(to))
            to = to % nodes_.size() + 1;
        auto const answered = ask(to, operation::commit, cell, envelope);
        if (answered && !answered->content.failure) return outcome_in(*answered);
        if (answered) last = *answered->content.failure;
        server_id const proposer = answered ? answered->content.proposer : server_id{};
        to = proposer && is_up(proposer.value) ? proposer.value : to % nodes_.size() + 1;
        run_for(std::chrono::milliseconds(100));
    }
    return last;
}

bool colony::replace_member(cell_id cell, std::size_t out, std::size_t in) {
    auto const reserved = ask(in, operation::reserve, cell, encode(reserve_request{cell, generation{1}}));
    if (!reserved || reserved->content.failure) return false;
    member const joins = decode_member(reserved->content.payload).value();
    if (!commit(cell, kv::transaction().add("n", 1))) return false; // somebody leads now
    replica const& leads = *at(leader(cell)).find_replica(cell);
    std::vector<member> members(leads.newest_members().members().begin(),
                                leads.newest_members().members().end());
    for (member& m : members) {
        if (m.server.value == out) m = joins;
    }
    configuration_change const change{
        leads.configuration_base(), configuration(members), {{joins.replica, 0, 1}}};
    (void)ask(leader(cell), operation::change_members, cell, encode(change));
    for (int i = 0; i < 100; ++i) {
        run_for(std::chrono::milliseconds(100));
        std::size_t const now = leader(cell);
        if (now == 0) continue;
        replica const& r = *at(now).find_replica(cell);
        if (r.newest_members() == change.members && !r.is_changing()) return true;
    }
    return false;
}

bytes colony::read_at(std::size_t number, operation how, cell_id cell, std::string const& key) {
    auto const answered = ask(number, how, cell, encode(kv::transaction().read(key)));
    if (!answered) return "no answer";
    if (answered->content.failure) return bytes(name_of(*answered->content.failure));
    auto const outcome = kv::decode_outcome(answered->content.payload);
    auto const* const done = outcome ? std::get_if<kv::committed>(&outcome.value()) : nullptr;
    auto const* const seen = done ? done->find(key) : nullptr;
    auto const* const text = seen && seen->content ? std::get_if<bytes>(&*seen->content) : nullptr;
    return text ? *text : bytes("nothing");
}

} // namespace zooid

#include "cell/scenario/stage.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <stdexcept>

namespace zooid::scenario {

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

/// A command "v2:x" is understood by software of version 2 on.
std::uint16_t version_of(bytes_view command) {
    return command.size() > 2 && command[0] == 'v' && command[2] == ':'
               ? static_cast<std::uint16_t>(command[1] - '0')
               : std::uint16_t{1};
}

template <class List>
std::size_t named(List const& list, std::string const& name) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (list[i].name == name) return i;
    }
    throw std::invalid_argument("nobody is called " + name);
}

constexpr int runaway = 100'000; // steps that a cell may take to fall silent

} // namespace

std::size_t stage::index_of(std::string const& name) const {
    return named(actors_, name);
}
std::size_t stage::host_of(std::string const& name) const {
    return named(hosts_, name);
}

void stage::add_server(std::string const& name) {
    std::uint64_t const n = hosts_.size() + 1;
    life_id const life{n * 1000 + 1};
    hosts_.push_back({name, {n}, 1, true, false, 1, 1, {}, {n, n}, liveness({n}, life), {}, {}});
    begin_liveness(n - 1);
    names_.add_server({n}, name);
    names_.add_life(life, 1);
    reserve(n - 1, name);
}

void stage::found(std::vector<std::string> const& who, std::vector<std::string> const& spares,
                  std::uint8_t alpha, std::uint16_t software) {
    std::vector<member> all;
    for (std::string const& name : who) {
        add_server(name);
        actors_.back().presence = presence::here;
        all.push_back(actors_.back().self);
    }
    for (std::string const& name : spares)
        add_server(name);
    for (scenario::host& h : hosts_)
        h.software = h.runs = software;
    snapshot founding;
    founding.cell = {1, 1};
    founding.key = "volume";
    founding.birth = {1};
    founding.alpha = alpha;
    founding.configurations = {{slot{1}, configuration(all)}};
    referee_.founded(founding.configurations.front().members, alpha);
    for (actor& a : actors_) {
        if (a.presence != presence::here) continue;
        a.disk.checkpoint = founding;
        life_id const life{a.self.server.value * 1000 + 1};
        a.running.emplace(replica::found(founding, {a.self, life, a.self.server.value, software}, options_));
        if (steps_) steps_->began(*a.running, founding);
    }
    pulse();
}

// ---- a step and its consequences

void stage::step(std::size_t who, event const& what) {
    actor& a = actors_[who];
    if (!a.running) return;
    replica const before = a.running->clone();
    effects out;
    a.running->step({local(a.host), hosts_[a.host].servers}, what, out);
    if (steps_) steps_->stepped(*a.running, what, out);
    for (std::string& found : violations(*a.running))
        findings_.push_back(a.name + ": " + found);
    for (std::string& found : violations(before, *a.running))
        findings_.push_back(a.name + ": " + found);
    if (before.sealed_for()) judge_sealed(a.name, out);
    tell(who, {local(a.host), before, what, out, *a.running});
    carry_out(who, out);
}

void stage::tell(std::size_t who, moment const& m) {
    for (line& l : narrate(m, names_)) {
        if (brief_ == 0 || l.essential) say(actors_[who].name + " " + l.text);
    }
    if (brief_ > 0) return;
    tell_sent(who, m.out.now, "");
    tell_sent(who, m.out.after_durable, " when durable");
}

// One line for one content, however many it goes to.
void stage::tell_sent(std::size_t who, std::vector<outgoing> const& sent, std::string const& when) {
    std::vector<std::pair<std::string, std::string>> lines;
    for (outgoing const& o : sent) {
        std::string const text = names_.of(o.content);
        auto const same = [&](auto const& l) { return l.second == text; };
        auto at = std::find_if(lines.begin(), lines.end(), same);
        if (at == lines.end()) at = lines.insert(lines.end(), {"", text});
        at->first += " " + (o.to.replica ? names_.of(o.to.replica) : "server-" + names_.of(o.to.server));
    }
    for (auto const& [to, text] : lines)
        say("    " + actors_[who].name + " >" + to + when + ": " + text);
}

void stage::carry_out(std::size_t who, effects const& out) {
    actor& a = actors_[who];
    enqueue(who, out.now);
    if (!out.persist.empty() || !out.after_durable.empty() || out.tell_when_durable)
        a.unflushed.push_back({out.persist, out.after_durable, out.tell_when_durable});
    end(out);
    apply(who, out);
    if (!out.want_snapshot) return;
    bytes const state = joined(a.applied);
    step(who, snapshot_taken{a.running->applied_slot(), shared_bytes(state), hash128(state)});
}

void stage::apply(std::size_t who, effects const& out) {
    actor& a = actors_[who];
    std::optional<applied> done;
    if (out.restore) {
        a.applied = split(out.restore->state.state.view());
        done = applied{out.restore->state.at, hash128(joined(a.applied))};
    }
    for (delivery const& d : out.deliver) {
        referee_.delivered(a.self, d.at, d.value);
        if (!apply_one(who, d)) {
            step(who, apply_failed{d.at, "a command above version " + std::to_string(hosts_[a.host].runs)});
            return;
        }
        done = applied{d.at, hash128(joined(a.applied))};
        if (is_audited(d.at)) step(who, *std::exchange(done, std::nullopt));
        for (token request : d.requests) {
            outcomes_[names_.of(request)] = "committed in slot " + to_string(d.at);
            referee_.acknowledged(d.at);
        }
    }
    if (done) step(who, *done);
}

bool stage::apply_one(std::size_t who, delivery const& d) {
    actor& a = actors_[who];
    for (bytes_view command : d.value.commands()) {
        if (version_of(command) > hosts_[a.host].runs) return false;
    }
    for (bytes_view command : d.value.commands())
        a.applied.push_back(to_string(d.at) + ":" + std::string(command));
    return true;
}

void stage::end(effects const& out) {
    for (ended const& e : out.ended_requests)
        outcomes_[names_.of(e.request)] = std::string(name_of(e.why));
    for (change_chosen const& c : out.changed)
        outcomes_[names_.of(c.request)] = "chosen in slot " + to_string(c.at);
    for (read_ready const& r : out.reads) {
        outcomes_[names_.of(r.request)] = "answered at slot " + to_string(r.at);
        referee_.read_answered(r.request, r.at);
    }
}

void stage::enqueue(std::size_t from, std::vector<outgoing> const& out) {
    for (outgoing const& o : out) {
        bytes encoded;
        encode(o.content, encoded);
        std::string const to = o.to.replica ? names_.of(o.to.replica) : names_.of(o.to.server);
        if (auto const* first = std::get_if<prepare>(&o.content))
            referee_.drawn(actors_[from].self, first->in);
        flying_.push_back({from, index_of(to), decode_message(encoded).value(), false, !o.to.replica});
    }
}

token stage::name_request(std::string const& name) {
    token const request{++tokens_};
    names_.add_request(request, name);
    outcomes_[name] = "pending";
    return request;
}

// As a server does, the proposer's lets in what the cell's version has [V4].
void stage::propose_at(std::size_t who, std::string const& command) {
    replica const* const here = actors_[who].running ? &*actors_[who].running : nullptr;
    if (here && version_of(command) > here->cell_version()) {
        (void)name_request(command);
        outcomes_[command] = "unsupported_version";
        return say(actors_[who].name + " does not let " + command + " in: the cell has version " +
                   std::to_string(here->cell_version()) + " [V4]");
    }
    smuggle_at(who, command);
}

void stage::smuggle_at(std::size_t who, std::string const& command) {
    step(who, propose{name_request(command), shared_bytes(command)});
}

void stage::finalise_at(std::size_t who, std::string const& request, std::uint16_t to,
                        std::optional<slot> base) {
    if (!actors_[who].running) throw std::invalid_argument(actors_[who].name + " is down");
    slot const newest = actors_[who].running->configuration_base();
    step(who, raise_version{name_request(request), {base.value_or(newest), to}});
}

void stage::read_at(std::size_t who, std::string const& name, read_mode how) {
    token const request = name_request(name);
    referee_.read_arrived(request);
    step(who, read{request, how});
}

// ---- messages

bool stage::matches(flying const& f, filter const& which) const {
    auto const* const request = std::get_if<accept>(&f.content);
    return (which.from.empty() || actors_[f.from].name == which.from) &&
           (which.to.empty() || actors_[f.to].name == which.to) &&
           (which.kind.empty() || name_of(f.content) == which.kind) &&
           (!which.at || (request && request->at == *which.at));
}

bool stage::reaches(std::size_t from_host, std::size_t to_host) const {
    if (from_host == to_host) return true;
    return !hosts_[from_host].given_up && !hosts_[to_host].given_up && cuts_.count({from_host, to_host}) == 0;
}

void stage::deliver_at(std::size_t index) {
    flying const f = std::move(flying_[index]);
    flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(index));
    actor& to = actors_[f.to];
    bool const arrives = hosts_[to.host].up && reaches(actors_[f.from].host, to.host);
    if (arrives && to.presence == presence::reserved) return begin(f.to, f.from, f.content);
    if (arrives && (f.unnamed || to.presence == presence::gone) && let_go_of_absent(f)) return;
    if (!to.running || !arrives) {
        if (brief_ == 0) say(actors_[f.from].name + " > " + to.name + " is lost: " + names_.of(f.content));
        return;
    }
    step(f.to, received{actors_[f.from].self.server, actors_[f.from].self.replica, f.content});
}

// What a server says for a replica that is not there (G8).
bool stage::let_go_of_absent(flying const& f) {
    auto const* const waits = std::get_if<keeps_waiting>(&f.content);
    if (!waits) return false;
    scenario::host const& h = hosts_[actors_[f.to].host];
    bool const led_here = std::any_of(actors_.begin(), actors_.end(), [&](actor const& a) {
        return a.self.server == h.id && a.running && a.running->proposes_in() == waits->in;
    });
    if (waits->in != ballot{waits->in.round, h.id, {h.id.value * 1000 + h.life}} || led_here) return true;
    say("the server of " + actors_[f.to].name + " answers for it: nobody there proposes in " +
        names_.of(waits->in) + " [G8]");
    enqueue(f.to, {{actors_[f.from].self, resigned{waits->in, waits->candidate}}});
    return true;
}

// Those in flight when the verb began, in their order.
std::size_t stage::deliver(filter const& which, std::size_t count) {
    std::size_t done = 0;
    std::size_t begun = flying_.size();
    for (std::size_t i = 0; i < begun && done < count;) {
        if (!matches(flying_[i], which)) {
            ++i;
            continue;
        }
        deliver_at(i);
        --begun, ++done;
    }
    return done;
}

std::size_t stage::drop(filter const& which, std::size_t count) {
    std::size_t done = 0;
    for (std::size_t i = 0; i < flying_.size() && done < count;) {
        if (!matches(flying_[i], which)) {
            ++i;
            continue;
        }
        if (brief_ == 0)
            say(actors_[flying_[i].from].name + " > " + actors_[flying_[i].to].name +
                " is lost: " + names_.of(flying_[i].content));
        flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(i));
        ++done;
    }
    return done;
}

std::size_t stage::repeat(filter const& which) {
    std::vector<flying> copies;
    for (flying const& f : flying_) {
        if (matches(f, which)) copies.push_back(f);
    }
    flying_.insert(flying_.end(), copies.begin(), copies.end());
    return copies.size();
}

std::size_t stage::hold(filter const& which) {
    std::size_t done = 0;
    for (flying& f : flying_) {
        if (matches(f, which)) f.held = true, ++done;
    }
    return done;
}

void stage::resume() {
    for (flying& f : flying_)
        f.held = false;
}

// ---- disks, processes, time

std::size_t stage::flush(std::size_t who, std::size_t count) {
    std::size_t done = 0;
    while (done < count && !actors_[who].unflushed.empty() && !hosts_[actors_[who].host].hung) {
        actor& a = actors_[who];
        group_flush const flushed = std::move(a.unflushed.front());
        a.unflushed.pop_front();
        for (durable_record const& record : flushed.records) {
            a.disk.write(record);
            referee_.durable(a.self, record);
        }
        for (auto const& [at, value] : referee_.news())
            say("  slot " + to_string(at) + " is chosen: " + names_.of(value));
        ++hosts_[a.host].batches;
        enqueue(who, flushed.after);
        ++done;
        if (flushed.ticket) step(who, persisted{*flushed.ticket});
    }
    return done;
}

void stage::crash(std::size_t host) {
    hosts_[host].up = false;
    for (actor& a : actors_) {
        if (a.host != host) continue;
        if (!a.unflushed.empty())
            say(a.name + " loses the records of " + std::to_string(a.unflushed.size()) + " steps");
        a.running.reset();
        a.unflushed.clear();
    }
}

void stage::restart(std::size_t host) {
    scenario::host& h = hosts_[host];
    if (h.up) crash(host);
    h.up = true;
    h.runs = h.software;
    ++h.life;
    h.rounds_used = {};
    h.found = h.batches;
    life_id const life{h.id.value * 1000 + h.life};
    names_.add_life(life, h.life);
    h.servers = liveness(h.id, life);
    begin_liveness(host);
    if (lease_hold_ > duration::zero()) h.servers.hold_all_until(local(host) + lease_hold_); // G7
    for (scenario::host const& other : hosts_) {
        if (other.id != h.id) (void)h.servers.at(other.id);
    }
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        actor& a = actors_[i];
        if (a.host != host || a.presence != presence::here) continue;
        a.applied.clear();
        a.running.emplace(replica::recover(a.disk.read(), {a.self, life, life.value, h.runs}, options_));
        if (steps_) steps_->came_back(*a.running, a.disk.read());
        step(i, woken{});
    }
}

void stage::rot_value(std::size_t who, slot at) {
    auto const found = actors_[who].disk.acceptances.find(at);
    if (found == actors_[who].disk.acceptances.end())
        throw std::invalid_argument("there is no durable acceptance of slot " + to_string(at));
    found->second.value = entry();
}

void stage::corrupt(std::size_t who, std::string const& how) {
    actors_[who].applied.push_back("0:" + how);
    say(actors_[who].name + " has another state now");
}

void stage::wake(std::size_t who) {
    actor& a = actors_[who];
    if (!a.running || a.running->deadline() == never)
        throw std::invalid_argument(a.name + " has no deadline");
    now_ = std::max(now_, deadline_of(a));
    step(who, woken{});
}

void stage::jump(std::size_t host, duration by) {
    hosts_[host].clock_ahead += by;
}

time_point stage::deadline_of(actor const& a) const {
    time_point const local_deadline = a.running->deadline();
    return local_deadline == never ? never : local_deadline - hosts_[a.host].clock_ahead;
}

time_point stage::next_deadline() const {
    time_point next = never;
    for (actor const& a : actors_) {
        if (a.running) next = std::min(next, deadline_of(a));
    }
    return next;
}

void stage::wake_due() {
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i].running && deadline_of(actors_[i]) <= now_) step(i, woken{});
    }
}

void stage::advance(duration by) {
    time_point const end = now_ + by;
    while (next_deadline() <= end) {
        now_ = std::max(now_, next_deadline());
        wake_due();
    }
    now_ = end;
}

void stage::run() {
    for (int steps = 0; steps < runaway; ++steps) {
        auto const next =
            std::find_if(flying_.begin(), flying_.end(), [](flying const& f) { return !f.held; });
        bool busy = next != flying_.end();
        if (busy) deliver_at(static_cast<std::size_t>(next - flying_.begin()));
        for (std::size_t i = 0; i < actors_.size(); ++i)
            busy = flush(i, 1) != 0 || busy;
        if (!busy) return;
    }
    findings_.push_back("the cell does not fall silent");
}

void stage::settle(duration horizon) {
    time_point const end = now_ + horizon;
    be_brief(+1);
    for (int steps = 0; steps < runaway; ++steps) {
        run();
        if (next_deadline() > end) break;
        now_ = std::max(now_, next_deadline());
        wake_due();
    }
    now_ = end;
    be_brief(-1);
}

// ---- links and pulses

void stage::cut(std::size_t from, std::size_t to, int change) {
    if (change > 0) {
        cuts_[{from, to}] = 1;
    } else {
        cuts_.erase({from, to});
    }
}

void stage::hang(std::size_t host) {
    hosts_[host].hung = true;
}
void stage::mend(std::size_t host) {
    hosts_[host].hung = false;
}

void stage::heal_everything() {
    cuts_.clear();
    resume();
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        hosts_[i].hung = false;
        if (!hosts_[i].up) restart(i);
    }
}

// ---- leases

void stage::begin_liveness(std::size_t host) {
    scenario::host& h = hosts_[host];
    h.servers.set_leases(lease_hold_ > duration::zero() ? liveness::leased_reads::on
                                                        : liveness::leased_reads::off);
    h.pulsed_at.assign(pulses_ + 1, time_point::min());
}

// What everybody's next pulses say of grants.
std::vector<std::vector<grant_notice>> stage::notices() const {
    std::vector<std::vector<grant_notice>> told(hosts_.size());
    for (std::size_t from = 0; from < hosts_.size(); ++from) {
        for (host const& to : hosts_) {
            peer_liveness const* known = hosts_[from].servers.find(to.id);
            told[from].push_back(known ? known->given.notice() : grant_notice{});
        }
    }
    return told;
}

// `at` gets the pulse of `from`: what is granted to it, and a request to be granted as much.
void stage::exchange_grants(std::size_t at, std::size_t from, grant_notice const& told) {
    host& h = hosts_[at];
    peer_liveness& peer = h.servers.at(hosts_[from].id);
    life_id const life{h.id.value * 1000 + h.life};
    if (told.to == life && told.through)
        peer.taken.heard(told, lease_options{}.clock_ratio_max, h.pulsed_at[told.through], local(at));
    if (peer.both_ways && !peer.suspected) peer.given.prolong(peer.life, pulses_, lease_hold_, local(at));
}

// As the server room does: a server is suspected if it is silent or says that its journal hangs, and heard
// both ways if its pulses also show that it hears us. Who hears whom travels one pulse further.
void stage::pulse() {
    auto const hears = [&](std::size_t x, std::size_t y) { return hosts_[y].up && reaches(y, x); };
    auto const both = [&](std::size_t x, std::size_t y) {
        return hosts_[x].up && hears(x, y) && hears(y, x);
    };
    std::vector<std::pair<std::size_t, server_id>> changed;
    auto const told = notices();
    ++pulses_;
    for (std::size_t x = 0; x < hosts_.size(); ++x) {
        hosts_[x].pulsed_at.push_back(local(x));
        for (std::size_t y = 0; y < hosts_.size(); ++y) {
            if (x != y && both(x, y)) exchange_claims(x, y);
        }
    }
    for (std::size_t x = 0; x < hosts_.size(); ++x) {
        if (!hosts_[x].up) continue;
        for (std::size_t y = 0; y < hosts_.size(); ++y) {
            if (x == y) continue;
            peer_liveness& peer = hosts_[x].servers.at(hosts_[y].id);
            peer_liveness const was = peer;
            peer.both_ways = both(x, y);
            peer.suspected = !hears(x, y) || hosts_[y].hung;
            if (peer.both_ways && !hosts_[y].given_up)
                hosts_[x].servers.note_answer(hosts_[y].id, hosts_[y].journal);
            if (hears(x, y)) {
                if (peer.life != life_id{hosts_[y].id.value * 1000 + hosts_[y].life}) peer.taken = {};
                peer.life = {hosts_[y].id.value * 1000 + hosts_[y].life};
                peer.version_highest = hosts_[y].runs;
                peer.hears.clear();
                for (std::size_t z = 0; z < hosts_.size(); ++z) {
                    if (z == y || both(y, z)) peer.hears.push_back(hosts_[z].id);
                }
            }
            if (hears(x, y) && lease_hold_ > duration::zero()) exchange_grants(x, y, told[y][x]);
            if (was.both_ways != peer.both_ways || was.suspected != peer.suspected || was.life != peer.life)
                changed.emplace_back(x, hosts_[y].id);
        }
    }
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        for (auto const& [x, server] : changed) {
            if (actors_[i].host == x) step(i, liveness_changed{server});
        }
        bool const leads =
            actors_[i].running && actors_[i].running->proposer().server == actors_[i].self.server;
        if (hosts_[actors_[i].host].hung && leads) step(i, resign{});
    }
}

std::string stage::outcome(std::string const& request) const {
    auto const found = outcomes_.find(request);
    return found == outcomes_.end() ? "unknown request" : found->second;
}

std::vector<std::string> stage::findings() const {
    std::vector<std::string> all = findings_;
    all.insert(all.end(), referee_.findings().begin(), referee_.findings().end());
    return all;
}

} // namespace zooid::scenario

#include "sim/chaos.hpp"

#include <algorithm>

namespace zooid::sim {

std::string_view name_of(fault f) {
    switch (f) {
    case fault::kill: return "kill";
    case fault::polite_stop: return "polite_stop";
    case fault::power_cut: return "power_cut";
    case fault::power_cut_everywhere: return "power_cut_everywhere";
    case fault::pause: return "pause";
    case fault::isolate: return "isolate";
    case fault::partition: return "partition";
    case fault::one_way_cut: return "one_way_cut";
    case fault::ragged_cut: return "ragged_cut";
    case fault::flap_then_kill: return "flap_then_kill";
    case fault::packet_loss: return "packet_loss";
    case fault::duplicates_and_reordering: return "duplicates_and_reordering";
    case fault::changed_bytes: return "changed_bytes";
    case fault::broken_links: return "broken_links";
    case fault::slow_network: return "slow_network";
    case fault::clock_rate: return "clock_rate";
    case fault::slow_disk: return "slow_disk";
    case fault::hung_disk: return "hung_disk";
    case fault::full_disk: return "full_disk";
    case fault::failed_flush: return "failed_flush";
    case fault::misdirected_write: return "misdirected_write";
    case fault::rot: return "rot";
    case fault::rot_in_outage: return "rot_in_outage";
    case fault::wiped_disk: return "wiped_disk";
    case fault::old_image: return "old_image";
    case fault::replaced_member: return "replaced_member";
    case fault::upgraded: return "upgraded";
    case fault::rolled_back: return "rolled_back";
    case fault::finalised: return "finalised";
    case fault::flipped_state: return "flipped_state";
    case fault::count_: break;
    }
    return "unknown";
}

std::vector<std::string_view> profile_names() {
    return {"calm",  "lossy",        "partitions", "crashes",  "disks",
            "moves", "replacements", "leases",     "versions", "everything"};
}

bool is_profile(std::string_view name) {
    auto const names = profile_names();
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<fault> faults_of(std::string_view profile) {
    using enum fault;
    if (profile == "calm") return {};
    if (profile == "lossy")
        return {packet_loss, duplicates_and_reordering, changed_bytes, broken_links, slow_network};
    if (profile == "partitions")
        return {isolate, partition, one_way_cut, ragged_cut, pause, clock_rate, broken_links};
    if (profile == "crashes")
        return {kill, kill, power_cut, power_cut, power_cut_everywhere, pause, polite_stop, flap_then_kill};
    if (profile == "disks")
        return {power_cut,         kill, slow_disk,     hung_disk,  full_disk, failed_flush,
                misdirected_write, rot,  rot_in_outage, wiped_disk, old_image};
    if (profile == "moves") {
        std::vector<fault> kinds(5, replaced_member);
        kinds.insert(kinds.end(), {kill, power_cut, isolate, partition, one_way_cut, packet_loss, wiped_disk,
                                   rot, pause, duplicates_and_reordering});
        return kinds;
    }
    if (profile == "replacements") {
        std::vector<fault> kinds(6, replaced_member);
        kinds.insert(kinds.end(), {kill, power_cut, isolate, partition, one_way_cut, packet_loss, pause,
                                   duplicates_and_reordering});
        return kinds;
    }
    if (profile == "leases")
        return {isolate,
                partition,
                one_way_cut,
                ragged_cut,
                pause,
                pause,
                clock_rate,
                clock_rate,
                kill,
                power_cut,
                kill,
                polite_stop,
                flap_then_kill,
                broken_links,
                packet_loss,
                hung_disk,
                slow_network,
                replaced_member,
                replaced_member,
                duplicates_and_reordering};
    if (profile == "versions") {
        std::vector<fault> kinds(6, upgraded);
        kinds.insert(kinds.end(), {rolled_back, rolled_back, finalised, finalised, finalised, replaced_member,
                                   kill, power_cut, isolate, packet_loss});
        return kinds;
    }
    std::vector<fault> all;
    for (std::size_t f = 0; f < fault_count; ++f)
        all.push_back(static_cast<fault>(f));
    all.insert(all.end(),
               {kill, power_cut, isolate, partition, replaced_member}); // the common ones are common
    return all;
}

chaos::chaos(world& w, std::vector<fault> kinds, std::size_t servers, std::size_t cells, std::uint64_t seed)
    : world_(w), kinds_(std::move(kinds)), servers_(servers), cells_(cells), random_(seed),
      calm_(w.network()) {}

// ---- time

void chaos::reign(duration span, std::size_t count) {
    duration const begin = world_.now();
    std::vector<duration> moments;
    for (std::size_t i = 0; i < count && !kinds_.empty(); ++i) {
        auto const width = static_cast<std::uint64_t>(span.count());
        moments.push_back(begin + duration(static_cast<std::int64_t>(random_.below(width))));
    }
    std::sort(moments.begin(), moments.end());
    for (duration const moment : moments) {
        run_to(moment);
        if (!world_.failures().empty()) return;
        for (int attempt = 0; attempt < 10; ++attempt) {
            if (inject(kinds_[random_.below(kinds_.size())])) break;
        }
    }
    run_to(begin + span);
}

void chaos::run_to(duration when) {
    while (!ends_.empty() && ends_.begin()->first <= when && world_.failures().empty()) {
        auto const next = ends_.begin();
        world_.run_for(std::max(duration(), next->first - world_.now()));
        auto const end = next->second;
        ends_.erase(next);
        end();
    }
    if (when > world_.now()) world_.run_for(when - world_.now());
}

void chaos::at_end(duration after, std::function<void()> end) {
    ends_.emplace(world_.now() + after, std::move(end));
}

// ---- draws

duration chaos::draw_span(std::uint64_t low_ms, std::uint64_t high_ms) {
    return std::chrono::milliseconds(random_.between(low_ms, high_ms));
}

server_id chaos::draw_server() {
    return server_id{1 + random_.below(servers_)};
}

// Who leads is hit most often: that is where the interesting things are.
server_id chaos::draw_victim() {
    bool const leader = random_.chance(1, 2);
    std::size_t const cell = random_.below(cells_);
    server_id const leads = world_.leader(cell);
    server_id const any = draw_server();
    return leader && leads ? leads : any;
}

// What destroys durable data may befall a minority of each cell only.
bool chaos::may_harm(server_id server) const {
    return spares_majorities([&](server_id m) { return m == server || world_.is_harmed(m); });
}

bool chaos::spares_majorities(std::function<bool(server_id)> const& is_gone) const {
    for (std::size_t c = 0; c < cells_; ++c) {
        for (std::vector<server_id> const& members : world_.possible_members(c)) {
            auto const gone = std::count_if(members.begin(), members.end(), is_gone);
            if (static_cast<std::size_t>(gone) > (members.size() - 1) / 2) return false;
        }
    }
    return true;
}

std::vector<server_id> chaos::draw_expendable() {
    std::vector<server_id> out;
    for (std::uint64_t s = 1; s <= servers_; ++s) {
        if (!random_.chance(1, 3)) continue;
        out.push_back(server_id{s});
        bool const spared = spares_majorities([&](server_id m) {
            return world_.is_harmed(m) || std::find(out.begin(), out.end(), m) != out.end();
        });
        if (!spared) out.pop_back();
    }
    return out;
}

// ---- faults

namespace {

bool harms(fault f) {
    return f == fault::misdirected_write || f == fault::rot || f == fault::rot_in_outage ||
           f == fault::wiped_disk || f == fault::flipped_state;
}

} // namespace

bool chaos::inject(fault f) {
    server_id const victim = draw_victim();
    if (harms(f) && !may_harm(victim)) return false;
    if (f == fault::old_image) return restore_old_image();
    if (f == fault::finalised && !finalise()) return false;
    if (f == fault::flipped_state && !world_.flip_state(victim, random_.below(cells_))) return false;
    // Below the version of a cell its replica stops: an operator's mistake that a minority survives.
    if (f == fault::rolled_back && world_.was_finalised() && !may_harm(victim)) return false;
    ++injected_[static_cast<std::size_t>(f)];
    world_.note("CHAOS: " + std::string(name_of(f)));
    befall(f, victim);
    return true;
}

void chaos::befall(fault f, server_id victim) {
    switch (f) {
    case fault::kill: return end_and_return(victim, demise::kill);
    case fault::power_cut: return end_and_return(victim, demise::power_cut);
    case fault::power_cut_everywhere: return cut_power_everywhere();
    case fault::polite_stop: return stop_and_return(victim);
    case fault::pause: return world_.pause(victim, draw_span(50, 4000));
    case fault::isolate: return cut_off(victim, true, true);
    case fault::one_way_cut: {
        bool const outwards = random_.chance(1, 2);
        return cut_off(victim, outwards, !outwards);
    }
    case fault::ragged_cut: return cut_raggedly();
    case fault::flap_then_kill: return flap_then_kill(victim);
    case fault::partition: {
        std::vector<server_id> side;
        for (std::uint64_t s = 1; s <= servers_; ++s) {
            if (random_.chance(1, 2)) side.push_back(server_id{s});
        }
        return split(side);
    }
    case fault::packet_loss:
    case fault::duplicates_and_reordering:
    case fault::changed_bytes:
    case fault::slow_network: return change_network(f);
    case fault::broken_links:
        for (std::uint64_t s = 1; s <= servers_; ++s) {
            if (server_id{s} != victim && random_.chance(2, 3)) world_.break_link(victim, server_id{s});
        }
        return;
    case fault::clock_rate: {
        std::uint64_t const rate = random_.between(512, 2048);
        return world_.set_clock_rate(victim, static_cast<std::uint32_t>(rate));
    }
    case fault::replaced_member: return void(world_.replace_member(random_.below(cells_)));
    case fault::upgraded: return change_software(victim, newer_software);
    case fault::rolled_back: return change_software(victim, older_software);
    case fault::finalised:
    case fault::flipped_state: return;
    default: return harms(f) ? harm_disk(f, victim) : trouble_disk(f, victim);
    }
}

void chaos::end_and_return(server_id server, demise how) {
    how == demise::power_cut ? world_.cut_power(server) : world_.kill(server);
    duration const away = random_.chance(1, 3) ? draw_span(1, 100) : draw_span(100, 8000);
    at_end(away, [this, server] { world_.start(server); });
}

void chaos::change_software(server_id server, std::uint16_t to) {
    world_.kill(server);
    world_.set_software(server, to);
    at_end(draw_span(1, 2000), [this, server] { world_.start(server); });
}

// Not while a server is away: with what it comes back is not known yet to whoever is asked.
bool chaos::finalise() {
    for (std::uint64_t s = 1; s <= servers_; ++s) {
        if (!world_.is_running(server_id{s})) return false;
    }
    return world_.finalise(random_.below(cells_), newer_software);
}

void chaos::cut_power_everywhere() {
    for (std::uint64_t s = 1; s <= servers_; ++s)
        end_and_return(server_id{s}, demise::power_cut);
}

void chaos::stop_and_return(server_id server) {
    world_.stop(server);
    at_end(draw_span(0, 300), [this, server] { end_and_return(server, demise::kill); });
}

// A slot whose requests were all lost, the next one heard, and nobody left to repeat the first: a hole.
void chaos::flap_then_kill(server_id server) {
    for (std::uint64_t s = 1; s <= servers_; ++s)
        if (server_id{s} != server) world_.cut(server, server_id{s});
    at_end(draw_span(2, 60), [this, server] {
        for (std::uint64_t s = 1; s <= servers_; ++s)
            if (server_id{s} != server) world_.heal(server, server_id{s});
        at_end(draw_span(2, 60), [this, server] { end_and_return(server, demise::kill); });
    });
}

void chaos::cut_raggedly() {
    std::vector<std::pair<server_id, server_id>> cuts;
    for (std::uint64_t a = 1; a <= servers_; ++a) {
        for (std::uint64_t b = 1; b <= servers_; ++b) {
            if (a == b || !random_.chance(1, 4)) continue;
            cuts.emplace_back(server_id{a}, server_id{b});
            world_.cut(server_id{a}, server_id{b});
        }
    }
    at_end(draw_span(200, 8000), [this, cuts] {
        for (auto const& [a, b] : cuts)
            world_.heal(a, b);
    });
}

void chaos::split(std::vector<server_id> const& side) {
    bool const breaks = random_.chance(1, 2);
    std::vector<std::pair<server_id, server_id>> cuts;
    for (server_id a : side) {
        for (std::uint64_t s = 1; s <= servers_; ++s) {
            server_id const b{s};
            if (std::find(side.begin(), side.end(), b) != side.end()) continue;
            world_.cut(a, b), world_.cut(b, a);
            cuts.emplace_back(a, b);
            if (breaks) world_.break_link(a, b);
        }
    }
    at_end(draw_span(200, 8000), [this, cuts] {
        for (auto const& [a, b] : cuts)
            world_.heal(a, b), world_.heal(b, a);
    });
}

void chaos::cut_off(server_id server, bool from, bool to) {
    bool const breaks = random_.chance(1, 3);
    for (std::uint64_t s = 1; s <= servers_; ++s) {
        if (server_id{s} == server) continue;
        if (from) world_.cut(server, server_id{s});
        if (to) world_.cut(server_id{s}, server);
        if (breaks) world_.break_link(server, server_id{s});
    }
    at_end(draw_span(200, 8000), [this, server] {
        for (std::uint64_t s = 1; s <= servers_; ++s) {
            if (server_id{s} == server) continue;
            world_.heal(server, server_id{s}), world_.heal(server_id{s}, server);
        }
    });
}

void chaos::change_network(fault f) {
    network_options& n = world_.network();
    auto const ppm = static_cast<std::uint32_t>(random_.between(1000, 300'000));
    switch (f) {
    case fault::packet_loss: n.loss_ppm = ppm; break;
    case fault::changed_bytes: n.change_ppm = ppm / 20; break;
    case fault::slow_network: n.delay_max = draw_span(5, 200); break;
    default: n.duplicate_ppm = ppm, n.reorder_ppm = ppm; break;
    }
    at_end(draw_span(500, 8000), [this, f] {
        network_options& now = world_.network();
        switch (f) {
        case fault::packet_loss: now.loss_ppm = calm_.loss_ppm; break;
        case fault::changed_bytes: now.change_ppm = 0; break;
        case fault::slow_network: now.delay_max = calm_.delay_max; break;
        default: now.duplicate_ppm = now.reorder_ppm = 0; break;
        }
    });
}

// Nothing durable is lost by these.
void chaos::trouble_disk(fault f, server_id server) {
    duration const span = draw_span(100, 6000);
    switch (f) {
    case fault::slow_disk:
        world_.slow_disk(server, static_cast<std::uint32_t>(random_.between(5, 200)));
        return at_end(span, [this, server] { world_.slow_disk(server, 1); });
    case fault::hung_disk:
        world_.hang_disk(server, true);
        return at_end(span, [this, server] { world_.hang_disk(server, false); });
    case fault::full_disk:
        world_.fill_disk(server, true);
        return at_end(span, [this, server] { world_.fill_disk(server, false); });
    default: {
        world_.fail_next_flush(server);
        demise const how = random_.chance(1, 3) ? demise::power_cut : demise::kill;
        return at_end(span, [this, server, how] { end_and_return(server, how); });
    }
    }
}

void chaos::harm_disk(fault f, server_id server) {
    duration const span = draw_span(100, 6000);
    std::uint64_t const flips = random_.chance(1, 2) ? 1 : random_.between(2, 40);
    switch (f) {
    case fault::misdirected_write: world_.misdirect_next_write(server); break;
    case fault::wiped_disk:
        world_.wipe(server);
        return at_end(span, [this, server] { end_and_return(server, demise::kill); });
    case fault::rot_in_outage:
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(flips, 3); ++i)
            world_.rot_recent(server);
        return cut_power_everywhere();
    default:
        for (std::uint64_t i = 0; i < flips; ++i)
            world_.rot(server);
    }
    if (random_.chance(1, 2)) return; // found by scrubbing, or never
    at_end(span, [this, server] { end_and_return(server, demise::kill); });
}

// An image is kept for a while before it comes back, so that the peers have durably heard of later batches.
bool chaos::restore_old_image() {
    server_id const server = draw_server();
    if (!may_harm(server) || backups_.count(server) > 0 || !world_.is_running(server)) return false;
    backups_[server] = world_.now();
    world_.keep_backup(server);
    world_.note("CHAOS: an image of server " + to_string(server) + " is kept");
    at_end(std::chrono::seconds(14), [this, server] {
        if (!may_harm(server)) return;
        ++injected_[static_cast<std::size_t>(fault::old_image)];
        world_.note("CHAOS: " + std::string(name_of(fault::old_image)));
        world_.restore_backup(server);
        at_end(draw_span(10, 2000), [this, server] { world_.start(server); });
    });
    return true;
}

// ---- healing

void chaos::heal(std::vector<server_id> const& left_out) {
    ends_.clear();
    world_.note("CHAOS: healing all but " + std::to_string(left_out.size()) + " servers");
    world_.network() = calm_;
    for (std::uint64_t s = 1; s <= servers_; ++s) {
        server_id const server{s};
        bool const out = std::find(left_out.begin(), left_out.end(), server) != left_out.end();
        for (std::uint64_t t = 1; t <= servers_; ++t) {
            if (s == t) continue;
            bool const peer_out = std::find(left_out.begin(), left_out.end(), server_id{t}) != left_out.end();
            out || peer_out ? world_.cut(server, server_id{t}) : world_.heal(server, server_id{t});
        }
        if (out) continue;
        world_.heal_disk(server);
        if (world_.was_finalised() && world_.software(server) < newer_software) {
            world_.kill(server);
            world_.set_software(server, newer_software);
        }
        if (world_.is_latched(server) || world_.is_stopping(server)) world_.kill(server);
        world_.start(server);
    }
}

} // namespace zooid::sim

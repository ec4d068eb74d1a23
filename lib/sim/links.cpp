// The network between servers: handshakes, frames on their way, and what becomes of them.
//
// A link is a pair of ends that go up and down each at its own moment. Frames carry the epoch of the link:
// what arrives at an end that is down, or up in another epoch, is lost without notice, as the transport says.
#include "sim/engine.hpp"

#include "server/wire.hpp"

#include <algorithm>

namespace zooid::sim {

link& world::engine::link_of(std::size_t a, std::size_t b) {
    return links_[std::min(a, b) * machines_.size() + std::max(a, b)];
}

duration world::engine::draw_delay() {
    network_options const& n = options_.network;
    auto const width = static_cast<std::uint64_t>((n.delay_max - n.delay_min).count());
    return n.delay_min + duration(static_cast<std::int64_t>(random_.below(width + 1)));
}

world_time world::engine::arrival(duration after) {
    world_time const exact = now_ + after.count();
    world_time const quantum = options_.turn_quantum.count();
    return quantum == 0 ? exact : (exact / quantum + 1) * quantum;
}

// ---- handshakes

void world::engine::try_link(std::size_t a, std::size_t b, duration after) {
    link& l = link_of(a, b);
    if (l.try_pending || l.now != link::phase::down) return;
    l.try_pending = true;
    queue_.push({.at = now_ + after.count(),
                 .what = occurrence::link_try,
                 .target = static_cast<std::uint16_t>(a),
                 .other = static_cast<std::uint16_t>(b)});
}

void world::engine::on_link_try(scheduled const& e) {
    link& l = link_of(e.target, e.other);
    l.try_pending = false;
    machine& a = machines_[e.target];
    machine& b = machines_[e.other];
    if (!a.running || !b.running || l.now != link::phase::down) return; // who starts tries again
    auto const wait = std::chrono::milliseconds(20 + random_.below(200));
    bool const passes = !is_cut(e.target, e.other) && !is_cut(e.other, e.target) && b.paused_until <= now_ &&
                        !random_.chance(options_.network.loss_ppm, 1'000'000);
    if (!passes) return try_link(e.target, e.other, wait);
    l.now = link::phase::up;
    l.epoch = ++link_epochs_;
    l.closed[0] = l.closed[1] = false;
    bytes const claims[2] = {a.running->host.claims_for(b.id), b.running->host.claims_for(a.id)};
    for (int side = 0; side < 2; ++side) {
        duration const after = draw_delay() * 2;
        queue_.push({.at = now_ + after.count(),
                     .what = occurrence::link_up,
                     .target = side == 0 ? e.target : e.other,
                     .other = side == 0 ? e.other : e.target,
                     .epoch = l.epoch,
                     .item = payloads_.put(claims[1 - side])});
    }
}

void world::engine::on_link_up(scheduled const& e) {
    bytes const claims = payloads_.take(e.item);
    link const& l = link_of(e.target, e.other);
    machine& self = machines_[e.target];
    machine const& peer = machines_[e.other];
    if (l.now != link::phase::up || l.epoch != e.epoch || !self.running || !peer.running) return;
    auto const welcome =
        self.running->host.on_peer_up(self.clock.read(now_), peer.id, peer.running->life, claims);
    if (welcome) {
        end_of(e.target, e.other) = {true, e.epoch};
    } else {
        note("server " + to_string(self.id) + " refuses " + to_string(peer.id) + ": " +
             welcome.error().message());
        break_link(e.target, e.other);
    }
    end_turn(self);
}

void world::engine::break_link(std::size_t a, std::size_t b) {
    link& l = link_of(a, b);
    if (l.now != link::phase::up) return;
    l.now = link::phase::closing;
    ++statistics_.links_broken;
    std::size_t const ends[2] = {a, b};
    for (int side = 0; side < 2; ++side) {
        std::size_t const self = ends[side];
        if (!machines_[self].running) {
            note_closed(self, ends[1 - side]);
            continue;
        }
        std::uint64_t const late = random_.below(50'000'000);
        queue_.push({.at = now_ + static_cast<world_time>(late),
                     .what = occurrence::link_down,
                     .target = static_cast<std::uint16_t>(self),
                     .other = static_cast<std::uint16_t>(ends[1 - side]),
                     .epoch = l.epoch});
    }
}

void world::engine::on_link_down(scheduled const& e) {
    link const& l = link_of(e.target, e.other);
    if (l.now != link::phase::closing || l.epoch != e.epoch) return;
    machine& self = machines_[e.target];
    link_end& end = end_of(e.target, e.other);
    if (self.running && end.up && end.epoch == e.epoch) {
        end.up = false;
        self.running->host.on_peer_down(self.clock.read(now_), machines_[e.other].id);
        end_turn(self);
    }
    note_closed(e.target, e.other);
}

void world::engine::note_closed(std::size_t self, std::size_t peer) {
    link& l = link_of(self, peer);
    l.closed[self < peer ? 0 : 1] = true;
    if (!l.closed[0] || !l.closed[1]) return;
    l.now = link::phase::down;
    bool const both = machines_[self].running && machines_[peer].running;
    if (both) try_link(self, peer, std::chrono::milliseconds(5 + random_.below(100)));
}

// Its own ends are gone at once; the others find out.
void world::engine::forget_links(machine& m) {
    for (machine const& other : machines_) {
        if (other.id == m.id) continue;
        end_of(m.index, other.index).up = false;
        link& l = link_of(m.index, other.index);
        if (l.now == link::phase::up) break_link(m.index, other.index);
        if (l.now == link::phase::closing) note_closed(m.index, other.index);
    }
}

void world::engine::set_cut(server_id from, server_id to, bool is_cut_now) {
    cuts_[at(from).index * machines_.size() + at(to).index] = is_cut_now ? 1 : 0;
}

void world::engine::break_cut_links() {
    for (std::size_t a = 0; a < machines_.size(); ++a) {
        for (std::size_t b = a + 1; b < machines_.size(); ++b) {
            if (is_cut(a, b) || is_cut(b, a)) break_link(a, b);
        }
    }
}

// ---- frames

void world::engine::send_frame(machine& from, output_frame& f) {
    machine const& to = at(f.to);
    mix(hash64(f.payload, static_cast<std::uint64_t>(now_)) + from.id.value * 16 + f.to.value);
    link_end const& end = end_of(from.index, to.index);
    if (!end.up) return;
    if (traces()) trace_frame(from, f);
    ++statistics_.frames;
    network_options const& n = options_.network;
    bool const cut = is_cut(from.index, to.index);
    bool const lost = n.loss_ppm > 0 && random_.chance(n.loss_ppm, 1'000'000);
    if (cut || lost) return void(++statistics_.frames_lost);
    if (n.change_ppm > 0 && random_.chance(n.change_ppm, 1'000'000)) {
        ++statistics_.frames_changed;
        return break_link(from.index, to.index);
    }
    bool const cells = f.on == channel::cells;
    if (cells && n.duplicate_ppm > 0 && random_.chance(n.duplicate_ppm, 1'000'000)) {
        ++statistics_.frames_duplicated;
        duration const late = draw_delay() * 3;
        push_frame(from.index, to.index, f.on, f.payload, arrival(late));
    }
    duration const delay = draw_delay();
    if (cells && n.reorder_ppm > 0 && random_.chance(n.reorder_ppm, 1'000'000)) {
        ++statistics_.frames_reordered;
        auto const width = static_cast<std::uint64_t>(n.reorder_max.count());
        duration const late = delay + duration(static_cast<std::int64_t>(random_.below(width + 1)));
        return push_frame(from.index, to.index, f.on, std::move(f.payload), arrival(late));
    }
    world_time& last = last_arrival_[cells ? 0 : 1][from.index * machines_.size() + to.index];
    last = std::max(last, arrival(delay));
    push_frame(from.index, to.index, f.on, std::move(f.payload), last);
}

void world::engine::push_frame(std::size_t from, std::size_t to, channel on, bytes payload, world_time when) {
    queue_.push({.at = when,
                 .what = occurrence::frame,
                 .flavour = static_cast<std::uint8_t>(on),
                 .target = static_cast<std::uint16_t>(to),
                 .other = static_cast<std::uint16_t>(from),
                 .epoch = end_of(from, to).epoch,
                 .item = payloads_.put(std::move(payload))});
}

void world::engine::on_frame(scheduled const& e) {
    bytes const payload = payloads_.take(e.item);
    machine& m = machines_[e.target];
    link_end const& end = end_of(e.target, e.other);
    if (!m.running || !end.up || end.epoch != e.epoch) return;
    m.running->host.on_frame(m.clock.read(now_), machines_[e.other].id, static_cast<channel>(e.flavour),
                             payload);
    open_ = &m;
}

void world::engine::trace_frame(machine const& from, output_frame const& f) {
    if (f.on == channel::pulse) return;
    auto const all = decode_addressed(f.payload);
    if (!all) return;
    for (addressed const& a : all.value()) {
        auto const content = decode_message(a.content);
        std::string const what = content ? std::string(name_of(content.value())) : "not here";
        std::string detail;
        if (content) {
            if (auto const* m = std::get_if<accept>(&content.value()))
                detail = " slot " + to_string(m->at) + " in " + to_string(m->in);
            if (auto const* m = std::get_if<accepted>(&content.value()))
                detail = " slot " + to_string(m->at) + " in " + to_string(m->in);
            if (auto const* m = std::get_if<prepare>(&content.value()))
                detail = " from " + to_string(m->from) + " in " + to_string(m->in);
            if (auto const* m = std::get_if<promise>(&content.value()))
                detail = " prefix " + to_string(m->prefix) + " in " + to_string(m->in);
            if (auto const* m = std::get_if<slice>(&content.value()))
                detail = " from " + to_string(m->from) + ", " + std::to_string(m->values.size()) +
                         " entries, prefix " + to_string(m->prefix);
            if (auto const* m = std::get_if<fetch>(&content.value())) detail = " from " + to_string(m->from);
            if (auto const* m = std::get_if<zooid::commit>(&content.value()))
                detail = " through " + to_string(m->chosen);
        }
        note(to_string(from.id) + " -> " + to_string(f.to) + "  " + to_string(a.cell).substr(28) + " " +
             what + detail);
    }
}

// ---- clients

namespace {

constexpr std::uint16_t administrator = 0xFFFF;

} // namespace

void world::engine::send_request(std::uint16_t index, server_id to, bytes request) {
    machine const& m = at(to);
    std::uint16_t const home = callers_[index]->home();
    bool const cut = home != nowhere && home != m.index && is_cut(home, m.index);
    bool const lost = random_.chance(options_.network.loss_ppm, 1'000'000);
    mix(hash64(request, static_cast<std::uint64_t>(now_)));
    if (cut || lost) return;
    duration const delay = draw_delay();
    queue_.push({.at = arrival(delay),
                 .what = occurrence::request,
                 .target = m.index,
                 .other = index,
                 .epoch = m.epoch,
                 .item = payloads_.put(std::move(request))});
}

void world::engine::on_request(scheduled const& e) {
    bytes const request = payloads_.take(e.item);
    machine& m = machines_[e.target];
    if (!m.running || m.epoch != e.epoch) return;
    party_role const role = e.other == administrator ? party_role::admin : party_role::client;
    m.running->host.on_request(m.clock.read(now_), {link_id{e.other + 1ull}, role}, request);
    open_ = &m;
}

void world::engine::take_replies(machine& m) {
    for (output_reply& r : m.running->out.replies) {
        mix(hash64(r.payload, static_cast<std::uint64_t>(now_)) + m.id.value);
        auto const to = static_cast<std::uint16_t>(r.to.value - 1);
        bool const admin = to == administrator;
        std::uint16_t const home = admin ? nowhere : callers_[to]->home();
        bool const cut = home != nowhere && home != m.index && is_cut(m.index, home);
        bool const lost = !admin && random_.chance(options_.network.loss_ppm, 1'000'000);
        if (cut || lost) continue;
        duration const delay = draw_delay();
        queue_.push({.at = now_ + delay.count(),
                     .what = occurrence::reply,
                     .target = to,
                     .other = m.index,
                     .item = payloads_.put(std::move(r.payload))});
    }
}

void world::engine::on_reply(scheduled const& e) {
    bytes reply = payloads_.take(e.item);
    if (e.target == administrator) {
        administered_[correlation_of(reply).value] = std::move(reply);
    } else {
        callers_[e.target]->on_reply(machines_[e.other].id, reply);
    }
}

// An operator's request, repeated until it is answered.
bytes world::engine::administer(server_id to, operation op, bytes_view payload) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        if (auto answer = ask_operator_request(to, op, payload)) return *answer;
        run_for(std::chrono::milliseconds(20));
    }
    fail("an operator's " + std::string(name_of(op)) + " was never answered");
    return {};
}

std::optional<bytes> world::engine::ask_operator_request(server_id to, operation op, bytes_view payload) {
    correlation_id const correlation = send_operator_request(to, op, {}, payload);
    auto const answered = [&] { return administered_.count(correlation.value) > 0; };
    if (!run_until(answered, std::chrono::milliseconds(200))) return std::nullopt;
    auto const reply = decode_reply(administered_[correlation.value]);
    if (!reply || reply.value().failure) return std::nullopt;
    return bytes(reply.value().payload);
}

correlation_id world::engine::send_operator_request(server_id to, operation op, cell_id cell,
                                                    bytes_view payload) {
    request r;
    r.correlation = {++administrations_};
    r.op = op;
    r.cell = cell;
    r.payload = payload;
    bytes encoded;
    encode(r, encoded);
    queue_.push({.at = now_ + 100'000,
                 .what = occurrence::request,
                 .target = at(to).index,
                 .other = administrator,
                 .epoch = at(to).epoch,
                 .item = payloads_.put(std::move(encoded))});
    return r.correlation;
}

} // namespace zooid::sim

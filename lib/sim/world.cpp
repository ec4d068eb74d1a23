// The public face of a world.
#include "sim/engine.hpp"

#include <utility>

namespace zooid::sim {

world::world(world_options options) : engine_(std::make_unique<engine>(std::move(options))) {}
world::~world() = default;

cell_index world::found_cell(std::size_t replicas) {
    return engine_->found_cell(replicas);
}
void world::add_client(cell_index cell, client_options const& options) {
    founded_cell& c = engine_->cells_[cell];
    if (!c.set_up) {
        c.set_up = true;
        c.work = options.work;
        (void)engine_->call_once(cell, {intent_kind::commit, setup_of(options.work)},
                                 std::chrono::seconds(20));
    }
    std::uint16_t const index = engine_->add_caller(cell, options, true);
    engine_->callers_[index]->begin_after(std::chrono::milliseconds(1));
}
void world::stop_clients() {
    for (auto& c : engine_->callers_)
        c->stop();
}

void world::run_for(duration span) {
    engine_->run_for(span);
}
bool world::run_until(std::function<bool()> const& done, duration limit) {
    return engine_->run_until(done, limit);
}
duration world::now() const {
    return duration(engine_->now_);
}

ending world::commit(cell_index cell, kv::transaction const& t, duration patience) {
    return engine_->call_once(cell, {intent_kind::commit, t}, patience);
}
ending world::strict_read(cell_index cell, kv::transaction const& t, duration patience) {
    return engine_->call_once(cell, {intent_kind::strict_read, t}, patience);
}

// ---- fate

network_options& world::network() {
    return engine_->options_.network;
}
void world::kill(server_id server) {
    engine_->crash(engine_->at(server), false);
}
void world::cut_power(server_id server) {
    engine_->crash(engine_->at(server), true);
}
void world::stop(server_id server) {
    engine_->stop(engine_->at(server));
}
void world::start(server_id server) {
    engine_->start(engine_->at(server));
}
void world::pause(server_id server, duration span) {
    engine_->at(server).paused_until = engine_->now_ + span.count();
    engine_->note("server " + to_string(server) + " is paused");
}
void world::cut(server_id from, server_id to) {
    engine_->set_cut(from, to, true);
}
void world::heal(server_id from, server_id to) {
    engine_->set_cut(from, to, false);
}
void world::break_link(server_id a, server_id b) {
    engine_->break_link(engine_->at(a).index, engine_->at(b).index);
}
void world::set_clock_rate(server_id server, std::uint32_t rate) {
    machine& m = engine_->at(server);
    m.clock.set_rate(engine_->now_, rate);
    m.wake_at = no_time; // what is in the queue may be late now; the next turn plans anew
    if (m.running) engine_->wake_now(m);
}
void world::hang_disk(server_id server, bool hung) {
    engine_->at(server).storage.hang(hung);
}
void world::slow_disk(server_id server, std::uint32_t factor) {
    engine_->at(server).storage.set_slow(factor);
}
void world::fill_disk(server_id server, bool full) {
    engine_->at(server).storage.set_full(full);
}
void world::fail_next_flush(server_id server) {
    engine_->at(server).storage.fail_next_flush();
}
void world::heal_disk(server_id server) {
    engine_->at(server).storage.heal();
}
void world::misdirect_next_write(server_id server) {
    engine_->harm(engine_->at(server), "a write will go astray");
    engine_->at(server).storage.misdirect_next_write();
}
void world::rot(server_id server) {
    engine_->harm(engine_->at(server), "a bit on the platter flips");
    (void)engine_->at(server).storage.rot(disk::spread::anywhere);
}
void world::rot_recent(server_id server) {
    engine_->harm(engine_->at(server), "a bit that was written lately flips");
    (void)engine_->at(server).storage.rot(disk::spread::recent);
}
bool world::flip_state(server_id server, cell_index cell) {
    return engine_->flip_state(engine_->at(server), cell);
}
void world::wipe(server_id server) {
    machine& m = engine_->at(server);
    engine_->crash(m, true);
    engine_->harm(m, "its disk is wiped");
    engine_->format(m);
}
void world::keep_backup(server_id server) {
    machine& m = engine_->at(server);
    m.backup = {m.journal, m.storage.platter()};
}
void world::restore_backup(server_id server) {
    machine& m = engine_->at(server);
    if (m.backup.content.empty()) return;
    engine_->crash(m, true);
    engine_->harm(m, "its disk is what it was before");
    m.journal = m.backup.journal; // the disk may have been wiped since
    m.acknowledged = 0;           // the peers have heard of what is gone, and have to tell
    m.storage.replace(std::exchange(m.backup.content, {}));
}

// ---- looking

bool world::is_running(server_id server) const {
    return engine_->at(server).running != nullptr;
}
bool world::is_stopping(server_id server) const {
    machine const& m = engine_->at(server);
    return m.running && m.running->host.is_stopping();
}
bool world::is_latched(server_id server) const {
    return engine_->at(server).latched;
}
// One with software that may be below a cell counts as harmed while it has it.
bool world::is_harmed(server_id server) const {
    machine const& m = engine_->at(server);
    return m.harmed || engine_->is_outdated(m);
}
void world::set_software(server_id server, std::uint16_t to) {
    engine_->at(server).software = to;
}
bool world::finalise(cell_index cell, std::uint16_t to) {
    return engine_->finalise(cell, to);
}
std::uint16_t world::software(server_id server) const {
    return engine_->at(server).software;
}
bool world::was_finalised() const {
    return engine_->finalised_ > 1;
}
std::vector<server_id> world::members(cell_index cell) const {
    std::vector<server_id> all;
    for (member const& m : engine_->cells_[cell].held.back().members.members())
        all.push_back(m.server);
    return all;
}
std::vector<std::vector<server_id>> world::possible_members(cell_index cell) const {
    std::vector<std::vector<server_id>> all;
    for (configuration const& c : engine_->possible_configurations(cell)) {
        all.emplace_back();
        for (member const& m : c.members())
            all.back().push_back(m.server);
    }
    return all;
}
bool world::replace_member(cell_index cell) {
    return engine_->replace_member(cell);
}
server_id world::leader(cell_index cell) const {
    return engine_->leader(cell);
}
std::uint64_t world::commits(cell_index cell) const {
    return engine_->cells_[cell].commits;
}
std::string world::unrest() const {
    return engine_->unrest();
}
history const& world::calls() const {
    return engine_->calls_;
}
std::vector<std::string> const& world::failures() const {
    return engine_->failures_;
}
void world::fail(std::string what) {
    engine_->fail(std::move(what));
}
std::uint64_t world::hash() const {
    return engine_->hash_;
}
sometimes_set const& world::marks() {
    return engine_->collect_marks();
}
world_statistics const& world::statistics() const {
    return engine_->collect_statistics();
}
std::string world::describe() const {
    return engine_->describe();
}
void world::note(std::string const& line) {
    engine_->note(line);
}

} // namespace zooid::sim

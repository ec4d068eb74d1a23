// The solver's door: checks requests, keeps the loads, hands the work on.
#include "placement/solver_impl.hpp"

namespace zooid::placement {

namespace {

result<void> check_options(topology const& t, solver_options const& o) {
    if (!(o.hysteresis > 0 && o.hysteresis < 1)) {
        return error(errc::invalid_argument, "options.hysteresis: not between 0 and 1");
    }
    for (auto const& e : o.down) {
        std::size_t const sizes[] = {t.servers.size(), t.racks.size(), t.rows.size(),
                                     t.racks.size(),   t.rows.size(),  t.powers.size()};
        if (e.index >= sizes[static_cast<std::size_t>(e.kind)]) {
            return error(errc::invalid_argument, "options.down: no such element");
        }
    }
    return outcome::success();
}

} // namespace

solver::solver(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
solver::~solver() = default;

result<std::unique_ptr<solver>> solver::create(topology t, solver_options o) {
    ZOOID_TRY(validate(t));
    ZOOID_TRY(check_options(t, o));
    return std::unique_ptr<solver>(new solver(std::make_unique<impl>(std::move(t), std::move(o))));
}

topology const& solver::world() const {
    return impl_->world;
}

void solver::impl::count(cell const& c, std::span<server_ref const> members) {
    for (auto const m : members) {
        servers.add_load(m.value);
    }
    overlaps.add(number_of(c), members);
}

void solver::impl::uncount(cell const& c, std::span<server_ref const> members) {
    for (auto const m : members) {
        servers.remove_load(m.value);
    }
    overlaps.remove(number_of(c), members);
}

result<void> solver::adopt(cell const& c) {
    ZOOID_TRY(validate(impl_->world, c));
    if (c.members.empty()) return error(errc::invalid_argument, "members: the cell has none to adopt");
    impl_->count(c, c.members);
    return outcome::success();
}

void solver::forget(cell const& c) {
    impl_->uncount(c, c.members);
}

result<answer> solver::place(cell const& c) {
    ZOOID_TRY(validate(impl_->world, c));
    if (!c.members.empty()) return error(errc::invalid_argument, "members: the cell is placed already");
    return impl_->place(c);
}

result<answer> solver::repair(cell const& c) {
    ZOOID_TRY(validate(impl_->world, c));
    if (c.members.empty()) return error(errc::invalid_argument, "members: the cell is not placed yet");
    return impl_->repair(c);
}

result<void> solver::mark(server_ref s, server_state now) {
    if (s.value >= impl_->world.servers.size()) return error(errc::invalid_argument, "server: unknown");
    auto& server = impl_->world.servers[s.value];
    server.draining = now == server_state::draining;
    server.failed = now == server_state::failed;
    impl_->servers.refresh(impl_->world, s.value, impl_->options.down);
    return outcome::success();
}

std::uint32_t solver::load_of(server_ref s) const {
    return impl_->servers.load(s.value);
}

std::size_t solver::bytes_for_cells() const {
    return impl_->overlaps.bytes() + impl_->servers.servers() * 2 * sizeof(std::uint32_t);
}

std::size_t solver::bytes_for_shapes() const {
    return impl_->choose.memory().bytes();
}

std::size_t solver::shapes_remembered() const {
    return impl_->choose.memory().size();
}

} // namespace zooid::placement

// What befalls a world: faults drawn one after the other, each with its end.
#pragma once

#include <zooid/base/prng.hpp>
#include <zooid/sim/life.hpp>
#include <zooid/sim/world.hpp>

#include <array>
#include <functional>
#include <map>
#include <vector>

namespace zooid::sim {

/// The faults of a profile.
std::vector<fault> faults_of(std::string_view profile);

inline constexpr std::uint16_t older_software = 1, newer_software = 2;

class chaos {
  public:
    chaos(world& w, std::vector<fault> kinds, std::size_t servers, std::size_t cells, std::uint64_t seed);

    /// `count` faults over `span`, at least; runs the world through it.
    void reign(duration span, std::size_t count);
    /// Ends every fault on all servers but those left out, and starts them.
    void heal(std::vector<server_id> const& left_out);
    /// Servers that every cell can do without, some of them at random.
    std::vector<server_id> draw_expendable();

    std::array<std::uint64_t, fault_count> const& injected() const { return injected_; }

  private:
    /// False if it may not befall anybody now.
    bool inject(fault f);
    void befall(fault f, server_id victim);
    void at_end(duration after, std::function<void()> end);
    void run_to(duration when);
    server_id draw_server();
    server_id draw_victim();
    duration draw_span(std::uint64_t low_ms, std::uint64_t high_ms);
    bool may_harm(server_id server) const;
    bool spares_majorities(std::function<bool(server_id)> const& is_gone) const;
    enum class demise { kill, power_cut };
    void end_and_return(server_id server, demise how);
    void cut_power_everywhere();
    void stop_and_return(server_id server);
    void flap_then_kill(server_id server);
    void cut_raggedly();
    void split(std::vector<server_id> const& side);
    void cut_off(server_id server, bool from, bool to);
    void change_network(fault f);
    void trouble_disk(fault f, server_id server);
    void harm_disk(fault f, server_id server);
    bool restore_old_image();
    void change_software(server_id server, std::uint16_t to);
    bool finalise();

    world& world_;
    std::vector<fault> kinds_;
    std::size_t servers_;
    std::size_t cells_;
    prng random_;
    network_options calm_;
    std::multimap<duration, std::function<void()>> ends_;
    std::array<std::uint64_t, fault_count> injected_{};
    std::map<server_id, duration> backups_;
};

} // namespace zooid::sim

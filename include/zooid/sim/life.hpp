// One life of a simulated colony, drawn from a seed: what it is made of, what befalls it, and the verdict.
//
// A life is a minute of nine servers under faults. Then a core of servers is healed and must make progress,
// then everything is healed, the clients fall silent, and all idle cells must be without a deadline and
// equal. Its history must be linearizable; `undecided` fails too.
#pragma once

#include <zooid/base/trace.hpp>
#include <zooid/sim/world.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace zooid::sim {

/// Everything that can befall a colony.
enum class fault : std::uint8_t {
    kill,
    polite_stop, ///< the process hands over and ends
    power_cut,
    power_cut_everywhere,
    pause,
    isolate,
    partition,
    one_way_cut,
    ragged_cut,     ///< some links, some of them one way only
    flap_then_kill, ///< what a server sends is lost for a moment, then heard, then the server dies
    packet_loss,
    duplicates_and_reordering,
    changed_bytes,
    broken_links,
    slow_network,
    clock_rate,
    slow_disk,
    hung_disk,
    full_disk,
    failed_flush,
    misdirected_write,
    rot,           ///< bits flip on the platter
    rot_in_outage, ///< and the power goes everywhere before anybody could notice
    wiped_disk,
    old_image,
    replaced_member,
    upgraded,      ///< the process ends and comes back with newer software
    rolled_back,   ///< and with older software
    flipped_state, ///< a bit of a replica's state, in memory
    finalised,     ///< an operator asks a cell to rise to the newer version
    count_
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::count_);
/// As reports spell it: "power_cut".
std::string_view name_of(fault f);

/// Faults that are drawn together, by name: "calm", "lossy", "partitions", "crashes", "disks", "moves",
/// "replacements" (moves that leave disks alone), "leases" (with leased reads on, as in a quarter of
/// "everything"), "versions", "everything".
std::vector<std::string_view> profile_names();
bool is_profile(std::string_view name);

struct life_options {
    std::uint64_t seed = 1;
    std::string profile = "everything";
    std::function<void(std::string const&)> trace; ///< called with each line; costs much
    std::function<void(history const&)> calls;     ///< called at the end with what was asked and answered
    step_observer* steps = nullptr;                ///< told of every step of every replica; costs much
    /// Of the clients of each cell together, about, while all is well: 1 to 1,000. Fewer make a life cheaper,
    /// with as many faults.
    std::uint64_t calls_per_second = 50;
};

struct life_report {
    std::vector<std::string> failures; ///< empty: all is well
    std::vector<std::string> drawn;    ///< what the seed decided, for a person
    std::array<std::uint64_t, fault_count> faults{};
    sometimes_set marks;
    world_statistics statistics;
    std::uint64_t hash = 0;
    double cell_seconds = 0; ///< simulated seconds times cells
};

/// Lives one life to its end, in this thread: a second or more. Requires a known profile.
life_report live(life_options const& options);

} // namespace zooid::sim

// `zooidctl lease`: who holds one, and a command that runs only while it is held.
#pragma once

#include "commands.hpp"

namespace zooidctl {

struct lease_wish {
    std::string name;
    double seconds = 10;
    std::vector<std::string> command;
};

int lease_show(colony& on, output const& out, std::string const& key, std::string const& name);
/// Waits for the lease for as long as the command line's deadline allows, runs the command, renews, and
/// releases at its end. A command that outlives the lease is killed. Returns its exit code, or one of ours.
int lease_hold(colony& on, output const& out, std::string const& key, lease_wish const& wish);

} // namespace zooidctl

// What was measured, for people and for machines.
#pragma once

#include "colony.hpp"
#include "naked_quorum.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace latency {

/// Median and quartiles; of an even number the median is between the two in the middle.
struct spread {
    double lower = 0;
    double median = 0;
    double upper = 0;
    std::size_t count = 0;
};
spread spread_of(std::vector<double> values);

/// What the machine and the servers did during a leg.
struct usage {
    double seconds = 0;
    double machine_cpu_share = 0; ///< of all CPUs, 0 to 1
    double server_cpus = 0;       ///< CPUs' worth of time that the servers used
    double load_cpus = 0;         ///< the same of this process
    double flushes_per_second = 0;
    double written_per_second = 0; ///< bytes
    std::uint64_t commits = 0;
};
/// Takes the difference of two moments.
class usage_meter {
  public:
    explicit usage_meter(colony& of);
    usage stop();

  private:
    colony& of_;
    std::int64_t begin_;
    double machine_, servers_, own_;
    server_counters before_;
};

/// In one line, which of the machine's parts a leg used up.
std::string what_bounds(usage const& u, double disk_flushes_per_second, bool durable, bool open_loop);

boost::json::object json_of(histogram const& h);
boost::json::object json_of(leg_result const& r);
boost::json::object json_of(spread const& s);
boost::json::object json_of(usage const& u);

void print_heading(std::string const& title);
/// "  name    12.3 us p50 ... 4,567/s"
void print_leg(std::string const& name, leg_result const& r);
void print_spread(std::string const& name, spread const& s);
void print_line(std::string const& text);

} // namespace latency

#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace latency {

namespace json = boost::json;

namespace {

double microseconds(std::uint64_t ns) {
    return static_cast<double>(ns) / 1000;
}

// The value at `share` of the way through sorted values, between neighbours if need be.
double at_share(std::vector<double> const& sorted, double share) {
    if (sorted.empty()) return 0;
    double const position = share * static_cast<double>(sorted.size() - 1);
    auto const below = static_cast<std::size_t>(position);
    auto const above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (position - static_cast<double>(below));
}

} // namespace

spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {at_share(values, 0.25), at_share(values, 0.5), at_share(values, 0.75), values.size()};
}

usage_meter::usage_meter(colony& of) : of_(of), before_(of.counters()) {
    machine_ = machine_busy_seconds();
    servers_ = of_.cpu_seconds();
    own_ = process_cpu_seconds(::getpid());
    begin_ = now_ns();
}

usage usage_meter::stop() {
    usage u;
    u.seconds = static_cast<double>(now_ns() - begin_) / 1e9;
    u.machine_cpu_share = (machine_busy_seconds() - machine_) / u.seconds / cpu_count();
    u.server_cpus = (of_.cpu_seconds() - servers_) / u.seconds;
    u.load_cpus = (process_cpu_seconds(::getpid()) - own_) / u.seconds;
    auto const after = of_.counters();
    u.flushes_per_second = static_cast<double>(after.flushes - before_.flushes) / u.seconds;
    u.written_per_second = static_cast<double>(after.bytes_written - before_.bytes_written) / u.seconds;
    u.commits = after.commits - before_.commits;
    return u;
}

std::string what_bounds(usage const& u, double disk_flushes_per_second, bool durable, bool open_loop) {
    double const disk =
        durable && disk_flushes_per_second > 0 ? u.flushes_per_second / disk_flushes_per_second : 0;
    std::string const numbers =
        fmt::format("CPUs {:.0f} % busy (servers {:.2f}, load generator {:.2f} of {}), {:.0f} flushes/s, "
                    "{:.0f} % of the {:.0f} "
                    "that the disk did alone",
                    u.machine_cpu_share * 100, u.server_cpus, u.load_cpus, cpu_count(), u.flushes_per_second,
                    disk * 100, disk_flushes_per_second);
    bool const cpu_full = u.machine_cpu_share > 0.9, disk_full = disk > 0.8;
    double const others = u.machine_cpu_share * cpu_count() - u.server_cpus - u.load_cpus;
    if (cpu_full && others > 0.3 * cpu_count())
        return fmt::format("no verdict, something else used {:.2f} CPUs: ", others) + numbers;
    if (cpu_full && disk_full) return "bound by CPUs and flushes alike: " + numbers;
    if (cpu_full) return "bound by the CPUs: " + numbers;
    if (disk_full) return "bound by the disk's flushes: " + numbers;
    if (open_loop) return "not bound, the rate was given: " + numbers;
    return "bound by the path of one transaction (messages and flushes that wait for each other): " + numbers;
}

json::object json_of(histogram const& h) {
    return {{"count", h.count()},
            {"mean_us", h.mean() / 1000},
            {"p50_us", microseconds(h.quantile(0.5))},
            {"p90_us", microseconds(h.quantile(0.9))},
            {"p99_us", microseconds(h.quantile(0.99))},
            {"p999_us", microseconds(h.quantile(0.999))},
            {"max_us", microseconds(h.max())}};
}

json::object json_of(leg_result const& r) {
    return {{"seconds", r.seconds}, {"per_second", r.per_second()}, {"latency", json_of(r.latencies)}};
}

json::object json_of(spread const& s) {
    return {
        {"lower_quartile", s.lower}, {"median", s.median}, {"upper_quartile", s.upper}, {"count", s.count}};
}

json::object json_of(usage const& u) {
    return {{"machine_cpu_share", u.machine_cpu_share},
            {"server_cpus", u.server_cpus},
            {"load_cpus", u.load_cpus},
            {"flushes_per_second", u.flushes_per_second},
            {"written_per_second", u.written_per_second},
            {"commits", u.commits}};
}

void print_line(std::string const& text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

void print_heading(std::string const& title) {
    print_line(fmt::format("\n{}\n{:<44}{:>10}{:>10}{:>10}{:>10}{:>11}", title, "", "p50 us", "p99 us",
                           "p99.9 us", "max us", "per second"));
}

void print_leg(std::string const& name, leg_result const& r) {
    histogram const& h = r.latencies;
    std::string const rate = r.seconds > 0 ? fmt::format("{:.0f}", r.per_second()) : "";
    print_line(fmt::format("  {:<42}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}{:>11}", name,
                           microseconds(h.quantile(0.5)), microseconds(h.quantile(0.99)),
                           microseconds(h.quantile(0.999)), microseconds(h.max()), rate));
}

void print_spread(std::string const& name, spread const& s) {
    print_line(fmt::format("  {:<42}{:>10.2f}   quartiles {:.2f} to {:.2f} of {}", name, s.median, s.lower,
                           s.upper, s.count));
}

} // namespace latency

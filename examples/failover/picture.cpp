#include "picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace failover {

namespace {

constexpr double left = 70, top = 50, width = 600, height = 300;
constexpr int nines_max = 5;                                // 99.999 %
constexpr double ms_exponent_min = -2, ms_exponent_max = 5; // 0.01 ms to 100 s

// The share of calls that were slower: 1, 0.1, 0.01 ... are equally far from each other.
double x_of(double slower) {
    return left + width * std::clamp(-std::log10(std::max(slower, 1e-9)) / nines_max, 0.0, 1.0);
}

double y_of(double ns) {
    double const exponent = std::log10(std::max(ns, 1.0) / 1e6);
    double const share = (exponent - ms_exponent_min) / (ms_exponent_max - ms_exponent_min);
    return top + height * (1 - std::clamp(share, 0.0, 1.0));
}

void draw_grid(std::string& out) {
    auto const write = std::back_inserter(out);
    constexpr char const* names[] = {"0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"};
    for (int nines = 0; nines <= nines_max; ++nines) {
        double const x = left + width * nines / nines_max;
        fmt::format_to(
            write, "<path d='M{:.0f} {:.0f}v{:.0f}'/><text stroke='none' x='{:.0f}' y='{:.0f}'>{}</text>\n",
            x, top, height, x - 16, top + height + 18, names[nines]);
    }
    for (double e = ms_exponent_min; e <= ms_exponent_max; ++e) {
        double const y = y_of(std::pow(10, e) * 1e6);
        fmt::format_to(write,
                       "<path d='M{:.0f} {:.0f}h{:.0f}'/><text stroke='none' x='6' y='{:.0f}'>{} ms</text>\n",
                       left, y, width, y + 4, std::pow(10, e));
    }
}

void draw_curve(std::string& out, zooid::histogram const& h, char const* name, char const* colour, int line) {
    if (h.count() == 0) return;
    auto const write = std::back_inserter(out);
    fmt::format_to(write, "<polyline fill='none' stroke='{}' stroke-width='2' points='", colour);
    std::uint64_t seen = 0;
    h.for_each([&](std::uint64_t highest, std::uint64_t count) {
        double const before = 1 - static_cast<double>(seen) / static_cast<double>(h.count());
        seen += count;
        double const after = 1 - static_cast<double>(seen) / static_cast<double>(h.count());
        double const y = y_of(static_cast<double>(std::min(highest, h.max())));
        fmt::format_to(write, "{:.1f},{:.1f} {:.1f},{:.1f} ", x_of(before), y, x_of(after), y);
    });
    fmt::format_to(write, "'/>\n<text x='{:.0f}' y='{:.0f}' fill='{}'>{}: {} calls</text>\n", left + 12,
                   top + 20 + 18 * line, colour, name, h.count());
}

} // namespace

std::string picture(zooid::histogram const& writes, zooid::histogram const& reads, std::string const& title) {
    std::string out =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 720 400' font-family='sans-serif' "
        "font-size='12'>\n<rect width='720' height='400' fill='white'/>\n<g stroke='#ddd'>\n";
    std::string grid;
    draw_grid(grid);
    out += grid + "</g>\n";
    fmt::format_to(std::back_inserter(out), "<text x='{:.0f}' y='28' font-size='15'>{}</text>\n", left,
                   title);
    draw_curve(out, writes, "writes", "#b03a2e", 0);
    draw_curve(out, reads, "strict reads", "#1f618d", 1);
    return out + "</svg>\n";
}

} // namespace failover

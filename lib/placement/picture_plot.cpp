// Line plots: axes with round ticks, curves named at their ends where there is room and in a legend always.
#include "placement/picture_style.hpp"

#include <zooid/placement/picture.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zooid::placement {
namespace {

constexpr double width = 760, height = 440, left = 84, right = 24, top = 56, bottom = 62;

struct scale {
    double from, to, a, b;
    bool log;
    double operator()(double x) const {
        auto const at = [this](double v) { return log ? std::log10(v) : v; };
        return a + (at(x) - at(from)) / (at(to) - at(from)) * (b - a);
    }
};

/// 1, 2 or 5 times a power of ten, so that there are four to nine steps.
double round_step(double range) {
    double const raw = range / 6;
    double const power = std::pow(10, std::floor(std::log10(raw)));
    for (double const f : {1.0, 2.0, 5.0}) {
        if (raw <= f * power) return f * power;
    }
    return 10 * power;
}

std::vector<double> ticks(scale const& s) {
    std::vector<double> out;
    if (!s.log) {
        auto const step = round_step(s.to - s.from);
        for (auto k = std::ceil(s.from / step - 1e-9); k * step <= s.to + step * 1e-9; ++k) {
            out.push_back(k * step);
        }
        return out;
    }
    auto const decades = std::log10(s.to / s.from);
    auto const stride = std::max(1.0, std::ceil(decades / 9));
    for (auto e = std::floor(std::log10(s.from)); e <= std::log10(s.to) + 1e-9; e += stride) {
        for (double const f : {1.0, 2.0, 5.0}) {
            auto const v = f * std::pow(10, e);
            bool const inside = v >= s.from * (1 - 1e-9) && v <= s.to * (1 + 1e-9);
            if (inside && (f < 2 || decades < 3)) out.push_back(v);
        }
    }
    return out;
}

struct frame {
    scale x, y;
};

frame frame_of(plot const& p) {
    double x0 = 1e300, x1 = -1e300, y0 = 1e300, y1 = -1e300;
    for (auto const& line : p.lines) {
        for (auto const& [x, y] : line.points) {
            if ((p.log_y && y <= 0) || (p.log_x && x <= 0)) continue;
            x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
        }
    }
    if (x0 >= x1) x1 = x0 + 1;
    if (!p.log_y)
        y0 = std::min(y0, 0.0), y1 = y1 > 0 ? y1 * 1.04 : 1;
    else
        y0 = std::pow(10, std::floor(std::log10(y0 * 0.8))), y1 = std::pow(10, std::ceil(std::log10(y1)));
    if (y0 >= y1) y1 = p.log_y ? y0 * 10 : y0 + 1;
    return {{x0, x1, left, width - right, p.log_x}, {y0, y1, height - bottom, top, p.log_y}};
}

std::string number(double v, bool percent) {
    if (std::abs(v) < 1e-12) v = 0;
    return percent ? fmt::format("{:g}%", std::round(v * 1e6) / 1e4) : fmt::format("{:g}", v);
}

std::string axes(plot const& p, frame const& f) {
    std::string out;
    for (auto const y : ticks(f.y)) {
        out += fmt::format(
            R"svg(<path class="grid" d="M{:.1f} {:.1f}H{:.1f}"/><text class="soft" x="{:.1f}" y="{:.1f}" )svg"
            R"svg(text-anchor="end" font-size="12">{}</text>)svg",
            left, f.y(y), width - right, left - 8, f.y(y) + 4, number(y, false));
    }
    for (auto const x : ticks(f.x)) {
        out += fmt::format(
            R"svg(<path class="grid" d="M{:.1f} {:.1f}v5"/><text class="soft" x="{:.1f}" y="{:.1f}" )svg"
            R"svg(text-anchor="middle" font-size="12">{}</text>)svg",
            f.x(x), height - bottom, f.x(x), height - bottom + 20, number(x, p.x_percent));
    }
    out += fmt::format(R"svg(<path class="grid" d="M{} {:.1f}V{}H{}"/>)svg", left, f.y.b, height - bottom,
                       width - right);
    out += fmt::format(R"svg(<text x="{:.1f}" y="{:.1f}" text-anchor="middle" font-size="13">{}</text>)svg",
                       (left + width - right) / 2, height - 18, escaped(p.x_label));
    out += fmt::format(
        R"svg(<text transform="translate(20 {:.1f}) rotate(-90)" text-anchor="middle" font-size="13">{}</text>)svg",
        (top + height - bottom) / 2, escaped(p.y_label));
    return out;
}

/// Curves differ in their dashes, too, for those who tell colours badly.
constexpr std::string_view dashes[] = {"", "7 4", "2 4", "10 3 2 3", "", "7 4", "2 4", "10 3 2 3"};

std::string curve(series const& s, std::size_t index, frame const& f, bool log) {
    std::string d, dots;
    for (auto const& [x, y] : s.points) {
        if (log && y <= 0) continue;
        d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? "M" : "L", f.x(x), f.y(y));
        if (s.points.size() <= 14) {
            dots += fmt::format(R"svg(<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="var(--c{})"/>)svg", f.x(x),
                                f.y(y), index);
        }
    }
    return fmt::format(R"svg(<path class="curve" stroke="var(--c{})" stroke-dasharray="{}" d="{}"/>{})svg",
                       index, dashes[index], d, dots);
}

/// Below the title, as many entries in a line as fit.
std::string legend(plot const& p, double& used) {
    std::string out;
    double x = left, y = 46;
    for (std::size_t i = 0; i < p.lines.size() && i < 8; ++i) {
        auto const room = 40 + 6.9 * static_cast<double>(p.lines[i].name.size());
        if (x > left && x + room > width - right) x = left, y += 18;
        out += fmt::format(
            R"svg(<path class="curve" stroke="var(--c{})" stroke-dasharray="{}" d="M{:.1f} {:.1f}h24"/>)svg"
            R"svg(<text x="{:.1f}" y="{:.1f}" font-size="12.5">{}</text>)svg",
            i, dashes[i], x, y - 4, x + 30, y, escaped(p.lines[i].name));
        x += room + 8;
    }
    used = y - 46;
    return out;
}

} // namespace

std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        switch (c) {
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '&': out += "&amp;"; break;
        case '"': out += "&quot;"; break;
        default: out += c;
        }
    }
    return out;
}

std::string draw_plot(plot const& p) {
    auto f = frame_of(p);
    double extra = 0;
    auto const names = legend(p, extra);
    f.y.b = top + 12 + extra;
    auto body = axes(p, f);
    for (std::size_t i = 0; i < p.lines.size() && i < 8; ++i) {
        body += curve(p.lines[i], i, f, p.log_y);
    }
    return fmt::format(
        R"svg(<svg class="zooid" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" )svg"
        R"svg(height="{1:g}" role="img" aria-label="{2}">{3}<rect class="back" width="{0:g}" height="{1:g}"/>)svg"
        R"svg(<text x="{4:g}" y="24" font-size="16" font-weight="600">{2}</text>{5}{6}</svg>)svg",
        width, height, escaped(p.title), picture_style, left, names, body);
}

} // namespace zooid::placement

// Pictures that let a person see a placement: SVG and one self-contained HTML page, readable in light and
// dark.
//
// All functions return text and touch nothing else. Colours come from CSS variables that follow the
// reader's colour scheme; an SVG file alone carries the same style, so it works inside a README too.
#pragma once

#include <zooid/placement/cell.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zooid::placement {

/// What the squares of a data centre are shaded by. Load: replicas. Risk: how likely a server's cells lose
/// their majority while it is down (their anchors up and connected), the mean over its cells, in five steps
/// of equal ratio.
enum class heat : std::uint8_t { none, load, risk };

/// The whole data centre, a square per server, racks in rows, power domains as stripes under the racks. The
/// cell in `focus`, if any, shows as members and anchors. Up to about 20,000 servers stay readable.
std::string draw_data_centre(topology const& t, std::span<cell const> cells, cell const* focus, heat shade);

struct series {
    std::string name;
    std::vector<std::pair<double, double>> points;
};
struct plot {
    std::string title;
    std::string x_label;
    std::string y_label;
    std::vector<series> lines; ///< at most eight
    bool log_x = false;
    bool log_y = false;
    bool x_percent = false;
};
/// An SVG document.
std::string draw_plot(plot const& p);

/// A page that opens offline: sections of (heading, text, SVG).
struct section {
    std::string heading;
    std::string text;
    std::string svg;
};
/// A whole HTML document that fetches nothing.
std::string make_page(std::string_view title, std::vector<section> const& sections);

} // namespace zooid::placement

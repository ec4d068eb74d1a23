// The data centre as a map: rows across, racks as columns of squares, power as a stripe under each rack.
#include "placement/picture_style.hpp"
#include "placement/view.hpp"

#include <zooid/placement/picture.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace zooid::placement {
namespace {

struct layout {
    std::vector<std::vector<std::uint32_t>> racks_of_row;
    std::vector<std::vector<std::uint32_t>> servers_of_rack;
    double square, gap, rack_width, row_height, width, height;
    unsigned columns;         ///< squares side by side in a rack
    std::vector<double> x, y; ///< of servers
    std::vector<double> rack_x, row_y;
    std::size_t tallest = 1;
};

constexpr double margin = 18, name_width = 64, head = 86;

layout lay_out(topology const& t) {
    layout l;
    l.racks_of_row.resize(t.rows.size()), l.servers_of_rack.resize(t.racks.size());
    l.x.resize(t.servers.size()), l.y.resize(t.servers.size());
    l.rack_x.resize(t.racks.size()), l.row_y.resize(t.rows.size());
    for (std::uint32_t r = 0; r < t.racks.size(); ++r) {
        l.racks_of_row[t.racks[r].row.value].push_back(r);
    }
    for (std::uint32_t s = 0; s < t.servers.size(); ++s) {
        l.servers_of_rack[t.servers[s].rack.value].push_back(s);
    }
    std::size_t racks = 1;
    for (auto const& row : l.racks_of_row) {
        racks = std::max(racks, row.size());
    }
    for (auto const& rack : l.servers_of_rack) {
        l.tallest = std::max(l.tallest, rack.size());
    }
    // Racks are two to five squares wide, so that a row stays on the page.
    l.columns = l.tallest > 30 ? 5 : l.tallest > 12 ? 4 : 2;
    auto const columns = static_cast<double>(racks * l.columns);
    l.square = std::clamp((1100.0 - 10.0 * static_cast<double>(racks)) / columns, 4.0, 20.0);
    l.gap = 10, l.rack_width = l.square * l.columns + l.gap;
    auto const lines = static_cast<double>((l.tallest + l.columns - 1) / l.columns);
    l.row_height = lines * l.square + 34;
    l.width = name_width + 2 * margin + static_cast<double>(racks) * l.rack_width;
    // Below the names of the last row's racks nothing is left free but the margin.
    l.height = head + margin + static_cast<double>(t.rows.size()) * l.row_height - 14;
    return l;
}

void position(topology const& t, layout& l) {
    for (std::size_t w = 0; w < t.rows.size(); ++w) {
        l.row_y[w] = head + static_cast<double>(w) * l.row_height;
        for (std::size_t k = 0; k < l.racks_of_row[w].size(); ++k) {
            auto const rack = l.racks_of_row[w][k];
            l.rack_x[rack] = margin + name_width + static_cast<double>(k) * l.rack_width;
            for (std::size_t i = 0; i < l.servers_of_rack[rack].size(); ++i) {
                auto const s = l.servers_of_rack[rack][i];
                l.x[s] = l.rack_x[rack] + static_cast<double>(i % l.columns) * l.square;
                l.y[s] = l.row_y[w] + static_cast<double>(i / l.columns) * l.square;
            }
        }
    }
}

std::vector<double> loads(topology const& t, std::span<cell const> cells) {
    std::vector<double> out(t.servers.size());
    for (auto const& c : cells) {
        for (auto const m : c.members) {
            out[m.value] += 1;
        }
    }
    return out;
}

/// What each of a cell's members adds: P(no majority reachable | this member down, anchors up and connected).
/// An anchor's own server is up by that condition and is left out.
void add_risks(topology const& t, cell const& c, std::vector<double>& sum, std::vector<double>& count) {
    resolved<anchors_max> anchors;
    for (auto const& a : c.anchors) {
        if (a.weight > 0) anchors.add(t, a.server);
    }
    view const seen(anchors.all());
    for (auto const lost : c.members) {
        if (seen.is_anchor(lost)) continue;
        resolved<cell_size_max> others;
        for (auto const m : c.members) {
            others.add(t, m);
        }
        std::vector<located> members(others.all().begin(), others.all().end());
        site dead = site_of(t, lost);
        dead.rate = 1;
        for (auto& m : members) {
            if (m.server == lost) m.at = &dead;
        }
        sum[lost.value] += seen.shortfall(members, {}, c.size);
        count[lost.value] += 1;
    }
}

/// For each server, how likely its cells lose their majority while it is down: the mean over its cells, so
/// that the picture does not repeat the load.
std::vector<double> risks(topology const& t, std::span<cell const> cells) {
    std::vector<double> sum(t.servers.size()), count(t.servers.size());
    for (auto const& c : cells) {
        if (c.members.size() == c.size) add_risks(t, c, sum, count);
    }
    for (std::size_t i = 0; i < sum.size(); ++i) {
        if (count[i] > 0) sum[i] /= count[i];
    }
    return sum;
}

/// Five shades between the least and the largest value that is not zero; risks by orders of magnitude.
struct shading {
    double least = 0, largest = 0;
    bool log = false;
    char ramp = 'h'; ///< of the variables in the style: h for load, r for risk

    shading(std::vector<double> const& values, heat shade) : log(shade == heat::risk), ramp(log ? 'r' : 'h') {
        for (auto const v : values) {
            if (v <= 0) continue;
            least = least > 0 ? std::min(least, v) : v, largest = std::max(largest, v);
        }
    }
    std::string step(int i) const { return fmt::format("var(--{}{})", ramp, i); }
    std::string of(double value) const {
        if (value <= 0) return "var(--empty)";
        if (least == largest) return step(4);
        double const share =
            log ? std::log(value / least) / std::log(largest / least) : (value - least) / (largest - least);
        return step(std::clamp(static_cast<int>(share * 5), 0, 4));
    }
};

/// A rack's name within its row: "w1/r0" is "r0" there.
std::string_view short_name(std::string_view rack, std::string_view row) {
    bool const local =
        rack.size() > row.size() + 1 && rack.substr(0, row.size()) == row && rack[row.size()] == '/';
    return local ? rack.substr(row.size() + 1) : rack;
}

std::string draw_racks(topology const& t, layout const& l) {
    std::string out;
    for (std::size_t w = 0; w < t.rows.size(); ++w) {
        auto const lines = l.row_height - 34;
        out += fmt::format(
            R"svg(<text class="soft" x="{:.1f}" y="{:.1f}" font-size="12" text-anchor="end">{}</text>)svg",
            margin + name_width - 10, l.row_y[w] + lines / 2 + 4, escaped(t.rows[w].id));
        for (auto const rack : l.racks_of_row[w]) {
            std::set<std::uint32_t> feeds;
            for (auto const s : l.servers_of_rack[rack]) {
                for (auto const p : t.servers[s].power) {
                    feeds.insert(p.value);
                }
            }
            auto const stripe =
                (l.rack_width - l.gap) / static_cast<double>(std::max<std::size_t>(1, feeds.size()));
            double x = l.rack_x[rack];
            for (auto const p : feeds) {
                out += fmt::format(
                    R"svg(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="4" fill="var(--c{})"/>)svg", x,
                    l.row_y[w] + lines + 3, stripe, p % 8);
                x += stripe;
            }
            if (l.rack_width >= 24) {
                out += fmt::format(
                    R"svg(<text class="soft" x="{:.1f}" y="{:.1f}" font-size="9" text-anchor="middle">{}</text>)svg",
                    l.rack_x[rack] + (l.rack_width - l.gap) / 2, l.row_y[w] + lines + 18,
                    escaped(short_name(t.racks[rack].id, t.rows[w].id)));
            }
        }
    }
    return out;
}

std::string draw_servers(topology const& t, layout const& l, std::vector<double> const& values,
                         shading const& shades) {
    // One path for each shade keeps the picture of ten thousand servers small.
    std::map<std::string, std::string> paths;
    for (std::size_t s = 0; s < t.servers.size(); ++s) {
        auto const& server = t.servers[s];
        auto const fill = server.draining || server.failed ? std::string("var(--drain)")
                          : values.empty()                 ? std::string("var(--empty)")
                                                           : shades.of(values[s]);
        paths[fill] += fmt::format("M{:.1f} {:.1f}h{:.1f}v{:.1f}h-{:.1f}z", l.x[s], l.y[s], l.square - 1,
                                   l.square - 1, l.square - 1);
    }
    std::string out;
    for (auto const& [fill, d] : paths) {
        out += fmt::format(R"svg(<path fill="{}" d="{}"/>)svg", fill, d);
    }
    return out;
}

std::string draw_focus(layout const& l, cell const& c) {
    std::string out;
    auto const r = std::max(l.square, 9.0) / 2;
    double const room = l.square < 12 ? 3 : 1; // small squares are marked from further away
    for (auto const m : c.members) {
        out += fmt::format(
            R"svg(<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" fill="var(--member)" stroke="var(--back)" stroke-width="1.5"/>)svg",
            l.x[m.value] + l.square / 2, l.y[m.value] + l.square / 2, r);
    }
    for (auto const& a : c.anchors) {
        out += fmt::format(
            R"svg(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="none" stroke="var(--anchor)" stroke-width="3" rx="2"/>)svg",
            l.x[a.server.value] - room, l.y[a.server.value] - room, l.square + 2 * room, l.square + 2 * room);
    }
    return out;
}

std::string draw_key(topology const& t, cell const* focus, heat shade, shading const& shades) {
    std::string out;
    double x = margin + name_width;
    auto const word = [&](std::string_view text) {
        out += fmt::format(R"svg(<text x="{:.1f}" y="52" font-size="12">{}</text>)svg", x, escaped(text));
        x += 7 * static_cast<double>(text.size()) + 18;
    };
    if (focus != nullptr) {
        out += fmt::format(R"svg(<circle cx="{:.1f}" cy="48" r="6" fill="var(--member)"/>)svg", x + 6);
        x += 18, word("replica");
        out += fmt::format(
            R"svg(<rect x="{:.1f}" y="42" width="12" height="12" fill="none" stroke="var(--anchor)" stroke-width="3" rx="2"/>)svg",
            x);
        x += 20, word("anchor");
    }
    if (shade != heat::none) {
        auto const box = [&](std::string const& fill) {
            out +=
                fmt::format(R"svg(<rect x="{:.1f}" y="42" width="16" height="12" fill="{}"/>)svg", x, fill);
            x += 17;
        };
        word(fmt::format("{}: {:.2g}", shade == heat::load ? "replicas" : "mean probability", shades.least));
        x -= 8;
        for (int i = 0; i < 5; ++i) {
            box(shades.step(i));
        }
        x += 6, word(fmt::format("{:.2g}", shades.largest));
        box("var(--empty)"), x += 4, word("none");
        box("var(--drain)"), x += 4, word("draining or down");
    }
    x = margin + name_width;
    for (std::size_t p = 0; p < std::min<std::size_t>(t.powers.size(), 8); ++p) {
        out +=
            fmt::format(R"svg(<rect x="{:.1f}" y="66" width="16" height="5" fill="var(--c{})"/>)svg", x, p);
        auto const name = "power " + t.powers[p].id;
        out += fmt::format(R"svg(<text class="soft" x="{:.1f}" y="72" font-size="11">{}</text>)svg", x + 21,
                           escaped(name));
        x += 34 + 6.4 * static_cast<double>(name.size());
    }
    return out;
}

} // namespace

std::string draw_data_centre(topology const& t, std::span<cell const> cells, cell const* focus, heat shade) {
    auto l = lay_out(t);
    position(t, l);
    std::vector<double> values;
    if (shade == heat::load) values = loads(t, cells);
    if (shade == heat::risk) values = risks(t, cells);
    shading const shades(values, shade);
    std::string_view const what = shade == heat::load ? "Load" : shade == heat::risk ? "Risk" : "Placement";
    auto const number = [](std::size_t n, std::string_view of) {
        return fmt::format("{} {}{}", n, of, n == 1 ? "" : "s");
    };
    auto title = fmt::format("{}: {}, {}, {}, {}", what, number(t.servers.size(), "server"),
                             number(t.racks.size(), "rack"), number(t.rows.size(), "row"),
                             number(cells.size(), "cell"));
    if (focus != nullptr)
        title = fmt::format("Cell {}: {} near {}", focus->key, number(focus->members.size(), "replica"),
                            number(focus->anchors.size(), "anchor"));
    l.width = std::max(l.width, 620.0);
    return fmt::format(
        R"svg(<svg class="zooid" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" )svg"
        R"svg(height="{1:.0f}" role="img" aria-label="{2}">{3}<rect class="back" width="{0:.0f}" height="{1:.0f}"/>)svg"
        R"svg(<text x="{4:g}" y="28" font-size="16" font-weight="600">{2}</text>{5}{6}{7}{8}</svg>)svg",
        l.width, l.height, escaped(title), picture_style, margin + name_width,
        draw_key(t, focus, shade, shades), draw_racks(t, l), draw_servers(t, l, values, shades),
        focus != nullptr ? draw_focus(l, *focus) : std::string());
}

std::string make_page(std::string_view title, std::vector<section> const& sections) {
    std::string body;
    for (auto const& s : sections) {
        body += fmt::format("<section><div class=\"words\"><h2>{}</h2><p>{}</p></div><div "
                            "class=\"picture\">{}</div></section>\n",
                            escaped(s.heading), escaped(s.text), s.svg);
    }
    return fmt::format(R"svg(<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><style>
:root{{--ink:#1d2430;--soft:#5b6675;--page:#f5f7fa;--card:#fff;--line:#d5dae1}}
@media (prefers-color-scheme:dark){{:root{{--ink:#e6eaf0;--soft:#9aa6b5;--page:#0b0e12;--card:#12161c;--line:#2b333e}}}}
body{{margin:0;padding:2rem 1.25rem 4rem;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}}
main{{max-width:1240px;margin:auto}}h1{{font-size:1.7rem;margin:0 0 1rem}}h2{{font-size:1.15rem;margin:0}}
section{{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.25rem;margin:0 0 1.25rem;display:flex;flex-wrap:wrap;gap:0 1.5rem}}
.words{{flex:1 1 20rem;min-width:0}}
section p{{color:var(--soft);margin:.3rem 0 .8rem;max-width:78ch;white-space:pre-line}}.picture{{max-width:100%;overflow-x:auto}}.picture svg{{max-width:100%;min-width:680px;height:auto;display:block}}
</style></head><body><main><h1>{0}</h1>
{1}</main></body></html>
)svg",
                       escaped(title), body);
}

} // namespace zooid::placement

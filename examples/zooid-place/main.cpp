// zooid-place: where cells go, from files to files.
//
//   zooid-place --topology T.json --cells C.json --out P.json [--mode
//   place|repair|improve|drain|what-if|audit]
//
// Exit codes: 0 done, 1 bad input (the message starts with the file and the path in the document), 3 done,
// but some request was refused; the answer says why. The documents are described in lib/placement/README.md.
#include "modes.hpp"

#include "support/numbers.hpp"
#include "support/output.hpp"

#include <zooid/placement/picture.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace {

using namespace zooid_place;

struct arguments {
    std::string topology, cells, out, mode = "place", html, fail;
    std::vector<std::string> drain;
    std::string show, objective = "joint";
    bool explain = false, row_floor = false;
    int overlap_max = -1;
    std::uint64_t seed = 1, churn = 1000;
    double hysteresis = 0.1;
};

/// What went wrong, ready to print.
struct trouble {
    std::string text;
};

std::string read_file(std::string const& name) {
    std::ifstream in(name, std::ios::binary | std::ios::ate);
    if (!in) throw trouble{name + ": cannot be read"};
    auto const size = in.tellg();
    if (size < 0 || static_cast<std::size_t>(size) > document_bytes_max) throw trouble{name + ": too large"};
    std::string text(static_cast<std::size_t>(size), '\0');
    in.seekg(0);
    if (!in.read(text.data(), size)) throw trouble{name + ": cannot be read"};
    return text;
}

template <class T>
T or_trouble(std::string const& file, zooid::result<T> r) {
    if (!r) throw trouble{fmt::format("{}: {}", file, r.error().detail())};
    return std::move(r.value());
}

void write_file(std::string const& name, std::string const& text) {
    std::ofstream out(name, std::ios::binary);
    out << text;
    if (!out.flush()) throw trouble{name + ": cannot be written"};
}

job make_job(arguments const& a) {
    static std::map<std::string, mode> const modes = {{"place", mode::place},     {"repair", mode::repair},
                                                      {"improve", mode::improve}, {"drain", mode::drain},
                                                      {"what-if", mode::what_if}, {"audit", mode::audit}};
    job j;
    j.what = modes.at(a.mode);
    j.world = or_trouble(a.topology, read_topology(read_file(a.topology)));
    j.cells = or_trouble(a.cells, read_cells(read_file(a.cells), j.world.world));
    j.down = j.world.down;
    if (!a.fail.empty()) {
        auto const more = or_trouble(a.fail, read_failures(read_file(a.fail), j.world.world));
        j.down.insert(j.down.end(), more.begin(), more.end());
    }
    j.options.seed = a.seed, j.options.hysteresis = a.hysteresis, j.options.churn_max = a.churn;
    j.options.hard.row = a.row_floor;
    if (a.overlap_max >= 0) j.options.hard.overlap_max = static_cast<unsigned>(a.overlap_max);
    if (a.objective == "weighted") j.options.minimise = objective::weighted;
    j.explain = a.explain;
    for (auto const& id : a.drain) {
        auto const& servers = j.world.world.servers;
        auto const found =
            std::find_if(servers.begin(), servers.end(), [&](auto const& s) { return s.id == id; });
        if (found == servers.end()) throw trouble{fmt::format("--drain: unknown server \"{}\"", id)};
        j.drained.push_back({static_cast<std::uint32_t>(found - servers.begin())});
    }
    return j;
}

std::string answers_document(job const& j, outcome const& o) {
    std::string text = "[";
    for (std::size_t i = 0; i < j.cells.size(); ++i) {
        cell c = j.cells[i];
        c.members = o.answers[i].members;
        text += i > 0 ? ",\n" : "\n";
        text += write_answer(j.world, c, o.answers[i], o.explanations[i], o.violated[i]);
    }
    return text + "\n]\n";
}

/// A line of `--explain`, one fact a line.
std::string by_lines(std::string const& text) {
    std::string out;
    for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 2) {
        end = text.find("; ", at);
        out += (at > 0 ? "\n" : "") + text.substr(at, end == std::string::npos ? end : end - at);
    }
    return out;
}

std::string page(job const& j, outcome const& o, std::string const& show) {
    std::vector<cell> cells = j.cells;
    std::vector<section> sections;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        cells[i].members = o.answers[i].members;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
        bool const wanted = show.empty() ? i == 0 : cells[i].key == show;
        if (!wanted) continue;
        sections.push_back({"Cell " + cells[i].key, by_lines(o.explanations[i]),
                            draw_data_centre(j.world.world, cells, &cells[i], heat::none)});
    }
    sections.push_back(
        {"Load", "Replicas on each server.", draw_data_centre(j.world.world, cells, nullptr, heat::load)});
    sections.push_back(
        {"Risk",
         "How likely a server's cells lose their majority while it is down, their anchors being up "
         "and connected: the mean over its cells.",
         draw_data_centre(j.world.world, cells, nullptr, heat::risk)});
    return make_page("Placement", sections);
}

int work(arguments const& a) {
    auto j = make_job(a);
    auto const shown = [&](cell const& c) { return c.key == a.show; };
    if (!a.show.empty() && std::none_of(j.cells.begin(), j.cells.end(), shown))
        throw trouble{fmt::format("--show: unknown cell \"{}\"", a.show)};
    auto const o = or_trouble(a.cells, run(j));
    write_file(a.out, answers_document(j, o));
    if (!a.html.empty()) write_file(a.html, page(j, o, a.show));
    if (a.explain) {
        for (std::size_t i = 0; i < j.cells.size(); ++i) {
            fmt::print("{}: {}\n", j.cells[i].key, o.explanations[i]);
        }
    }
    fmt::print("{}\n", o.summary);
    std::size_t told = 0;
    for (std::size_t i = 0; i < j.cells.size() && told < 10; ++i) {
        if (!o.answers[i].refused) continue;
        ++told;
        fmt::print(stderr, "cells[{}] {}: {}\n", i, j.cells[i].key, o.explanations[i]);
    }
    return o.refused > 0 ? 3 : 0;
}

int run_program(int argc, char** argv) {
    arguments a;
    CLI::App app("Places cells near their anchors and never too near themselves");
    app.add_option("--topology", a.topology, "the data centre (JSON)")->required();
    app.add_option("--cells", a.cells, "the cells (JSON)")->required();
    app.add_option("--out", a.out, "where the answers go (JSON)")->required();
    app.add_option("--mode", a.mode, "what to do")
        ->check(CLI::IsMember({"place", "repair", "improve", "drain", "what-if", "audit"}));
    app.add_option("--objective", a.objective, "joint: all anchors up; weighted: each alone, by weight")
        ->check(CLI::IsMember({"joint", "weighted"}));
    app.add_option("--overlap-max", a.overlap_max,
                   "servers in common with any other cell (default: no limit)")
        ->check(support::whole_number(0, 9));
    app.add_flag("--row-floor", a.row_floor, "fewer than a majority in any row, too");
    app.add_option("--drain", a.drain, "servers to empty, besides those marked draining");
    app.add_option("--failures", a.fail, "what is down: supposed in what-if, today otherwise (JSON)");
    app.add_option("--seed", a.seed, "of the choice between equals")
        ->check(support::whole_number(0, support::whole_max));
    app.add_option("--hysteresis", a.hysteresis, "improve: least gain of a move")
        ->check(support::real_number(0.0001, 0.9999));
    app.add_option("--churn", a.churn, "improve: most moves")
        ->check(support::whole_number(0, support::whole_max));
    app.add_flag("--explain", a.explain, "one line per cell, and in the answers");
    app.add_option("--html", a.html, "write pictures to this file");
    app.add_option("--show", a.show, "the key of the cell to draw (default: the first)");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : 64; // wrong usage
    }
    try {
        return work(a);
    } catch (trouble const& t) {
        fmt::print(stderr, "zooid-place: {}\n", t.text);
    } catch (std::bad_alloc const&) {
        fmt::print(stderr, "zooid-place: out of memory\n");
    }
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output("zooid-place", [&] { return run_program(argc, argv); });
}

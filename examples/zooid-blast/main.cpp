// zooid-blast: failure studies, with plots.
//
//   zooid-blast --out DIR [--study NAME ...] [--seed 1] [--cells 1000]
//
// or zooid-blast --topology-out T.json --cells-out C.json [--servers 8000] [--seed 1] [--cells 1000]
//
// Writes a made-up data centre and volumes for it, as zooid-place reads them; without these options it writes
// NAME.svg and NAME.json for each study and one page, studies.html. Two more steps serve compare-crush.sh,
// which runs crushtool between them: --crush-map FILE and --crush-mappings FILE.
#include "studies.hpp"

#include "support/numbers.hpp"
#include "support/output.hpp"

#include <zooid/placement/json.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace {

using namespace zooid_blast;

struct arguments {
    std::string out = ".";
    std::vector<std::string> names;
    study_options options;
    std::string topology_out, cells_out;
    std::uint32_t servers = 8000;
    std::string crush_map, crush_mappings;
    double seconds_rows = 1, seconds_all = 1;
};

void write_file(std::filesystem::path const& name, std::string const& text) {
    std::ofstream out(name, std::ios::binary);
    out << text;
    if (!out.flush()) throw std::runtime_error(name.string() + ": cannot be written");
}

std::string read_file(std::string const& name) {
    std::ifstream in(name, std::ios::binary);
    if (!in) throw std::runtime_error(name + ": cannot be read");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string to_json(study const& s, study_options const& o) {
    auto out = fmt::format("{{\"study\": \"{}\", \"seed\": {}, \"cells\": {}, \"lines\": [", s.name, o.seed,
                           o.cells);
    for (std::size_t i = 0; i < s.picture.lines.size(); ++i) {
        out +=
            fmt::format("{}\n  {{\"name\": \"{}\", \"points\": [", i > 0 ? "," : "", s.picture.lines[i].name);
        for (std::size_t k = 0; k < s.picture.lines[i].points.size(); ++k) {
            auto const& [x, y] = s.picture.lines[i].points[k];
            out += fmt::format("{}[{:g}, {:.6g}]", k > 0 ? ", " : "", x, y);
        }
        out += "]}";
    }
    return out + "]}\n";
}

void run_studies(arguments const& a) {
    std::pair<std::string, std::function<study(study_options const&)>> const all[] = {
        {"cell-sizes", cell_sizes},
        {"aggregation-links", aggregation_links},
        {"exact-solver", exact_solver},
        {"load-surge", load_surge}};
    std::filesystem::create_directories(a.out);
    std::vector<section> sections;
    for (auto const& [name, run] : all) {
        if (!a.names.empty() && std::find(a.names.begin(), a.names.end(), name) == a.names.end()) continue;
        fmt::print(stderr, "{} ...\n", name);
        auto const s = run(a.options);
        auto const svg = draw_plot(s.picture);
        write_file(std::filesystem::path(a.out) / (name + ".svg"), svg + "\n");
        write_file(std::filesystem::path(a.out) / (name + ".json"), to_json(s, a.options));
        sections.push_back({s.heading, s.text, svg});
        fmt::print("{}: {}\n", s.name, s.text);
    }
    write_file(std::filesystem::path(a.out) / "studies.html", make_page("Failure studies", sections));
}

void write_made_up(arguments const& a) {
    topology_document const made{generate({.servers = a.servers}, a.options.seed), {}, false};
    if (!a.topology_out.empty()) write_file(a.topology_out, write_topology(made.world));
    if (a.cells_out.empty()) return;
    write_file(a.cells_out,
               write_cells(made, generate_cells(made.world, a.options.cells, {}, a.options.seed)));
}

void work(arguments const& a) {
    if (!a.topology_out.empty() || !a.cells_out.empty()) return write_made_up(a);
    if (!a.crush_map.empty()) {
        auto const c = comparison_of(a.options);
        write_file(a.crush_map, crush_map(c.world));
        // For the script: rule and number of cells of each row, then of the whole.
        for (std::size_t w = 0; w < c.by_row.size(); ++w) {
            fmt::print("{} {}\n", w, c.by_row[w].size());
        }
        fmt::print("{} {}\n", c.by_row.size(), c.cells.size());
        return;
    }
    if (!a.crush_mappings.empty()) {
        fmt::print("{}", compare(comparison_of(a.options), read_file(a.crush_mappings), a.seconds_rows,
                                 a.seconds_all));
        return;
    }
    run_studies(a);
}

int run_program(int argc, char** argv) {
    arguments a;
    CLI::App app("Studies what failures do to cells");
    app.add_option("--out", a.out, "folder for plots and figures (default: the current one)");
    app.add_option("--study", a.names, "which (default: all)")
        ->check(CLI::IsMember({"cell-sizes", "aggregation-links", "exact-solver", "load-surge"}));
    app.add_option("--seed", a.options.seed, "of data centres, volumes and failures")
        ->check(support::whole_number(0, support::whole_max));
    app.add_option("--cells", a.options.cells, "cells of each kind")
        ->check(support::whole_number(1, 1'000'000));
    app.add_option("--topology-out", a.topology_out, "write a made-up data centre (JSON) and stop");
    app.add_option("--cells-out", a.cells_out, "write volumes for it (JSON) and stop");
    app.add_option("--servers", a.servers, "of the made-up data centre")
        ->check(support::whole_number(50, 100'000));
    app.add_option("--crush-map", a.crush_map, "write the CRUSH map of the comparison and stop");
    app.add_option("--crush-mappings", a.crush_mappings, "compare with what crushtool said");
    app.add_option("--crush-seconds-rows", a.seconds_rows,
                   "seconds that crushtool took for the rules of rows")
        ->check(support::real_number(0, 86'400));
    app.add_option("--crush-seconds-all", a.seconds_all, "seconds that crushtool took for the whole")
        ->check(support::real_number(0, 86'400));
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : 64; // wrong usage
    }
    try {
        work(a);
    } catch (std::exception const& e) {
        fmt::print(stderr, "zooid-blast: {}\n", e.what());
        return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output("zooid-blast", [&] { return run_program(argc, argv); });
}

// zooid-journal: looks into a data directory and verifies it. It takes no lock, writes nothing, repairs
// nothing; beside a running server it sees a journal in motion, and what it calls a cut tail may be a write
// in flight.
//
// Exit codes: 0 all is well, 1 damage was found, 2 the directory can't be read, 64 wrong usage.
#include "support/output.hpp"

#include <zooid/file/data_directory.hpp>
#include <zooid/journal/recovery.hpp>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <optional>

namespace json = boost::json;
using namespace zooid;

namespace {

struct store_report {
    std::uint32_t store = 0;
    journal_id journal{};
    std::uint64_t segments = 0, bytes_on_disk = 0;
    std::optional<error> failure{};
    recovered_journal content{};
};

result<store_report> examine(std::string const& directory, directory_manifest const& m, std::uint32_t store) {
    store_report report{.store = store, .journal = m.journals[store]};
    auto image = data_directory::read_store(directory, store);
    if (!image) return image.error();
    report.segments = image.value().size();
    for (auto const& [number, content] : image.value())
        report.bytes_on_disk += content.size();
    auto recovery = recover_journal(report.journal, {.block_bytes = m.block_bytes}, image.value());
    if (recovery) {
        report.content = std::move(recovery.value().content);
    } else {
        report.failure = recovery.error();
    }
    return report;
}

json::object json_of(journal_damage const& d) {
    json::object o{{"kind", name_of(d.kind)}, {"segment", d.segment}, {"offset", d.offset}, {"size", d.size}};
    if (d.kind != damage_kind::voting && d.kind != damage_kind::value) return o;
    o["cell"] = to_string(d.cell), o["replica"] = to_string(d.replica);
    o["record"] = name_of(d.record), o["at"] = d.at.value, o["superseded"] = d.superseded;
    return o;
}

json::object json_of(recovered_replica const& r, bool with_records) {
    json::array records;
    for (auto const& x : r.records) {
        records.push_back({{"kind", name_of(x.kind)}, {"at", x.at.value}, {"bytes", x.payload.size()}});
    }
    json::object o{{"cell", to_string(r.cell)},
                   {"replica", to_string(r.replica)},
                   {"records", r.records.size()},
                   {"unreadable", r.unreadable.size()},
                   {"voting_suspect", r.voting_suspect}};
    if (with_records) o["content"] = records;
    return o;
}

json::object json_of(store_report const& s, bool with_records) {
    json::object o{{"store", s.store},
                   {"journal", to_string(s.journal)},
                   {"segments", s.segments},
                   {"bytes", s.bytes_on_disk}};
    if (s.failure) return o["error"] = s.failure->message(), o;
    json::array replicas, damage;
    for (auto const& r : s.content.replicas)
        replicas.push_back(json_of(r, with_records));
    for (auto const& d : s.content.damage)
        damage.push_back(json_of(d));
    o["last_batch"] = s.content.last.batch, o["chain"] = to_hex(s.content.last.chain);
    o["life"] = to_string(s.content.last.life), o["tail_bytes_cut"] = s.content.tail_bytes_cut;
    o["server_records"] = s.content.server.size(), o["server_suspect"] = s.content.server_suspect;
    o["replicas"] = replicas, o["damage"] = damage;
    return o;
}

void print(journal_damage const& d) {
    fmt::print("  damage: {} at segment {:x} offset {} size {}", name_of(d.kind), d.segment, d.offset,
               d.size);
    if (d.replica) {
        fmt::print(": {} of replica {} of cell {} at {}{}", name_of(d.record), to_string(d.replica),
                   to_string(d.cell), d.at.value, d.superseded ? " (superseded)" : "");
    }
    fmt::print("\n");
}

void print(recovered_replica const& r, bool with_records) {
    fmt::print("  replica {} of cell {}: {} records{}{}\n", to_string(r.replica), to_string(r.cell),
               r.records.size(), r.voting_suspect ? ", must not vote" : "",
               r.unreadable.empty() ? "" : fmt::format(", {} unreadable", r.unreadable.size()));
    if (!with_records) return;
    for (auto const& x : r.records) {
        fmt::print("    {} at {}: {} bytes\n", name_of(x.kind), x.at.value, x.payload.size());
    }
}

void print(store_report const& s, bool with_records) {
    fmt::print("store {}: journal {}, {} segments, {} bytes\n", s.store, to_string(s.journal), s.segments,
               s.bytes_on_disk);
    if (s.failure) return fmt::print("  {}\n", s.failure->message());
    fmt::print("  last batch {} chain {} of life {}; {} bytes of unflushed tail; {} replicas\n",
               s.content.last.batch, to_hex(s.content.last.chain), to_string(s.content.last.life),
               s.content.tail_bytes_cut, s.content.replicas.size());
    for (auto const& r : s.content.replicas)
        print(r, with_records);
    for (auto const& d : s.content.damage)
        print(d);
}

int run(std::string const& directory, bool as_json, bool with_records) {
    auto const manifest = data_directory::read_manifest(directory);
    if (!manifest) return fmt::print(stderr, "zooid-journal: {}\n", manifest.error().message()), 2;
    auto const& m = manifest.value();
    json::array stores;
    int status = 0;
    if (!as_json)
        fmt::print("server {} of colony {}\n", to_string(m.owner.server), to_string(m.owner.colony));
    for (std::uint32_t i = 0; i < m.journals.size(); ++i) {
        auto report = examine(directory, m, i);
        if (!report) return fmt::print(stderr, "zooid-journal: {}\n", report.error().message()), 2;
        auto const& s = report.value();
        if (s.failure || !s.content.damage.empty()) status = 1;
        if (as_json) stores.push_back(json_of(s, with_records));
        if (!as_json) print(s, with_records);
    }
    json::object const all{{"server", m.owner.server.value},
                           {"colony", to_string(m.owner.colony)},
                           {"stores", stores},
                           {"damaged", status != 0}};
    if (as_json) fmt::print("{}\n", json::serialize(all));
    if (!as_json) fmt::print("{}\n", status == 0 ? "no damage" : "DAMAGED");
    return status;
}

int run_program(int argc, char** argv) {
    CLI::App app("Inspects and verifies a zooid data directory. Never writes.");
    std::string directory;
    bool as_json = false, with_records = false;
    app.add_option("directory", directory, "the data directory")->required();
    app.add_flag("--json", as_json, "one JSON object on standard output");
    app.add_flag("--records", with_records, "list every live record");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : 64;
    }
    return run(directory, as_json, with_records);
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output("zooid-journal", [&] { return run_program(argc, argv); });
}

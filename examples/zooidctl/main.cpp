// zooidctl: the operator's hand. What each command does, and the exit codes: examples/README.md.
#include "commands.hpp"
#include "lease.hpp"
#include "recover.hpp"

#include "support/numbers.hpp"
#include "support/output.hpp"
#include "support/strict_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

using namespace zooid;
using namespace zooidctl;

namespace {

struct arguments {
    std::string config;
    bool as_json = false;
    double deadline_seconds = 10;
    std::string key, text, prefix, path, from;
    std::vector<std::string> names;
    std::vector<std::uint64_t> servers;
    std::uint64_t generation = 1;
    std::uint16_t version = 0;
    std::uint64_t server = 0;
    std::uint64_t client = 0;
    std::uint64_t admin = 0;
    bool stale = false;
    bool leased = false;
    lease_wish lease;
    recovery_wish recovery;
};

freshness freshness_of(arguments const& a) {
    if (a.stale) return freshness::stale;
    return a.leased ? freshness::leased : freshness::strict;
}

// Ids and generations are printed as JSON numbers; what comes after the highest generation is one, too.
CLI::Validator const above_zero = support::whole_number(1, support::count_max);
CLI::Validator const server_number = support::whole_number(0, support::count_max);

issue issue_of(arguments const& a) {
    party_role const role = a.admin != 0 ? party_role::admin : party_role::client;
    return {a.from, role, {a.admin + a.client}}; // at most one of them is given
}

void add_key(CLI::App* command, std::string& key) {
    command->add_option("KEY", key, "the partition key of the cell")->required();
}

void add_servers(CLI::App* command, arguments& a,
                 std::string const& meaning = "server ids, the preferred proposer first: 1,2,3") {
    command->add_option("--on", a.servers, meaning)->delimiter(',')->check(server_number)->required();
}

void add_off(CLI::App* command, arguments& a) {
    command->add_option("--off", a.recovery.off, "servers that are off, and never come back with their data")
        ->delimiter(',')
        ->check(server_number);
}

result<std::unique_ptr<colony>> connect(arguments const& a) {
    if (a.config.empty()) return error(errc::invalid_argument, "--config is missing");
    ZOOID_TRY(auto options, load_colony(a.config));
    options.deadline =
        std::chrono::duration_cast<duration>(std::chrono::duration<double>(a.deadline_seconds));
    return colony::open(std::move(options));
}

int with_colony(arguments const& a, output const& out, std::function<int(colony&)> const& act) {
    auto opened = connect(a);
    if (!opened) return out.fail(opened.error()), exit_config;
    return act(*opened.value());
}

int run_program(int argc, char** argv) {
    CLI::App app("Operates a zooid colony.");
    arguments a;
    app.add_option("--config", a.config,
                   R"(JSON: {"servers":[{"id":1,"address":"host:port"}],"keys":"FILE"})");
    app.add_flag("--json", a.as_json, "one JSON object on each line of output");
    app.add_option("--deadline", a.deadline_seconds, "seconds for the whole command")
        ->check(support::real_number(0.001, 86400));
    app.require_subcommand(1);
    app.fallthrough();

    auto* colony_command = app.add_subcommand("colony", "the colony itself")->require_subcommand(1);
    auto* init = colony_command->add_subcommand("init", "found the directory's cells; may be repeated");
    add_servers(init, a);
    auto* cell_command = app.add_subcommand("cell", "cells")->require_subcommand(1);
    auto* create = cell_command->add_subcommand("create", "create a cell; may be repeated");
    add_key(create, a.key);
    add_servers(create, a);
    create->add_option("--generation", a.generation, "of the key; ends an older one")->check(above_zero);
    create->add_option("--die-after", a.recovery.stop_after, "a step; for tests")->group("");
    auto* move = cell_command->add_subcommand(
        "move", "replace, add and drop members until the cell is on these servers; may be repeated");
    add_key(move, a.key);
    add_servers(
        move, a,
        "server ids: 1,2,3. Their order means nothing: whoever joins takes the place of who leaves, or "
        "comes last; `cell prefer` sets the order");
    auto* prefer = cell_command->add_subcommand(
        "prefer", "change the order in which a cell's servers are preferred for the proposer");
    add_key(prefer, a.key);
    add_servers(prefer, a);
    auto* lead = cell_command->add_subcommand("lead", "hand the lead to a server of the cell");
    add_key(lead, a.key);
    lead->add_option("SERVER", a.server, "one that the cell is on")->required()->check(above_zero);
    auto* finalise = cell_command->add_subcommand(
        "finalise", "raise the cell to a version that every member's software understands; may be repeated");
    add_key(finalise, a.key);
    finalise->add_option("VERSION", a.version, "new commands and formats are used from then on: no way back")
        ->required()
        ->check(support::whole_number(1, 65535));
    auto* survey = cell_command->add_subcommand(
        "survey", "what every server knows of a cell, and whether it can be recovered; changes nothing");
    add_key(survey, a.key);
    add_off(survey, a);
    auto* recover = cell_command->add_subcommand(
        "recover",
        "go on as another cell where the majority is lost for good; shows the plan unless confirmed");
    add_key(recover, a.key);
    recover->add_option("--on", a.recovery.on, "servers of the new cell, the preferred proposer first")
        ->delimiter(',')
        ->check(server_number)
        ->required();
    add_off(recover, a);
    recover->add_option("--confirm", a.recovery.confirm, "the plan's token, as the command without it says");
    recover->add_option("--die-after", a.recovery.stop_after, "a step; for tests")->group("");
    auto* txn = app.add_subcommand("txn", "run a transaction");
    add_key(txn, a.key);
    txn->add_option("TRANSACTION", a.text, R"(JSON: {"if":[...],"then":[...]}; or - for standard input)")
        ->required();
    auto* get_command = app.add_subcommand("get", "read entries of a cell, or all of them");
    add_key(get_command, a.key);
    get_command->add_option("NAME", a.names, "entries");
    get_command->add_flag("--stale", a.stale, "a consistent prefix from any replica: perhaps not the newest");
    get_command
        ->add_flag("--leased", a.leased,
                   "the proposer may answer from its lease; rests on the clock-rate bound")
        ->excludes("--stale");
    auto* lease_command = app.add_subcommand("lease", "time-bounded locks")->require_subcommand(1);
    auto* show = lease_command->add_subcommand("show", "who holds a lease, for how long, under which number");
    add_key(show, a.key);
    show->add_option("LEASE", a.lease.name, "the entry of the cell")->required();
    auto* hold = lease_command->add_subcommand("hold", "run a command while holding a lease, and no longer");
    add_key(hold, a.key);
    hold->add_option("LEASE", a.lease.name, "the entry of the cell")->required();
    hold->add_option("--for", a.lease.seconds, "seconds that it lasts unless renewed")
        ->check(support::real_number(0.1, 3600));
    hold->add_option("COMMAND", a.lease.command, "after --")->required();
    auto* scan = app.add_subcommand("scan", "the cells that the directory knows, or the entries of one");
    scan->add_option("KEY", a.key, "a cell; without it: the directory");
    scan->add_option("--prefix", a.prefix, "only what begins so");
    auto* status_command = app.add_subcommand("status", "all servers' counters");
    auto* explain_command = app.add_subcommand("explain", "what each replica of a cell knows and does");
    add_key(explain_command, a.key);
    auto* keygen_command = app.add_subcommand("keygen", "write a key file of mode 0600");
    keygen_command->add_option("FILE", a.path, "must not exist")->required();
    auto* from =
        keygen_command->add_option("--from", a.from, "the colony's key file; with one of the next two");
    auto* issued = keygen_command->add_option_group("to whom", "issued keys");
    issued->add_option("--client", a.client, "a client under this number: reads and writes cells")
        ->needs(from)
        ->check(above_zero);
    issued->add_option("--admin", a.admin, "an admin under this number: creates cells, too")
        ->needs(from)
        ->check(above_zero);
    issued->require_option(0, 1);
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? 0 : exit_usage;
    }
    if (!a.from.empty() && a.client + a.admin == 0) {
        fmt::print(stderr, "zooidctl: --from needs --client or --admin: for whom are the keys?\n");
        return exit_usage;
    }
    output const out{a.as_json};
    if (*keygen_command) return keygen(out, a.path, issue_of(a));
    return with_colony(a, out, [&](colony& on) {
        if (*init) return colony_init(on, out, a.servers);
        if (*move) return cell_move(on, out, a.key, a.servers);
        if (*prefer) return cell_prefer(on, out, a.key, a.servers);
        if (*lead) return cell_lead(on, out, a.key, a.server);
        if (*finalise) return cell_finalise(on, out, a.key, a.version);
        if (*survey) return survey_cell(on, out, a.key, a.recovery.off);
        if (*recover) return recover_cell(on, out, a.key, a.recovery);
        if (*create)
            return cell_create(on, out, a.key, {{a.generation}, ids_of(a.servers), a.recovery.stop_after});
        if (*txn) return transact(on, out, a.key, a.text);
        if (*show) return lease_show(on, out, a.key, a.lease.name);
        if (*hold) return lease_hold(on, out, a.key, a.lease);
        if (*get_command) return get(on, out, a.key, a.names, freshness_of(a));
        if (*scan)
            return a.key.empty() ? scan_directory(on, out, a.prefix) : scan_cell(on, out, a.key, a.prefix);
        if (*status_command) return status(on, out);
        return explain(on, out, a.key);
    });
}

} // namespace

int main(int argc, char** argv) {
    return support::finish_output("zooidctl", [&] { return run_program(argc, argv); });
}

#include "commands.hpp"

#include "members.hpp"

#include "support/transaction_json.hpp"
#include "support/value_json.hpp"

#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <optional>

namespace zooidctl {

namespace json = boost::json;
using namespace zooid;

namespace {

void print(json::value const& line) {
    fmt::print("{}\n", json::serialize(line));
}

json::object json_of(std::string const& key, birth const& b) {
    json::object missing;
    for (auto const& [server, why] : b.missing)
        missing[to_string(server)] = why.message();
    return {{"key", support::json_of_key(key)},
            {"cell", to_string(b.entry.cell)},
            {"generation", b.entry.birth.value},
            {"founders", numbers_of(zooidctl::servers_of(b.entry.founders))},
            {"existed", b.existed},
            {"founded_on", b.founded.size()},
            {"missing", missing}};
}

// Where it is not, and will not be however often it is asked for.
std::optional<error> refusal_of(birth const& b) {
    for (auto const& [server, why] : b.missing) {
        if (exit_code_of(why) == exit_refused)
            return error(why.code(), fmt::format("server {}: {}", to_string(server), why.detail()));
    }
    return std::nullopt;
}

int report(output const& out, std::string const& key, birth const& b) {
    if (auto const refused = refusal_of(b)) return out.fail(*refused);
    if (out.as_json) {
        print(json_of(key, b));
    } else {
        fmt::print("{}: {} generation {}, cell {}, on {} of {} servers\n", key,
                   b.existed ? "existed," : "created,", b.entry.birth.value, to_string(b.entry.cell),
                   b.founded.size(), b.entry.founders.size());
        for (auto const& [server, why] : b.missing)
            fmt::print("  not on server {} yet: {}; run the command again\n", to_string(server),
                       why.message());
    }
    return b.missing.empty() ? exit_done : exit_try_again;
}

std::string shown(kv::observation const& seen) {
    std::string const value = seen.content ? json::serialize(support::json_of(*seen.content)) : "absent";
    return fmt::format("{} = {}  (version {})", json::serialize(support::json_of_key(seen.key)), value,
                       seen.version.value);
}

void print_outcome(transaction_reply const& reply) {
    if (auto const* r = reply.rejected()) {
        fmt::print("rejected: {} {}", name_of(r->why), r->index);
        if (support::met_something(*r)) fmt::print(": {}", shown(r->met));
        return fmt::print("\n");
    }
    fmt::print("committed: version {}\n", reply.committed()->version.value);
    for (kv::operation_result const& r : reply.committed()->results) {
        for (kv::observation const& seen : r.entries)
            fmt::print("  {}\n", shown(seen));
    }
}

int report(output const& out, std::string const& key, result<transaction_reply> const& reply) {
    if (!reply) return out.fail(reply.error());
    transaction_reply const& r = reply.value();
    if (out.as_json) {
        json::object line{{"key", support::json_of_key(key)},
                          {"cell", to_string(r.cell)},
                          {"generation", r.token.birth.value},
                          {"slot", r.token.at.value}};
        for (auto const& field : support::json_of(r.outcome))
            line.insert(field);
        print(line);
    } else {
        print_outcome(r);
    }
    return r.is_committed() ? exit_done : exit_rejected;
}

} // namespace

int exit_code_of(error const& e) {
    switch (e.code()) {
    case errc::outcome_unknown:
    case errc::expired: return exit_unknown;
    case errc::unreachable:
    case errc::overloaded:
    case errc::timed_out:
    case errc::cancelled:
    case errc::stopping:
    case errc::not_proposer: return exit_try_again;
    case errc::invalid_argument:
    case errc::too_large: return exit_data;
    default: return exit_refused;
    }
}

int output::fail(error const& e) const {
    if (as_json) {
        print(json::object{{"error", name_of(e.code())}, {"detail", std::string(e.detail())}});
    } else {
        fmt::print(stderr, "zooidctl: {}\n", e.message());
    }
    return exit_code_of(e);
}

int colony_init(colony& on, output const& out, std::vector<std::uint64_t> const& servers) {
    std::size_t existed = 0;
    json::array cells;
    int code = exit_done;
    for (std::uint32_t i = 0; i < directory_cells; ++i) {
        auto const born = found_directory_cell(on, i, ids_of(servers));
        if (!born) return out.fail(born.error());
        existed += born.value().existed ? 1 : 0;
        if (auto const refused = refusal_of(born.value())) return out.fail(*refused);
        if (!born.value().missing.empty()) code = report(out, directory_key(i), born.value());
        cells.push_back(json_of(directory_key(i), born.value()));
    }
    if (out.as_json) {
        print(json::object{{"colony", to_string(on.id())}, {"directory", cells}, {"existed", existed}});
    } else {
        fmt::print("colony {}: {} directory cells, {} of them existed\n", to_string(on.id()), directory_cells,
                   existed);
    }
    return code;
}

int cell_create(colony& on, output const& out, std::string const& key, birth_wish const& wish) {
    auto const born = create_cell(on, key, wish);
    return born ? report(out, key, born.value()) : out.fail(born.error());
}

namespace {

void print_step(step const& s, double took) {
    std::string const what = s.out.empty()  ? named(s.in) + " join"
                             : s.in.empty() ? named(s.out) + " leave"
                                            : named(s.out) + " -> " + to_string(s.in.front());
    fmt::print("{} in slot {}, {:.1f} ms\n", what, s.at.value, took);
}

} // namespace

int cell_move(colony& on, output const& out, std::string const& key,
              std::vector<std::uint64_t> const& servers) {
    auto const moved = move_cell(on, key, ids_of(servers));
    if (!moved) return out.fail(moved.error());
    json::array steps;
    std::size_t replaced = 0, joined = 0, left = 0;
    for (step const& s : moved.value()) {
        auto const took = std::chrono::duration<double, std::milli>(s.took).count();
        if (!out.as_json) print_step(s, took);
        steps.push_back(json::object{
            {"out", numbers_of(s.out)}, {"in", numbers_of(s.in)}, {"slot", s.at.value}, {"ms", took}});
        replaced += std::min(s.out.size(), s.in.size());
        joined += s.out.empty() ? s.in.size() : 0;
        left += s.in.empty() ? s.out.size() : 0;
    }
    if (out.as_json) {
        print(json::object{{"key", support::json_of_key(key)}, {"steps", steps}});
        return exit_done;
    }
    fmt::print("{}: {} members replaced", key, replaced);
    if (joined != 0) fmt::print(", {} joined", joined);
    if (left != 0) fmt::print(", {} left", left);
    fmt::print("\n");
    return exit_done;
}

int cell_prefer(colony& on, output const& out, std::string const& key,
                std::vector<std::uint64_t> const& servers) {
    auto const chosen = prefer_servers(on, key, ids_of(servers));
    if (!chosen) return out.fail(chosen.error());
    if (out.as_json)
        print(json::object{{"key", support::json_of_key(key)}, {"slot", chosen.value().value}});
    else if (chosen.value() == slot{})
        fmt::print("{}: that is its order already\n", key);
    else
        fmt::print("{}: order changed in slot {}\n", key, chosen.value().value);
    return exit_done;
}

int cell_lead(colony& on, output const& out, std::string const& key, std::uint64_t server) {
    auto const handed = hand_lead_to(on, key, {server});
    if (!handed) return out.fail(handed.error());
    if (out.as_json)
        print(json::object{{"key", support::json_of_key(key)}, {"proposer", server}});
    else
        fmt::print("{}: server {} leads\n", key, server);
    return exit_done;
}

int cell_finalise(colony& on, output const& out, std::string const& key, std::uint16_t to) {
    auto const raised = finalise_version(on, key, to);
    if (!raised) return out.fail(raised.error());
    bool const had_it = raised.value() == slot{};
    if (out.as_json)
        print(json::object{{"key", support::json_of_key(key)},
                           {"version", to},
                           {"slot", raised.value().value},
                           {"had_it", had_it}});
    else if (had_it)
        fmt::print("{}: has cell version {} already\n", key, to);
    else
        fmt::print("{}: raised to cell version {} in slot {}\n", key, to, raised.value().value);
    return exit_done;
}

int transact(colony& on, output const& out, std::string const& key, std::string const& given) {
    bool const by_stream = given == "-"; // an argument of a process has a limit below a transaction's
    std::string const text = by_stream ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : given;
    auto const node = support::parse_strict(text, "transaction");
    if (!node) return out.fail(node.error());
    auto const t = support::transaction_of(node.value(), "transaction");
    if (!t) return out.fail(t.error());
    bool const reads = t.value().read_only();
    return report(out, key, reads ? on.read(key, t.value()) : on.commit(key, t.value()));
}

int get(colony& on, output const& out, std::string const& key, std::vector<std::string> const& names,
        freshness how) {
    kv::transaction t;
    for (std::string const& name : names)
        t.read(name);
    if (names.empty()) t.scan("");
    auto const reply = how == freshness::stale    ? on.prefix_read(key, t)
                       : how == freshness::leased ? on.leased_read(key, t)
                                                  : on.read(key, t);
    int const code = report(out, key, reply);
    if (code != exit_done || names.empty()) return code;
    for (kv::operation_result const& r : reply.value().committed()->results) {
        for (kv::observation const& seen : r.entries) {
            if (!seen.content) return exit_rejected;
        }
    }
    return exit_done;
}

int scan_cell(colony& on, output const& out, std::string const& key, std::string const& prefix) {
    return report(out, key, on.read(key, kv::transaction().scan(prefix)));
}

int scan_directory(colony& on, output const& out, std::string const& prefix) {
    std::vector<std::pair<bytes, directory_entry>> found;
    for (std::uint32_t i = 0; i < directory_cells; ++i) {
        auto const reply = on.read(directory_cell_id(on.id(), i), kv::transaction().scan(prefix));
        if (!reply) return out.fail(reply.error());
        if (!reply.value().is_committed())
            return out.fail(error(errc::too_large, directory_key(i) + ": more entries than one reply holds"));
        for (kv::observation const& seen : reply.value().committed()->results.at(0).entries) {
            auto const* content = std::get_if<bytes>(&*seen.content);
            auto entry = content ? decode_directory_entry(*content) : errc::malformed;
            if (!entry) return out.fail(error(entry.error().code(), directory_key(i) + ": not an entry"));
            found.emplace_back(seen.key, std::move(entry).value());
        }
    }
    std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
    for (auto const& [key, entry] : found) {
        if (out.as_json) {
            print(json::object{{"key", support::json_of_key(key)},
                               {"cell", to_string(entry.cell)},
                               {"generation", entry.birth.value},
                               {"founders", numbers_of(zooidctl::servers_of(entry.founders))}});
        } else {
            fmt::print("{}  generation {}  cell {}  founded on servers {}\n", key, entry.birth.value,
                       to_string(entry.cell), listed(zooidctl::servers_of(entry.founders)));
        }
    }
    return exit_done;
}

// Replica ids that a creation or a move drew and then did not use: it is under way, or nobody went on with
// it. The same command again goes on with them, unless it is a creation that the directory does not name:
// that one draws others. Nothing is deleted, since only the directory knows who won.
void print_reservations(std::uint64_t count, json::object const& told) {
    if (count == 0) return;
    fmt::print("  {} reserved, and neither founded nor taught:", count);
    auto const* listed = told.if_contains("reservations");
    for (json::value const& one : listed && listed->is_array() ? listed->get_array() : json::array()) {
        json::object const& reservation = one.as_object();
        fmt::print(" cell {} generation {}", std::string(reservation.at("cell").as_string()),
                   reservation.at("generation").to_number<std::uint64_t>());
    }
    fmt::print("\n");
}

// A journal that hangs takes nothing until its disk does; one that failed takes nothing until a restart. One
// that is older than what its peers remember of it takes part in nothing any more.
void print_journal(json::object const& told) {
    auto const* rolled_back = told.if_contains("rolled_back");
    if (rolled_back && rolled_back->is_bool() && rolled_back->get_bool())
        fmt::print(
            "  journal was rolled back: its replicas do not vote; its data directory has to be formatted "
            "anew\n");
    auto const* why = told.if_contains("journal_error");
    if (why && why->is_string())
        return fmt::print("  journal failed for good: {}\n", std::string(why->get_string()));
    auto const* hung = told.if_contains("journal_hung");
    if (hung && hung->is_bool() && hung->get_bool()) fmt::print("  journal hangs: its writes do not end\n");
}

int status(colony& on, output const& out) {
    int code = exit_done;
    for (remote_server const& server : on.servers()) {
        auto const reply = on.ask(operation::status, server.server, cell_id{}, {});
        if (!reply) {
            code = exit_try_again;
            if (out.as_json) {
                print(
                    json::object{{"server", server.server.value}, {"error", name_of(reply.error().code())}});
            } else {
                fmt::print("server {}: {}\n", to_string(server.server), reply.error().message());
            }
            continue;
        }
        if (out.as_json) {
            fmt::print("{}\n", reply.value().payload);
            continue;
        }
        json::error_code failure;
        json::value const told = json::parse(reply.value().payload, failure);
        auto const count = [&](char const* name) -> std::uint64_t {
            auto const* all = failure ? nullptr : told.as_object().if_contains("counters");
            auto const* one = all && all->is_object() ? all->as_object().if_contains(name) : nullptr;
            return one && one->is_number() ? one->to_number<std::uint64_t>() : 0;
        };
        fmt::print("server {}: {} cells, leads {}, {} waiting, {} commits, {} reads\n",
                   to_string(server.server), count("cells"), count("leading"), count("requests_waiting"),
                   count("commits_answered"), count("reads_answered"));
        if (told.is_object()) print_journal(told.get_object());
        if (told.is_object()) print_reservations(count("reserved"), told.get_object());
    }
    return code;
}

int explain(colony& on, output const& out, std::string const& key) {
    std::size_t told = 0;
    std::optional<error> last;
    for (remote_server const& server : on.servers()) {
        auto const reply = on.ask(operation::explain, server.server, key, {});
        if (!reply) {
            if (!(reply.error() == errc::not_here)) last = reply.error();
            continue;
        }
        ++told;
        if (out.as_json) {
            fmt::print("{}\n", reply.value().payload);
            continue;
        }
        json::error_code failure;
        json::value const all = json::parse(reply.value().payload, failure);
        fmt::print("server {}\n", to_string(server.server));
        if (failure || !all.is_object()) continue;
        for (auto const& field : all.as_object())
            fmt::print("  {:<16} {}\n", std::string(field.key()), json::serialize(field.value()));
    }
    if (told != 0) return exit_done;
    return out.fail(
        last ? *last
             : error(errc::not_found, fmt::format("no server that was asked has the cell of key {}",
                                                  json::serialize(support::json_of_key(key)))));
}

int keygen(output const& out, std::string const& path, issue const& what) {
    auto keys = what.from.empty() ? make_colony_keys() : load_key_file(what.from);
    if (!keys) return out.fail(keys.error());
    if (what.to) {
        if (!keys.value().for_server())
            return out.fail(error(errc::invalid_argument, what.from + ": keys are issued from a colony's"));
        auto const issued = what.role == party_role::admin ? issue_admin_keys : issue_client_keys;
        keys = issued(hmac_sha256(), keys.value(), what.to);
    }
    std::string const role(name_of(keys.value().role));
    if (auto const done = save_key_file(path, keys.value()); !done) return out.fail(done.error());
    if (out.as_json) {
        json::object line{{"file", path}, {"colony", to_string(keys.value().colony)}, {"role", role}};
        if (what.to) line["principal"] = what.to.value;
        print(line);
    } else {
        fmt::print("{}: keys of {}colony {}\n", path,
                   what.to ? fmt::format("{} {} of ", role, what.to.value) : "",
                   to_string(keys.value().colony));
    }
    return exit_done;
}

} // namespace zooidctl

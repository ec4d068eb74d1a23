#include "config.hpp"

#include "support/address.hpp"
#include "support/strict_json.hpp"

#include <zooid/tcp/key_file.hpp>
#include <zooid/transport/shards.hpp>

#include <fmt/format.h>

#include <map>

namespace zooidd {

using namespace zooid;
using support::json_node;
using support::object_reader;

namespace {

constexpr std::uint64_t milliseconds_max = 3'600'000;
constexpr std::uint64_t clock_ratio_most = 1000;

class config_reader {
  public:
    explicit config_reader(std::string const& path, json_node const& root)
        : path_(path), root_(root), in_(root, path) {}

    result<config> read() {
        identity();
        addresses();
        storage();
        tuning();
        bounds(explain_invalid(made_.server.tuning));
        bounds(explain_invalid(made_.server.journal.journal));
        ZOOID_TRY(in_.finish());
        ZOOID_TRY(keys());
        return std::move(made_);
    }

  private:
    void identity() {
        in_.require("id", made_.server.server.value);
        if (json_node const* id = in_.allow("id"); id && made_.server.server.value == 0)
            in_.refuse(*id, "a server id is a whole number above 0");
        std::string colony;
        in_.allow("colony", colony);
        json_node const* named = in_.allow("colony");
        if (named && !(parse_hex(colony, colony_.high, colony_.low) && colony_))
            in_.refuse(*named, "a colony id has 32 hexadecimal digits, and is not zero");
        file_name(in_.require("keys"), key_file_);
    }

    void file_name(json_node const* node, std::string& out) {
        if (!node) return;
        if (node->what != json_node::type::string || node->text.empty())
            return in_.refuse(*node, "the name of a file or directory is expected");
        out = node->text;
    }

    std::optional<tcp_address> address(json_node const* node) {
        if (!node) return std::nullopt;
        auto parsed =
            node->what == json_node::type::string ? support::parse_address(node->text) : std::nullopt;
        if (!parsed) in_.refuse(*node, "an address is \"host:port\", \"1.2.3.4:7001\" or \"[::1]:7001\"");
        return parsed;
    }

    void addresses() {
        if (auto listen = address(in_.require("listen"))) made_.server.listen = *listen;
        json_node const* peers = in_.allow("peers");
        if (!peers) return;
        if (peers->what != json_node::type::array) return in_.refuse(*peers, "an array is expected");
        std::map<std::uint64_t, json_node const*> seen;
        for (json_node const& item : peers->items)
            peer(item, seen);
    }

    void peer(json_node const& item, std::map<std::uint64_t, json_node const*>& seen) {
        object_reader in(item, path_);
        tcp_peer p;
        in.require("id", p.server.value);
        auto const at = address(in.require("address"));
        if (auto const done = in.finish(); !done) {
            if (!wrong_) wrong_ = done.error();
            return;
        }
        json_node const& id = *item.find("id");
        auto const [first, fresh] = seen.emplace(p.server.value, &id);
        if (!p.server) in_.refuse(id, "a server id is a whole number above 0");
        if (p.server == made_.server.server) in_.refuse(id, "is this server's own id");
        if (!fresh)
            in_.refuse(id, fmt::format("server {} is listed twice, first in line {}", p.server.value,
                                       first->second->place.line));
        if (at) p.address = *at;
        if (at && at->port == 0) in_.refuse(*item.find("address"), "a peer's port is not 0");
        made_.server.peers.push_back(p);
    }

    template <class T>
    void choice(std::string_view field, T& out, std::initializer_list<std::pair<std::string_view, T>> all) {
        json_node const* node = in_.allow(field);
        if (!node) return;
        std::string names;
        for (auto const& [name, meaning] : all) {
            if (node->what == json_node::type::string && node->text == name) return void(out = meaning);
            names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
        }
        in_.refuse(*node, "one of these is expected: " + names);
    }

    void storage() {
        choice("journal", made_.server.storage,
               {{"file", journal_storage::file}, {"memory", journal_storage::volatile_memory}});
        choice("flush", made_.server.journal.method,
               {{"fdatasync", flush_method::fdatasync},
                {"dsync", flush_method::dsync},
                {"direct_dsync", flush_method::direct_dsync}});
        made_.server.journal.thread = flush_thread::adaptive; // this thread has nothing else to do
        choice("flush_thread", made_.server.journal.thread,
               {{"own", flush_thread::blocking},
                {"shared", flush_thread::owner},
                {"adaptive", flush_thread::adaptive}});
        std::string directory;
        bool const on_files = made_.server.storage == journal_storage::file;
        file_name(on_files ? in_.require("data") : in_.allow("data"), directory);
        made_.server.directory = directory;
        bool format = false;
        in_.allow("format_if_empty", format);
        if (format) made_.server.policy = directory_policy::format_if_empty;
        shards();
        in_.allow("segment_bytes", made_.server.journal.journal.segment_bytes);
        in_.allow("scrub_bytes_per_second", made_.server.scrub_bytes_per_second);
    }

    void shards() {
        std::uint64_t given = made_.server.shards;
        in_.allow("shards", given);
        json_node const* node = in_.allow("shards");
        if (node && (given == 0 || given > shards_max))
            return in_.refuse(*node, fmt::format("is from 1 to {}", shards_max));
        made_.server.shards = static_cast<std::uint32_t>(given);
    }

    void milliseconds(std::string_view field, duration& out) {
        std::uint64_t ms = 0;
        in_.allow(field, ms);
        json_node const* node = in_.allow(field);
        if (!node) return;
        if (ms == 0 || ms > milliseconds_max) return in_.refuse(*node, "is from 1 to 3,600,000 milliseconds");
        out = std::chrono::milliseconds(ms);
    }

    void tuning() {
        milliseconds("pulse_interval_ms", made_.server.tuning.pulse_interval);
        milliseconds("pulse_timeout_ms", made_.server.tuning.pulse_timeout);
        milliseconds("probe_interval_ms", made_.server.tuning.probe_interval);
        milliseconds("lease_hold_ms", made_.server.tuning.lease.hold);
        std::uint64_t ratio = made_.server.tuning.lease.clock_ratio_max;
        in_.allow("clock_ratio_max", ratio);
        json_node const* rate = in_.allow("clock_ratio_max");
        if (rate && (ratio == 0 || ratio > clock_ratio_most))
            return in_.refuse(*rate, fmt::format("is from 1 to {}", clock_ratio_most));
        made_.server.tuning.lease.clock_ratio_max = static_cast<std::uint32_t>(ratio);
        in_.allow("teach_bytes_per_second", made_.server.tuning.teach_bytes_per_second);
        std::uint64_t requests = made_.server.tuning.requests_max;
        std::uint64_t cells = made_.server.tuning.cells_max;
        in_.allow("requests_max", requests);
        in_.allow("cells_max", cells);
        made_.server.tuning.requests_max = static_cast<std::size_t>(requests);
        made_.server.tuning.cells_max = static_cast<std::size_t>(cells);
    }

    // What the library says of its options begins with the name of one: "pulse_timeout: must be ...", or
    // "lease.hold: must be ...".
    void bounds(std::string const& wrong) {
        if (wrong.empty()) return;
        std::string const name = wrong.substr(0, wrong.find_first_of(": "));
        std::string const last = name.substr(name.find('.') + 1);
        for (std::string const& field : {name, name + "_ms", last, "lease_" + last + "_ms"}) {
            if (json_node const* given = root_.find(field)) return in_.refuse(*given, wrong);
        }
        in_.refuse(root_, wrong);
    }

    result<void> keys() {
        if (wrong_) return *wrong_;
        ZOOID_TRY(made_.server.keys, load_key_file(key_file_));
        if (!colony_ || colony_ == made_.server.keys.colony) return outcome::success();
        return error(errc::wrong_owner,
                     fmt::format("{}: the keys are of colony {}, {} says {}", key_file_,
                                 to_string(made_.server.keys.colony), path_, to_string(colony_)));
    }

    std::string const& path_;
    json_node const& root_;
    object_reader in_;
    config made_;
    colony_id colony_;
    std::string key_file_;
    std::optional<error> wrong_; ///< inside of a peer
};

} // namespace

result<config> load_config(std::string const& path) {
    ZOOID_TRY(auto const root, support::parse_strict_file(path));
    return config_reader(path, root).read();
}

} // namespace zooidd

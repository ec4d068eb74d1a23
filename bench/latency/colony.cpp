#include "colony.hpp"

#include <zooid/cell/snapshot.hpp>
#include <zooid/server/server.hpp>
#include <zooid/tcp/hmac.hpp>
#include <zooid/tcp/key_file.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace latency {

using namespace zooid;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds patience(60);

template <class T>
T value_of(result<T> r, std::string const& what) {
    if (!r) throw std::runtime_error(what + ": " + r.error().message());
    return std::move(r).value();
}

request admin(operation op, bytes_view payload = {}) {
    request r;
    r.op = op;
    r.payload = payload;
    r.remaining_ms = 60'000;
    return r;
}

std::string first_lines(std::string const& path) {
    std::ifstream in(path);
    std::string all, line;
    for (int i = 0; i < 5 && std::getline(in, line); ++i)
        all += "\n    " + line;
    return all;
}

} // namespace

colony::colony(colony_options const& how) : how_(how) {
    auto const keys = value_of(make_colony_keys(), "making keys");
    if (auto const saved = save_key_file(how_.folder + "/keys", keys); !saved)
        throw std::runtime_error(saved.error().message());
    auto const ports = free_ports(how_.servers);
    std::vector<server_address> addresses;
    for (std::size_t i = 0; i < how_.servers; ++i) {
        start(i, ports);
        addresses.push_back({{i + 1}, ports[i]});
    }
    links_ = std::make_unique<client_links>(addresses, issue_admin_keys(hmac_sha256(), keys, {1}));
    try {
        links_->connect(patience);
        await_neighbours();
    } catch (interrupted const&) {
        throw;
    } catch (std::exception const& e) {
        throw std::runtime_error(fmt::format("{}; the first server says:{}", e.what(),
                                             first_lines(how_.folder + "/server-1.err")));
    }
}

colony::~colony() {
    links_.reset();
    for (child& s : servers_)
        s.stop(std::chrono::milliseconds(0)); // its folder goes with it: there is nothing to keep
}

void colony::start(std::size_t index, std::vector<std::uint16_t> const& ports) {
    auto const path = fmt::format("{}/server-{}", how_.folder, index + 1);
    json::array peers;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        if (i == index) continue;
        peers.push_back(json::object{{"id", i + 1}, {"address", fmt::format("127.0.0.1:{}", ports[i])}});
    }
    json::object config{{"id", index + 1},
                        {"keys", how_.folder + "/keys"},
                        {"listen", fmt::format("127.0.0.1:{}", ports[index])},
                        {"peers", peers},
                        {"data", path + ".data"},
                        {"format_if_empty", true},
                        {"journal", how_.durable ? "file" : "memory"},
                        {"flush", name_of(how_.how)},
                        {"flush_thread", how_.flush_thread}};
    if (how_.shards > 1) config["shards"] = how_.shards;
    std::ofstream(path + ".json") << json::serialize(config) << "\n";
    servers_.push_back(
        child::start({how_.program, "--config", path + ".json"}, path + ".out", path + ".err"));
}

void colony::await_neighbours() {
    for (server_id const s : links_->servers()) {
        auto const end = now_ns() + std::chrono::nanoseconds(patience).count();
        for (bool all = false; !all;) {
            auto const status = json::parse(links_->ask_and_wait(s, admin(operation::status)));
            all = true;
            for (auto const& p : status.at("peers").as_array())
                all = all && p.at("both_ways").as_bool();
            if (now_ns() > end) throw std::runtime_error("the servers don't find each other");
            if (!all) pause_for(std::chrono::milliseconds(50));
        }
    }
}

server_counters colony::counters() {
    server_counters sum;
    for (server_id const s : links_->servers()) {
        auto const status = json::parse(links_->ask_and_wait(s, admin(operation::status)));
        auto const get = [&](char const* group, char const* name) {
            return status.at(group).at(name).to_number<std::uint64_t>();
        };
        sum.commits += get("counters", "commits_answered");
        sum.frames += get("counters", "frames_sent");
        sum.messages += get("counters", "messages_sent");
        sum.cells += get("counters", "cells");
        sum.leading += get("counters", "leading");
        sum.replica_bytes += get("counters", "replica_bytes");
        sum.flushes += get("journal", "batches");
        sum.bytes_written += get("journal", "bytes_written");
    }
    return sum;
}

double colony::cpu_seconds() const {
    double sum = 0;
    for (child const& s : servers_)
        sum += process_cpu_seconds(s.id());
    return sum;
}

std::uint64_t colony::pss() const {
    std::uint64_t sum = 0;
    for (child const& s : servers_)
        sum += pss_bytes(s.id());
    return sum;
}

std::vector<pid_t> colony::processes() const {
    std::vector<pid_t> all;
    for (child const& s : servers_)
        all.push_back(s.id());
    return all;
}

// ---- cells

struct colony::birth {
    cell_id id;
    std::vector<server_id> on;
    std::vector<member> members;
    std::size_t founded = 0;
    bytes founding;
    cell* out = nullptr;
    std::size_t* left = nullptr;
};

namespace {

void check_admin(reply const& r, char const* what) {
    if (r.failure)
        throw std::runtime_error(fmt::format("{}: {} {}", what, zooid::name_of(*r.failure), r.detail));
}

} // namespace

void colony::reserve(std::shared_ptr<birth> const& b) {
    bytes const payload = encode(reserve_request{b->id, {1}});
    for (std::size_t i = 0; i < b->on.size(); ++i) {
        links_->ask(b->on[i], admin(operation::reserve, payload), [this, b, i](reply const& r) {
            check_admin(r, "reserve");
            b->members[i] = value_of(decode_member(r.payload), "reserve");
            if (++b->founded == b->on.size()) found(b);
        });
    }
}

void colony::found(std::shared_ptr<birth> const& b) {
    snapshot s;
    s.cell = b->id;
    s.key = fmt::format("cell-{}", b->id.low);
    s.birth = {1};
    b->out->id = b->id;
    b->out->members = configuration(b->members);
    s.configurations = {{slot{1}, b->out->members}};
    b->founding = encode(s);
    b->founded = 0;
    for (server_id const to : b->on) {
        links_->ask(to, admin(operation::found, b->founding), [b](reply const& r) {
            check_admin(r, "found");
            if (++b->founded == b->on.size()) --*b->left;
        });
    }
}

std::vector<cell> colony::create(std::size_t count, std::size_t replicas) {
    constexpr std::size_t at_once = 64;
    std::vector<cell> made(count);
    std::size_t started = 0, left = count;
    auto const more = [&] {
        for (; started < count && started < count - left + at_once; ++started) {
            auto b = std::make_shared<birth>();
            b->id = {static_cast<std::uint64_t>(now_ns()), ++cells_made_};
            b->members.resize(replicas);
            for (std::size_t i = 0; i < replicas; ++i)
                b->on.push_back({(cells_made_ + i) % how_.servers + 1});
            b->out = &made[started];
            b->left = &left;
            reserve(b);
        }
        links_->flush();
        return left == 0;
    };
    links_->run_until(more, patience * 10, "founding cells");
    return made;
}

} // namespace latency

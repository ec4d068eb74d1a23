#include "workload.hpp"

#include <zooid/base/prng.hpp>
#include <zooid/tcp/hmac.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <chrono>

namespace failover {

namespace asio = boost::asio;
namespace kv = zooid::kv;
namespace sim = zooid::sim;
using zooid::result;

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

namespace {

kv::transaction read_volume() {
    return kv::transaction().read("primary").read("replica").read("generation");
}

// Who serves the volume, as a read found it; generation absent: nobody has set it up yet.
struct volume_record {
    std::optional<kv::integer> generation;
    kv::value primary = zooid::bytes("a");
    kv::value replica = zooid::bytes("b");
};

volume_record volume_of(kv::committed const& read) {
    volume_record v;
    kv::observation const* generation = read.find("generation");
    if (!generation || !generation->content) return v;
    v.generation = std::get<kv::integer>(*generation->content);
    v.primary = *read.find("primary")->content;
    v.replica = *read.find("replica")->content;
    return v;
}

// The configuration change of the paper: atomic, conditional on what was read, with a value that nobody else
// ever writes.
kv::transaction fail_over(volume_record const& v, std::string const& unique) {
    kv::transaction t;
    if (v.generation) {
        t.require_equal("generation", *v.generation).put("primary", v.replica).put("replica", v.primary);
    } else {
        t.require_absent("generation").put("primary", v.primary).put("replica", v.replica);
    }
    t.add("generation", 1).put("changed_by", zooid::bytes(unique));
    return t;
}

bool known_not_to_have_happened(zooid::error const& e) {
    return e != zooid::errc::outcome_unknown;
}

} // namespace

struct workload::client {
    client(workload& owner, std::unique_ptr<zooid::remote_client> made, std::uint64_t seed)
        : all(owner), remote(std::move(made)), random(seed) {}

    asio::awaitable<void> loop();
    asio::awaitable<std::optional<volume_record>> read(std::size_t cell);
    asio::awaitable<void> swap(std::size_t cell, volume_record const& seen);
    asio::awaitable<void> read_each();

    std::string const& name(std::size_t cell) const { return all.options_.cells[cell]; }

    workload& all;
    std::unique_ptr<zooid::remote_client> remote;
    zooid::prng random;
    std::uint64_t writes = 0;
};

asio::awaitable<std::optional<volume_record>> workload::client::read(std::size_t cell) {
    kv::transaction const asked = read_volume();
    std::int64_t const invoked = now_ns();
    zooid::call_options const how{.deadline = all.options_.deadline};
    auto const reply = co_await remote->read(name(cell).c_str(), asked, how, asio::use_awaitable);
    all.keep(*this, cell, sim::call_kind::strict_read, asked, invoked, reply);
    if (!reply || !reply.value().is_committed()) co_return std::nullopt;
    co_return volume_of(*reply.value().committed());
}

asio::awaitable<void> workload::client::swap(std::size_t cell, volume_record const& seen) {
    kv::transaction const asked = fail_over(seen, fmt::format("{}/{}", to_string(remote->id()), ++writes));
    std::int64_t const invoked = now_ns();
    zooid::call_options const how{.deadline = all.options_.deadline};
    auto const reply = co_await remote->commit(name(cell).c_str(), asked, how, asio::use_awaitable);
    all.keep(*this, cell, sim::call_kind::transaction, asked, invoked, reply);
}

asio::awaitable<void> workload::client::loop() {
    while (!all.finishing_) {
        std::size_t const cell = random.below(all.options_.cells.size());
        auto const seen = co_await read(cell);
        if (seen && !all.finishing_) co_await swap(cell, *seen);
    }
    --all.running_;
}

asio::awaitable<void> workload::client::read_each() {
    for (std::size_t cell = 0; cell < all.options_.cells.size(); ++cell) {
        auto const seen = co_await read(cell);
        all.last_reads_ += seen ? 1 : 0;
    }
    --all.running_;
}

workload::workload(workload_options options, asio::io_context& io) : options_(std::move(options)), io_(io) {}
workload::~workload() = default;

result<std::unique_ptr<workload>> workload::open(workload_options options, fleet const& servers,
                                                 asio::io_context& io) {
    std::unique_ptr<workload> made(new workload(std::move(options), io));
    for (std::size_t i = 0; i < made->options_.clients; ++i) {
        zooid::remote_client_options how;
        for (std::size_t n = 1; n <= servers.size(); ++n)
            how.servers.push_back({{n}, "127.0.0.1", servers.port(n)});
        how.keys = zooid::issue_client_keys(zooid::hmac_sha256(), servers.keys(), zooid::principal_id{i + 1});
        ZOOID_TRY(auto remote, zooid::remote_client::open(std::move(how), io.get_executor()));
        made->clients_.push_back(
            std::make_unique<client>(*made, std::move(remote), made->options_.seed * 1000 + i));
    }
    return made;
}

void workload::start() {
    finishing_ = false;
    for (auto& c : clients_) {
        ++running_;
        asio::co_spawn(io_, c->loop(), asio::detached);
    }
}

void workload::read_all() {
    last_reads_ = 0;
    ++running_;
    asio::co_spawn(io_, clients_.front()->read_each(), asio::detached);
}

void workload::keep(client& who, std::size_t cell, sim::call_kind kind, kv::transaction const& asked,
                    std::int64_t invoked, result<zooid::transaction_reply> const& reply) {
    std::int64_t const responded = now_ns();
    sim::call c{who.remote->id(), options_.cells[cell], kind, asked, invoked, responded, sim::unknown{}};
    bool const is_read = kind == sim::call_kind::strict_read;
    if (reply) {
        std::visit([&](auto const& outcome) { c.ended = outcome; }, reply.value().outcome);
        (is_read ? reads_ : writes_).record(std::chrono::nanoseconds(responded - invoked));
        if (is_read) {
            ++counts_.reads;
        } else if (reply.value().is_committed()) {
            ++counts_.committed;
            commits_.push_back({cell, responded});
        } else {
            ++counts_.rejected;
        }
    } else {
        bool const failed = is_read || known_not_to_have_happened(reply.error());
        if (failed) c.ended = sim::failed{};
        ++(failed ? counts_.failed : counts_.unknown);
        ++counts_.errors[std::string(name_of(reply.error().code()))];
    }
    history_.push_back(std::move(c));
}

} // namespace failover

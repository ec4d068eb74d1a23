// From options to a running server: checks, recovery, one engine for each shard.
#include "runtime/running_shards.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/tcp/hmac.hpp>

#include <fmt/format.h>

namespace zooid {

namespace {

result<void> check_options(running_server_options const& o) {
    auto const wrong = [](std::string const& what) { return error(errc::invalid_argument, what); };
    if (!o.server) return wrong("server: an id is never zero");
    if (auto const keys = check(o.keys); !keys) return wrong("keys: " + std::string(keys.error().detail()));
    if (!o.keys.for_server()) return wrong("keys: these are a client's, a server needs the colony's");
    for (std::size_t i = 0; i < o.peers.size(); ++i) {
        if (o.peers[i].server == o.server) return wrong(fmt::format("peers[{}]: is this server", i));
    }
    if (!o.machines.make || !o.machines.admit) return wrong("machines: one of its functions is missing");
    if (o.shards == 0 || o.shards > shards_max)
        return wrong(fmt::format("shards: {} is not from 1 to {}", o.shards, shards_max));
    if (o.storage == journal_storage::file && o.directory.empty()) return wrong("directory: is empty");
    if (auto const tuning = explain_invalid(o.tuning); !tuning.empty()) return wrong("tuning: " + tuning);
    if (auto const j = explain_invalid(o.journal.journal); !j.empty()) return wrong("journal: " + j);
    return outcome::success();
}

// What this process calls itself; all of it from the operating system's entropy.
struct fresh_server_identity {
    life_id life;
    std::uint64_t seed = 0;
    journal_id memory;
};

result<fresh_server_identity> draw_server_identity() {
    ZOOID_TRY(nonce const drawn, random_bytes());
    reader in(bytes_view(drawn.data(), drawn.size()));
    fresh_server_identity fresh;
    in.get(fresh.life);
    in.get(fresh.seed);
    in.get(fresh.memory);
    if (!fresh.life || !fresh.memory) return error(errc::io_failed, "the system's random bytes are zeros");
    return fresh;
}

result<opened_store> open_in_memory(running_server_options const& o, fresh_server_identity const& fresh) {
    auto const& how = o.journal.journal;
    ZOOID_TRY(auto journal,
              memory_journal::open(fresh.memory, fresh.life, how, format_journal(fresh.memory, how)));
    opened_store store;
    store.id = fresh.memory;
    store.content = journal->recovered();
    store.memory = journal.get();
    store.journal = std::move(journal);
    return store;
}

result<std::unique_ptr<data_directory>> open_or_format(running_server_options const& o) {
    directory_owner const owner{o.server, o.keys.colony};
    auto opened = data_directory::open(o.directory, owner);
    bool const absent = !opened && opened.error() == errc::not_found;
    if (!absent || o.policy == directory_policy::must_exist) return opened;
    directory_format how;
    how.owner = owner;
    how.stores = o.shards;
    ZOOID_TRY(data_directory::format(o.directory, how));
    return data_directory::open(o.directory, owner);
}

// A cell's shard follows from the number of stores, so this is no detail that could be changed later.
result<std::shared_ptr<data_directory>> open_directory(running_server_options const& o) {
    ZOOID_TRY(std::shared_ptr<data_directory> directory, open_or_format(o));
    std::size_t const stores = directory->manifest().journals.size();
    if (stores == o.shards) return directory;
    return error(
        errc::invalid_argument,
        fmt::format("shards: {} are asked for, and {}/manifest names {} stores; their number is fixed "
                    "when a directory is formatted",
                    o.shards, o.directory, stores));
}

result<void> check_cells(running_server_options const& o, shard_place place, recovered_journal const& found) {
    for (recovered_replica const& r : found.replicas) {
        std::uint16_t const owner = shard_of(r.cell, place.shards);
        if (owner == place.shard) continue;
        return error(errc::damaged,
                     fmt::format("{}/store-{} holds cell {}, which belongs to store {} of {}", o.directory,
                                 place.shard, to_string(r.cell), owner, place.shards));
    }
    return outcome::success();
}

result<opened_store> open_on_files(running_server_options const& o, std::shared_ptr<data_directory> directory,
                                   fresh_server_identity const& fresh, shard_place place,
                                   boost::asio::any_io_executor const& blocking,
                                   boost::asio::any_io_executor const& owner) {
    opened_store store;
    store.directory = std::move(directory);
    ZOOID_TRY(auto journal,
              store.directory->open_journal(place.shard, fresh.life, o.journal, blocking, owner));
    store.id = store.directory->manifest().journals.at(place.shard);
    store.content = std::move(journal->recovered());
    ZOOID_TRY(check_cells(o, place, store.content));
    if (o.journal.thread != flush_thread::blocking) store.in_turn = journal.get();
    store.journal = std::move(journal);
    return store;
}

// One life for the whole process; everything else that is drawn is the shard's own.
result<shard_engines> open_shards(running_server_options const& options,
                                  std::vector<boost::asio::any_io_executor> const& owners,
                                  boost::asio::any_io_executor const& blocking, server_observer& observer) {
    bool const in_memory = options.storage == journal_storage::volatile_memory;
    std::shared_ptr<data_directory> directory;
    if (!in_memory) {
        ZOOID_TRY(directory, open_directory(options));
    }
    ZOOID_TRY(auto const process, draw_server_identity());
    shard_engines shards;
    for (std::uint16_t i = 0; i < options.shards; ++i) {
        shard_place const place{i, static_cast<std::uint16_t>(options.shards)};
        auto const& owner = owners[i % owners.size()];
        ZOOID_TRY(auto fresh, draw_server_identity());
        fresh.life = process.life;
        auto store = in_memory ? open_in_memory(options, fresh)
                               : open_on_files(options, directory, fresh, place, blocking, owner);
        if (!store) return store.error();
        server_identity const identity{options.keys.colony, options.server, fresh.life, fresh.seed};
        ZOOID_TRY(tcp_endpoint::check(endpoint_options(options, identity, place)));
        shards.push_back(std::make_shared<server_engine>(options, identity, place, std::move(store).value(),
                                                         owner, observer));
    }
    return shards;
}

} // namespace

tcp_endpoint_options endpoint_options(running_server_options const& options, server_identity const& identity,
                                      shard_place place) {
    tcp_endpoint_options o;
    o.self = identity.server;
    o.life = identity.life;
    o.place = place;
    o.keys = options.keys;
    if (place.shards == 1) o.listen = options.listen;
    o.peers = options.peers;
    return o;
}

result<std::unique_ptr<running_server>> open_server(running_server_options options,
                                                    std::vector<boost::asio::any_io_executor> owners,
                                                    boost::asio::any_io_executor blocking,
                                                    server_observer& observer) {
    ZOOID_TRY(check_options(options));
    if (owners.empty()) return error(errc::invalid_argument, "owners: there is none");
    ZOOID_TRY(auto shards, open_shards(options, owners, blocking, observer));
    auto made = std::make_unique<running_shards>(std::move(shards));
    ZOOID_TRY(made->begin(options));
    return std::unique_ptr<running_server>(std::move(made));
}

result<std::unique_ptr<running_server>> open_server(running_server_options options,
                                                    boost::asio::any_io_executor owner,
                                                    boost::asio::any_io_executor blocking,
                                                    server_observer& observer) {
    return open_server(std::move(options), std::vector{std::move(owner)}, std::move(blocking), observer);
}

} // namespace zooid

// From options to a running server: checks, recovery, and the handle that the host application holds.
#include "runtime/server_engine.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/tcp/hmac.hpp>

#include <fmt/format.h>

namespace zooid {

namespace {

class handle final : public running_server {
  public:
    explicit handle(std::shared_ptr<server_engine> engine) : engine_(std::move(engine)) {}
    ~handle() override { engine_->abandon(); }

    std::uint16_t port() const override { return engine_->port(); }
    life_id life() const override { return engine_->life(); }
    journal_id journal() const override { return engine_->journal(); }
    result<void> begin() { return engine_->begin(); }
    void set_peer(tcp_peer const& peer) override { engine_->set_peer(peer); }
    running_server_snapshot snapshot() const override { return engine_->snapshot(); }
    std::optional<explanation> explain(cell_id cell) const override { return engine_->host().explain(cell); }
    server const& host() const override { return engine_->host(); }

  private:
    void start_stop(duration deadline, stop_handler handler) override {
        engine_->stop(deadline, std::move(handler));
    }

    std::shared_ptr<server_engine> engine_;
};

result<void> check_options(running_server_options const& o) {
    auto const wrong = [](std::string const& what) { return error(errc::invalid_argument, what); };
    if (!o.server) return wrong("server: an id is never zero");
    if (auto const keys = check(o.keys); !keys) return wrong("keys: " + std::string(keys.error().detail()));
    if (!o.keys.for_server()) return wrong("keys: these are a client's, a server needs the colony's");
    for (std::size_t i = 0; i < o.peers.size(); ++i) {
        if (o.peers[i].server == o.server) return wrong(fmt::format("peers[{}]: is this server", i));
    }
    if (!o.machines.make || !o.machines.admit) return wrong("machines: one of its functions is missing");
    if (o.stores != std::vector<std::uint32_t>{0})
        return wrong("stores: this version serves one store, number 0");
    if (o.storage == journal_storage::file && o.directory.empty()) return wrong("directory: is empty");
    if (auto const tuning = explain_invalid(o.tuning); !tuning.empty()) return wrong("tuning: " + tuning);
    if (auto const j = explain_invalid(o.journal.journal); !j.empty()) return wrong("journal: " + j);
    return outcome::success();
}

// What this process calls itself; all of it from the operating system's entropy.
struct fresh_identity {
    life_id life;
    std::uint64_t seed = 0;
    journal_id memory;
};

result<fresh_identity> draw_identity() {
    ZOOID_TRY(nonce const drawn, random_bytes());
    reader in(bytes_view(drawn.data(), drawn.size()));
    fresh_identity fresh;
    in.get(fresh.life);
    in.get(fresh.seed);
    in.get(fresh.memory);
    if (!fresh.life || !fresh.memory) return error(errc::io_failed, "the system's random bytes are zeros");
    return fresh;
}

result<opened_store> open_in_memory(running_server_options const& o, fresh_identity const& fresh) {
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

result<std::unique_ptr<data_directory>> open_directory(running_server_options const& o) {
    directory_owner const owner{o.server, o.keys.colony};
    auto opened = data_directory::open(o.directory, owner);
    bool const absent = !opened && opened.error() == errc::not_found;
    if (!absent || o.policy == directory_policy::must_exist) return opened;
    directory_format how;
    how.owner = owner;
    ZOOID_TRY(data_directory::format(o.directory, how));
    return data_directory::open(o.directory, owner);
}

result<opened_store> open_on_files(running_server_options const& o, fresh_identity const& fresh,
                                   boost::asio::any_io_executor const& blocking,
                                   boost::asio::any_io_executor const& owner) {
    opened_store store;
    ZOOID_TRY(store.directory, open_directory(o));
    std::uint32_t const number = o.stores.front();
    ZOOID_TRY(auto journal, store.directory->open_journal(number, fresh.life, o.journal, blocking, owner));
    store.id = store.directory->manifest().journals.at(number);
    store.content = std::move(journal->recovered());
    if (o.journal.thread != flush_thread::blocking) store.in_turn = journal.get();
    store.journal = std::move(journal);
    return store;
}

} // namespace

result<std::unique_ptr<running_server>> open_server(running_server_options options,
                                                    boost::asio::any_io_executor owner,
                                                    boost::asio::any_io_executor blocking,
                                                    server_observer& observer) {
    ZOOID_TRY(check_options(options));
    ZOOID_TRY(auto const fresh, draw_identity());
    bool const in_memory = options.storage == journal_storage::volatile_memory;
    auto store = in_memory ? open_in_memory(options, fresh) : open_on_files(options, fresh, blocking, owner);
    if (!store) return store.error();
    server_identity const identity{options.keys.colony, options.server, fresh.life, fresh.seed};
    auto engine = std::make_shared<server_engine>(std::move(options), identity, std::move(store).value(),
                                                  owner, observer);
    auto made = std::make_unique<handle>(std::move(engine));
    ZOOID_TRY(made->begin());
    return std::unique_ptr<running_server>(std::move(made));
}

} // namespace zooid

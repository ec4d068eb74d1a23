// Emergency recovery as a server sees it: replicas that are sealed, and founders of a cell that goes on.
#include "server/host.hpp"

namespace zooid {

// Answered when it is durable: the reply waits for the flush of this turn, which covers all records before.
// Asked again, it says the same again (X2).
void server::host::on_seal(time_point now, link_id client, request const& r, std::uint32_t cell) {
    hosted_cell& c = cells_[cell];
    auto const to = decode_successor(r.payload);
    if (!to) return refuse(client, r, to.error(), &c);
    if (latched_) return refuse(client, r, errc::io_failed, &c);
    step(now, cell, seal{to.value()});
    successor_cell const* const there = c.replica.sealed_for();
    if (!there || *there != to.value()) {
        std::string const why = there ? c.replica.explain().quarantine
                                : to.value().birth > c.replica.birth()
                                    ? "what it is being taught is on its way into its journal, ask again"
                                    : "an older generation seals nothing";
        return refuse(client, r, error(errc::conflict, why), &c);
    }
    bytes const told = encode(c.replica.survey());
    turn_.replies.push_back({client, make_reply(r.correlation, std::nullopt, {}, &c, told)});
}

void server::host::on_kept_state(link_id client, request const& r, hosted_cell const& cell) {
    snapshot const* const kept = cell.replica.kept_state();
    if (!kept) return refuse(client, r, error(errc::conflict, "not sealed, or its state is in doubt"), &cell);
    reply_now(client, r.correlation, std::nullopt, {}, &cell, encode(*kept));
}

// What a founder begins with has to be what it claims: nobody is left to compare it with later.
void server::host::on_found_fork(link_id client, request const& r) {
    auto decoded = decode_forked_founding(r.payload);
    if (!decoded) return refuse(client, r, decoded.error(), nullptr);
    forked_founding const& f = decoded.value();
    auto const machine = machines_.make();
    if (!f.base.state.empty()) {
        auto const restored = machine->restore(f.base.state.view());
        if (!restored) return refuse(client, r, restored.error(), nullptr);
        if (machine->state_digest() != f.base.state_digest)
            return refuse(client, r, error(errc::damaged, "its digest is not that of its state"), nullptr);
    }
    begin_founder(client, r, {f.base, records_of(f)});
}

// Like `moved`, but under another id: whoever asks by key finds the new cell there.
void server::host::refuse_sealed(link_id client, request const& r, successor_cell const& there) {
    ++statistics_.requests_failed;
    std::string const words =
        "recovered as cell " + to_string(there.cell) + ", generation " + to_string(there.birth);
    reply moved;
    moved.correlation = r.correlation;
    moved.failure = errc::not_here;
    moved.detail = words;
    moved.cell = there.cell;
    moved.birth = there.birth;
    moved.members = there.members;
    bytes out;
    encode(moved, out);
    replies_.push_back({client, std::move(out)});
}

} // namespace zooid

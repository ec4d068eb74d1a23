#include "members.hpp"

#include "ending.hpp"

#include <zooid/base/codec.hpp>
#include <zooid/cell/change.hpp>
#include <zooid/cell/recovery.hpp>
#include <zooid/server/server.hpp>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace zooidctl {

using namespace zooid;

namespace {

constexpr duration patience_member = std::chrono::seconds(1); // with one whose server should answer

bool contains(std::vector<server_id> const& all, server_id one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

// One that has to be there, so that its members can be asked.
result<directory_entry> look_up_founded(colony& on, bytes const& key) {
    ZOOID_TRY(auto const cell, look_up(on, key));
    if (!is_founded(on, cell)) return unfinished_birth(key, cell);
    return cell;
}

// Until the directory says that it was founded, its founders are asked: it may not leave them
// (lib/cell/PROTOCOL.md, Z2).
result<directory_entry> look_up_finished(colony& on, bytes const& key) {
    ZOOID_TRY(auto const cell, look_up(on, key));
    if (is_unfinished(cell)) return unfinished_birth(key, cell);
    return cell;
}

bool may_be_repeated(error const& e) {
    return e == errc::not_proposer || e == errc::overloaded || e == errc::not_here ||
           e == errc::outcome_unknown;
}

// A server that held a replica before may not know yet that the cell let go of it.
result<member> reserve(colony& on, directory_entry const& cell, server_id server) {
    for (;;) {
        auto const reply =
            on.ask(operation::reserve, server, cell.cell, encode(reserve_request{cell.cell, cell.birth}));
        if (reply) return decode_member(reply.value().payload);
        if (reply.error() != errc::already_exists || on.is_over())
            return error(reply.error().code(),
                         fmt::format("server {}: {}", to_string(server), reply.error().message()));
        on.pause(std::chrono::milliseconds(20));
    }
}

// The highest cell version that its software understands: a cell above it can't have it for a member.
result<std::uint16_t> version_of(colony& on, server_id server) {
    ZOOID_TRY(auto const reply, on.ask(operation::status, server, cell_id{}, {}));
    boost::system::error_code failed;
    auto const status = boost::json::parse(reply.payload, failed);
    auto const* const told =
        status.is_object() ? status.get_object().if_contains("version_highest") : nullptr;
    if (failed || !told || !told->is_int64()) return error(errc::malformed, "the status of a server");
    return static_cast<std::uint16_t>(told->get_int64());
}

// A member is gone for good if its server is up without it, and would draw another one: it was wiped. One
// that does not answer may be there; one that is only reserved will be founded or taught.
bool is_lost(colony& on, directory_entry const& cell, member const& m) {
    auto const seen = on.ask_for(patience_member, operation::survey, m.server, cell.cell, {});
    if (seen) {
        auto const answer = decode_survey_answer(seen.value().payload);
        return answer && answer.value().self != m;
    }
    if (seen.error() != errc::not_here) return false;
    auto const reply = on.ask_for(patience_member, operation::reserve, m.server, cell.cell,
                                  encode(reserve_request{cell.cell, cell.birth}));
    auto const drawn = reply ? decode_member(reply.value().payload) : reply.error();
    return drawn && drawn.value() != m;
}

// Asks each member once: `asked` remembers them.
std::vector<server_id> lost_servers(colony& on, directory_entry const& cell, configuration const& now,
                                    std::vector<server_id> const& wanted, std::vector<member>& asked) {
    std::vector<server_id> lost;
    for (member const& m : now.members()) {
        bool const is_known = std::find(asked.begin(), asked.end(), m) != asked.end();
        if (is_known || !contains(wanted, m.server)) continue;
        if (is_lost(on, cell, m))
            lost.push_back(m.server);
        else
            asked.push_back(m);
    }
    return lost;
}

// Whoever joins takes the place of who leaves, or comes last.
result<configuration_change> plan(colony& on, directory_entry const& cell, members_description const& from,
                                  step const& what) {
    std::vector<member> members(from.newest.members().begin(), from.newest.members().end());
    configuration_change change{from.base, {}, {}};
    for (std::size_t i = 0; i < what.in.size(); ++i) { // one for one, or nobody leaves
        ZOOID_TRY(auto const joins, reserve(on, cell, what.in[i]));
        ZOOID_TRY(auto const highest, version_of(on, what.in[i]));
        change.newcomers.push_back({joins.replica, 0, highest});
        if (what.out.empty()) {
            members.push_back(joins);
            continue;
        }
        for (member& m : members) {
            if (m.server == what.out[i]) m = joins;
        }
    }
    if (what.in.empty())
        std::erase_if(members, [&](member const& m) { return contains(what.out, m.server); });
    if (!configuration::valid(members))
        return error(errc::malformed, "the reservations make no configuration");
    change.members = configuration(members);
    return change;
}

// Asked of whoever leads, until it is chosen. That it was chosen is also seen in the cell itself, so a lost
// answer is no harm.
result<slot> carry_through(colony& on, directory_entry const& cell, configuration_change const& change) {
    for (;;) {
        ZOOID_TRY(auto const now, describe_members(on, cell));
        if (now.newest == change.members) return now.base;
        if (now.base != change.base) return error(errc::conflict, "somebody else changed the cell meanwhile");
        auto const located = on.locate(cell.cell);
        if (!located) return located.error();
        server_id const leads = located.value().proposer ? located.value().proposer : now.newest[0].server;
        auto const reply = on.ask(operation::change_members, leads, cell.cell, encode(change));
        if (reply) return reply.value().where.at;
        if (!may_be_repeated(reply.error())) return reply.error();
        on.pause(std::chrono::milliseconds(20));
    }
}

result<void> wait_for_release(colony& on, directory_entry const& cell) {
    for (;;) {
        ZOOID_TRY(auto const now, describe_members(on, cell));
        if (!now.changing) return outcome::success();
        on.pause(std::chrono::milliseconds(5));
    }
}

std::string words(step const& s) {
    if (s.out.empty()) return "adding " + named(s.in);
    if (s.in.empty()) return "dropping " + named(s.out);
    return fmt::format("replacing {} by {}", named(s.out), to_string(s.in.front()));
}

// From here on the step may have happened: that time ran out does not say that nothing did.
template <class Value>
result<Value> as_far_as_known(step const& s, result<Value> ended) {
    if (ended || ended.error() == errc::conflict) return ended;
    bool const open = ended.error() == errc::timed_out || ended.error() == errc::unreachable ||
                      ended.error() == errc::outcome_unknown || ended.error() == errc::not_proposer;
    return error(open ? errc::outcome_unknown : ended.error().code(),
                 fmt::format("{}: {}", words(s), ended.error().message()));
}

} // namespace

step next_step(configuration const& now, std::vector<server_id> const& wanted,
               std::vector<server_id> const& lost) {
    for (server_id server : lost) {
        if (contains(wanted, server) && now.index_of(server)) return {{server}, {server}, {}};
    }
    step next;
    for (member const& m : now.members()) {
        if (!contains(wanted, m.server)) next.out.push_back(m.server);
    }
    for (server_id server : wanted) {
        if (!now.index_of(server)) next.in.push_back(server);
    }
    // From the back, so that the preferred proposer goes last.
    auto const keep_last = [](std::vector<server_id>& servers, std::size_t count) {
        servers.erase(servers.begin(), servers.end() - static_cast<std::ptrdiff_t>(count));
    };
    if (!next.out.empty() && !next.in.empty()) {
        keep_last(next.out, 1);
        keep_last(next.in, 1);
    } else if (!next.out.empty()) {
        keep_last(next.out, 2);
    } else if (!next.in.empty()) {
        next.in.resize(2);
    }
    return next;
}

result<members_description> describe_members(colony& on, directory_entry const& cell) {
    // A server that left tells where the cell went; so does one that does not lead.
    auto const located = on.locate(cell.cell);
    if (!located && located.error() == errc::not_found)
        return error(errc::unreachable, "no server that answered has cell " + to_string(cell.cell));
    if (!located) return located.error();
    std::vector<server_id> ask = zooidctl::servers_of(located.value().members);
    std::optional<members_description> newest;
    error last = errc::unreachable;
    for (std::size_t i = 0; i < ask.size(); ++i) {
        auto const reply = on.ask(operation::describe_members, ask[i], cell.cell, {});
        auto told = reply ? decode_members_description(reply.value().payload) : reply.error();
        if (!told) {
            last = on_server(ask[i], told.error());
            continue;
        }
        // Whoever leads knows most; one that lags may still think of an older configuration.
        if (!newest || told.value().base > newest->base ||
            (told.value().base == newest->base && !told.value().changing))
            newest = std::move(told).value();
        for (member const& m : newest->newest.members()) {
            if (!contains(ask, m.server)) ask.push_back(m.server);
        }
    }
    if (!newest) return last;
    return *newest;
}

result<std::vector<step>> move_cell(colony& on, bytes const& key, std::vector<server_id> const& wanted) {
    ZOOID_TRY(check_servers(on, wanted));
    ZOOID_TRY(auto const cell, look_up_finished(on, key));
    std::vector<step> done;
    std::vector<member> asked;
    for (;;) {
        ZOOID_TRY(auto const now, describe_members(on, cell));
        step next = next_step(now.newest, wanted, lost_servers(on, cell, now.newest, wanted, asked));
        if (next.out.empty() && next.in.empty()) return done;
        time_point const began = boot_time_now();
        ZOOID_TRY(auto const change, plan(on, cell, now, next));
        auto const chosen = as_far_as_known(next, carry_through(on, cell, change));
        // What it was computed from was old, or somebody else works on the same cell: look again.
        if (!chosen && chosen.error() == errc::conflict && !on.is_over()) continue;
        ZOOID_TRY(next.at, chosen);
        ZOOID_TRY(as_far_as_known(next, wait_for_release(on, cell)));
        next.took = boot_time_now() - began;
        done.push_back(next);
    }
}

result<slot> prefer_servers(colony& on, bytes const& key, std::vector<server_id> const& wanted) {
    ZOOID_TRY(auto const cell, look_up_founded(on, key));
    ZOOID_TRY(auto const now, describe_members(on, cell));
    std::vector<member> members;
    for (server_id server : wanted) {
        if (auto const index = now.newest.index_of(server)) members.push_back(now.newest[*index]);
    }
    if (members.size() != now.newest.size() || wanted.size() != members.size() ||
        !configuration::valid(members))
        return error(errc::invalid_argument, "the order has to name each server that the cell is on, once");
    configuration_change const change{now.base, configuration(members), {}};
    if (change.members == now.newest) return slot{};
    return carry_through(on, cell, change);
}

namespace {

// In a cell that nobody uses nobody stands, and whoever led before the last restart leads no more. A strict
// read needs a proposer, so it makes one.
result<void> make_somebody_lead(colony& on, cell_id cell) {
    ZOOID_TRY(on.read(cell, kv::transaction().read("lead")));
    return outcome::success();
}

// Repeated by the caller, so that nobody waits for one that leads no more.
result<void> ask_to_hand_over(colony& on, cell_id cell, cell_location const& located, server_id server) {
    auto const index = located.members.index_of(server);
    if (!index) return error(errc::invalid_argument, "the cell is not on that server");
    bytes successor;
    writer(successor).put(located.members[*index].replica);
    server_id const leads = located.proposer ? located.proposer : located.members[0].server;
    auto const reply = on.ask_for(patience_member, operation::transfer_lead, leads, cell, successor);
    if (!reply) return on_server(leads, reply.error());
    return outcome::success();
}

} // namespace

result<void> hand_lead_to(colony& on, bytes const& key, server_id server) {
    ZOOID_TRY(auto const cell, look_up_founded(on, key));
    ZOOID_TRY(make_somebody_lead(on, cell.cell));
    for (;;) {
        ZOOID_TRY(auto const located, on.locate(cell.cell));
        if (located.proposer == server) return outcome::success();
        auto const asked = ask_to_hand_over(on, cell.cell, located, server);
        bool const again = asked || may_be_repeated(asked.error()) || asked.error() == errc::timed_out;
        if (!again) return asked.error();
        if (on.is_over()) return error(errc::unreachable, "it does not lead yet");
        if (!asked) {
            ZOOID_TRY(make_somebody_lead(on, cell.cell));
        }
        on.pause(std::chrono::milliseconds(20));
    }
}

result<slot> finalise_version(colony& on, bytes const& key, std::uint16_t to) {
    ZOOID_TRY(auto const cell, look_up_founded(on, key));
    for (;;) {
        ZOOID_TRY(auto const now, describe_members(on, cell));
        if (now.cell_version >= to) return slot{};
        auto const located = on.locate(cell.cell);
        if (!located) return located.error();
        server_id const leads = located.value().proposer ? located.value().proposer : now.newest[0].server;
        version_rise const rise{now.base, to};
        auto const reply = on.ask(operation::raise_version, leads, cell.cell, encode(rise));
        if (reply) return reply.value().where.at;
        // A change came in between, or it was raised and the answer was lost: look again.
        bool const look_again = may_be_repeated(reply.error()) || reply.error() == errc::conflict;
        if (reply.error() == errc::unsupported_version)
            return error(errc::unsupported_version,
                         fmt::format("version {}: the software of a server of the cell does not understand "
                                     "it, or that server is not heard",
                                     to));
        if (!look_again || on.is_over()) return reply.error();
        on.pause(std::chrono::milliseconds(20));
    }
}

} // namespace zooidctl

#include "ending.hpp"

#include <zooid/server/server.hpp>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace zooidctl {

using namespace zooid;

namespace {

template <class Value>
bool contains(std::vector<Value> const& all, Value const& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

/// Goes from server to server: looks, or seals.
class ending {
  public:
    ending(colony& on, bytes const& key, directory_entry const& older, successor_cell const* newer)
        : on_(on), key_(key), older_(older), newer_(newer) {}

    /// The founders and whoever they name, and if that is not enough everybody.
    result<void> run() {
        ask_all(zooidctl::servers_of(older_.founders));
        if (shortage()) ask_everybody();
        if (shortage()) look_at_absent();
        auto const missing = shortage();
        return missing ? result<void>(*missing) : outcome::success();
    }

  private:
    void ask_all(std::vector<server_id> servers) {
        for (std::size_t i = 0; i < servers.size(); ++i) {
            if (contains(asked_, servers[i])) continue;
            asked_.push_back(servers[i]);
            ask(servers[i], servers);
        }
    }

    void ask_everybody() {
        std::vector<server_id> everybody;
        for (remote_server const& s : on_.servers())
            everybody.push_back(s.server);
        ask_all(everybody);
        all_told_ = silent_.empty();
    }

    void ask(server_id server, std::vector<server_id>& more) {
        auto told = answer_of(server);
        if (!told && told.error() == errc::not_here) return absent_.push_back(server);
        if (!told) {
            silent_.emplace(server, told.error());
            return;
        }
        for (configuration const& c : configurations_of(told.value())) {
            for (member const& m : c.members())
                more.push_back(m.server);
        }
        told_.push_back(std::move(told).value());
    }

    // Who has no replica counts if it is a founder that was never founded, or if its disk is gone. To tell,
    // its server draws it again, and keeps what it drew: so nobody is asked where that could not be enough.
    void look_at_absent() {
        std::vector<member> doubtful;
        for (configuration const& c : in_force()) {
            member_set out = out_of(c);
            for (std::size_t i = 0; i < c.size(); ++i) {
                if (out.contains(i) || !may_be_out(c[i])) continue;
                out.insert(i);
                if (!contains(doubtful, c[i])) doubtful.push_back(c[i]);
            }
            if (!c.is_quorum(out)) return;
        }
        for (member const& m : doubtful)
            look_at(m);
    }

    // Certain only when everybody who may host the cell has spoken: one that left the cell before its disk was
    // lost may have voted for members that nobody else here has heard of.
    bool may_be_out(member const& m) {
        if (!contains(absent_, m.server)) return false;
        return all_told_ || (is_founder(m) && may_have_reserved(m.server));
    }

    void look_at(member const& m) {
        auto const drawn = drawn_by(m.server);
        if (!drawn) return;
        if (is_founder(m) && *drawn == m) return found_vacant(m);
        kept_.push_back(m.server);
        if (all_told_ && drawn->journal != m.journal) gone_.push_back(m);
    }

    // Of a creation that was given up. Whoever has the founding record could still found it, so it is founded
    // in order to be sealed.
    void found_vacant(member const& m) {
        if (!newer_) return gone_.push_back(m);
        (void)on_.ask_for(patience, operation::found, m.server, older_.cell, founding_record(key_, older_));
        if (auto told = answer_of(m.server)) told_.push_back(std::move(told).value());
    }

    result<survey_answer> answer_of(server_id server) {
        operation const how = newer_ ? operation::seal : operation::survey;
        ZOOID_TRY(auto const reply,
                  on_.ask_for(patience, how, server, older_.cell, newer_ ? encode(*newer_) : bytes()));
        return decode_survey_answer(reply.payload);
    }

    // What it would be if it were founded now: a founder that was never founded draws itself again.
    std::optional<member> drawn_by(server_id server) {
        auto const reply = on_.ask_for(patience, operation::reserve, server, older_.cell,
                                       encode(reserve_request{older_.cell, older_.birth}));
        auto const drawn = reply ? decode_member(reply.value().payload) : reply.error();
        return drawn ? std::optional(drawn.value()) : std::nullopt;
    }
    bool is_founder(member const& m) const {
        auto const index = older_.founders.index_of(m.server);
        return index && older_.founders[*index] == m;
    }
    // A server tells of some of its reservations. Where this one is among all that it has, none is made by
    // asking.
    bool may_have_reserved(server_id server) {
        auto const reply = on_.ask_for(patience, operation::status, server, cell_id{}, {});
        if (!reply) return false;
        boost::system::error_code failed;
        auto const told = boost::json::parse(reply.value().payload, failed);
        auto const* const listed = told.is_object() ? told.get_object().if_contains("reservations") : nullptr;
        if (failed || !listed || !listed->is_array()) return false;
        auto const& all = listed->get_array();
        auto const count = told.at("counters").at("reserved").to_number<std::uint64_t>();
        return count > all.size() || std::any_of(all.begin(), all.end(), [&](auto const& one) {
                   return one.at("cell").as_string() == to_string(older_.cell);
               });
    }

    static std::optional<configuration> changed_to(acceptance const& one) {
        auto const change = !one.value.empty() && one.value.understood() ? one.value.changes() : std::nullopt;
        return change ? std::optional(change->members) : std::nullopt;
    }

    static std::vector<configuration> configurations_of(survey_answer const& a) {
        std::vector<configuration> all;
        for (governed const& g : a.held)
            all.push_back(g.members);
        for (acceptance const& one : a.accepted) {
            if (auto const members = changed_to(one)) all.push_back(*members);
        }
        return all;
    }

    // Those that govern a slot which is not known to be chosen, or would if a change is chosen.
    std::vector<configuration> in_force() const {
        std::vector<configuration> all;
        for (governed const& g : needed_configurations(told_))
            all.push_back(g.members);
        slot prefix;
        for (survey_answer const& a : told_)
            prefix = std::max(prefix, a.prefix);
        for (survey_answer const& a : told_) {
            for (acceptance const& one : a.accepted) {
                auto const members = changed_to(one);
                if (members && one.at > prefix) all.push_back(*members);
            }
        }
        if (all.empty()) all.push_back(older_.founders);
        return all;
    }

    /// Those of `c` that choose no more, or will not when they are sealed.
    member_set out_of(configuration const& c) const {
        member_set out;
        for (std::size_t i = 0; i < c.size(); ++i) {
            bool const is_told = std::any_of(told_.begin(), told_.end(),
                                             [&](survey_answer const& a) { return a.self == c[i]; });
            if (is_told || contains(gone_, c[i])) out.insert(i);
        }
        return out;
    }

    std::optional<error> shortage() const {
        for (configuration const& c : in_force()) {
            member_set const out = out_of(c);
            if (!c.is_quorum(out)) return short_of(c, out.size());
        }
        return std::nullopt;
    }

    error short_of(configuration const& c, std::size_t found) const {
        if (newer_)
            return error(errc::unreachable,
                         fmt::format("generation {} is not ended, {} of its {} members are sealed{}; run the "
                                     "command again",
                                     older_.birth.value, found, c.size(), silence()));
        std::string const kept =
            kept_.empty() ? "" : " but that an unused reservation of it is kept on servers " + listed(kept_);
        return error(errc::unreachable,
                     fmt::format("generation {} has to be ended first, and {} of its {} members answer{}; "
                                 "nothing was changed{}",
                                 older_.birth.value, found, c.size(), silence(), kept));
    }

    std::string silence() const {
        std::string said;
        for (auto const& [server, why] : silent_)
            said += fmt::format("{} {} ({})", said.empty() ? "; no word from servers" : ",",
                                to_string(server), name_of(why.code()));
        bool const empty_disks = !absent_.empty() && !silent_.empty();
        return said + (empty_disks ? "; an empty disk counts only if all servers answer" : "");
    }

    colony& on_;
    bytes const& key_;
    directory_entry const& older_;
    successor_cell const* newer_; ///< null: only look
    std::vector<server_id> asked_, absent_;
    std::map<server_id, error> silent_;
    std::vector<survey_answer> told_;
    std::vector<member> gone_;    ///< with their disks; or founders that were never founded
    std::vector<server_id> kept_; ///< that may have drawn an id only because they were asked
    bool all_told_ = false;
};

} // namespace

surveyed_server survey_one(colony& on, cell_id cell, server_id server, duration wait) {
    surveyed_server found{server, surveyed_server::kind::silent, {}};
    auto const reply = on.ask_for(wait, operation::survey, server, cell, {});
    if (!reply) {
        if (reply.error() == errc::not_here) found.what = surveyed_server::kind::absent;
        return found;
    }
    auto answer = decode_survey_answer(reply.value().payload);
    if (!answer) return found; // it is there and can't be understood: as good as silent
    found.what = surveyed_server::kind::answered;
    found.answer = std::move(answer).value();
    return found;
}

bool is_founded(colony& on, directory_entry const& entry) {
    if (!is_unfinished(entry)) return true;
    member_set founded;
    for (std::size_t i = 0; i < entry.founders.size(); ++i) {
        auto const found = survey_one(on, entry.cell, entry.founders[i].server, patience);
        if (found.answer && !found.answer->sealed_for) founded.insert(i);
    }
    return entry.founders.is_quorum(founded);
}

result<void> can_be_ended(colony& on, bytes const& key, directory_entry const& older) {
    if (!is_founded(on, older)) return unfinished_birth(key, older);
    return ending(on, key, older, nullptr).run();
}

result<void> end_cell(colony& on, bytes const& key, directory_entry const& older,
                      successor_cell const& newer) {
    return ending(on, key, older, &newer).run();
}

} // namespace zooidctl

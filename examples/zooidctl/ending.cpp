#include "ending.hpp"

#include <zooid/server/server.hpp>

#include <fmt/format.h>

#include <algorithm>

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
        if (shortage()) found_vacant();
        if (shortage()) {
            std::vector<server_id> everybody;
            for (remote_server const& s : on_.servers())
                everybody.push_back(s.server);
            ask_all(everybody);
            all_told_ = silent_.empty();
        }
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

    void ask(server_id server, std::vector<server_id>& more) {
        auto told = answer_of(server);
        if (!told) {
            last_ = told.error();
            return (told.error() == errc::not_here ? absent_ : silent_).push_back(server);
        }
        for (configuration const& c : configurations_of(told.value())) {
            for (member const& m : c.members())
                more.push_back(m.server);
        }
        told_.push_back(std::move(told).value());
    }

    // Of a creation that was given up. Whoever has the founding record could still found it, so it is founded
    // in order to be sealed.
    void found_vacant() {
        for (server_id server : std::vector(absent_)) {
            member const* const founder = founder_on(server);
            if (!founder || drawn_by(server) != *founder) continue;
            if (!newer_) {
                vacant_.push_back(*founder);
                continue;
            }
            (void)on_.ask_for(patience, operation::found, server, older_.cell, founding_record(key_, older_));
            if (auto told = answer_of(server)) told_.push_back(std::move(told).value());
        }
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
    member const* founder_on(server_id server) const {
        auto const index = older_.founders.index_of(server);
        return index ? &older_.founders[*index] : nullptr;
    }
    // Certain only when everybody who may host the cell has spoken: one that left the cell before its disk was
    // lost may have voted for members that nobody else here has heard of.
    bool is_gone(member const& m) {
        if (!all_told_ || !contains(absent_, m.server)) return false;
        auto const drawn = drawn_by(m.server);
        return drawn && drawn->journal != m.journal;
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

    std::optional<error> shortage() {
        for (configuration const& c : in_force()) {
            member_set out;
            for (std::size_t i = 0; i < c.size(); ++i) {
                bool const is_told = std::any_of(told_.begin(), told_.end(),
                                                 [&](survey_answer const& a) { return a.self == c[i]; });
                auto const vacant = std::find(vacant_.begin(), vacant_.end(), c[i]) != vacant_.end();
                if (is_told || vacant || is_gone(c[i])) out.insert(i);
            }
            if (!c.is_quorum(out)) return short_of(c, out.size());
        }
        return std::nullopt;
    }

    error short_of(configuration const& c, std::size_t found) const {
        std::string const why = last_ ? ": " + last_->message() : "";
        if (newer_)
            return error(errc::unreachable,
                         fmt::format("generation {} is not ended, {} of its {} members are sealed{}; run the "
                                     "command again",
                                     older_.birth.value, found, c.size(), why));
        return error(errc::unreachable,
                     fmt::format("generation {} has to be ended first, and {} of its {} members answer{}; "
                                 "nothing was changed",
                                 older_.birth.value, found, c.size(), why));
    }

    colony& on_;
    bytes const& key_;
    directory_entry const& older_;
    successor_cell const* newer_; ///< null: only look
    std::vector<server_id> asked_, absent_, silent_;
    std::vector<survey_answer> told_;
    std::vector<member> vacant_; ///< founders that were never founded
    bool all_told_ = false;
    std::optional<error> last_;
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

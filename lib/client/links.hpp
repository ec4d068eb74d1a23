// The connections to servers, as far as decisions need them: which are up, which may be dialled, which are
// mute.
#pragma once

#include <zooid/base/prng.hpp>
#include <zooid/client/client_core.hpp>

#include <map>
#include <optional>
#include <vector>

namespace zooid {

class client_links {
  public:
    enum class state : std::uint8_t { down, dialling, up };

    /// How willingly a server is asked; the lower the better.
    enum class rank : std::uint8_t {
        ready,      ///< up, and not known to be mute
        reachable,  ///< must be, or just is being, dialled
        doubtful,   ///< up, but an attempt was overdue; or dialled for long without an answer
        unreachable ///< down, and it is too early to dial again
    };

    client_links(client_options const& options, std::vector<server_id> const& servers);

    bool knows(server_id s) const { return links_.contains(s); }
    std::vector<server_id> const& servers() const { return servers_; }
    rank rank_of(time_point now, server_id s) const;
    bool is_up(server_id s) const;
    /// "server 7: 10.0.0.7:7000: Connection refused"; without words if it is not down, or never was.
    std::string why_down(server_id s) const;
    /// Every one of them is down because it refused our keys, colony or version: waiting won't help.
    bool all_refuse_us() const;

    /// True if the owner must dial now.
    bool want(time_point now, server_id s, correlation_id waiting);
    /// Returns the attempts that waited for it.
    std::vector<correlation_id> on_up(server_id s);
    void on_down(time_point now, server_id s, error why, prng& random);
    /// It let an attempt time out, or it answered.
    void doubt(time_point now, server_id s);
    void trust(server_id s);

  private:
    struct link {
        state is = state::down;
        time_point dialled_at{};
        time_point dial_after = time_point::min();
        time_point doubtful_until = time_point::min();
        unsigned failures = 0;
        std::optional<error> why; ///< it is down
        std::vector<correlation_id> waiting;
    };

    client_options options_;
    std::vector<server_id> servers_;
    std::map<server_id, link> links_;
};

/// `base` doubled `times` times, at most `most`, jittered to between half and whole.
duration back_off(duration base, duration most, unsigned times, prng& random);

} // namespace zooid

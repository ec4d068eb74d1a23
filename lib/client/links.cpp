#include "client/links.hpp"

#include <algorithm>

namespace zooid {

duration back_off(duration base, duration most, unsigned times, prng& random) {
    duration wait = std::min(base, most);
    for (unsigned i = 0; i < times && wait < most; ++i)
        wait = std::min(wait * 2, most);
    auto const whole = static_cast<std::uint64_t>(std::max<duration::rep>(wait.count(), 1));
    return duration(static_cast<duration::rep>(random.between((whole + 1) / 2, whole)));
}

namespace {

bool is_refusal(errc code) {
    return code == errc::authentication_failed || code == errc::wrong_owner ||
           code == errc::unsupported_version;
}

} // namespace

client_links::client_links(client_options const& options, std::vector<server_id> const& servers)
    : options_(options), servers_(servers) {
    for (server_id const s : servers)
        links_.emplace(s, link{});
}

client_links::rank client_links::rank_of(time_point now, server_id s) const {
    auto const found = links_.find(s);
    if (found == links_.end()) return rank::unreachable;
    link const& l = found->second;
    switch (l.is) {
    case state::up: return now < l.doubtful_until ? rank::doubtful : rank::ready;
    case state::dialling:
        return now - l.dialled_at < options_.attempt_timeout ? rank::reachable : rank::doubtful;
    case state::down: break;
    }
    return now >= l.dial_after ? rank::reachable : rank::unreachable;
}

bool client_links::is_up(server_id s) const {
    auto const found = links_.find(s);
    return found != links_.end() && found->second.is == state::up;
}

bool client_links::want(time_point now, server_id s, correlation_id waiting) {
    link& l = links_.at(s);
    l.waiting.push_back(waiting);
    if (l.is != state::down) return false;
    l.is = state::dialling;
    l.dialled_at = now;
    return true;
}

std::vector<correlation_id> client_links::on_up(server_id s) {
    link& l = links_.at(s);
    l.is = state::up;
    l.failures = 0;
    l.doubtful_until = time_point::min();
    return std::exchange(l.waiting, {});
}

std::string client_links::why_down(server_id s) const {
    std::string words = "server " + to_string(s);
    auto const found = links_.find(s);
    bool const known = found != links_.end() && found->second.is == state::down && found->second.why;
    if (known) words += ": " + std::string(found->second.why->detail());
    return words;
}

bool client_links::all_refuse_us() const {
    return std::all_of(links_.begin(), links_.end(), [](auto const& one) {
        link const& l = one.second;
        return l.is == state::down && l.why && is_refusal(l.why->code());
    });
}

void client_links::on_down(time_point now, server_id s, error why, prng& random) {
    link& l = links_.at(s);
    l.why = std::move(why);
    l.is = state::down;
    l.waiting.clear();
    l.dial_after = now + back_off(options_.backoff_min, options_.dial_max, l.failures, random);
    ++l.failures;
}

void client_links::doubt(time_point now, server_id s) {
    links_.at(s).doubtful_until = now + options_.attempt_timeout;
}

void client_links::trust(server_id s) {
    links_.at(s).doubtful_until = time_point::min();
}

} // namespace zooid

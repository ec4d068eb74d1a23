#include <zooid/base/configuration.hpp>

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid {

configuration::configuration(std::span<member const> members) {
    ZOOID_CHECK(valid(members), "a configuration has an odd number of distinct members");
    std::copy(members.begin(), members.end(), members_.begin());
    count_ = static_cast<std::uint8_t>(members.size());
}

bool configuration::valid(std::span<member const> members) {
    if (members.size() > members_max || members.size() % 2 == 0) return false;
    for (std::size_t i = 0; i < members.size(); ++i) {
        member const& m = members[i];
        if (!m.server || !m.journal || !m.replica) return false;
        for (std::size_t j = 0; j < i; ++j) {
            if (members[j].server == m.server || members[j].replica == m.replica) return false;
        }
    }
    return true;
}

std::optional<std::size_t> configuration::index_of(replica_id replica) const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (members_[i].replica == replica) return i;
    }
    return std::nullopt;
}

std::optional<std::size_t> configuration::index_of(member const& one) const {
    auto const index = index_of(one.replica);
    return index && members_[*index] == one ? index : std::nullopt;
}

std::optional<std::size_t> configuration::index_of(server_id server) const {
    for (std::size_t i = 0; i < count_; ++i) {
        if (members_[i].server == server) return i;
    }
    return std::nullopt;
}

} // namespace zooid

#include <zooid/base/ballot.hpp>

namespace zooid {

std::string to_string(ballot const& b) {
    if (!b) return "none";
    return std::to_string(b.round.value) + "." + to_string(b.server) + "." +
           to_hex(b.life.value).substr(0, 4);
}

} // namespace zooid

#include "cell/membership.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid {

membership::membership(std::vector<governed> configurations) : configurations_(std::move(configurations)) {
    ZOOID_CHECK(!configurations_.empty(), "a cell has a configuration");
}

configuration const& membership::at(slot at) const {
    auto const above = std::find_if(configurations_.begin(), configurations_.end(),
                                    [&](governed const& g) { return g.from > at; });
    ZOOID_CHECK(above != configurations_.begin(), "no slot below the first governed one is asked for");
    return std::prev(above)->members;
}

std::vector<governed> membership::between(slot from, slot to) const {
    std::vector<governed> found;
    for (governed const& g : configurations_) {
        if (g.from > to) break;
        if (g.from <= from) found.clear();
        found.push_back({std::max(g.from, from), g.members});
    }
    return found;
}

} // namespace zooid

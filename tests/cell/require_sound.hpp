// No invariant was broken so far; a test that fails says which one was.
#pragma once

#include "cell/group.hpp"
#include "support/catch.hpp"

#include <string>

inline void require_sound(zooid::group& g) {
    INFO((g.violations_found().empty() ? std::string() : g.violations_found().front()));
    REQUIRE(g.violations_found().empty());
}

// Compiled with ZOOID_MUTANTS in every build and linked into nothing: the archive test must find its mutant.
#include <zooid/base/mutant.hpp>

bool probe() {
    return zooid::mutated(zooid::mutant::skip_phase_one);
}

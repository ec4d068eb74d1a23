// The latencies of a run as a picture: by percentile, both axes logarithmic, as histograms of this kind are
// read.
#pragma once

#include <zooid/runtime/histogram.hpp>

#include <string>

namespace failover {

/// An SVG of its own, without scripts or fonts from elsewhere. The count is written beside each curve.
std::string picture(zooid::histogram const& writes, zooid::histogram const& reads, std::string const& title);

} // namespace failover

// A stable sort: std::stable_sort of g++ 12's library asks for memory in a way that clang 19 calls
// deprecated.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace zooid::placement {

template <class T, class Less>
void sort_stably(std::vector<T>& v, Less less) {
    std::vector<std::size_t> order(v.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (less(v[a], v[b])) return true;
        return !less(v[b], v[a]) && a < b;
    });
    std::vector<T> out;
    out.reserve(v.size());
    for (auto const i : order) {
        out.push_back(std::move(v[i]));
    }
    v = std::move(out);
}

} // namespace zooid::placement

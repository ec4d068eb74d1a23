// Sanitised programs take several times as long: a search that is cut short there is whole in the plain
// build.
#pragma once

#if defined(__has_feature)
#define ZOOID_TEST_HAS_FEATURE(x) __has_feature(x)
#else
#define ZOOID_TEST_HAS_FEATURE(x) 0
#endif

namespace test_support {

inline constexpr bool sanitised =
    ZOOID_TEST_HAS_FEATURE(address_sanitizer) || ZOOID_TEST_HAS_FEATURE(thread_sanitizer);

/// `whole` in a plain build, else `part`.
constexpr auto in_full(auto whole, auto part) {
    return sanitised ? part : whole;
}

} // namespace test_support

#undef ZOOID_TEST_HAS_FEATURE

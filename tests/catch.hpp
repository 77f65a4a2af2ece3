#pragma once

// Catch2 v3 where it is installed, else v2, in the spelling that both understand here: `Approx`,
// `Catch::Matchers::ContainsSubstring`.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>

namespace Catch::Matchers {

inline auto ContainsSubstring(const std::string& text) {
  return Catch::Matchers::Contains(text);
}

}  // namespace Catch::Matchers
#endif

// What cases are compiled for that come for either scalar. Sanitizers look at what touches memory,
// which one shows as well as two; cases without a list of scalars are in double there, too.
#ifdef LAE_TEST_ONE_SCALAR
#define LAE_SCALARS float
#else
#define LAE_SCALARS float, double
#endif

#pragma once

/// \file
/// What the measures of all lists together are computed from: how often each item is recommended.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// For each item, how many of the lists hold it among their first k places. Empty places (negative
/// items) do not count.
/// \throws std::invalid_argument if k < 1 or a list holds an item that is too large.
[[nodiscard]] inline std::vector<std::int64_t> times_recommended(const Matrix<Index>& lists,
                                                                 Index k, Index items) {
  require(k > 0, "the cutoff must be positive, got ", k);
  require(items >= 0, "the number of items must not be negative, got ", items);
  std::vector<std::int64_t> times(static_cast<std::size_t>(items), 0);
  const Index places = (std::min)(k, lists.cols());
  for (Index user = 0; user < lists.rows(); ++user) {
    for (Index place = 0; place < places; ++place) {
      const Index item = lists(user, place);
      if (item < 0) continue;
      require(item < items, "the lists hold item ", item, ", out of ", items, " items");
      ++times[static_cast<std::size_t>(item)];
    }
  }
  return times;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

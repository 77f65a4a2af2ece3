#pragma once

/// \file
/// How unequally recommendations are spread over the items.
///
/// \code
/// const auto top = lae::recommend(model, histories, {20});
/// lae::gini(top.items, 20, model.items());  // 0: all items alike, 1: one item alone
/// \endcode

#include <algorithm>
#include <cstddef>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/recommended.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Gini@k of how often each of the n items stands among the first k of all lists, also of those
/// that never do: with the counts sorted, c_1 <= ... <= c_n, it is
/// sum over j of (2j - n - 1) c_j / ((n - 1) sum of c). 0 if all items are recommended equally
/// often, 1 if one item alone is.
///
/// Source: Shani and Gunawardana, Evaluating recommendation systems, Recommender Systems Handbook,
/// 2011. (With n instead of n - 1 below the line, as elsewhere, the most is 1 - 1/n.)
/// \param lists users x places, item indices, negative where places are empty
/// \param items number of items, n
/// \return a value in [0, 1]; NaN if nothing is recommended or n < 2.
/// Cost: O(users k + n log n).
/// \throws std::invalid_argument if k < 1 or a list holds an item that is not below `items`.
[[nodiscard]] inline double gini(const Matrix<Index>& lists, Index k, Index items) {
  auto times = detail::times_recommended(lists, k, items);
  std::sort(times.begin(), times.end());
  const auto n = static_cast<double>(items);
  double weighted = 0;
  double total = 0;
  for (std::size_t place = 0; place < times.size(); ++place) {
    const auto count = static_cast<double>(times[place]);
    weighted += (2 * static_cast<double>(place) + 1 - n) * count;
    total += count;
  }
  return weighted / ((n - 1) * total);
}

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// How little known the recommended items are.
///
/// \code
/// const auto top = lae::recommend(model, train, {20});
/// lae::novelty(top.items, 20, users_of_items, train.rows());  // bits an item
/// \endcode

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/evaluation/recommended.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Novelty@k = the mean of the items' self-information, -log2(c_i / m), over all items that stand
/// among the first k of the lists, each counted as often as it stands there. c_i of m users have
/// item i in training; an item that nobody has counts as if one user had it, so that it is as novel
/// as anything can be, and the mean finite.
///
/// Source: Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems,
/// PNAS 2010 (surprisal).
/// \param lists users x places, item indices, negative where places are empty
/// \param users_of_items c, for each item
/// \param users m, of the training data
/// \return bits, in [0, log2(m)]; NaN if nothing is recommended.
/// Cost: O(users k + n). The same bits in any order of the lists.
/// \throws std::invalid_argument if k < 1, a list holds an item that `users_of_items` has not, or a
/// count is negative or above `users`.
[[nodiscard]] inline double novelty(const Matrix<Index>& lists, Index k,
                                    const std::vector<Index>& users_of_items, Index users) {
  const auto times = detail::times_recommended(lists, k, static_cast<Index>(users_of_items.size()));
  double information = 0;
  std::int64_t recommended = 0;
  for (std::size_t item = 0; item < times.size(); ++item) {
    const Index count = users_of_items[item];
    detail::require(count >= 0 && count <= users, "item ", item, " is said to have ", count,
                    " users, out of ", users);
    if (times[item] == 0) continue;
    const double share = static_cast<double>((std::max)(count, Index(1))) /
                         static_cast<double>((std::max)(users, Index(1)));
    information -= static_cast<double>(times[item]) * std::log2(share);
    recommended += times[item];
  }
  return information / static_cast<double>(recommended);
}

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// How much of the catalogue is recommended to anybody.
///
/// \code
/// const auto top = lae::recommend(model, histories, {20});
/// lae::coverage(top.items, 20, model.items());
/// \endcode

#include <algorithm>
#include <cstdint>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/recommended.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Coverage@k = distinct items among the first k of all lists / number of items.
///
/// Source: Ge, Delgado-Battenfeld and Jannach, Beyond accuracy: evaluating recommender systems by
/// coverage and serendipity, RecSys 2010 (catalogue coverage).
/// \param lists users x places, item indices, negative where places are empty
/// \param items number of items, n
/// \return a value in [0, 1], at most users * k / n; 0 without lists, NaN without items.
/// Cost: O(users k + n).
/// \throws std::invalid_argument if k < 1 or a list holds an item that is not below `items`.
[[nodiscard]] inline double coverage(const Matrix<Index>& lists, Index k, Index items) {
  const auto times = detail::times_recommended(lists, k, items);
  const auto recommended =
      std::count_if(times.begin(), times.end(), [](std::int64_t count) { return count > 0; });
  return static_cast<double>(recommended) / static_cast<double>(items);
}

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Precision of a ranked list: how much of it the user wanted.
///
/// \code
/// lae::precision(std::vector<lae::Index>{7, 3, 9}, std::vector<lae::Index>{1, 3, 4}, 2);  // 1/2
/// \endcode

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/hits.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Precision@k = hits among the first k / k. Places that stay empty, because the list is shorter
/// or padded, count as misses.
///
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \return a value in [0, 1], at most |R| / k; NaN if nothing is relevant, as all metrics of lists.
/// \throws std::invalid_argument if k < 1 or `relevant` is not sorted.
template <class Ranked, class Relevant>
[[nodiscard]] double precision(const Ranked& ranked, const Relevant& relevant, Index k) {
  double hits = 0;
  detail::for_each_hit(ranked, relevant, k, [&](Index) { ++hits; });
  return detail::nan_unless(detail::relevant_count(relevant) > 0, hits / static_cast<double>(k));
}

}  // namespace LAE_ABI
}  // namespace lae

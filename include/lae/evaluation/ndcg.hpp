#pragma once

/// \file
/// Normalised discounted cumulative gain of a ranked list: a hit counts the more the higher it
/// stands.
///
/// \code
/// lae::ndcg(std::vector<lae::Index>{7, 3, 9}, std::vector<lae::Index>{3}, 2);  // 1 / log2(3)
/// \endcode

#include <algorithm>
#include <cmath>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/hits.hpp"

namespace lae {
inline namespace LAE_ABI {

/// NDCG@k with binary gains: the sum of 1 / log2(rank + 1) over the hits among the first k, divided
/// by the same sum for a list that begins with min(k, |R|) relevant items.
///
/// Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS
/// 2002, with the discount of the first rank 1, as in the L3AE paper, VAE-CF and RecBole.
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \return a value in [0, 1]; NaN if nothing is relevant.
/// \throws std::invalid_argument if k < 1 or `relevant` is not sorted.
template <class Ranked, class Relevant>
[[nodiscard]] double ndcg(const Ranked& ranked, const Relevant& relevant, Index k) {
  const auto gain = [](Index rank) { return 1 / std::log2(static_cast<double>(rank) + 1); };
  double dcg = 0;
  detail::for_each_hit(ranked, relevant, k, [&](Index rank) { dcg += gain(rank); });
  const Index total = detail::relevant_count(relevant);
  double ideal = 0;
  for (Index rank = 1; rank <= (std::min)(k, total); ++rank) ideal += gain(rank);
  return dcg / ideal;
}

}  // namespace LAE_ABI
}  // namespace lae

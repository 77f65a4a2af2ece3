#pragma once

/// \file
/// Recall of a ranked list: how much of what the user wanted it holds.
///
/// \code
/// lae::recall(std::vector<lae::Index>{7, 3, 9}, std::vector<lae::Index>{1, 3, 4}, 2);  // 1/3
/// \endcode

#include <algorithm>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/hits.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What the hits are divided by.
enum class RecallDenominator {
  relevant,  ///< |R|, the number of relevant items: the L3AE paper, RecBole, RecPack, Cornac
  capped     ///< min(k, |R|), so that a perfect list has recall 1: VAE-CF, Jeunen et al.
};

/// Recall@k = hits among the first k / denominator.
///
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \return a value in [0, 1]; NaN if nothing is relevant.
/// \throws std::invalid_argument if k < 1 or `relevant` is not sorted.
template <class Ranked, class Relevant>
[[nodiscard]] double recall(const Ranked& ranked, const Relevant& relevant, Index k,
                            RecallDenominator denominator = RecallDenominator::relevant) {
  double hits = 0;
  detail::for_each_hit(ranked, relevant, k, [&](Index) { ++hits; });
  const Index total = detail::relevant_count(relevant);
  const Index divisor = denominator == RecallDenominator::capped ? (std::min)(k, total) : total;
  return hits / static_cast<double>(divisor);
}

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Whether a ranked list holds anything the user wanted.
///
/// \code
/// lae::hit_rate(std::vector<lae::Index>{7, 3, 9}, std::vector<lae::Index>{1, 3, 4}, 2);  // 1
/// \endcode

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/hits.hpp"

namespace lae {
inline namespace LAE_ABI {

/// HitRate@k of one list: 1 if there is a hit among the first k, else 0. Its mean over users is the
/// share of users with a hit.
///
/// Source: Deshpande and Karypis, Item-based top-N recommendation algorithms, ACM TOIS 2004.
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \return 0 or 1; NaN if nothing is relevant.
/// \throws std::invalid_argument if k < 1 or `relevant` is not sorted.
template <class Ranked, class Relevant>
[[nodiscard]] double hit_rate(const Ranked& ranked, const Relevant& relevant, Index k) {
  double hit = 0;
  detail::for_each_hit(ranked, relevant, k, [&](Index) { hit = 1; });
  return detail::nan_unless(detail::relevant_count(relevant) > 0, hit);
}

}  // namespace LAE_ABI
}  // namespace lae

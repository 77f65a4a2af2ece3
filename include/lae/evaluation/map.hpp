#pragma once

/// \file
/// Average precision of a ranked list, whose mean over users is MAP.
///
/// \code
/// // Hits at ranks 1 and 3: (1/1 + 2/3) / min(3, 2).
/// lae::average_precision(std::vector<lae::Index>{7, 3, 9}, std::vector<lae::Index>{7, 9}, 3);
/// \endcode

#include <algorithm>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/hits.hpp"

namespace lae {
inline namespace LAE_ABI {

/// AP@k = the sum of precision@rank over the ranks of the hits among the first k, divided by
/// min(k, |R|), so that a list that begins with relevant items has 1. (Others divide by |R|, which
/// caps the value at k / |R|, or by the number of hits, which rewards lists for missing items.) Its
/// mean over users is MAP@k.
///
/// Source: Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 8.4,
/// cut off at k.
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \return a value in [0, 1]; NaN if nothing is relevant.
/// \throws std::invalid_argument if k < 1 or `relevant` is not sorted.
template <class Ranked, class Relevant>
[[nodiscard]] double average_precision(const Ranked& ranked, const Relevant& relevant, Index k) {
  double hits = 0;
  double sum = 0;
  detail::for_each_hit(ranked, relevant, k, [&](Index rank) {
    ++hits;
    sum += hits / static_cast<double>(rank);
  });
  return sum / static_cast<double>((std::min)(k, detail::relevant_count(relevant)));
}

}  // namespace LAE_ABI
}  // namespace lae

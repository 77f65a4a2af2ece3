#pragma once

/// \file
/// Reciprocal rank of a ranked list: how far down the first item stands that the user wanted.
///
/// \code
/// // The first hit is at rank 2: 1/2.
/// lae::reciprocal_rank(std::vector<lae::Index>{7, 3, 9}, std::vector<lae::Index>{3, 9}, 3);
/// \endcode

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/evaluation/hits.hpp"

namespace lae {
inline namespace LAE_ABI {

/// 1 / the rank of the first hit, 0 if there is none among the first k. Its mean over users is the
/// mean reciprocal rank, MRR@k.
///
/// Source: Voorhees, The TREC-8 question answering track report, 1999, cut off at k.
/// \param ranked item indices, best first; negative ones (padding) are never hits. May be shorter
/// than k.
/// \param relevant item indices, sorted, distinct.
/// \return a value in [0, 1]; NaN if nothing is relevant.
/// \throws std::invalid_argument if k < 1 or `relevant` is not sorted.
template <class Ranked, class Relevant>
[[nodiscard]] double reciprocal_rank(const Ranked& ranked, const Relevant& relevant, Index k) {
  double first = 0;
  detail::for_each_hit(ranked, relevant, k, [&](Index rank) {
    if (first == 0) first = 1 / static_cast<double>(rank);
  });
  return detail::nan_unless(detail::relevant_count(relevant) > 0, first);
}

}  // namespace LAE_ABI
}  // namespace lae

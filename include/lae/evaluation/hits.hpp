#pragma once

/// \file
/// What all metrics of ranked lists have in common: the ranks of the relevant items.

#include <algorithm>
#include <iterator>

#include "lae/core/errors.hpp"
#include "lae/detail/core/require.hpp"

namespace lae::detail {

/// Calls at_rank(rank), counted from 1, for each relevant item among the first k.
template <class Ranked, class Relevant, class AtRank>
void for_each_hit(const Ranked& ranked, const Relevant& relevant, Index k, AtRank&& at_rank) {
  require(k > 0, "the cutoff must be positive, got ", k);
  require(std::is_sorted(std::begin(relevant), std::end(relevant)),
          "the relevant items must be sorted");
  Index rank = 0;
  for (auto item = std::begin(ranked); item != std::end(ranked) && rank < k; ++item) {
    ++rank;
    if (std::binary_search(std::begin(relevant), std::end(relevant), *item)) at_rank(rank);
  }
}

}  // namespace lae::detail

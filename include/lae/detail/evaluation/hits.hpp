#pragma once

/// \file
/// What all metrics of ranked lists have in common: the ranks of the relevant items, and how many
/// items are relevant.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Calls at_rank(rank), counted from 1, for each relevant item among the first k, in rising order.
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

template <class Relevant>
[[nodiscard]] Index relevant_count(const Relevant& relevant) {
  return static_cast<Index>(std::distance(std::begin(relevant), std::end(relevant)));
}

/// The hits of a list, looked up once: it stands for both the list and the relevant items where
/// many metrics are measured at many cutoffs.
class FoundHits {
 public:
  /// \param k the largest cutoff that will be asked for
  template <class Ranked, class Relevant>
  void find(const Ranked& ranked, const Relevant& relevant, Index k) {
    ranks_.clear();
    for_each_hit(ranked, relevant, k, [&](Index rank) { ranks_.push_back(rank); });
    relevant_ = detail::relevant_count(relevant);
  }

  [[nodiscard]] const std::vector<Index>& ranks() const { return ranks_; }
  [[nodiscard]] Index relevant() const { return relevant_; }

 private:
  std::vector<Index> ranks_;
  Index relevant_ = 0;
};

template <class AtRank>
void for_each_hit(const FoundHits& hits, const FoundHits&, Index k, AtRank&& at_rank) {
  for (const Index rank : hits.ranks()) {
    if (rank > k) break;
    at_rank(rank);
  }
}

[[nodiscard]] inline Index relevant_count(const FoundHits& hits) {
  return hits.relevant();
}

/// For a metric that is not defined if nothing is relevant.
[[nodiscard]] inline double nan_unless(bool is_defined, double value) {
  return is_defined ? value : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

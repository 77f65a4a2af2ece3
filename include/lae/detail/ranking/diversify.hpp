#pragma once

/// \file
/// Maximal marginal relevance.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/ranking/diversity.hpp"
#include "lae/ranking/top_k.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Scores from 0, the lowest finite one, to 1, the highest; all 0 if they are equal.
template <class Scalar>
std::vector<double> relevance_of(const std::vector<Scalar>& scores) {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (const Scalar score : scores) {
    if (!std::isfinite(score)) continue;
    lowest = (std::min)(lowest, static_cast<double>(score));
    highest = (std::max)(highest, static_cast<double>(score));
  }
  // Halves, since the distance of two finite numbers may be none.
  const double range = highest / 2 - lowest / 2;
  std::vector<double> relevance;
  for (const Scalar score : scores) {
    const double above = static_cast<double>(score) / 2 - lowest / 2;
    relevance.push_back(range > 0 ? std::clamp(above / range, 0.0, 1.0) : 0);
  }
  return relevance;
}

/// Chooses k of a user's candidates.
/// \param items, scores of the candidates, as TopK leaves them
/// \param to_items, to_scores k places
template <class Scalar>
void diversify(const Diversity& diversity, const std::vector<Index>& items,
               const std::vector<Scalar>& scores, Index k, Index* to_items, Scalar* to_scores) {
  const std::vector<double> relevance = relevance_of(scores);
  std::vector<double> similarity(items.size(), 0);  // the largest to one chosen
  std::vector<char> is_open(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) is_open[i] = items[i] != no_item ? 1 : 0;
  for (Index place = 0; place < k; ++place) {
    std::size_t best = items.size();
    double best_value = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (is_open[i] == 0) continue;
      const double value = (1 - diversity.weight) * relevance[i] - diversity.weight * similarity[i];
      if (best == items.size() || value > best_value ||
          (value == best_value && items[i] < items[best])) {
        best = i;
        best_value = value;
      }
    }
    const bool is_chosen = best < items.size();
    to_items[place] = is_chosen ? items[best] : no_item;
    to_scores[place] = is_chosen ? scores[best] : -std::numeric_limits<Scalar>::infinity();
    if (!is_chosen) continue;
    is_open[best] = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (is_open[i] == 0) continue;
      const double to_best = diversity.vectors->similarity(items[i], items[best]);
      similarity[i] = place == 0 ? to_best : (std::max)(similarity[i], to_best);
    }
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

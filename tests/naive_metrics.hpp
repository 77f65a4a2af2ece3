#pragma once

// Metrics of ranked lists as their definitions say, place by place, and those of all lists together
// from tables of counts.

#include <lae/evaluation/metric.hpp>
#include <set>
#include <vector>

#include "naive.hpp"

namespace naive {

/// \param ranked all places of a list, best first; may be shorter than k
double metric(lae::Metric metric, const std::vector<Index>& ranked, const std::set<Index>& relevant,
              Index k, bool capped);

double coverage(const std::vector<std::vector<Index>>& lists, Index k, Index items);
double novelty(const std::vector<std::vector<Index>>& lists, Index k, const Dense& train);
/// Half the mean absolute difference of two different items over the mean: no sorting.
double gini(const std::vector<std::vector<Index>>& lists, Index k, Index items);

}  // namespace naive

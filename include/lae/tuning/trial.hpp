#pragma once

/// \file
/// What a grid search is asked for, and what it says of each point.
///
///     lae::GridSearchOptions options;
///     options.cutoff = 10;                    // choose by NDCG@10,
///     options.evaluation.cutoffs = {10, 50};  // measure at 50, too
///     auto trials = lae::grid_trials<lae::Ease<double>>(points, train, valid, options);
///     std::cout << trials[0].options.lambda << ": " << trials[0].ndcg[1];

#include <string>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/evaluation/metric.hpp"

namespace lae {
inline namespace LAE_ABI {

struct GridSearchOptions {
  Metric metric = Metric::ndcg;  ///< What a point is judged by, ...
  Index cutoff = 20;             ///< ... at this cutoff: one of `evaluation.cutoffs`.
  /// What is measured besides: recall and NDCG, at these cutoffs. Of no meaning to a search are the
  /// share of head items and what is kept of single users.
  EvaluateOptions evaluation{};
};

/// One point of a grid, and how it did.
template <class Options>
struct Trial {
  Options options;
  double score = 0;            ///< the metric that decides; NaN if the point could not be fitted
  std::vector<double> recall;  ///< means over the users, one value a cutoff
  std::vector<double> ndcg;    ///< means over the users, one value a cutoff
  std::string failure;         ///< why the point could not be fitted; else empty
};

}  // namespace LAE_ABI
}  // namespace lae

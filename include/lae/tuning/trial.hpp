#pragma once

/// \file
/// What a grid search is asked for, and what it says of each point.
///
///     lae::GridSearchOptions options;
///     options.cutoff = 10;                    // choose by NDCG@10,
///     options.evaluation.cutoffs = {10, 50};  // measure at 50, too
///     auto trials = lae::grid_trials<lae::Ease<double>>(points, train, valid, options);
///     std::cout << trials[0].options.lambda << ": " << trials[0].ndcg[1];

#include <cstdint>
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
  /// Measure on so many of the users with held-out items, chosen at random; 0, or more than there
  /// are: on all. A few thousand tell points apart that differ by a percent or two; `paired_error`
  /// says whether they did. >= 0.
  Index sample_users = 0;
  std::uint64_t sample_seed = 1;  ///< The same users for the same seed, everywhere.
};

/// One point of a grid, and how it did.
template <class Options>
struct Trial {
  Options options;
  double score = 0;              ///< the metric that decides; NaN if the point could not be fitted
  std::vector<double> recall{};  ///< means over the users, one value a cutoff
  std::vector<double> ndcg{};    ///< means over the users, one value a cutoff
  std::string failure{};         ///< why the point could not be fitted; else empty
  /// Of the score, as a mean over users that were drawn from many; NaN with a single user.
  double standard_error = 0;
  /// Of the difference between the best trial's score and this one, user by user; 0 for the best.
  /// Far smaller than that of either, since what is hard for one point is for another. (Both from
  /// at most 65,536 of the users, evenly spread.)
  double paired_error = 0;
};

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// The plainest of the points that do about as well as the best.
///
///     auto trials = lae::grid_trials<lae::L3ae<double>>(points, train, embeddings, valid);
///     // Less trust in features, if that costs nothing that can be measured:
///     const auto& chosen = lae::plainest_near_best(trials, [](const auto& a, const auto& b) {
///       return a.lambda_kd < b.lambda_kd;
///     });
///     lae::L3ae<double>(chosen.options).fit(train, embeddings);

#include <vector>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The one-standard-error rule: of the trials whose score is below the best one by no more than
/// `errors` standard errors of that difference, the plainest; of equally plain ones the best. The
/// best of many points owes some of its lead to the users it was chosen on, and a point that cannot
/// be told from it, but keeps closer to a model that is known to do well, rarely does worse on
/// others. (Breiman, Friedman, Olshen, Stone, Classification and Regression Trees, 1984, 3.4.3;
/// Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2009, 7.10. There the error
/// is that of the best score itself; differences user by user have a smaller one.)
///
/// \param trials of one search, as it returned them
/// \param is_plainer (options, options) whether the first are plainer than the second; a strict
/// weak ordering
/// \param errors >= 0
/// \throws std::invalid_argument if there are no trials, or errors is negative or NaN.
template <class Options, class IsPlainer>
[[nodiscard]] const Trial<Options>& plainest_near_best(const std::vector<Trial<Options>>& trials,
                                                       IsPlainer&& is_plainer, double errors = 1) {
  detail::require(!trials.empty(), "there are no trials to choose from");
  detail::require(errors >= 0, "errors must not be negative, got ", errors);
  const Trial<Options>* chosen = &trials.front();
  for (const Trial<Options>& trial : trials) {
    const bool is_near = trials.front().score - trial.score <= errors * trial.paired_error;
    if (is_near && is_plainer(trial.options, chosen->options)) chosen = &trial;
  }
  return *chosen;
}

}  // namespace LAE_ABI
}  // namespace lae

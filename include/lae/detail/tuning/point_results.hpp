#pragma once

/// \file
/// From how the points of a grid did to sorted trials.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/tuning/user_values.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// How one point did.
struct PointResult {
  std::vector<double> measures{};  ///< recall, NDCG, ...: one value a cutoff; empty if it failed
  double score = std::numeric_limits<double>::quiet_NaN();
  std::optional<NotPositiveDefinite> failure{};
};

/// Rows with entries.
template <class Scalar>
Index users_with_entries(const Csr<Scalar>& held_out) {
  Index users = 0;
  for (Index user = 0; user < held_out.rows(); ++user) {
    users += held_out.outerIndexPtr()[user] < held_out.outerIndexPtr()[user + 1] ? 1 : 0;
  }
  return users;
}

/// How a model of one point does.
template <class Model, class Scalar>
PointResult measure_model(const Model& model, const Csr<Scalar>& histories,
                          const Csr<Scalar>& held_out, const GridSearchOptions& options,
                          std::size_t point, UserValues& values) {
  EvaluateOptions evaluation = options.evaluation;
  evaluation.all_user_values = true;
  const GroupMetrics all = evaluate(model, histories, held_out, evaluation).all;
  const auto& cutoffs = evaluation.cutoffs;
  const auto place = std::find(cutoffs.begin(), cutoffs.end(), options.cutoff) - cutoffs.begin();
  const Matrix<double>& of_users = all.of_users(options.metric);
  for (Index user = 0; user < of_users.rows(); ++user) {
    values.set(point, user, of_users(user, place));
  }
  PointResult result;
  result.measures = all.recall;
  result.measures.insert(result.measures.end(), all.ndcg.begin(), all.ndcg.end());
  result.score = all.mean(options.metric)[static_cast<std::size_t>(place)];
  return result;
}

/// Whether a score beats another; that of a failure, NaN, beats none.
inline bool is_better(double score, double other) {
  return score > other || (!std::isnan(score) && std::isnan(other));
}

/// Of equals, the one that came first in the grid comes first.
inline std::vector<std::size_t> best_first(const std::vector<PointResult>& results) {
  std::vector<std::size_t> order(results.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return is_better(results[a].score, results[b].score);
  });
  return order;
}

/// Best first. \throws NotPositiveDefinite if all failed
template <class Options>
std::vector<Trial<Options>> trials_of(const std::vector<Options>& points,
                                      const std::vector<PointResult>& results,
                                      const UserValues& values, std::size_t cutoffs) {
  const std::vector<std::size_t> order = best_first(results);
  if (results[order.front()].failure) throw NotPositiveDefinite(*results[order.front()].failure);
  std::vector<Trial<Options>> trials;
  for (const std::size_t i : order) {
    const PointResult& result = results[i];
    Trial<Options>& trial = trials.emplace_back(Trial<Options>{points[i], result.score});
    if (result.failure) trial.failure = result.failure->what();
    if (result.measures.empty()) continue;
    const auto begin = result.measures.begin();
    const auto count = static_cast<std::ptrdiff_t>(cutoffs);
    trial.recall.assign(begin, begin + count);
    trial.ndcg.assign(begin + count, begin + 2 * count);
    trial.standard_error = values.standard_error(i);
    trial.paired_error = values.paired_error(i, order.front());
  }
  return trials;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

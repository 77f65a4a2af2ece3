#pragma once

/// \file
/// Grid search that pays once for what the points of a grid have in common: the Gram matrices; P
/// for all points with the same ridge, dropout and weights of users; what all semantic ridges share
/// of FᵀF and of P F; both parts of Add-EASE for all α. A point itself costs the scores of the
/// users that are measured, which come without forming B, so that a grid with one P takes about as
/// long as a few fits.

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/fit_control.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/models/add_ease.hpp"
#include "lae/models/cease.hpp"
#include "lae/models/cosine.hpp"
#include "lae/models/ease.hpp"
#include "lae/models/item_model.hpp"
#include "lae/models/l3ae.hpp"
#include "lae/tuning/grid_engine.hpp"
#include "lae/tuning/grid_point.hpp"

namespace lae {

/// One point of a grid, and how it did.
template <class Options>
struct Trial {
  Options options;
  double score = 0;            ///< the metric that decides; NaN if the point could not be fitted
  std::vector<double> recall;  ///< means over the users, one value a cutoff
  std::vector<double> ndcg;    ///< means over the users, one value a cutoff
  std::string failure;         ///< why the point could not be fitted; else empty
};

template <class Solver>
struct GridSearchResult {
  /// Best first; of equals, the one that came first in the grid.
  std::vector<Trial<typename Solver::Options>> trials;
  /// The model of trials[0], on the data of the search.
  ItemModel<typename Solver::Scalar> model;
};

namespace detail {

/// \throws std::invalid_argument if options are out of range.
template <class Solver>
void require_valid_points(const std::vector<typename Solver::Options>& points) {
  for (const auto& point : points) Solver{point};
}

/// Puts points and results together, best first.
template <class Options>
std::vector<Trial<Options>> sorted_trials(const std::vector<Options>& points,
                                          const std::vector<PointResult>& results) {
  std::vector<Trial<Options>> trials;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const PointResult& result = results[i];
    trials.push_back(
        {points[i], result.score, result.metrics.recall, result.metrics.ndcg, result.failure});
  }
  std::stable_sort(trials.begin(), trials.end(),
                   [](const auto& a, const auto& b) { return is_better(a.score, b.score); });
  return trials;
}

/// \param fit fits a solver, should the best weights not have been kept
template <class Solver, class ToGridPoint, class Fit>
GridSearchResult<Solver> search_grid(const std::vector<typename Solver::Options>& points,
                                     ToGridPoint&& to_grid_point,
                                     GridData<typename Solver::Scalar> data,
                                     const GridSearchOptions& options, const FitControl& control,
                                     Fit&& fit) {
  using Scalar = typename Solver::Scalar;
  std::vector<GridPoint> grid_points;
  for (const auto& point : points) grid_points.push_back(to_grid_point(point));
  std::optional<GridEngine<Scalar>> engine(std::in_place, std::move(data), std::move(grid_points),
                                           options, control);
  engine->run();
  auto trials = sorted_trials(points, engine->results());
  if (!trials.front().failure.empty()) throw NotPositiveDefinite(0, trials.front().failure);
  std::optional<Matrix<Scalar>> weights = engine->take_weights();
  engine.reset();
  ItemModel<Scalar> model =
      weights ? ItemModel<Scalar>(*std::move(weights)) : fit(Solver(trials.front().options));
  return {std::move(trials), std::move(model)};
}

/// Cosine has a switch and nothing that its points share: they are fitted and measured in turn.
template <class Solver, class Features, class Train, class Valid>
GridSearchResult<Solver> search_cosine(const std::vector<typename Solver::Options>& points,
                                       const Eigen::EigenBase<Features>& features,
                                       const Eigen::SparseMatrixBase<Train>& train,
                                       const Eigen::SparseMatrixBase<Valid>& valid,
                                       const GridSearchOptions& options,
                                       const FitControl& control) {
  require(!points.empty(), "the grid has no points");
  require_valid(options);
  EvaluateOptions evaluation;
  evaluation.cutoffs = options.cutoffs;
  evaluation.recall_denominator = options.recall_denominator;
  std::vector<PointResult> results;
  for (const auto& point : points) {
    const auto model = Solver(point).fit(features, control);
    const GroupMetrics all = evaluate(model, train, valid, evaluation).all;
    require(!all.users.empty(), "no user has a held-out item to measure on");
    results.push_back({{all.recall, all.ndcg}, 0, {}});
    results.back().score = score_of(results.back().metrics, options);
  }
  auto trials = sorted_trials(points, results);
  auto model = Solver(trials.front().options).fit(features, control);
  return {std::move(trials), std::move(model)};
}

}  // namespace detail

/// Searches a grid of EASE on interactions.
///
/// \param points any list of options; `vary` writes down grids
/// \param train, valid users x items; points are measured on `valid` as `evaluate` does
/// Cost: n^3 flops for each different combination of ridge, dropout and weights of users, or m^3 as
/// `Ease::fit`; 2 n flops an interaction of the users that are measured, and n a user and point.
/// Three n x n matrices if memory allows (P, the Gram matrix, the best weights so far), else one,
/// and then the best point is fitted again.
/// \throws std::invalid_argument (options out of range, sizes that differ, nothing to search or to
/// measure), MemoryBudgetExceeded, Cancelled, NotPositiveDefinite if no point could be fitted.
template <class Solver, class Train, class Valid>
GridSearchResult<Solver> grid_search(const std::vector<typename Solver::Options>& points,
                                     const Eigen::SparseMatrixBase<Train>& train,
                                     const Eigen::SparseMatrixBase<Valid>& valid,
                                     const GridSearchOptions& options = {},
                                     const FitControl& control = {}) {
  using Scalar = typename Solver::Scalar;
  static_assert(std::is_same_v<Solver, Ease<Scalar>>, "lae: this model needs features, too");
  detail::require_valid_points<Solver>(points);
  detail::GridData<Scalar> data{detail::canonical_interactions<Scalar>(train),
                                {},
                                {},
                                detail::held_out_of<Scalar>(train, valid)};
  return detail::search_grid<Solver>(
      points, [](const auto& point) { return detail::grid_point(point); }, std::move(data), options,
      control, [&](const Solver& solver) { return solver.fit(train, control); });
}

/// Searches a grid of CEASE, Add-EASE or L3AE, on interactions and features: dense embeddings or
/// sparse tags, one row an item.
///
/// Cost: as without features for P; then, up to d = 2n/3 dimensions or tags, 2 n^2 d flops for each
/// P (L3AE), n d^2 for each semantic ridge and 2 n d for each user, P and semantic ridge; beyond,
/// n^3 flops for each P and semantic ridge, and 2 n^2 for each user. Three n x d matrices besides
/// the square ones, or another n x n matrix.
/// \throws as without features.
template <class Solver, class Train, class Features, class Valid>
GridSearchResult<Solver> grid_search(const std::vector<typename Solver::Options>& points,
                                     const Eigen::SparseMatrixBase<Train>& train,
                                     const Eigen::EigenBase<Features>& features,
                                     const Eigen::SparseMatrixBase<Valid>& valid,
                                     const GridSearchOptions& options = {},
                                     const FitControl& control = {}) {
  using Scalar = typename Solver::Scalar;
  detail::require_valid_points<Solver>(points);
  detail::require_features_of(train.cols(), features);
  detail::GridData<Scalar> data{detail::canonical_interactions<Scalar>(train),
                                {},
                                {},
                                detail::held_out_of<Scalar>(train, valid)};
  constexpr bool is_in_gram = std::is_same_v<Solver, Cease<Scalar>>;
  (is_in_gram ? data.side_in_gram : data.side_in_semantics) =
      detail::canonical_features<Scalar>(features.derived());
  return detail::search_grid<Solver>(
      points, [](const auto& point) { return detail::grid_point(point); }, std::move(data), options,
      control, [&](const Solver& solver) { return solver.fit(train, features, control); });
}

/// Searches a grid of models on features alone: EASE (`Ease::fit_features`) or cosine.
///
/// \param train the histories that are ranked for
/// Cost: as the semantic part above; cosine is fitted and evaluated point by point.
/// \throws as above.
template <class Solver, class Features, class Train, class Valid>
GridSearchResult<Solver> grid_search_features(const std::vector<typename Solver::Options>& points,
                                              const Eigen::EigenBase<Features>& features,
                                              const Eigen::SparseMatrixBase<Train>& train,
                                              const Eigen::SparseMatrixBase<Valid>& valid,
                                              const GridSearchOptions& options = {},
                                              const FitControl& control = {}) {
  using Scalar = typename Solver::Scalar;
  detail::require_valid_points<Solver>(points);
  detail::require_features_of(train.cols(), features);
  if constexpr (std::is_same_v<Solver, Cosine<Scalar>>) {
    return detail::search_cosine<Solver>(points, features, train, valid, options, control);
  } else {
    for (const auto& point : points) {
      detail::require(detail::are_off(point.refinements),
                      "a fit on features alone has no interactions to refine");
    }
    detail::GridData<Scalar> data{{},
                                  {},
                                  detail::canonical_features<Scalar>(features.derived()),
                                  detail::held_out_of<Scalar>(train, valid)};
    return detail::search_grid<Solver>(
        points, [](const auto& point) { return detail::feature_grid_point(point); },
        std::move(data), options, control,
        [&](const Solver& solver) { return solver.fit_features(features, control); });
  }
}

}  // namespace lae

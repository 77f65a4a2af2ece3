#pragma once

/// \file
/// Grid search that pays once for what the points of a grid have in common: the Gram matrices; P
/// for all points with the same ridge, dropout and weights of users; what all semantic ridges share
/// of FᵀF and of P F; both parts of Add-EASE for all α. A point itself costs the scores of the
/// users that are measured, which come without forming B, so that a grid with one P takes about as
/// long as a few fits.
///
///     auto points = lae::vary(std::vector<lae::EaseOptions>(1), "lambda", {50, 100, 200});
///     auto search = lae::grid_search<lae::Ease<double>>(points, train, valid);
///     search.trials[0].options;  // the best point, and search.model its model

#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/tuning/search.hpp"
#include "lae/tuning/trial.hpp"

namespace lae {
inline namespace LAE_ABI {

template <class Solver>
struct GridSearchResult {
  /// Best first; of equals, the one that came first in the grid.
  std::vector<Trial<typename Solver::Options>> trials;
  /// The model of trials[0], on the data of the search.
  typename Solver::Model model;
};

/// Searches a grid of a model that is fitted on interactions.
///
/// \param points any list of options; `vary` writes down grids
/// \param train, valid users x items; points are measured on `valid` as `evaluate` does
/// \param user_weights as in `fit`: a weight for each user, or none
/// Cost: n^3 flops for each different combination of ridge, dropout and weights of users, or m^3 as
/// a fit; 2 n flops an interaction of the users that are measured, and n a user and point. Three
/// n x n matrices if `FitControl::memory_budget` allows (P, the Gram matrix, the best weights so
/// far), else one, and then the best point is fitted again; no users x cutoffs values are held.
/// Spectral models (lae/spectral.hpp): one set of singular vectors for each normalisation (ε and
/// μ), of the largest rank that is asked of it, homophily once, and then for each point the scores
/// of the users that are measured; the memory of one fit, another two items x rank matrices and
/// those scores.
/// Models by blocks (lae/blocks.hpp): pairs of items are counted once, features decomposed once; for
/// each combination of ridge and dropout the neighbours, and one run of conjugate gradients for all
/// λ_F; for each k besides its blocks; and for each point the assembly of its model and the scores
/// of the users that are measured, 2 n d flops a user. Memory: a fit and two models, or one and the
/// best point fitted again. Results are those of a fit and `evaluate`, up to the tolerance of the
/// conjugate gradients if there are several λ_F.
/// \throws std::invalid_argument (options out of range, sizes that differ, nothing to search or to
/// measure), MemoryBudgetExceeded, Cancelled, NotPositiveDefinite if no point could be fitted.
template <class Solver, class Train, class Valid>
[[nodiscard]] GridSearchResult<Solver> grid_search(
    const std::vector<typename Solver::Options>& points,
    const Eigen::SparseMatrixBase<Train>& train, const Eigen::SparseMatrixBase<Valid>& valid,
    const GridSearchOptions& options = {}, const FitControl& control = {},
    const std::vector<double>& user_weights = {}) {
  detail::SearchOf<Solver> search(points, options, control, true);
  auto trials = search.run(train, detail::NoFeatures(), valid, user_weights);
  return {std::move(trials), search.take_model()};
}

/// Searches a grid of a model that is fitted on features, with interactions or alone: dense
/// embeddings, sparse tags or Sources, one row an item. For a model of features alone, `train`
/// holds the histories to rank for.
///
/// Cost: as without features for P; then, up to d = 2n/3 dimensions or tags, 2 n^2 d flops for each
/// P (L3AE), n d^2 for each semantic ridge and 2 n d for each user, P and semantic ridge; beyond,
/// n^3 flops for each P and semantic ridge, and 2 n^2 for each user. Three n x d matrices besides
/// the square ones, or another n x n matrix.
/// \throws as without features.
template <class Solver, class Train, class Features, class Valid,
          std::enable_if_t<detail::is_features<Features>, int> = 0>
[[nodiscard]] GridSearchResult<Solver> grid_search(
    const std::vector<typename Solver::Options>& points,
    const Eigen::SparseMatrixBase<Train>& train, const Features& features,
    const Eigen::SparseMatrixBase<Valid>& valid, const GridSearchOptions& options = {},
    const FitControl& control = {}, const std::vector<double>& user_weights = {}) {
  detail::SearchOf<Solver> search(points, options, control, true);
  auto trials = search.run(train, features, valid, user_weights);
  return {std::move(trials), search.take_model()};
}

/// The same without the model: for when only the options are wanted, and memory is short.
template <class Solver, class Train, class Valid>
[[nodiscard]] std::vector<Trial<typename Solver::Options>> grid_trials(
    const std::vector<typename Solver::Options>& points,
    const Eigen::SparseMatrixBase<Train>& train, const Eigen::SparseMatrixBase<Valid>& valid,
    const GridSearchOptions& options = {}, const FitControl& control = {},
    const std::vector<double>& user_weights = {}) {
  return detail::SearchOf<Solver>(points, options, control, false)
      .run(train, detail::NoFeatures(), valid, user_weights);
}
template <class Solver, class Train, class Features, class Valid,
          std::enable_if_t<detail::is_features<Features>, int> = 0>
[[nodiscard]] std::vector<Trial<typename Solver::Options>> grid_trials(
    const std::vector<typename Solver::Options>& points,
    const Eigen::SparseMatrixBase<Train>& train, const Features& features,
    const Eigen::SparseMatrixBase<Valid>& valid, const GridSearchOptions& options = {},
    const FitControl& control = {}, const std::vector<double>& user_weights = {}) {
  return detail::SearchOf<Solver>(points, options, control, false)
      .run(train, features, valid, user_weights);
}

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// The way the L3AE paper (CIKM 2025) chooses hyper-parameters: λ* is the best ridge of EASE; then,
/// with λ_X + λ_KD = λ* fixed, the best λ_F and λ_KD.
///
///     auto tuned = lae::tune_l3ae<double>(train, embeddings, valid);
///     tuned.l3ae.trials[0].options;  // the best point, and tuned.l3ae.model its model

#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/models/ease.hpp"
#include "lae/models/l3ae.hpp"
#include "lae/tuning/grid_search.hpp"
#include "lae/tuning/vary.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The values to choose from. λ_X = λ* - λ_KD may come out negative.
struct L3aeProtocol {
  std::vector<double> lambda = {10, 50, 100, 200, 500, 1000};
  std::vector<double> lambda_f = {1, 5, 10, 50, 100, 500, 1000};
  std::vector<double> lambda_kd = {50, 100, 150, 200, 250, 300};
  Refinements refinements{};  ///< of both models
};

template <class Scalar>
struct L3aeProtocolResult {
  std::vector<Trial<EaseOptions>> ease;  ///< ease[0].options.lambda is λ*
  GridSearchResult<L3ae<Scalar>> l3ae;
};

/// The grid of L3AE for one λ*: all points have the same P.
[[nodiscard]] inline std::vector<L3aeOptions> l3ae_grid(double lambda,
                                                        const L3aeProtocol& protocol) {
  L3aeOptions base;
  base.refinements = protocol.refinements;
  auto points = vary(std::vector<L3aeOptions>{base}, &L3aeOptions::lambda_f, protocol.lambda_f);
  points = vary(points, &L3aeOptions::lambda_kd, protocol.lambda_kd);
  for (L3aeOptions& point : points) point.lambda_x = lambda - point.lambda_kd;
  return points;
}

/// Tunes EASE and L3AE on `valid` by the paper's protocol.
///
/// Cost: an EASE fit for each λ, then one L3AE fit and what `grid_search` says of its points; the
/// two searches in turn, each within the memory budget.
/// \param train, valid users x items
/// \param features items x dims, sparse tags, or Sources
/// \throws as grid_search.
template <class Scalar, class Train, class Features, class Valid>
[[nodiscard]] L3aeProtocolResult<Scalar> tune_l3ae(const Eigen::SparseMatrixBase<Train>& train,
                                                   const Features& features,
                                                   const Eigen::SparseMatrixBase<Valid>& valid,
                                                   const L3aeProtocol& protocol = {},
                                                   const GridSearchOptions& options = {},
                                                   const FitControl& control = {},
                                                   const std::vector<double>& user_weights = {}) {
  EaseOptions base;
  base.refinements = protocol.refinements;
  auto ease = grid_trials<Ease<Scalar>>(
      vary(std::vector<EaseOptions>{base}, &EaseOptions::lambda, protocol.lambda), train, valid,
      options, control, user_weights);
  auto l3ae = grid_search<L3ae<Scalar>>(l3ae_grid(ease.front().options.lambda, protocol), train,
                                        features, valid, options, control, user_weights);
  return {std::move(ease), std::move(l3ae)};
}

}  // namespace LAE_ABI
}  // namespace lae

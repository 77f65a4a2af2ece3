#pragma once

/// \file
/// Add-EASE: Jeunen et al., Closed-Form Models for Collaborative Filtering with Side-Information,
/// RecSys 2020; L3AE paper, eq. 7-8.

#include <algorithm>
#include <cmath>
#include <utility>

#include "lae/algebra/regularized_inverse.hpp"
#include "lae/core/diagonal_constraint.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/refinements.hpp"
#include "lae/core/semantic_prior.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/models/ease.hpp"
#include "lae/models/item_model.hpp"

namespace lae {

struct AddEaseOptions {
  double lambda_x = 100;  ///< Ridge of the part on interactions; finite and > 0.
  double lambda_t = 50;   ///< Ridge of the part on side information; finite and > 0.
  double alpha = 0.2;     ///< Weight of the part on side information, in [0, 1].
  /// Off by default. Those of users and the diagonal act on the part on interactions, the scaling
  /// of targets on both.
  Refinements refinements{};
};

/// Additive EASE: B = (1 - α) B_X + α B_T, two EASE solutions blended. On dense embeddings it is
/// the paper's LLM-Add-EASE.
template <class Scalar_>
class AddEase {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Options = AddEaseOptions;

  /// \throws std::invalid_argument for options out of range.
  explicit AddEase(const Options& options = {}) : options_(options) {
    detail::require_positive(options.lambda_x, "lambda_x");
    detail::require_positive(options.lambda_t, "lambda_t");
    detail::require(options.alpha >= 0 && options.alpha <= 1, "alpha must lie in [0, 1], got ",
                    options.alpha);
    detail::require_valid(options.refinements);
  }

  const Options& options() const { return options_; }

  /// Fits on interactions (users x items) and features, one row an item: sparse tags or dense
  /// embeddings.
  /// Cost: two EASE fits and two n x n matrices; up to d = 2n/3 dimensions or tags the second fit
  /// is 2 n^2 d + 2 n d^2 flops and takes two n x d matrices instead of a second n x n one. \throws
  /// std::invalid_argument (sizes that differ, empty, or a value that is not finite),
  /// NotPositiveDefinite, MemoryBudgetExceeded, Cancelled.
  template <class Interactions, class Features>
  ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                        const Eigen::EigenBase<Features>& features,
                        const FitControl& control = {}) const {
    detail::require_features_of(interactions.cols(), features);
    control.check(estimate(problem_size(interactions, features), control.form));
    Csr<Scalar> x = detail::canonical_interactions<Scalar>(interactions);
    SemanticPrior<Scalar> prior =
        semantic_prior(detail::canonical_features<Scalar>(features.derived()),
                       static_cast<Scalar>(options_.lambda_t), control.progress);
    const auto regularization = detail::refine(x, options_.lambda_x, options_.refinements);
    Matrix<Scalar> b =
        regularized_inverse(std::move(x), regularization.ridge, control.form, control.progress);
    constrain_diagonal(b, regularization);
    blend_semantic_weights(b, std::move(prior), static_cast<Scalar>(options_.alpha),
                           regularization.target_scale);
    return ItemModel<Scalar>(std::move(b));
  }

  /// Peak memory and flops of `fit`, and the form of the part on interactions.
  static FitCost estimate(const ProblemSize& size, FitForm form = FitForm::automatic) {
    const FitCost on_interactions = Ease<Scalar>::estimate(size, form);
    const FitCost on_features = Ease<Scalar>::estimate_features(size);
    const std::uint64_t x = detail::csr_bytes<Scalar>(size.users, size.interactions);
    const std::uint64_t prior = detail::has_low_rank_prior(size)
                                    ? detail::dense_bytes<Scalar>(size.items, size.features)
                                    : detail::dense_bytes<Scalar>(size.items, size.items);
    return {on_interactions.flops + on_features.flops,
            std::max({detail::semantic_prior_cost<Scalar>(size).bytes + x,
                      on_interactions.bytes + prior, on_features.bytes}),
            on_interactions.form};
  }

 private:
  Options options_;
};

}  // namespace lae

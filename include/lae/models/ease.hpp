#pragma once

/// \file
/// EASE: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019; L3AE paper, eq. 3.
/// On item features: L3AE paper, eq. 10.

#include <algorithm>
#include <cmath>
#include <utility>

#include "lae/algebra/regularized_inverse.hpp"
#include "lae/core/diagonal_constraint.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/refinements.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/models/item_model.hpp"

namespace lae {

struct EaseOptions {
  double lambda = 100;        ///< Ridge on the Gram matrix; finite and > 0.
  Refinements refinements{};  ///< Off by default; of fits on interactions alone.
};

/// min ||X - X B||^2 + λ ||B||^2 with diag(B) = 0, in closed form.
template <class Scalar_>
class Ease {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Options = EaseOptions;

  /// \throws std::invalid_argument for options out of range.
  explicit Ease(const Options& options = {}) : options_(options) {
    detail::require_positive(options.lambda, "lambda");
    detail::require_valid(options.refinements);
  }

  const Options& options() const { return options_; }

  /// Fits on interactions, users x items. Items nobody interacted with are valid.
  /// Cost: n^3 flops and one n x n matrix, or, with fewer users than items, about m^3 flops; see
  /// `estimate`.
  /// \throws std::invalid_argument (empty, or a value that is not finite), NotPositiveDefinite,
  /// MemoryBudgetExceeded, Cancelled.
  template <class Derived>
  ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Derived>& interactions,
                        const FitControl& control = {}) const {
    control.check(estimate(problem_size(interactions), control.form));
    Csr<Scalar> x = detail::canonical_interactions<Scalar>(interactions);
    const auto regularization = detail::refine(x, options_.lambda, options_.refinements);
    Matrix<Scalar> b =
        regularized_inverse(std::move(x), regularization.ridge, control.form, control.progress);
    constrain_diagonal(b, regularization);
    return ItemModel<Scalar>(std::move(b));
  }

  /// Fits on item features alone: dense embeddings (items x d) or sparse tags (items x t).
  /// Cost: for d < n dense features, 2 n^2 d + 2 n d^2 flops; else as fit.
  /// \throws as fit; std::invalid_argument if there are refinements, which are of interactions.
  template <class Derived>
  ItemModel<Scalar> fit_features(const Eigen::EigenBase<Derived>& features,
                                 const FitControl& control = {}) const {
    detail::require(detail::are_off(options_.refinements),
                    "a fit on features alone has no interactions to refine");
    control.check(estimate_features(feature_size(features.derived())));
    return ItemModel<Scalar>(semantic_weights<Scalar>(
        semantic_prior(detail::canonical_features<Scalar>(features.derived()),
                       static_cast<Scalar>(options_.lambda), control.progress)));
  }

  /// Peak memory and flops of `fit`, and the form it takes.
  static FitCost estimate(const ProblemSize& size, FitForm form = FitForm::automatic) {
    return detail::inverse_cost<Scalar>(size.users, size.items, size.interactions, form);
  }

  /// Peak memory and flops of `fit_features`.
  static FitCost estimate_features(const ProblemSize& size) {
    FitCost cost = detail::semantic_prior_cost<Scalar>(size);
    if (detail::has_low_rank_prior(size)) {
      cost.flops += 2 * detail::volume(size.items, size.items, size.features);
      cost.bytes =
          std::max(cost.bytes, detail::product_bytes<Scalar>() +
                                   detail::dense_bytes<Scalar>(size.items, size.items) +
                                   2 * detail::dense_bytes<Scalar>(size.items, size.features));
    }
    return cost;
  }

 private:
  Options options_;
};

}  // namespace lae

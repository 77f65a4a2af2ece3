#pragma once

/// \file
/// L3AE: LLM-Enhanced Linear Autoencoders for Recommendation, CIKM 2025, eq. 9-12.

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
#include "lae/models/item_model.hpp"

namespace lae {

struct L3aeOptions {
  double lambda_x = -50;   ///< Ridge; finite. May be negative as long as lambda_x + lambda_kd > 0.
  double lambda_f = 10;    ///< Ridge of the semantic phase; finite and > 0.
  double lambda_kd = 150;  ///< Strength of the distillation towards S; finite and >= 0.
  Refinements refinements{};  ///< Off by default.
};

/// Two phases: S = EASE on item features, then
/// min ||X - X B||^2 + λ_X ||B||^2 + λ_KD ||B - S||^2 with diag(B) = 0, both in closed form.
template <class Scalar_>
class L3ae {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Options = L3aeOptions;

  /// \throws std::invalid_argument for options out of range.
  explicit L3ae(const Options& options = {}) : options_(options) {
    detail::require(std::isfinite(options.lambda_x), "lambda_x must be finite, got ",
                    options.lambda_x);
    detail::require_positive(options.lambda_f, "lambda_f");
    detail::require(std::isfinite(options.lambda_kd) && options.lambda_kd >= 0,
                    "lambda_kd must not be negative, got ", options.lambda_kd);
    detail::require(options.lambda_x + options.lambda_kd > 0,
                    "lambda_x + lambda_kd must be positive, got ", options.lambda_x, " + ",
                    options.lambda_kd);
    detail::require_valid(options.refinements);
  }

  const Options& options() const { return options_; }

  /// Fits on interactions (users x items) and features, one row an item: dense embeddings
  /// (items x d) or sparse tags. Items never seen in training and rows of zeros are valid.
  /// Cost: P as Ease; then, up to d = 2n/3 dimensions or tags, 4 n^2 d + 2 n d^2 flops and two n x
  /// d matrices, else 3 n^3 flops and a second n x n matrix. \throws std::invalid_argument (sizes
  /// that differ, empty, or a value that is not finite), NotPositiveDefinite, MemoryBudgetExceeded,
  /// Cancelled.
  template <class Interactions, class Features>
  ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                        const Eigen::EigenBase<Features>& features,
                        const FitControl& control = {}) const {
    detail::require_features_of(interactions.cols(), features);
    control.check(estimate(problem_size(interactions, features), control.form));
    Csr<Scalar> x = detail::canonical_interactions<Scalar>(interactions);
    SemanticPrior<Scalar> prior =
        semantic_prior(detail::canonical_features<Scalar>(features.derived()),
                       static_cast<Scalar>(options_.lambda_f), control.progress);
    const auto regularization =
        detail::refine(x, options_.lambda_x + options_.lambda_kd, options_.refinements);
    Matrix<Scalar> b =
        regularized_inverse(std::move(x), regularization.ridge, control.form, control.progress);
    constrain_diagonal(b, std::move(prior), static_cast<Scalar>(options_.lambda_kd), regularization,
                       control.progress);
    return ItemModel<Scalar>(std::move(b));
  }

  /// Peak memory and flops of `fit`, and the form of P.
  static FitCost estimate(const ProblemSize& size, FitForm form = FitForm::automatic) {
    const Index n = size.items;
    const Index d = size.features;
    const FitCost semantic = detail::semantic_prior_cost<Scalar>(size);
    const FitCost inverse = detail::inverse_cost<Scalar>(size.users, n, size.interactions, form);
    const std::uint64_t x = detail::csr_bytes<Scalar>(size.users, size.interactions);
    const std::uint64_t square = detail::dense_bytes<Scalar>(n, n);
    const std::uint64_t buffers = detail::product_bytes<Scalar>();
    const double flops = semantic.flops + inverse.flops;
    if (detail::has_low_rank_prior(size)) {
      const std::uint64_t v = detail::dense_bytes<Scalar>(n, d);
      return {flops + 4 * detail::volume(n, n, d),
              std::max({semantic.bytes + x, inverse.bytes + v, square + 2 * v + buffers}),
              inverse.form};
    }
    const std::uint64_t panels = static_cast<std::uint64_t>(thread_count()) *
                                 detail::dense_bytes<Scalar>(std::min(n, detail::product_tile), n);
    return {flops + 2 * detail::volume(n, n, n),
            std::max({semantic.bytes + x, inverse.bytes + square, 2 * square + panels + buffers}),
            inverse.form};
  }

 private:
  Options options_;
};

}  // namespace lae

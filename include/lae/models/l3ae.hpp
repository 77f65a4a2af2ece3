#pragma once

/// \file
/// L3AE: LLM-Enhanced Linear Autoencoders for Recommendation, CIKM 2025, eq. 9-12.

#include <algorithm>
#include <cmath>
#include <utility>

#include "lae/core/closed_form.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/inputs.hpp"
#include "lae/models/item_model.hpp"

namespace lae {

struct L3aeOptions {
  double lambda_x = -50;   ///< Ridge; finite. May be negative as long as lambda_x + lambda_kd > 0.
  double lambda_f = 10;    ///< Ridge of the semantic phase; finite and > 0.
  double lambda_kd = 150;  ///< Strength of the distillation towards S; finite and >= 0.
};

/// Two phases: S = EASE on item features, then
/// min ||X - X B||^2 + λ_X ||B||^2 + λ_KD ||B - S||^2 with diag(B) = 0, both in closed form.
template <class Scalar>
class L3ae {
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");

 public:
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
  }

  const Options& options() const { return options_; }

  /// Fits on interactions (users x items) and features, one row an item: dense embeddings
  /// (items x d) or sparse tags. Items never seen in training and rows of zeros are valid.
  /// Cost: for d < n dense features, n^3 + 4 n^2 d + 2 n d^2 flops, one n x n matrix and two n x d;
  /// else 4 n^3 flops and two n x n matrices.
  /// \throws std::invalid_argument (sizes that differ, empty, or a value that is not finite),
  /// NotPositiveDefinite, MemoryBudgetExceeded, Cancelled.
  template <class Interactions, class Features>
  ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                        const Eigen::EigenBase<Features>& features,
                        const FitControl& control = {}) const {
    detail::require_features_of(interactions.cols(), features);
    control.check(estimate(problem_size(interactions, features)));
    Csr<Scalar> x = detail::canonical_interactions<Scalar>(interactions);
    SemanticPrior<Scalar> prior =
        semantic_prior(detail::canonical_features<Scalar>(features.derived()),
                       static_cast<Scalar>(options_.lambda_f), control.progress);
    Matrix<Scalar> gram = interaction_gram(x);
    x = Csr<Scalar>();
    return ItemModel<Scalar>(
        closed_form(std::move(gram), static_cast<Scalar>(options_.lambda_x + options_.lambda_kd),
                    std::move(prior), static_cast<Scalar>(options_.lambda_kd), control.progress));
  }

  /// Peak memory and flops of `fit`.
  static FitCost estimate(const ProblemSize& size) {
    const Index n = size.items;
    const Index d = size.features;
    const FitCost semantic = detail::semantic_prior_cost<Scalar>(size);
    const std::uint64_t x = detail::csr_bytes<Scalar>(size.users, size.interactions);
    const std::uint64_t gram = detail::sparse_gram_bytes<Scalar>(size.users, n, size.interactions);
    const std::uint64_t square = detail::dense_bytes<Scalar>(n, n);
    const double flops = semantic.flops + detail::volume(n, n, n) +
                         detail::sparse_gram_flops(size.users, size.interactions);
    if (detail::has_low_rank_prior(size)) {
      const std::uint64_t v = detail::dense_bytes<Scalar>(n, d);
      return {flops + 4 * detail::volume(n, n, d),
              std::max(semantic.bytes + x, square + v + std::max(gram, v))};
    }
    const std::uint64_t panels = static_cast<std::uint64_t>(thread_count()) *
                                 detail::dense_bytes<Scalar>(std::min(n, detail::product_tile), n);
    return {flops + 2 * detail::volume(n, n, n),
            std::max(semantic.bytes + x, 2 * square + std::max(gram, panels))};
  }

 private:
  Options options_;
};

}  // namespace lae

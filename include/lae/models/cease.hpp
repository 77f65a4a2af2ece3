#pragma once

/// \file
/// CEASE: Jeunen et al., Closed-Form Models for Collaborative Filtering with Side-Information,
/// RecSys 2020; L3AE paper, eq. 4-6.

#include <cmath>
#include <utility>

#include "lae/core/closed_form.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/inputs.hpp"
#include "lae/models/item_model.hpp"

namespace lae {

struct CeaseOptions {
  double lambda = 100;  ///< Ridge; finite and > 0.
  double alpha = 0.25;  ///< Weight of the side information's loss (eq. 4), and so of its Gram
                        ///< matrix; finite and >= 0. The authors' code squares theirs.
};

/// Collective EASE: one solution for interactions and side information,
/// G = XᵀX + α TTᵀ. On dense embeddings it is the paper's LLM-CEASE, G = XᵀX + α FFᵀ.
template <class Scalar>
class Cease {
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");

 public:
  using Options = CeaseOptions;

  /// \throws std::invalid_argument for options out of range.
  explicit Cease(const Options& options = {}) : options_(options) {
    detail::require_positive(options.lambda, "lambda");
    detail::require(std::isfinite(options.alpha) && options.alpha >= 0,
                    "alpha must not be negative, got ", options.alpha);
  }

  const Options& options() const { return options_; }

  /// Fits on interactions (users x items) and features, one row an item: sparse tags or dense
  /// embeddings.
  /// Cost: as Ease, and the second Gram matrix (n^2 d flops if dense).
  /// \throws std::invalid_argument (sizes that differ, empty, or a value that is not finite),
  /// NotPositiveDefinite, MemoryBudgetExceeded, Cancelled.
  template <class Interactions, class Features>
  ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                        const Eigen::EigenBase<Features>& features,
                        const FitControl& control = {}) const {
    detail::require_features_of(interactions.cols(), features);
    control.check(estimate(problem_size(interactions, features)));
    Matrix<Scalar> gram = interaction_gram(detail::canonical_interactions<Scalar>(interactions));
    add_gram_of_rows(detail::canonical_features<Scalar>(features.derived()),
                     static_cast<Scalar>(options_.alpha), gram);
    return ItemModel<Scalar>(
        closed_form(std::move(gram), static_cast<Scalar>(options_.lambda), control.progress));
  }

  /// Peak memory and flops of `fit`.
  static FitCost estimate(const ProblemSize& size) {
    return {
        detail::volume(size.items, size.items, size.items) +
            detail::sparse_gram_flops(size.users, size.interactions) +
            detail::feature_gram_flops(size),
        detail::dense_bytes<Scalar>(size.items, size.items) +
            std::max(detail::sparse_gram_bytes<Scalar>(size.users, size.items, size.interactions),
                     detail::feature_gram_bytes<Scalar>(size))};
  }

 private:
  Options options_;
};

}  // namespace lae

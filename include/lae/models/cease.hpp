#pragma once

/// \file
/// CEASE: Jeunen et al., Closed-Form Models for Collaborative Filtering with Side-Information,
/// RecSys 2020; L3AE paper, eq. 4-6.

#include <algorithm>
#include <cmath>
#include <cstdint>
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

struct CeaseOptions {
  double lambda = 100;        ///< Ridge; finite and > 0.
  double alpha = 0.25;        ///< Weight of the side information's loss (eq. 4), and so of its Gram
                              ///< matrix; finite and >= 0. The authors' code squares theirs.
  Refinements refinements{};  ///< Off by default. Dropout acts on both Gram matrices.
};

/// Collective EASE: one solution for interactions and side information,
/// G = XᵀX + α TTᵀ. On dense embeddings it is the paper's LLM-CEASE, G = XᵀX + α FFᵀ.
template <class Scalar_>
class Cease {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Options = CeaseOptions;

  /// \throws std::invalid_argument for options out of range.
  explicit Cease(const Options& options = {}) : options_(options) {
    detail::require_positive(options.lambda, "lambda");
    detail::require(std::isfinite(options.alpha) && options.alpha >= 0,
                    "alpha must not be negative, got ", options.alpha);
    detail::require_valid(options.refinements);
  }

  const Options& options() const { return options_; }

  /// Fits on interactions (users x items) and features, one row an item: sparse tags or dense
  /// embeddings.
  /// Cost: as Ease, with tags as further users; with embeddings n^2 d flops more, and the primal
  /// form alone.
  /// \throws std::invalid_argument (sizes that differ, empty, a value that is not finite, or the
  /// dual form asked for with embeddings), NotPositiveDefinite, MemoryBudgetExceeded, Cancelled.
  template <class Interactions, class Features>
  ItemModel<Scalar> fit(const Eigen::SparseMatrixBase<Interactions>& interactions,
                        const Eigen::EigenBase<Features>& features,
                        const FitControl& control = {}) const {
    detail::require_features_of(interactions.cols(), features);
    control.check(estimate(problem_size(interactions, features), control.form));
    return fit_canonical(detail::canonical_interactions<Scalar>(interactions),
                         detail::canonical_features<Scalar>(features.derived()), control);
  }

  /// Peak memory and flops of `fit`, and the form it takes.
  /// \throws std::invalid_argument if the dual form is asked for where there is none.
  static FitCost estimate(const ProblemSize& size, FitForm form = FitForm::automatic) {
    const std::uint64_t x = detail::csr_bytes<Scalar>(size.users, size.interactions);
    if (size.feature_entries) {
      const Index rows = size.users + size.features;
      const Index entries = size.interactions + *size.feature_entries;
      FitCost cost = detail::inverse_cost<Scalar>(rows, size.items, entries, form);
      const std::uint64_t tags = detail::csr_bytes<Scalar>(size.items, *size.feature_entries) +
                                 detail::csr_bytes<Scalar>(size.features, *size.feature_entries);
      cost.bytes = std::max(cost.bytes, x + tags + detail::csr_bytes<Scalar>(rows, entries));
      return cost;
    }
    detail::require(form != FitForm::dual, "CEASE on dense embeddings has no dual form");
    FitCost cost =
        detail::inverse_cost<Scalar>(size.users, size.items, size.interactions, FitForm::primal);
    cost.flops += detail::feature_gram_flops(size);
    cost.bytes += detail::feature_gram_bytes<Scalar>(size);
    return cost;
  }

 private:
  /// Tags are further users, whose interactions have the weight sqrt(alpha).
  ItemModel<Scalar> fit_canonical(Csr<Scalar> x, Csr<Scalar> tags,
                                  const FitControl& control) const {
    tags = static_cast<Scalar>(std::sqrt(options_.alpha)) * Csr<Scalar>(tags.transpose());
    const auto regularization =
        detail::refine(x, options_.lambda, options_.refinements, detail::gram_diagonal(tags));
    Csr<Scalar> rows = detail::stacked(std::move(x), std::move(tags));
    return constrained(
        regularized_inverse(std::move(rows), regularization.ridge, control.form, control.progress),
        regularization);
  }

  ItemModel<Scalar> fit_canonical(Csr<Scalar> x, const Matrix<Scalar>& embeddings,
                                  const FitControl& control) const {
    const auto alpha = static_cast<Scalar>(options_.alpha);
    const auto regularization = detail::refine<Scalar>(x, options_.lambda, options_.refinements,
                                                       alpha * embeddings.rowwise().squaredNorm());
    Matrix<Scalar> gram = interaction_gram(x, control.progress);
    add_gram_of_rows(embeddings, alpha, gram);
    return constrained(regularized_inverse(std::move(gram), regularization.ridge, control.progress),
                       regularization);
  }

  static ItemModel<Scalar> constrained(Matrix<Scalar> p,
                                       const Regularization<Scalar>& regularization) {
    constrain_diagonal(p, regularization);
    return ItemModel<Scalar>(std::move(p));
  }

  Options options_;
};

}  // namespace lae

#pragma once

/// \file
/// The inverse P_F = (FFᵀ + λ_F I)⁻¹ of the semantic phase (EASE on item features, eq. 10 of the
/// L3AE paper), in the form that is cheaper for the shape of F.

#include <utility>
#include <variant>

#include "lae/core/fit_control.hpp"
#include "lae/core/gram.hpp"
#include "lae/core/spd_inverse.hpp"

namespace lae {

/// P_F = (I - V Vᵀ) / λ_F for F items x features with fewer features than items: no n x n matrix.
template <class Scalar>
struct LowRankPrior {
  Matrix<Scalar> v;      ///< n x d
  Vector<Scalar> slack;  ///< 1 - ||v_i||^2 = λ_F diag(P_F), in (0, 1]
};

/// P_F itself: n x n, both triangles.
template <class Scalar>
struct DensePrior {
  Matrix<Scalar> inverse;
};

/// From K = FᵀF + λ_F I = L Lᵀ and V = F L⁻ᵀ (Woodbury). V takes the storage of F.
/// Cost: 2 n d^2 + d^3 / 3 flops; d^2 scalars besides F.
/// \throws NotPositiveDefinite if λ_F is too small for the Scalar to tell FFᵀ + λ_F I from a
/// singular matrix; Cancelled.
template <class Scalar>
LowRankPrior<Scalar> low_rank_prior(Matrix<Scalar> features, Scalar lambda_f,
                                    const Progress& progress = {}) {
  Matrix<Scalar> factor = gram_of_columns(features);
  add_ridge(factor, lambda_f);
  factor_spd(factor, progress);

  LowRankPrior<Scalar> prior{std::move(features), {}};
  prior.slack.resize(prior.v.rows());
  detail::parallel_tiles(prior.v.rows(), detail::product_tile, [&](Index first, Index items) {
    detail::solve_transposed_on_right<Scalar>(factor, prior.v.middleRows(first, items));
    prior.slack.segment(first, items) =
        Scalar(1) - prior.v.middleRows(first, items).rowwise().squaredNorm().array();
  });
  Index item = 0;
  const Scalar smallest = prior.slack.minCoeff(&item);
  if (!(smallest > 0)) {
    throw NotPositiveDefinite(
        item,
        detail::concat("the semantic matrix FFᵀ + lambda_f I is numerically singular at item ",
                       item, " (of ", prior.v.rows(), "); raise lambda_f (", lambda_f,
                       ") or compute in double"));
  }
  return prior;
}

/// Inverts FFᵀ + λ_F I in place, given FFᵀ in the lower triangle of `gram`.
/// Cost: n^3 flops, no memory besides the matrix.
/// \throws NotPositiveDefinite, Cancelled.
template <class Scalar>
DensePrior<Scalar> dense_prior(Matrix<Scalar> gram, Scalar lambda_f,
                               const Progress& progress = {}) {
  add_ridge(gram, lambda_f);
  invert_spd(gram, progress);
  return {std::move(gram)};
}

template <class Scalar>
using SemanticPrior = std::variant<LowRankPrior<Scalar>, DensePrior<Scalar>>;

/// The semantic phase for dense features (items x d): low-rank if d < n.
/// \throws as low_rank_prior.
template <class Scalar>
SemanticPrior<Scalar> semantic_prior(Matrix<Scalar> features, Scalar lambda_f,
                                     const Progress& progress = {}) {
  if (features.cols() < features.rows()) {
    return low_rank_prior(std::move(features), lambda_f, progress);
  }
  Matrix<Scalar> gram = zero_lower_triangle<Scalar>(features.rows());
  add_gram_of_rows(features, Scalar(1), gram);
  features.resize(0, 0);
  return dense_prior(std::move(gram), lambda_f, progress);
}

/// The semantic phase for sparse tags (items x t): dense, since TTᵀ is summed faster than a dense
/// copy of T is multiplied.
/// \throws as dense_prior.
template <class Scalar>
SemanticPrior<Scalar> semantic_prior(Csr<Scalar> tags, Scalar lambda_f,
                                     const Progress& progress = {}) {
  Matrix<Scalar> gram = zero_lower_triangle<Scalar>(tags.rows());
  add_gram_of_rows(tags, Scalar(1), gram);
  tags = Csr<Scalar>();
  return dense_prior(std::move(gram), lambda_f, progress);
}

namespace detail {

inline bool has_low_rank_prior(const ProblemSize& size) {
  return !size.feature_entries && size.features < size.items;
}

/// Peak memory and flops of `semantic_prior`.
template <class Scalar>
FitCost semantic_prior_cost(const ProblemSize& size) {
  const Index n = size.items;
  const Index d = size.features;
  if (has_low_rank_prior(size)) {
    return {2 * volume(n, d, d) + volume(d, d, d) / 3,
            dense_bytes<Scalar>(n, d) + dense_bytes<Scalar>(d, d)};
  }
  return {volume(n, n, n) + feature_gram_flops(size),
          dense_bytes<Scalar>(n, n) + feature_gram_bytes<Scalar>(size)};
}

}  // namespace detail
}  // namespace lae

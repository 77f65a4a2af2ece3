#pragma once

/// \file
/// The inverse P_F = (FFᵀ + λ_F I)⁻¹ of the semantic phase (EASE on item features, eq. 10 of the
/// L3AE paper), in the form that is cheaper for the shape of F.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>

#include "lae/algebra/gram.hpp"
#include "lae/algebra/regularized_inverse.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {

/// P_F = (I - V Vᵀ) / λ_F for F items x features with fewer features than items: no n x n
/// matrix.
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

namespace detail {

/// \throws NotPositiveDefinite naming the item whose slack rounding took.
template <class Scalar>
void require_positive_slack(const Vector<Scalar>& slack, Scalar lambda_f) {
  Index item = 0;
  if (slack.minCoeff(&item) > 0) return;
  throw NotPositiveDefinite(
      item,
      concat("the semantic matrix FFᵀ + lambda_f I is numerically singular at item ", item, " (of ",
             slack.size(), "); raise lambda_f (", lambda_f, ") or compute in double"));
}

/// V = F L⁻ᵀ, in the storage of F.
/// \param factor L⁻¹ with FᵀF + λ_F I = L Lᵀ, lower triangle
template <class Scalar>
LowRankPrior<Scalar> low_rank_prior_of(Matrix<Scalar> features, const Matrix<Scalar>& factor,
                                       Scalar lambda_f) {
  LowRankPrior<Scalar> prior{std::move(features), {}};
  prior.slack.resize(prior.v.rows());
  parallel_tiles(prior.v.rows(), product_tile, [&](Index first, Index items) {
    multiply_on_right_by_transposed<Scalar>(prior.v.middleRows(first, items), factor);
    prior.slack.segment(first, items) =
        Scalar(1) - prior.v.middleRows(first, items).rowwise().squaredNorm().array();
  });
  require_positive_slack(prior.slack, lambda_f);
  return prior;
}

}  // namespace detail

/// From FᵀF in the lower triangle of `gram`: K = FᵀF + λ_F I = L Lᵀ, V = F L⁻ᵀ (Woodbury). V takes
/// the storage of F.
/// Cost: n d^2 + 2 d^3 / 3 flops, no memory besides the arguments.
/// \throws NotPositiveDefinite if λ_F is too small for the Scalar to tell FFᵀ + λ_F I from a
/// singular matrix; Cancelled.
template <class Scalar>
LowRankPrior<Scalar> low_rank_prior(Matrix<Scalar> features, Matrix<Scalar> gram, Scalar lambda_f,
                                    const Progress& progress = {}) {
  add_ridge(gram, lambda_f);
  invert_cholesky_factor(gram, progress);
  return detail::low_rank_prior_of(std::move(features), gram, lambda_f);
}

template <class Scalar>
using SemanticPrior = std::variant<LowRankPrior<Scalar>, DensePrior<Scalar>>;

namespace detail {

/// Up to d = 2n/3 the low-rank form costs no more flops than the dense one, 11/3 n^3 for all of
/// L3AE but P itself, and hardly more memory.
inline bool has_low_rank_prior(Index items, Index features) {
  return 3 * features <= 2 * items;
}

}  // namespace detail

/// The semantic phase for dense features (items x d). V takes the storage of F.
/// Cost: 2 n d^2 + 2 d^3 / 3 flops and d^2 scalars if low-rank, n^3 + n^2 d flops and n^2 scalars
/// if not. \throws as low_rank_prior.
template <class Scalar>
SemanticPrior<Scalar> semantic_prior(Matrix<Scalar> features, Scalar lambda_f,
                                     const Progress& progress = {}) {
  if (detail::has_low_rank_prior(features.rows(), features.cols())) {
    Matrix<Scalar> gram = gram_of_columns(features);
    return low_rank_prior(std::move(features), std::move(gram), lambda_f, progress);
  }
  Matrix<Scalar> gram = zero_lower_triangle<Scalar>(features.rows());
  add_gram_of_rows(features, Scalar(1), gram);
  features.resize(0, 0);
  return DensePrior<Scalar>{regularized_inverse(std::move(gram), lambda_f, progress)};
}

/// The semantic phase for sparse tags (items x t).
/// Cost: n t^2 + 2 t^3 / 3 flops besides the Gram matrix, n t + t^2 scalars if low-rank; those of
/// `regularized_inverse` with Tᵀ if not.
/// \throws as low_rank_prior.
template <class Scalar>
SemanticPrior<Scalar> semantic_prior(const Csr<Scalar>& tags, Scalar lambda_f,
                                     const Progress& progress = {}) {
  if (detail::has_low_rank_prior(tags.rows(), tags.cols())) {
    return low_rank_prior(Matrix<Scalar>(tags), interaction_gram(tags, progress), lambda_f,
                          progress);
  }
  return DensePrior<Scalar>{
      regularized_inverse(Csr<Scalar>(tags.transpose()), lambda_f, FitForm::automatic, progress)};
}

namespace detail {

inline bool has_low_rank_prior(const ProblemSize& size) {
  return has_low_rank_prior(size.items, size.features);
}

/// Peak memory and flops of `semantic_prior`, the canonical features included.
template <class Scalar>
FitCost semantic_prior_cost(const ProblemSize& size) {
  const Index n = size.items;
  const Index d = size.features;
  const std::uint64_t square = dense_bytes<Scalar>(d, d) + product_bytes<Scalar>();
  const std::uint64_t v = dense_bytes<Scalar>(n, d);
  const double solve_flops = volume(n, d, d) + volume(d, d, d) * 2 / 3;
  if (!size.feature_entries) {
    if (has_low_rank_prior(size)) return {volume(n, d, d) + solve_flops, v + square};
    return {volume(n, n, n) + volume(n, n, d),
            v + dense_bytes<Scalar>(n, n) + product_bytes<Scalar>()};
  }
  const Index entries = *size.feature_entries;
  const std::uint64_t tags = csr_bytes<Scalar>(n, entries);
  if (has_low_rank_prior(size)) {
    return {sparse_gram_flops(n, entries) + solve_flops,
            square + std::max(sparse_gram_bytes<Scalar>(n, d, entries), tags + v)};
  }
  FitCost cost = inverse_cost<Scalar>(d, n, entries, FitForm::automatic);
  cost.bytes += tags;
  return cost;
}

}  // namespace detail
}  // namespace lae

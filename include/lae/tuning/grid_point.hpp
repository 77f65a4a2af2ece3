#pragma once

/// \file
/// What the points of a grid have in common. The weights of every model are, off the diagonal,
///
///     B = P diag(c) + Q diag(e),
///
/// with n x n matrices P and Q that many points share, and columns' factors c and e that are as
/// good as free. P is the inverse of the part on interactions. Q comes from the semantic phase,
/// whose S = diag(own) + Q diag(scale): it is S's own for a sum of two parts (Add-EASE), and P's
/// product with that for a prior (L3AE), as P S = P diag(own) + Q diag(scale) then.
///
/// The scores of unseen items, x B = (x P) ∘ c + (x Q) ∘ e, need no B.

#include <tuple>
#include <utility>
#include <vector>

#include "lae/core/diagonal_constraint.hpp"
#include "lae/core/refinements.hpp"
#include "lae/core/types.hpp"
#include "lae/models/add_ease.hpp"
#include "lae/models/cease.hpp"
#include "lae/models/ease.hpp"
#include "lae/models/l3ae.hpp"

namespace lae::detail {

/// A model's options, by what they act on.
struct GridPoint {
  double ridge = 0;           ///< of P; 0: no part on interactions
  double side_weight = 0;     ///< α of CEASE, in the Gram matrix of P
  double semantic_ridge = 0;  ///< of Q; 0: no semantic part
  bool distils = false;       ///< S is a prior, not a summand
  double weight = 0;          ///< of S: λ_KD as a prior, α as a summand
  Refinements refinements{};
};

inline GridPoint grid_point(const EaseOptions& o) {
  return {o.lambda, 0, 0, false, 0, o.refinements};
}
inline GridPoint grid_point(const CeaseOptions& o) {
  return {o.lambda, o.alpha, 0, false, 0, o.refinements};
}
inline GridPoint grid_point(const AddEaseOptions& o) {
  return {o.lambda_x, 0, o.lambda_t, false, o.alpha, o.refinements};
}
inline GridPoint grid_point(const L3aeOptions& o) {
  return {o.lambda_x + o.lambda_kd, 0, o.lambda_f, true, o.lambda_kd, o.refinements};
}
inline GridPoint feature_grid_point(const EaseOptions& o) {
  return {0, 0, o.lambda, false, 1, {}};
}

/// Points alike in this share XᵀWX ...
inline auto user_key(const GridPoint& p) {
  return std::tie(p.refinements.user_exponent, p.refinements.user_weights);
}
/// ... and in this P, too.
inline auto inverse_key(const GridPoint& p) {
  return std::tuple_cat(user_key(p), std::tie(p.side_weight, p.refinements.dropout, p.ridge));
}

/// Factors of the columns of P and Q, and the diagonal that takes the place of theirs.
template <class Scalar>
struct ColumnFactors {
  Vector<Scalar> of_p;      ///< c
  Vector<Scalar> of_q;      ///< e
  Vector<Scalar> diagonal;  ///< diag(B)
};

/// S = diag(own) + Q diag(scale), or P times that.
template <class Scalar>
struct SemanticFactors {
  Vector<Scalar> own;
  Vector<Scalar> scale;
  Vector<Scalar> q_diagonal;  ///< if S is a prior
};

/// \param p_diagonal empty if there is no part on interactions
/// \param semantic nullptr if there is no semantic part
template <class Scalar>
ColumnFactors<Scalar> column_factors(const GridPoint& point,
                                     const Regularization<Scalar>& regularization,
                                     const Vector<Scalar>& p_diagonal,
                                     const SemanticFactors<Scalar>* semantic) {
  const Index n = semantic ? semantic->scale.size() : p_diagonal.size();
  const auto weight = static_cast<Scalar>(point.weight);
  const Scalar rest = point.distils ? Scalar(1) : 1 - weight;
  ColumnFactors<Scalar> factors{Vector<Scalar>::Zero(n), Vector<Scalar>::Zero(n),
                                Vector<Scalar>::Zero(n)};
  for (Index j = 0; j < n; ++j) {
    const Scalar target = target_scale_of(regularization.target_scale, j);
    if (semantic) factors.of_q[j] = weight * semantic->scale[j] * target;
    if (p_diagonal.size() == 0) continue;
    Scalar prior_scale = 0;
    Scalar own = 1;
    if (point.distils) {
      prior_scale = weight * semantic->own[j];
      own += weight *
             (p_diagonal[j] * semantic->own[j] + semantic->q_diagonal[j] * semantic->scale[j]);
    }
    const auto column = column_constraint(regularization, j, p_diagonal[j], own);
    factors.of_p[j] = rest * (prior_scale - column.mu) * target;
    factors.diagonal[j] = rest * column.diagonal * target;
  }
  return factors;
}

}  // namespace lae::detail

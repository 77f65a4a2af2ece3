#pragma once

/// \file
/// The algebra of all models, in one function. With P = (G + diag(Λ))⁻¹ and a semantic phase
/// S = diag(own) + Q_S diag(scale), whose diagonal is zero, a model with S as a prior of strength κ
/// is
///
///     B = I + κ P S - P diag(μ),   μ_j = (1 + κ (P S)_jj - B_jj) / P_jj,
///
/// where B_jj = 0, or, with a relaxed diagonal (see recipe/refinements.hpp), what it would be
/// without the constraint, 1 + κ (P S)_jj - Λ_j P_jj, as far as that lies in [0, ξ]. Since
/// P S = P diag(own) + Q diag(scale) with Q = P Q_S, that is, off the diagonal,
///
///     B = P diag(c) + Q diag(e),   c_j = κ own_j - μ_j,   e_j = κ scale_j.
///
/// κ = 0 is EASE. As a summand, S itself is added, with Q = Q_S: B = (1 - κ) B_X + κ S. Scaled
/// targets multiply column j, and so c_j, e_j and B_jj, by a factor.
///
/// Sources: Steck, Embarrassingly Shallow Autoencoders, WWW 2019, eq. 8; L3AE, CIKM 2025, eq. 12.

#include <algorithm>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/recipe/regularization.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Factors of the columns of P and Q, and the diagonal that takes the place of theirs.
template <class Scalar>
struct ColumnFactors {
  Vector<Scalar> of_p;      ///< c
  Vector<Scalar> of_q;      ///< e
  Vector<Scalar> diagonal;  ///< diag(B)
};

/// S = diag(own) + Q_S diag(scale).
template <class Scalar>
struct SemanticFactors {
  Vector<Scalar> own;
  Vector<Scalar> scale;
  Vector<Scalar> q_diagonal{};  ///< of Q = P Q_S, if S is a prior
};

/// \param p_diagonal empty if there is no part on interactions
/// \param semantic nullptr if there is no semantic phase
template <class Scalar>
ColumnFactors<Scalar> column_factors(const Recipe& recipe,
                                     const Regularization<Scalar>& regularization,
                                     const Vector<Scalar>& p_diagonal,
                                     const SemanticFactors<Scalar>* semantic) {
  const Index n = semantic ? semantic->scale.size() : p_diagonal.size();
  const bool is_prior = recipe.semantic_use == SemanticUse::prior;
  const auto kappa = static_cast<Scalar>(recipe.semantic_weight);
  const Scalar rest = recipe.semantic_use == SemanticUse::summand ? 1 - kappa : Scalar(1);
  ColumnFactors<Scalar> factors{Vector<Scalar>::Zero(n), Vector<Scalar>::Zero(n),
                                Vector<Scalar>::Zero(n)};
  for (Index j = 0; j < n; ++j) {
    const Scalar target =
        regularization.target_scale.size() > 0 ? regularization.target_scale[j] : Scalar(1);
    if (semantic) factors.of_q[j] = kappa * semantic->scale[j] * target;
    if (p_diagonal.size() == 0) continue;
    const Scalar p_jj = p_diagonal[j];
    Scalar own = 1;  // 1 + κ (P S)_jj
    Scalar c = 0;
    if (is_prior) {
      own += kappa * (p_jj * semantic->own[j] + semantic->q_diagonal[j] * semantic->scale[j]);
      c = kappa * semantic->own[j];
    }
    Scalar diagonal = 0;
    if (regularization.diagonal_bound > 0) {
      diagonal = std::clamp(own - regularization.ridge[j] * p_jj, Scalar(0),
                            regularization.diagonal_bound);
    }
    const Scalar mu = (own - diagonal) / p_jj;
    factors.of_p[j] = rest * (c - mu) * target;
    factors.diagonal[j] = rest * diagonal * target;
  }
  return factors;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

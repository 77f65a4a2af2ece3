#pragma once

/// \file
/// The one kernel behind every model: from a Gram matrix, a ridge and an optional prior to weights.
///
///     P = (G + diag(Λ))⁻¹,   B = I + κ P S - P diag(μ),   diag(B) = 0
///
/// G enters by its lower triangle and gives its storage to B.

#include <utility>

#include "lae/core/diagonal_constraint.hpp"
#include "lae/core/gram.hpp"
#include "lae/core/spd_inverse.hpp"

namespace lae {

/// Weights without a prior: EASE. `ridge` is a scalar or a vector of one value an item.
/// Cost: n^3 flops, no memory besides G.
/// \throws std::invalid_argument, NotPositiveDefinite, Cancelled.
template <class Scalar, class Ridge>
Matrix<Scalar> closed_form(Matrix<Scalar> gram, const Ridge& ridge, const Progress& progress = {}) {
  add_ridge(gram, ridge);
  invert_spd(gram, progress);
  constrain_diagonal(gram);
  return gram;
}

/// Weights drawn towards the prior S with strength κ: the second phase of L3AE. `ridge` is the
/// whole ridge, λ_X + κ.
/// Cost: n^3 flops besides those of the constraint with that prior.
/// \throws as above.
template <class Scalar, class Ridge>
Matrix<Scalar> closed_form(Matrix<Scalar> gram, const Ridge& ridge, SemanticPrior<Scalar> prior,
                           Scalar kappa, const Progress& progress = {}) {
  add_ridge(gram, ridge);
  invert_spd(gram, progress);
  std::visit([&](auto& s) { constrain_diagonal(gram, std::move(s), kappa, progress); }, prior);
  return gram;
}

}  // namespace lae

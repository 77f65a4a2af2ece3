#pragma once

/// \file
/// The fit of a recipe.

#include <optional>
#include <utility>

#include "lae/core/fit_control.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/inverse_phase.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/detail/recipe/weights.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The factors of the columns of P and Q for a recipe, whose inverse and semantic phase are given.
/// \param ridge Λ; p_diagonal and ridge are empty if there is no part on interactions
/// \param semantic nullptr if there is no semantic phase
template <class Scalar>
ColumnFactors<Scalar> factors_of(const Recipe& recipe, const Csr<Scalar>& x,
                                 const Vector<Scalar>& ridge, const Vector<Scalar>& p_diagonal,
                                 const SemanticFactors<Scalar>* semantic) {
  Regularization<Scalar> regularization;
  if (p_diagonal.size() > 0) {
    regularization = {ridge, static_cast<Scalar>(recipe.refinements.diagonal_bound),
                      target_scale(x, recipe.refinements.target_exponent)};
  }
  return column_factors(recipe, regularization, p_diagonal, semantic);
}
template <class Scalar>
ColumnFactors<Scalar> factors_of(const Recipe& recipe, const FitData<Scalar>& data,
                                 const Vector<Scalar>& ridge, const Vector<Scalar>& p_diagonal,
                                 const SemanticTerm<Scalar>* term) {
  return factors_of<Scalar>(recipe, *data.x, ridge, p_diagonal, term ? &term->factors : nullptr);
}

/// The weights B of a recipe. The semantic phase comes first: its data are used up, so P finds the
/// memory free.
/// \param data used up
template <class Scalar>
Matrix<Scalar> fit_recipe(const Recipe& recipe, FitData<Scalar> data, const FitControl& control) {
  const Progress& progress = control.progress;
  const FeatureScale scale = data.scale();
  std::optional<SemanticPhase<Scalar>> semantics;
  std::optional<SemanticSolution<Scalar>> solution;
  if (recipe.semantic_use != SemanticUse::none) {
    semantics.emplace(std::move(data.in_semantics), recipe, scale, false, progress);
    solution = semantics->solve(recipe, progress);
  }
  Inverse<Scalar> inverse;
  if (recipe.ridge > 0) {
    inverse = InversePhase<Scalar>(data, scale, false)(recipe, control);
  }
  std::optional<SemanticTerm<Scalar>> term;
  if (semantics) term = semantics->term(*std::move(solution), inverse.p, progress);
  const ColumnFactors<Scalar> factors = factors_of<Scalar>(
      recipe, data, inverse.ridge, inverse.p.diagonal(), term ? &*term : nullptr);
  return weights_of(inverse.p, term ? &*term : nullptr, factors, progress);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// The ledger: bytes and flops of a fit, derived from its recipe.
///
///     const lae::Recipe recipe = lae::L3aeOptions().recipe();
///     auto bytes = lae::fit_cost<float>(recipe, lae::problem_size(train, embeddings)).bytes;

#include <algorithm>

#include "lae/core/fit_cost.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/recipe/ledger.hpp"
#include "lae/recipe/problem_size.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Peak memory and flops of the fit of a recipe, and the form it takes.
/// \throws std::invalid_argument if the recipe asks for the dual form where there is none, or has
/// no place for a source.
template <class Scalar>
[[nodiscard]] FitCost fit_cost(const Recipe& recipe, const ProblemSize& size) {
  return detail::Ledger<Scalar>(recipe, size).fit();
}

}  // namespace LAE_ABI
}  // namespace lae

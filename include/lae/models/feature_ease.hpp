#pragma once

/// \file
/// EASE on item features alone, the semantic phase as a model of its own: L3AE paper, eq. 10. Knows
/// items that nobody had yet.
///
///     auto model = lae::FeatureEase<double>().fit(embeddings);  // items x dims, or sparse tags

#include <initializer_list>

#include "lae/detail/core/abi.hpp"
#include "lae/models/solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct FeatureEaseOptions {
  FeatureRidge lambda_f = FeatureRidge::times_q(2);  ///< Ridge; finite and > 0.

  static constexpr Inputs inputs = Inputs::features;

  [[nodiscard]] static OptionFields<FeatureEaseOptions> fields() {
    OptionFields<FeatureEaseOptions> list;
    list.add("lambda_f", &FeatureEaseOptions::lambda_f, Range::positive(), "ridge on features");
    return list;
  }

  [[nodiscard]] Recipe recipe() const {
    Recipe recipe;
    recipe.semantic_use = SemanticUse::summand;
    recipe.semantic_ridge = lambda_f;
    recipe.semantic_weight = 1;
    return recipe;
  }
};

/// S: min ||Fᵀ - Fᵀ S||² + λ_F ||S||² with diag(S) = 0, in closed form.
/// Cost: up to d = 2n/3 dimensions or tags 2 n^2 d + 2 n d^2 flops, and two n x d matrices besides
/// the n x n one; else n^3 flops.
template <class Scalar = double>
class FeatureEase : public Solver<FeatureEaseOptions, Scalar> {
  using Solver<FeatureEaseOptions, Scalar>::Solver;
};

FeatureEase(const FeatureEaseOptions&)->FeatureEase<double>;
FeatureEase(std::initializer_list<detail::NoOption>)->FeatureEase<double>;

}  // namespace LAE_ABI
}  // namespace lae

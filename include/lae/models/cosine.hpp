#pragma once

/// \file
/// Similarity of item features as a model: "Cos." in the tables of the L3AE paper.
///
///     auto model = lae::Cosine<double>().fit(embeddings);  // items x dims, or sparse tags

#include <initializer_list>

#include "lae/detail/core/abi.hpp"
#include "lae/models/solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct CosineOptions {
  /// Divide each item's features by their norm first (an item of zeros stays zero). Off, B is the
  /// plain inner product, as in the code of the L3AE authors.
  bool normalize = false;

  static constexpr Inputs inputs = Inputs::features;

  [[nodiscard]] static OptionFields<CosineOptions> fields() {
    OptionFields<CosineOptions> list;
    list.add_extra("normalize", &CosineOptions::normalize, "divide features by their norm");
    return list;
  }

  [[nodiscard]] Recipe recipe() const {
    Recipe recipe;
    recipe.semantic_use = SemanticUse::similarity;
    recipe.semantic_weight = 1;
    recipe.unit_length = normalize;
    return recipe;
  }
};

/// B = F Fᵀ with zero diagonal.
/// Cost: the Gram matrix, n^2 d flops if dense; one n x n matrix.
template <class Scalar = double>
class Cosine : public Solver<CosineOptions, Scalar> {
  using Solver<CosineOptions, Scalar>::Solver;
};

Cosine(const CosineOptions&)->Cosine<double>;
Cosine(std::initializer_list<detail::NoOption>)->Cosine<double>;

}  // namespace LAE_ABI
}  // namespace lae

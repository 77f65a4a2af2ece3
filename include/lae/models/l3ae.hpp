#pragma once

/// \file
/// L3AE: LLM-Enhanced Linear Autoencoders for Recommendation, CIKM 2025, eq. 9-12.
///
///     auto model = lae::L3ae<double>().fit(train, embeddings);  // embeddings: items x dims

#include <initializer_list>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/models/solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct L3aeOptions {
  double lambda_x = 0;  ///< Ridge; finite. May be negative as long as lambda_x + lambda_kd > 0.
  /// Ridge of the semantic phase; finite and > 0.
  FeatureRidge lambda_f = FeatureRidge::times_q(2);
  double lambda_kd = 100;     ///< Strength of the distillation towards S; finite and >= 0.
  Refinements refinements{};  ///< Off by default.
  /// Weight of sources that stand in the Gram matrix (SourceRole::gram), if there are any: CEASE's
  /// sum together with L3AE's distillation; finite and >= 0.
  FeatureWeight gram_weight = FeatureWeight::over_q(10);
  FitForm form = FitForm::automatic;

  static constexpr Inputs inputs = Inputs::interactions_and_features;

  [[nodiscard]] static OptionFields<L3aeOptions> fields() {
    OptionFields<L3aeOptions> list;
    list.add("lambda_x", &L3aeOptions::lambda_x, Range::finite(),
             "ridge on interactions, above -lambda_kd");
    list.add("lambda_f", &L3aeOptions::lambda_f, Range::positive(), "ridge on features");
    list.add("lambda_kd", &L3aeOptions::lambda_kd, Range::not_negative(),
             "strength of the distillation from features");
    list.add_extra("gram_weight", &L3aeOptions::gram_weight, Range::not_negative(),
                   "weight of the sources in the Gram matrix, if there are any");
    list.add(&L3aeOptions::refinements);
    return list;
  }

  /// \throws std::invalid_argument unless lambda_x + lambda_kd > 0.
  [[nodiscard]] Recipe recipe() const {
    detail::require(lambda_x + lambda_kd > 0, "lambda_x + lambda_kd must be positive, got ",
                    lambda_x, " + ", lambda_kd);
    Recipe recipe;
    recipe.ridge = lambda_x + lambda_kd;
    recipe.ridge_name = "lambda_x + lambda_kd";
    recipe.gram_weight = gram_weight;
    recipe.semantic_use = SemanticUse::prior;
    recipe.semantic_ridge = lambda_f;
    recipe.semantic_weight = lambda_kd;
    recipe.refinements = refinements;
    recipe.form = form;
    return recipe;
  }
};

/// Two phases: S = EASE on item features, then
/// min ||X - X B||² + λ_X ||B||² + λ_KD ||B - S||² with diag(B) = 0, both in closed form.
/// Cost: P as Ease; then, up to d = 2n/3 dimensions or tags, 4 n^2 d + 2 n d^2 flops and two n x d
/// matrices, else 3 n^3 flops and a second n x n matrix.
template <class Scalar = double>
class L3ae : public Solver<L3aeOptions, Scalar> {
  using Solver<L3aeOptions, Scalar>::Solver;
};

L3ae(const L3aeOptions&)->L3ae<double>;
L3ae(std::initializer_list<detail::NoOption>)->L3ae<double>;

}  // namespace LAE_ABI
}  // namespace lae

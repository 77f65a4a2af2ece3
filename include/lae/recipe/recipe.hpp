#pragma once

/// \file
/// What a model's options mean, in the terms of the closed form that all models share. Off the
/// diagonal,
///
///     B = P diag(c) + Q diag(e)
///
/// where P = (G + diag(Λ))⁻¹ is the inverse of a Gram matrix, Q comes from the semantic phase, and
/// the columns' factors c and e cost O(n). A recipe says what G, Λ and Q are; everything that is
/// computed for a model (its fit, its cost, a grid of its points) is computed from its recipe.

#include "lae/core/fit_form.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/recipe/refinements.hpp"
#include "lae/recipe/scaled.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What the semantic phase is to a model.
enum class SemanticUse {
  none,
  /// B is pulled towards S, EASE on the item features: min ... + κ ||B - S||² (L3AE)
  prior,
  /// B = (1 - κ) B_X + κ S (Add-EASE); with κ = 1 and no part on interactions, S itself
  summand,
  /// B = F Fᵀ without its diagonal, no inverse at all (cosine)
  similarity,
};

struct Recipe {
  /// λ of P, on average over the items; > 0. 0: the model has no part on interactions.
  double ridge = 0;
  /// α of the sources in the Gram matrix, G = XᵀX + α Σ w_s F_s F_sᵀ; >= 0.
  FeatureWeight gram_weight = FeatureWeight::over_q(10);
  SemanticUse semantic_use = SemanticUse::none;
  FeatureRidge semantic_ridge = FeatureRidge::times_q(2);  ///< λ_F of S; > 0
  double semantic_weight = 0;                              ///< κ
  bool unit_length = false;  ///< a similarity divides features by their norm first
  Refinements refinements{};
  FitForm form = FitForm::automatic;

  /// What the model calls its ridges: for messages.
  const char* ridge_name = "lambda";
  const char* semantic_ridge_name = "lambda_f";
};

/// What a model is fitted on.
enum class Inputs { interactions, features, interactions_and_features };

}  // namespace LAE_ABI
}  // namespace lae

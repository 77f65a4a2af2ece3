#pragma once

/// \file
/// Add-EASE: Jeunen et al., Closed-Form Models for Collaborative Filtering with Side-Information,
/// RecSys 2020; L3AE paper, eq. 7-8.
///
///     auto model = lae::AddEase<double>().fit(train, tags);  // tags: items x tags, sparse

#include <initializer_list>

#include "lae/detail/core/abi.hpp"
#include "lae/models/solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct AddEaseOptions {
  double lambda_x = 100;  ///< Ridge of the part on interactions; finite and > 0.
  FeatureRidge lambda_t = FeatureRidge::times_q(5);  ///< That of the part on features; > 0.
  double alpha = 0.4;  ///< Weight of the part on side information, in [0, 1].
  /// Off by default. Those of users and the diagonal act on the part on interactions, the scaling
  /// of targets on both.
  Refinements refinements{};
  FitForm form = FitForm::automatic;  ///< Of the part on interactions.

  static constexpr Inputs inputs = Inputs::interactions_and_features;

  [[nodiscard]] static OptionFields<AddEaseOptions> fields() {
    OptionFields<AddEaseOptions> list;
    list.add("lambda_x", &AddEaseOptions::lambda_x, Range::positive(), "ridge on interactions");
    list.add("lambda_t", &AddEaseOptions::lambda_t, Range::positive(), "ridge on features");
    list.add("alpha", &AddEaseOptions::alpha, Range::from_to(0, 1), "share of the features");
    list.add(&AddEaseOptions::refinements);
    return list;
  }

  [[nodiscard]] Recipe recipe() const {
    Recipe recipe;
    recipe.ridge = lambda_x;
    recipe.ridge_name = "lambda_x";
    recipe.semantic_use = SemanticUse::summand;
    recipe.semantic_ridge = lambda_t;
    recipe.semantic_ridge_name = "lambda_t";
    recipe.semantic_weight = alpha;
    recipe.refinements = refinements;
    recipe.form = form;
    return recipe;
  }
};

/// Additive EASE: B = (1 - α) B_X + α B_F, two EASE solutions blended. On dense embeddings it is
/// the paper's LLM-Add-EASE. Cost: two EASE fits and two n x n matrices; up to d = 2n/3 dimensions
/// or tags the second fit is 2 n^2 d + 2 n d^2 flops and takes two n x d matrices instead of a
/// second n x n one.
template <class Scalar = double>
class AddEase : public Solver<AddEaseOptions, Scalar> {
  using Solver<AddEaseOptions, Scalar>::Solver;
};

AddEase(const AddEaseOptions&)->AddEase<double>;
AddEase(std::initializer_list<detail::NoOption>)->AddEase<double>;

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// CEASE: Jeunen et al., Closed-Form Models for Collaborative Filtering with Side-Information,
/// RecSys 2020; L3AE paper, eq. 4-6.
///
///     auto model = lae::Cease<double>().fit(train, tags);  // tags: items x tags, sparse

#include <initializer_list>

#include "lae/detail/core/abi.hpp"
#include "lae/models/solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct CeaseOptions {
  double lambda = 100;  ///< Ridge; finite and > 0.
  /// Weight of the side information's loss (eq. 4), and so of its Gram matrix; finite and >= 0. The
  /// authors' code squares theirs.
  FeatureWeight alpha = FeatureWeight::over_q(10);
  Refinements refinements{};  ///< Off by default. Dropout acts on both Gram matrices.
  FitForm form = FitForm::automatic;

  static constexpr Inputs inputs = Inputs::interactions_and_features;

  [[nodiscard]] static OptionFields<CeaseOptions> fields() {
    OptionFields<CeaseOptions> list;
    list.add("lambda", &CeaseOptions::lambda, Range::positive(), "ridge");
    list.add("alpha", &CeaseOptions::alpha, Range::not_negative(),
             "weight of the Gram matrix of features");
    list.add(&CeaseOptions::refinements);
    return list;
  }

  [[nodiscard]] Recipe recipe() const {
    Recipe recipe;
    recipe.ridge = lambda;
    recipe.gram_weight = alpha;
    recipe.refinements = refinements;
    recipe.form = form;
    return recipe;
  }
};

/// Collective EASE: one solution for interactions and side information, G = XᵀX + α F Fᵀ. On dense
/// embeddings it is the paper's LLM-CEASE.
/// Cost: as Ease, with tags as further users; with dense embeddings n^2 d flops more, and the
/// primal form alone.
template <class Scalar = double>
class Cease : public Solver<CeaseOptions, Scalar> {
  using Solver<CeaseOptions, Scalar>::Solver;
};

Cease(const CeaseOptions&)->Cease<double>;
Cease(std::initializer_list<detail::NoOption>)->Cease<double>;

}  // namespace LAE_ABI
}  // namespace lae

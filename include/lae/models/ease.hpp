#pragma once

/// \file
/// EASE: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019; L3AE paper, eq. 3.
///
///     auto model = lae::Ease<double>({100}).fit(train);  // train: users x items, sparse

#include <initializer_list>

#include "lae/detail/core/abi.hpp"
#include "lae/models/solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct EaseOptions {
  double lambda = 100;        ///< Ridge on the Gram matrix; finite and > 0.
  Refinements refinements{};  ///< Off by default.
  FitForm form = FitForm::automatic;

  static constexpr Inputs inputs = Inputs::interactions;

  [[nodiscard]] static OptionFields<EaseOptions> fields() {
    OptionFields<EaseOptions> list;
    list.add("lambda", &EaseOptions::lambda, Range::positive(), "ridge");
    list.add(&EaseOptions::refinements);
    return list;
  }

  [[nodiscard]] Recipe recipe() const {
    Recipe recipe;
    recipe.ridge = lambda;
    recipe.refinements = refinements;
    recipe.form = form;
    return recipe;
  }
};

/// min ||X - X B||² + λ ||B||² with diag(B) = 0, in closed form.
/// Cost: n^3 flops and one n x n matrix, or, with fewer users than items, about m^3 flops; see
/// `estimate`.
template <class Scalar = double>
class Ease : public Solver<EaseOptions, Scalar> {
  using Solver<EaseOptions, Scalar>::Solver;
};

Ease(const EaseOptions&)->Ease<double>;
Ease(std::initializer_list<detail::NoOption>)->Ease<double>;

}  // namespace LAE_ABI
}  // namespace lae

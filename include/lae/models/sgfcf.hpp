#pragma once

/// \file
/// SGFCF: Peng, Liu, Sugiyama, Mine, How Powerful is Graph Filtering for Recommendation, KDD 2024.
///
///     lae::Sgfcf<float> solver({/*rank=*/100, /*epsilon=*/0.4, /*beta=*/0.5, /*beta_end=*/1.5});
///     lae::SgfcfModel<float> model = solver.fit(train);  // train: users x items, sparse

#include <cstdint>
#include <initializer_list>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/models/sgfcf_model.hpp"
#include "lae/models/spectral_solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct SgfcfOptions {
  /// Singular vectors: 1 or more. 100 for Games in the L3AE paper's runs, 200 for Toys.
  Index rank = 100;
  /// ε of the normalisation: >= 0. 0.4 for Games and Toys there, 0.3 for Books; GF-CF has 0.5.
  double epsilon = 0.4;
  double beta = 0.5;        ///< Exponent of singular values at the least homophily: any. 0.5 there.
  double beta_end = 1.5;    ///< At the most; equal to beta: the same filter for all. 1.5 there.
  double gamma = 1.6;       ///< Weight of the filter that passes all, G: >= 0. 1.6 there.
  double mu = 0;            ///< Is added to the sums of rows and columns: >= 0. 0 there.
  double tolerance = 1e-6;  ///< Of the singular vectors: TruncatedSvdOptions::tolerance; > 0.
  Index max_iterations = 2000;  ///< TruncatedSvdOptions::max_iterations; >= 1.
  std::uint64_t seed = 1;       ///< Of the vectors that the search for them starts from.

  template <class Scalar>
  using Model = SgfcfModel<Scalar>;
  static constexpr Inputs inputs = Inputs::interactions;

  [[nodiscard]] static OptionFields<SgfcfOptions> fields() {
    OptionFields<SgfcfOptions> list;
    list.add("rank", &SgfcfOptions::rank, "singular vectors of the low-pass filter");
    list.add("epsilon", &SgfcfOptions::epsilon, Range::not_negative(),
             "how far users and items are divided by how often they occur");
    list.add("beta", &SgfcfOptions::beta, Range::finite(),
             "exponent of singular values for users and items of the least homophily");
    list.add("beta_end", &SgfcfOptions::beta_end, Range::finite(),
             "exponent of singular values for users and items of the most homophily");
    list.add("gamma", &SgfcfOptions::gamma, Range::not_negative(),
             "weight of the filter that passes all singular vectors");
    list.add_extra("mu", &SgfcfOptions::mu, Range::not_negative(),
                   "is added to how often users and items occur");
    list.add_extra("tolerance", &SgfcfOptions::tolerance, Range::positive(),
                   "how far singular vectors may be off");
    list.add_extra("max_iterations", &SgfcfOptions::max_iterations,
                   "the most steps of the search for singular vectors");
    return list;
  }

  [[nodiscard]] SpectralRecipe recipe() const {
    SpectralRecipe recipe;
    recipe.exponent = epsilon;
    recipe.shift = mu;
    recipe.svd = {rank, tolerance, max_iterations, seed};
    recipe.exponent_low = beta;
    recipe.exponent_high = beta_end;
    recipe.gram_weight = gamma;
    return recipe;
  }
};

/// The filter of SgfcfModel: generalised normalisation and individualised filtering (eq. 8, 12 and
/// 13 there). Without the latter (beta_end = beta) singular values have the exponent 2 beta.
/// Cost and memory: as GF-CF; three times the sums of squares of how many interactions each user
/// and each item has for homophily.
template <class Scalar = double>
class Sgfcf : public SpectralSolver<SgfcfOptions, Scalar> {
  using SpectralSolver<SgfcfOptions, Scalar>::SpectralSolver;
};

Sgfcf(const SgfcfOptions&)->Sgfcf<double>;
Sgfcf(std::initializer_list<detail::NoOption>)->Sgfcf<double>;

}  // namespace LAE_ABI
}  // namespace lae

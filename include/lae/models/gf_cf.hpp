#pragma once

/// \file
/// GF-CF: Shen et al., How Powerful is Graph Convolution for Recommendation?, CIKM 2021.
///
///     lae::GfCf<float> solver({/*low_pass=*/0.3, /*rank=*/256});
///     lae::SpectralModel<float> model = solver.fit(train);  // train: users x items, sparse

#include <cstdint>
#include <initializer_list>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/models/spectral_model.hpp"
#include "lae/models/spectral_solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct GfCfOptions {
  /// α, weight of the ideal low-pass filter: >= 0. 0.3 in the authors' code.
  double low_pass = 0.3;
  /// Singular vectors that it passes: 1 or more. 256 in the authors' code.
  Index rank = 256;
  double tolerance = 1e-6;      ///< Of the singular vectors: TruncatedSvdOptions::tolerance; > 0.
  Index max_iterations = 2000;  ///< TruncatedSvdOptions::max_iterations; >= 1.
  std::uint64_t seed = 1;       ///< Of the vectors that the search for them starts from.

  template <class Scalar>
  using Model = SpectralModel<Scalar>;
  static constexpr Inputs inputs = Inputs::interactions;

  [[nodiscard]] static OptionFields<GfCfOptions> fields() {
    OptionFields<GfCfOptions> list;
    list.add("low_pass", &GfCfOptions::low_pass, Range::not_negative(),
             "weight of the ideal low-pass filter");
    list.add("rank", &GfCfOptions::rank, "singular vectors of the low-pass filter");
    list.add_extra("tolerance", &GfCfOptions::tolerance, Range::positive(),
                   "how far singular vectors may be off");
    list.add_extra("max_iterations", &GfCfOptions::max_iterations,
                   "the most steps of the search for singular vectors");
    return list;
  }

  [[nodiscard]] SpectralRecipe recipe() const {
    SpectralRecipe recipe;
    recipe.svd = {rank, tolerance, max_iterations, seed};
    recipe.low_pass = low_pass;
    return recipe;
  }
};

/// B = G + α D_I^(−½) V Vᵀ D_I^(½), with G = RᵀR of R = D_U^(−½) X D_I^(−½) and its first right
/// singular vectors V (eq. 15 there; as in their code, for histories that are not normalised).
/// Cost: see truncated_svd.hpp. Memory: the interactions twice, and 3 items x rank scalars; see
/// `estimate`.
template <class Scalar = double>
class GfCf : public SpectralSolver<GfCfOptions, Scalar> {
  using SpectralSolver<GfCfOptions, Scalar>::SpectralSolver;
};

GfCf(const GfCfOptions&)->GfCf<double>;
GfCf(std::initializer_list<detail::NoOption>)->GfCf<double>;

}  // namespace LAE_ABI
}  // namespace lae

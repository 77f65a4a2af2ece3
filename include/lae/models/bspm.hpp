#pragma once

/// \file
/// BSPM: Choi, Hong, Park, Cho, Blurring-Sharpening Process Models for Collaborative Filtering,
/// SIGIR 2023.
///
///     lae::Bspm<float> solver({/*low_pass=*/0.5, /*steps=*/1, /*time=*/1.2});
///     lae::SpectralModel<float> model = solver.fit(train);  // train: users x items, sparse

#include <cstdint>
#include <initializer_list>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/models/spectral_model.hpp"
#include "lae/models/spectral_solver.hpp"

namespace lae {
inline namespace LAE_ABI {

struct BspmOptions {
  /// β, weight of the ideal low-pass filter: >= 0. 0.5 in the L3AE paper's runs, 0.3 in BSPM's.
  double low_pass = 0.5;
  /// K, steps of the sharpening: 1 or more. 1 for Games in the L3AE paper's runs, 2 for Toys, Books.
  Index steps = 1;
  /// T, the length of all steps together: >= 0. 1.2 for Games there, 2.2 for Toys and Books.
  double time = 1.2;
  /// Singular vectors of the low-pass filter: 1 or more. 256 there, 448 for Gowalla in BSPM's.
  Index rank = 256;
  bool euler = false;           ///< Steps of Euler's method instead of the fourth order.
  bool late_merge = false;      ///< Adds the low-pass filter after the sharpening ("LM" in BSPM's).
  bool mean = true;             ///< Averages what is there before the first step and after each.
  double tolerance = 1e-6;      ///< Of the singular vectors: TruncatedSvdOptions::tolerance; > 0.
  Index max_iterations = 2000;  ///< TruncatedSvdOptions::max_iterations; >= 1.
  std::uint64_t seed = 1;       ///< Of the vectors that the search for them starts from.

  template <class Scalar>
  using Model = SpectralModel<Scalar>;
  static constexpr Inputs inputs = Inputs::interactions;

  [[nodiscard]] static OptionFields<BspmOptions> fields() {
    OptionFields<BspmOptions> list;
    list.add("low_pass", &BspmOptions::low_pass, Range::not_negative(),
             "weight of the ideal low-pass filter");
    list.add("steps", &BspmOptions::steps, "steps of the sharpening");
    list.add("time", &BspmOptions::time, Range::not_negative(), "length of the sharpening");
    list.add("rank", &BspmOptions::rank, "singular vectors of the low-pass filter");
    list.add_extra("euler", &BspmOptions::euler, "sharpens by Euler's method");
    list.add_extra("late_merge", &BspmOptions::late_merge,
                   "adds the low-pass filter after the sharpening");
    list.add_extra("mean", &BspmOptions::mean, "averages the steps of the sharpening");
    list.add_extra("tolerance", &BspmOptions::tolerance, Range::positive(),
                   "how far singular vectors may be off");
    list.add_extra("max_iterations", &BspmOptions::max_iterations,
                   "the most steps of the search for singular vectors");
    return list;
  }

  [[nodiscard]] SpectralRecipe recipe() const {
    SpectralRecipe recipe;
    recipe.svd = {rank, tolerance, max_iterations, seed};
    recipe.low_pass = low_pass;
    recipe.sharpening = {steps, time / static_cast<double>(steps), euler, mean};
    recipe.sharpens_low_pass = !late_merge;
    return recipe;
  }
};

/// With G and L = D_I^(−½) V Vᵀ D_I^(½) as of GF-CF and a step's polynomial p (see Sharpening):
/// B = G q + β L q', where q is the mean of p⁰, p¹, …, p^K, or p^K, in G, and q' the same without p⁰
/// (but still divided by K + 1), or 1 for a late merge. (Blurring of one Euler step, eq. 9 to 14
/// there; time points combined as in their code.)
/// Cost and memory: as GF-CF; 4 entries · rank flops for each product of the sharpening. Scores take
/// 16 entries flops a step and user, where GF-CF's take a few rows of G.
template <class Scalar = double>
class Bspm : public SpectralSolver<BspmOptions, Scalar> {
  using SpectralSolver<BspmOptions, Scalar>::SpectralSolver;
};

Bspm(const BspmOptions&)->Bspm<double>;
Bspm(std::initializer_list<detail::NoOption>)->Bspm<double>;

}  // namespace LAE_ABI
}  // namespace lae

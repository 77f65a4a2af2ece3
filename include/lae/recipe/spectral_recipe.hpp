#pragma once

/// \file
/// What the options of a spectral model mean. All of them weigh the singular values of interactions
/// X (users x items) that are normalised by how often users and items occur,
///
///     N = (D_U + μ)^(−ε) X (D_I + μ)^(−ε),   D_U, D_I: row and column sums of X,   G = NᵀN,
///
/// where a row or column without interactions stays zero, and V are the right singular vectors of N
/// with the largest values. What is shared by all points of a grid with the same ε and μ is N and V.
///
///     lae::SpectralRecipe recipe = lae::BspmOptions().recipe();

#include "lae/algebra/truncated_svd.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// The sharpening of BSPM: `steps` steps of r' = −r G, each of length `length`, from r = x G on.
/// A step of a Runge–Kutta method multiplies by a polynomial p(length · G): 1 − z + z²/2 − z³/6 +
/// z⁴/24 for all fourth-order methods of four stages, 1 − z for Euler's.
struct Sharpening {
  Index steps = 0;
  double length = 0;
  bool is_euler = false;
  bool takes_mean = false;  ///< of r before the first step and after each, instead of the last
};

struct SpectralRecipe {
  double exponent = 0.5;  ///< ε
  double shift = 0;       ///< μ
  TruncatedSvdOptions svd{};

  /// Of the ideal low-pass filter D_I^(−½) V Vᵀ D_I^(½). Linear models.
  double low_pass = 0;
  Sharpening sharpening{};
  bool sharpens_low_pass = false;  ///< it is added before the sharpening, and not after it

  /// The exponent of a singular value where homophily is least and largest, half of a user's and
  /// half of an item's, and the weight of G. SGFCF.
  double exponent_low = 1;
  double exponent_high = 1;
  double gram_weight = 0;
};

}  // namespace LAE_ABI
}  // namespace lae

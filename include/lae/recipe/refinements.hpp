#pragma once

/// \file
/// Refinements of the loss behind every model that is fitted on interactions, all in closed form
/// and off by default. They compose with one another, with side information and with a prior, in
/// either form of the inverse; none costs more than O(n^2) flops and some vectors.
///
///     lae::EaseOptions options;
///     options.refinements.dropout = 0.3;
///     auto model = lae::Ease<double>(options).fit(train);

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// With X̃ = diag(√w) X the weighted interactions and G their Gram matrix (in CEASE with that of the
/// side information), a model minimises
///
///     ||X̃ - X̃ B||² + Σ_j Λ_j ||B_j·||² (+ λ_KD ||B - S||²),   0 <= diag(B) <= ξ,
///
/// where Λ_j = λ + p / (1 - p) G_jj and w_u = r_u^(-2a) times the weight given for user u, r_u
/// being the number of items in their history. Column j of the result is then scaled by n_j^(-b),
/// where n_j, at least 1, is the number of users with item j.
struct Refinements {
  /// p in [0, 1): the ridge of an item grows with how often it occurs, as if inputs were dropped
  /// out at that rate: Λ = λ I + p / (1 - p) diag(G). The EDLAE of Steck, Autoencoders that don't
  /// overfit towards the Identity, NeurIPS 2020.
  double dropout = 0;

  /// a, finite: above 0, users with long histories count less, G = Xᵀ diag(r_u^(-2a)) X. The user
  /// normalisation Xᵀ D_U^(-β) X of DAN, Why is Normalization Necessary for Linear Recommenders?,
  /// arXiv 2504.05805, with β = 2a.
  double user_exponent = 0;

  /// b, finite: above 0, popular items are recommended less, B <- B diag(n_j^(-b)). The weighted
  /// targets of Steck, Collaborative Filtering via High-Dimensional Regression, arXiv 1904.13033.
  double target_exponent = 0;

  /// ξ >= 0: up to it an item may stand for itself, B = I - P diag(Λ + μ) with
  /// μ_j = (1 - ξ) / P_jj - Λ_j where 1 - Λ_j P_jj > ξ, else 0. The RLAE of Moon, Kim, Lee, It's
  /// Enough: Relaxing Diagonal Constraints in Linear Autoencoders for Recommendation, SIGIR 2023;
  /// with dropout its RDLAE, with ξ = ∞ ridge regression (and DLAE). A prior can pull the diagonal
  /// below zero, which the bound of that paper permits; here zero holds it, so that ξ = 0 is the
  /// plain model with a prior, too.
  double diagonal_bound = 0;
};

}  // namespace LAE_ABI
}  // namespace lae

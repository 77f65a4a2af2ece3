#pragma once

/// \file
/// Refinements of the loss behind every model that is fitted on interactions, all in closed form
/// and off by default. They compose with one another, with side information and with a prior, in
/// either form of the inverse; none costs more than O(n^2) flops and some vectors.

#include <algorithm>
#include <cmath>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {

/// With X̃ = diag(√w) X the weighted interactions and G their Gram matrix (in CEASE with that of the
/// side information), a model minimises
///
///     ||X̃ - X̃ B||² + Σ_j Λ_j ||B_j·||² (+ λ_KD ||B - S||²),   0 <= diag(B) <= ξ,
///
/// where Λ_j = λ + p / (1 - p) G_jj and w_u = r_u^(-2a) times the given weight of user u, r_u being
/// the number of items in their history. Column j of the result is then scaled by n_j^(-b), where
/// n_j, at least 1, is the number of users with item j.
struct Refinements {
  /// p in [0, 1): the ridge of an item grows with how often it occurs, as if inputs were dropped
  /// out at that rate: Λ = λ I + p / (1 - p) diag(G). The EDLAE of Steck, Autoencoders that don't
  /// overfit towards the Identity, NeurIPS 2020.
  double dropout = 0;

  /// a, finite: above 0, users with long histories count less, G = Xᵀ diag(r_u^(-2a)) X. The user
  /// normalisation Xᵀ D_U^(-β) X of DAN, Why is Normalization Necessary for Linear Recommenders?,
  /// arXiv 2504.05805, with β = 2a.
  double user_exponent = 0;

  /// A weight >= 0 for each user (row of the interactions), on top of that; empty: all 1.
  std::vector<double> user_weights{};

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

/// What the closed form needs to know of each item (column of B) besides the Gram matrix.
template <class Scalar>
struct Regularization {
  Vector<Scalar> ridge;           ///< Λ; read here only if the diagonal is relaxed
  Scalar diagonal_bound = 0;      ///< ξ
  Vector<Scalar> target_scale{};  ///< factors of the columns; empty: all 1
};

namespace detail {

/// \throws std::invalid_argument naming the option that is out of range.
inline void require_valid(const Refinements& refinements) {
  require(refinements.dropout >= 0 && refinements.dropout < 1, "dropout must lie in [0, 1), got ",
          refinements.dropout);
  require(std::isfinite(refinements.user_exponent), "user_exponent must be finite, got ",
          refinements.user_exponent);
  require(std::isfinite(refinements.target_exponent), "target_exponent must be finite, got ",
          refinements.target_exponent);
  require(refinements.diagonal_bound >= 0, "diagonal_bound must not be negative, got ",
          refinements.diagonal_bound);
  for (std::size_t user = 0; user < refinements.user_weights.size(); ++user) {
    const double weight = refinements.user_weights[user];
    require(std::isfinite(weight) && weight >= 0, "user_weights holds ", weight, " for user ", user,
            "; weights must be finite and not negative");
  }
}

inline bool are_off(const Refinements& refinements) {
  return refinements.dropout == 0 && refinements.user_exponent == 0 &&
         refinements.user_weights.empty() && refinements.target_exponent == 0 &&
         refinements.diagonal_bound == 0;
}

/// X <- diag(√w) X.
/// \throws std::invalid_argument unless there is a weight for each user, or none.
template <class Scalar>
void weigh_users(Csr<Scalar>& x, const Refinements& refinements) {
  const auto& given = refinements.user_weights;
  require(given.empty() || static_cast<Index>(given.size()) == x.rows(), "user_weights has ",
          given.size(), " values, but interactions has ", x.rows(), " users (rows)");
  if (given.empty() && refinements.user_exponent == 0) return;
  for (Index user = 0; user < x.rows(); ++user) {
    const Index begin = x.outerIndexPtr()[user];
    const Index length = x.outerIndexPtr()[user + 1] - begin;
    if (length == 0) continue;
    const double weight = given.empty() ? 1 : given[static_cast<std::size_t>(user)];
    const double root =
        std::sqrt(weight) * std::pow(static_cast<double>(length), -refinements.user_exponent);
    Eigen::Map<Vector<Scalar>>(x.valuePtr() + begin, length) *= static_cast<Scalar>(root);
  }
}

/// n_j^(-b) for each item; empty for b = 0.
template <class Scalar>
Vector<Scalar> target_scale(const Csr<Scalar>& x, double exponent) {
  if (exponent == 0) return {};
  const std::vector<Index> counts = column_counts(x);
  Vector<Scalar> scale(x.cols());
  for (Index item = 0; item < x.cols(); ++item) {
    const Index users = std::max<Index>(counts[static_cast<std::size_t>(item)], 1);
    scale[item] = static_cast<Scalar>(std::pow(static_cast<double>(users), -exponent));
  }
  return scale;
}

/// diag(XᵀX).
template <class Scalar>
Vector<Scalar> gram_diagonal(const Csr<Scalar>& x) {
  Vector<Scalar> squares = Vector<Scalar>::Zero(x.cols());
  for (Index entry = 0; entry < x.nonZeros(); ++entry) {
    squares[x.innerIndexPtr()[entry]] += x.valuePtr()[entry] * x.valuePtr()[entry];
  }
  return squares;
}

/// Λ for a Gram matrix with this diagonal.
template <class Scalar>
Vector<Scalar> ridge_with_dropout(const Vector<Scalar>& gram_diagonal, double lambda,
                                  double dropout) {
  const auto rate = static_cast<Scalar>(dropout / (1 - dropout));
  return (rate * gram_diagonal).array() + static_cast<Scalar>(lambda);
}

/// Weighs the users of X and says what the closed form then needs to know of the items.
/// \param side_diagonal what side information adds to diag(G); empty: nothing
/// \throws std::invalid_argument unless there is a weight for each user, or none.
template <class Scalar>
Regularization<Scalar> refine(Csr<Scalar>& x, double lambda, const Refinements& refinements,
                              const Vector<Scalar>& side_diagonal = {}) {
  Vector<Scalar> scale = target_scale(x, refinements.target_exponent);
  weigh_users(x, refinements);
  Vector<Scalar> diagonal = gram_diagonal(x);
  if (side_diagonal.size() > 0) diagonal += side_diagonal;
  return {ridge_with_dropout(diagonal, lambda, refinements.dropout),
          static_cast<Scalar>(refinements.diagonal_bound), std::move(scale)};
}

}  // namespace detail
}  // namespace lae

#pragma once

/// \file
/// What refinements make of the interactions, and of the ridge of each item.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/recipe/refinements.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What the closed form needs to know of each item (column of B) besides P and S.
template <class Scalar>
struct Regularization {
  Vector<Scalar> ridge;           ///< Λ; read only if the diagonal is relaxed
  Scalar diagonal_bound = 0;      ///< ξ
  Vector<Scalar> target_scale{};  ///< factors of the columns; empty: all 1
};

/// diag(√w) X; X itself if all weights are 1.
/// \param given a weight for each user; empty: all 1
template <class Scalar>
Borrowed<Csr<Scalar>> weigh_users(const Csr<Scalar>& x, const std::vector<double>& given,
                                  double exponent) {
  if (given.empty() && exponent == 0) return Borrowed<Csr<Scalar>>::of(x);
  Csr<Scalar> weighted = x;
  for (Index user = 0; user < x.rows(); ++user) {
    const Index begin = x.outerIndexPtr()[user];
    const Index length = x.outerIndexPtr()[user + 1] - begin;
    if (length == 0) continue;
    const double weight = given.empty() ? 1 : given[static_cast<std::size_t>(user)];
    const double root = std::sqrt(weight) * std::pow(static_cast<double>(length), -exponent);
    Scalar* const values = weighted.valuePtr() + begin;
    set_scaled(length, static_cast<Scalar>(root), values, values);
  }
  return weighted;
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

/// Values whose squares the Scalar cannot hold would make weights that are no numbers; with a
/// finite diagonal, all of a Gram matrix is finite.
/// \throws std::invalid_argument
template <class Scalar>
void require_no_overflow(const Vector<Scalar>& squares, const char* what) {
  for (Index item = 0; item < squares.size(); ++item) {
    require(std::isfinite(squares[item]), what, ": the sum of squares of item ", item,
            " overflows ", sizeof(Scalar) == sizeof(float) ? "float" : "double",
            "; scale the values down or compute in double");
  }
}

/// Λ for a Gram matrix with this diagonal.
template <class Scalar>
Vector<Scalar> ridge_with_dropout(const Vector<Scalar>& gram_diagonal, double lambda,
                                  double dropout) {
  const auto rate = static_cast<Scalar>(dropout / (1 - dropout));
  Vector<Scalar> ridge(gram_diagonal.size());
  for (Index item = 0; item < ridge.size(); ++item) {
    ridge[item] = rate * gram_diagonal[item] + static_cast<Scalar>(lambda);
  }
  return ridge;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

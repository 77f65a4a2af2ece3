#pragma once

/// \file
/// Steps in the preparation of item features.

#include <cmath>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/parallel.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A copy of any dense expression.
/// \throws std::invalid_argument if a value is not finite.
template <class Derived>
[[nodiscard]] Matrix<typename Derived::Scalar> finite_copy(
    const Eigen::MatrixBase<Derived>& features) {
  Matrix<typename Derived::Scalar> values = features.derived();
  if (!values.allFinite()) {
    for (Index row = 0; row < values.rows(); ++row) {
      for (Index column = 0; column < values.cols(); ++column) {
        require_finite(values(row, column), "features", row, column);
      }
    }
  }
  return values;
}

template <class Scalar>
void subtract_column_means(Matrix<Scalar>& values) {
  if (values.rows() == 0) return;
  parallel_tiles(values.cols(), 64, [&](Index first, Index columns) {
    Vector<double> means = Vector<double>::Zero(columns);
    auto part = values.middleCols(first, columns);
    for (Index row = 0; row < values.rows(); ++row) {
      means += part.row(row).transpose().template cast<double>();
    }
    means /= static_cast<double>(values.rows());
    part.rowwise() -= means.transpose().template cast<Scalar>();
  });
}

/// Squares are taken of values relative to the largest, so they neither overflow nor vanish.
template <class Scalar>
void scale_to_unit_length(Scalar* values, Index count) {
  double largest = 0;
  for (Index i = 0; i < count; ++i) {
    const double size = std::abs(static_cast<double>(values[i]));
    if (size > largest) largest = size;
  }
  if (largest == 0) return;
  double squares = 0;
  for (Index i = 0; i < count; ++i) {
    const double relative = static_cast<double>(values[i]) / largest;
    squares += relative * relative;
  }
  const double length = std::sqrt(squares);
  for (Index i = 0; i < count; ++i) {
    values[i] = static_cast<Scalar>(static_cast<double>(values[i]) / largest / length);
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Sums of rows of a matrix that lie anywhere: the kernel of products with the graph.

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <lae/core/types.hpp>

namespace neural {

using lae::Index;

/// Columns whose sums stay in registers.
inline constexpr int gather_width = 32;

/// Calls use(first, sum) for all columns of `rows`, a few at a time from `first` on, where sum is
/// weight(0) * rows.row(row(0)) + ... + weight(count - 1) * rows.row(row(count - 1)), in order.
/// `sum` is an array that may be changed.
template <class Scalar, class Row, class Weight, class Use>
void gather(const lae::Matrix<Scalar>& rows, Index count, Row&& row, Weight&& weight, Use&& use) {
  const Index width = rows.cols();
  Index first = 0;
  for (; first + gather_width <= width; first += gather_width) {
    using Sum = Eigen::Array<Scalar, 1, gather_width>;
    Sum sum = Sum::Zero();
    const Scalar* const column = rows.data() + first;
    for (Index i = 0; i < count; ++i) {
      sum += weight(i) * Eigen::Map<const Sum>(column + row(i) * width);
    }
    use(first, sum);
  }
  if (first == width) return;
  using Sum = Eigen::Array<Scalar, 1, Eigen::Dynamic, Eigen::RowMajor, 1, gather_width>;
  Sum sum = Sum::Zero(width - first);
  for (Index i = 0; i < count; ++i) {
    sum += weight(i) * rows.row(row(i)).tail(sum.size()).array();
  }
  use(first, sum);
}

}  // namespace neural

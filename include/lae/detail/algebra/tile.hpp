#pragma once

/// \file
/// Parts of row-major matrices, and sums over runs of neighbouring elements. Fits are written in
/// these, where an Eigen expression would be as fast: expressions are compiled anew for every
/// combination of operands, and were most of the time that it took to compile a fit.

#include <algorithm>
#include <type_traits>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A view of a part of a row-major matrix; copying it copies no elements.
/// \tparam Element Scalar, or const Scalar to read alone
template <class Element>
class Tile {
 public:
  using Scalar = std::remove_const_t<Element>;

  Tile(Element* data, Index rows, Index cols, Index stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}

  /// All of a matrix, or of a block of one.
  template <class Dense,
            class = std::enable_if_t<std::is_base_of_v<Eigen::MatrixBase<std::decay_t<Dense>>,
                                                       std::decay_t<Dense>>>>
  Tile(Dense&& matrix)  // NOLINT(google-explicit-constructor)
      : Tile(matrix.data(), matrix.rows(), matrix.cols(), matrix.outerStride()) {
    static_assert(
        std::decay_t<Dense>::IsRowMajor && std::decay_t<Dense>::InnerStrideAtCompileTime == 1,
        "not a tile");
  }
  template <class Other, class = std::enable_if_t<std::is_same_v<const Other, Element>>>
  Tile(const Tile<Other>& other)  // NOLINT(google-explicit-constructor)
      : Tile(other.data(), other.rows(), other.cols(), other.stride()) {}

  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index cols() const { return cols_; }
  [[nodiscard]] Index stride() const { return stride_; }  ///< from one row to the next
  [[nodiscard]] Element* data() const { return data_; }
  [[nodiscard]] Element* row(Index i) const { return data_ + i * stride_; }
  Element& operator()(Index i, Index j) const { return data_[i * stride_ + j]; }

  [[nodiscard]] Tile block(Index i, Index j, Index rows, Index cols) const {
    return {data_ + i * stride_ + j, rows, cols, stride_};
  }
  [[nodiscard]] Tile middleRows(Index i, Index rows) const { return block(i, 0, rows, cols_); }
  [[nodiscard]] Tile topRows(Index rows) const { return middleRows(0, rows); }
  [[nodiscard]] Tile bottomRows(Index rows) const { return middleRows(rows_ - rows, rows); }
  [[nodiscard]] Tile middleCols(Index j, Index cols) const { return block(0, j, rows_, cols); }
  [[nodiscard]] Tile leftCols(Index cols) const { return middleCols(0, cols); }
  [[nodiscard]] Tile rightCols(Index cols) const { return middleCols(cols_ - cols, cols); }

  /// Rows and columns [0, size), and what is below and right of them.
  [[nodiscard]] Tile first(Index size) const { return block(0, 0, size, size); }
  [[nodiscard]] Tile below(Index size) const { return block(size, 0, rows_ - size, size); }
  [[nodiscard]] Tile rest(Index size) const {
    return block(size, size, rows_ - size, cols_ - size);
  }

  void set_zero() const {
    for (Index i = 0; i < rows_; ++i) std::fill_n(row(i), cols_, Scalar(0));
  }

 private:
  Element* data_;
  Index rows_;
  Index cols_;
  Index stride_;
};
template <class Scalar>
using ConstTile = Tile<const Scalar>;

/// As an Eigen expression.
template <class Scalar>
auto as_eigen(const Tile<Scalar>& tile) {
  return Eigen::Map<Matrix<Scalar>, 0, Eigen::OuterStride<>>(tile.data(), tile.rows(), tile.cols(),
                                                             Eigen::OuterStride<>(tile.stride()));
}
template <class Scalar>
auto as_eigen(const Tile<const Scalar>& tile) {
  return Eigen::Map<const Matrix<Scalar>, 0, Eigen::OuterStride<>>(
      tile.data(), tile.rows(), tile.cols(), Eigen::OuterStride<>(tile.stride()));
}

/// `size` neighbouring elements.
template <class Scalar>
using Run = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
template <class Scalar>
using ConstRun = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;

/// xᵀy.
template <class Scalar>
EIGEN_DONT_INLINE Scalar dot(Index size, const Scalar* x, const Scalar* y) {
  return (ConstRun<Scalar>(x, size) * ConstRun<Scalar>(y, size)).sum();
}

/// y += a x.
template <class Scalar>
EIGEN_DONT_INLINE void add_scaled(Index size, Scalar a, const Scalar* x, Scalar* y) {
  Run<Scalar>(y, size) += a * ConstRun<Scalar>(x, size);
}

/// y <- a x; x may be y.
template <class Scalar>
EIGEN_DONT_INLINE void set_scaled(Index size, Scalar a, const Scalar* x, Scalar* y) {
  Run<Scalar>(y, size) = a * ConstRun<Scalar>(x, size);
}

/// y <- c y, element by element.
template <class Scalar>
EIGEN_DONT_INLINE void multiply_by(Index size, const Scalar* c, Scalar* y) {
  Run<Scalar>(y, size) *= ConstRun<Scalar>(c, size);
}

/// y += c x, element by element.
template <class Scalar>
EIGEN_DONT_INLINE void add_products(Index size, const Scalar* c, const Scalar* x, Scalar* y) {
  Run<Scalar>(y, size) += ConstRun<Scalar>(c, size) * ConstRun<Scalar>(x, size);
}

/// `to` <- `from` transposed; they do not overlap.
template <class Scalar>
void copy_transposed(ConstTile<Scalar> from, Tile<Scalar> to) {
  for (Index i = 0; i < to.rows(); ++i) {
    const Scalar* column = from.data() + i;
    Scalar* const row = to.row(i);
    for (Index j = 0; j < to.cols(); ++j, column += from.stride()) row[j] = *column;
  }
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

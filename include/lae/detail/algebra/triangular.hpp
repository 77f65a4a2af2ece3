#pragma once

/// \file
/// In-place kernels on one tile, on one thread, for a lower triangle L (what stands above its
/// diagonal is neither read nor written). Each splits its triangle in two, so that nearly all of
/// its work is a plain product, several times faster than Eigen's triangular kernels; triangles of
/// side smallest_triangle are not split further.
/// There is no solving among them: a triangle is inverted once and multiplied by ever after.

#include <cmath>

#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Factors up to this side are computed entry by entry.
inline constexpr Index smallest_factor = 24;

/// Where to split a triangle: near the middle, at a multiple of the product kernel's widths.
inline Index split_point(Index size) {
  return (size / 2 + 23) / 24 * 24;
}

/// A small triangle as a square with zeros above the diagonal.
template <class Scalar>
using SmallSquare = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor,
                                  smallest_triangle, smallest_triangle>;
template <class Scalar>
SmallSquare<Scalar> square_of(ConstTile<Scalar> l) {
  return l.template triangularView<Eigen::Lower>();
}

/// B <- B Lᵀ.
template <class Scalar>
void multiply_on_right_by_transposed(Tile<Scalar> b, ConstTile<Scalar> l) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, plain(b), transposed(square_of<Scalar>(l)));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_right_by_transposed<Scalar>(b.rightCols(rest), l.bottomRightCorner(rest, rest));
  add_product<Scalar>(b.rightCols(rest), 1, plain(b.leftCols(half)),
                      transposed(l.bottomLeftCorner(rest, half)));
  multiply_on_right_by_transposed<Scalar>(b.leftCols(half), l.topLeftCorner(half, half));
}

/// B <- B L.
template <class Scalar>
void multiply_on_right(Tile<Scalar> b, ConstTile<Scalar> l) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, plain(b), plain(square_of<Scalar>(l)));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_right<Scalar>(b.leftCols(half), l.topLeftCorner(half, half));
  add_product<Scalar>(b.leftCols(half), 1, plain(b.rightCols(rest)),
                      plain(l.bottomLeftCorner(rest, half)));
  multiply_on_right<Scalar>(b.rightCols(rest), l.bottomRightCorner(rest, rest));
}

/// B <- L B.
template <class Scalar>
void multiply_on_left(ConstTile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, plain(square_of<Scalar>(l)), plain(b));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_left<Scalar>(l.bottomRightCorner(rest, rest), b.bottomRows(rest));
  add_product<Scalar>(b.bottomRows(rest), 1, plain(l.bottomLeftCorner(rest, half)),
                      plain(b.topRows(half)));
  multiply_on_left<Scalar>(l.topLeftCorner(half, half), b.topRows(half));
}

/// B <- Lᵀ B.
template <class Scalar>
void multiply_on_left_by_transposed(ConstTile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, transposed(square_of<Scalar>(l)), plain(b));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_left_by_transposed<Scalar>(l.topLeftCorner(half, half), b.topRows(half));
  add_product<Scalar>(b.topRows(half), 1, transposed(l.bottomLeftCorner(rest, half)),
                      plain(b.bottomRows(rest)));
  multiply_on_left_by_transposed<Scalar>(l.bottomRightCorner(rest, rest), b.bottomRows(rest));
}

/// A <- L⁻¹ with A = L Lᵀ, lower triangles.
/// \return the first row whose pivot is not positive, or -1.
template <class Scalar>
Index invert_cholesky_factor(Tile<Scalar> a) {
  const Index size = a.rows();
  if (size <= smallest_factor) {
    for (Index i = 0; i < size; ++i) {
      for (Index j = 0; j < i; ++j) {
        a(i, j) = (a(i, j) - a.row(i).head(j).dot(a.row(j).head(j))) / a(j, j);
      }
      const Scalar pivot = a(i, i) - a.row(i).head(i).squaredNorm();
      if (!(pivot > 0) || !std::isfinite(pivot)) return i;
      a(i, i) = std::sqrt(pivot);
    }
    for (Index i = 0; i < size; ++i) {
      const Scalar inverse = 1 / a(i, i);
      for (Index j = 0; j < i; ++j) {
        // Entries left of j still belong to L, those right of it are needed as L until used.
        a(i, j) = -inverse * a.row(i).segment(j, i - j).dot(a.col(j).segment(j, i - j));
      }
      a(i, i) = inverse;
    }
    return -1;
  }
  const Index half = split_point(size);
  const Index rest = size - half;
  Tile<Scalar> a11 = a.topLeftCorner(half, half);
  Tile<Scalar> a21 = a.bottomLeftCorner(rest, half);
  Tile<Scalar> a22 = a.bottomRightCorner(rest, rest);
  if (const Index failed = invert_cholesky_factor<Scalar>(a11); failed >= 0) return failed;
  multiply_on_right_by_transposed<Scalar>(a21, a11);
  add_lower_product<Scalar>(a22, -1, plain(a21), transposed(a21));
  if (const Index failed = invert_cholesky_factor<Scalar>(a22); failed >= 0) return half + failed;
  // The inverse of [L11 0; L21 L22] has -L22⁻¹ L21 L11⁻¹ below the diagonal.
  multiply_on_right<Scalar>(a21, a11);
  multiply_on_left<Scalar>(a22, a21);
  a21 = -a21;
  return -1;
}

/// L <- Lᵀ L, lower triangle.
template <class Scalar>
void multiply_by_own_transpose(Tile<Scalar> l) {
  const Index size = l.rows();
  if (size <= smallest_factor) {
    for (Index i = 0; i < size; ++i) {
      for (Index j = 0; j <= i; ++j) {
        l(i, j) = l.col(i).tail(size - i).dot(l.col(j).tail(size - i));
      }
    }
    return;
  }
  const Index half = split_point(size);
  const Index rest = size - half;
  Tile<Scalar> l11 = l.topLeftCorner(half, half);
  Tile<Scalar> l21 = l.bottomLeftCorner(rest, half);
  multiply_by_own_transpose<Scalar>(l11);
  add_lower_product<Scalar>(l11, 1, transposed(l21), plain(l21));
  multiply_on_left_by_transposed<Scalar>(l.bottomRightCorner(rest, rest), l21);
  multiply_by_own_transpose<Scalar>(l.bottomRightCorner(rest, rest));
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

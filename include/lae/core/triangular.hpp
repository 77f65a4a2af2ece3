#pragma once

/// \file
/// In-place kernels on one tile, on one thread. Each splits its triangle in two, so that nearly
/// all of its work is a plain product, which Eigen runs faster than its triangular kernels.

#include <cmath>

#include "lae/core/product.hpp"

namespace lae::detail {

/// Triangles up to this side are not split further.
inline constexpr Index smallest_triangle = 48;

/// Where to split a triangle: near the middle, at a multiple of the widest vector.
inline Index split_point(Index size) {
  return (size / 2 + 15) / 16 * 16;
}

/// B <- B L⁻ᵀ for lower triangular L.
template <class Scalar>
void solve_transposed_on_right(Tile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    l.template triangularView<Eigen::Lower>().transpose().template solveInPlace<Eigen::OnTheRight>(
        b);
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  Tile<Scalar> left = b.leftCols(half);
  Tile<Scalar> right = b.rightCols(rest);
  solve_transposed_on_right<Scalar>(l.topLeftCorner(half, half), left);
  add_product_nt<Scalar>(right, -1, left, l.bottomLeftCorner(rest, half));
  solve_transposed_on_right<Scalar>(l.bottomRightCorner(rest, rest), right);
}

/// B <- B L⁻¹ for lower triangular L.
template <class Scalar>
void solve_on_right(Tile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    l.template triangularView<Eigen::Lower>().template solveInPlace<Eigen::OnTheRight>(b);
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  Tile<Scalar> left = b.leftCols(half);
  Tile<Scalar> right = b.rightCols(rest);
  solve_on_right<Scalar>(l.bottomRightCorner(rest, rest), right);
  add_product<Scalar>(left, -1, right, l.bottomLeftCorner(rest, half));
  solve_on_right<Scalar>(l.topLeftCorner(half, half), left);
}

/// B <- L⁻¹ B for lower triangular L.
template <class Scalar>
void solve_on_left(Tile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    l.template triangularView<Eigen::Lower>().solveInPlace(b);
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  Tile<Scalar> top = b.topRows(half);
  Tile<Scalar> bottom = b.bottomRows(rest);
  solve_on_left<Scalar>(l.topLeftCorner(half, half), top);
  add_product<Scalar>(bottom, -1, l.bottomLeftCorner(rest, half), top);
  solve_on_left<Scalar>(l.bottomRightCorner(rest, rest), bottom);
}

/// B <- Lᵀ B for lower triangular L.
template <class Scalar>
void multiply_transposed_on_left(Tile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    b = (l.template triangularView<Eigen::Lower>().transpose() * b).eval();
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  Tile<Scalar> top = b.topRows(half);
  Tile<Scalar> bottom = b.bottomRows(rest);
  multiply_transposed_on_left<Scalar>(l.topLeftCorner(half, half), top);
  add_product_tn<Scalar>(top, 1, l.bottomLeftCorner(rest, half), bottom);
  multiply_transposed_on_left<Scalar>(l.bottomRightCorner(rest, rest), bottom);
}

/// A <- L with A = L Lᵀ, lower triangles.
/// \return the first row whose pivot is not positive, or -1.
template <class Scalar>
Index factor_cholesky(Tile<Scalar> a) {
  const Index size = a.rows();
  if (size <= smallest_triangle) {
    for (Index i = 0; i < size; ++i) {
      for (Index j = 0; j < i; ++j) {
        a(i, j) = (a(i, j) - a.row(i).head(j).dot(a.row(j).head(j))) / a(j, j);
      }
      const Scalar pivot = a(i, i) - a.row(i).head(i).squaredNorm();
      if (!(pivot > 0) || !std::isfinite(pivot)) return i;
      a(i, i) = std::sqrt(pivot);
    }
    return -1;
  }
  const Index half = split_point(size);
  const Index rest = size - half;
  Tile<Scalar> l21 = a.bottomLeftCorner(rest, half);
  Tile<Scalar> a22 = a.bottomRightCorner(rest, rest);
  if (const Index failed = factor_cholesky<Scalar>(a.topLeftCorner(half, half)); failed >= 0) {
    return failed;
  }
  solve_transposed_on_right<Scalar>(a.topLeftCorner(half, half), l21);
  add_square_nt<Scalar>(a22, -1, l21);
  const Index failed = factor_cholesky<Scalar>(a22);
  return failed >= 0 ? half + failed : -1;
}

/// L <- L⁻¹, lower triangle.
template <class Scalar>
void invert_lower(Tile<Scalar> l) {
  const Index size = l.rows();
  if (size <= smallest_triangle) {
    for (Index i = 0; i < size; ++i) {
      const Scalar inverse = 1 / l(i, i);
      for (Index j = 0; j < i; ++j) {
        // Entries left of j still belong to L, those right of it are needed as L until used.
        l(i, j) = -inverse * l.row(i).segment(j, i - j).dot(l.col(j).segment(j, i - j));
      }
      l(i, i) = inverse;
    }
    return;
  }
  const Index half = split_point(size);
  const Index rest = size - half;
  Tile<Scalar> l21 = l.bottomLeftCorner(rest, half);
  solve_on_right<Scalar>(l.topLeftCorner(half, half), l21);
  solve_on_left<Scalar>(l.bottomRightCorner(rest, rest), l21);
  l21 = -l21;
  invert_lower<Scalar>(l.topLeftCorner(half, half));
  invert_lower<Scalar>(l.bottomRightCorner(rest, rest));
}

/// L <- Lᵀ L, lower triangle.
template <class Scalar>
void multiply_by_own_transpose(Tile<Scalar> l) {
  const Index size = l.rows();
  if (size <= smallest_triangle) {
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
  add_square_tn<Scalar>(l11, 1, l21);
  multiply_transposed_on_left<Scalar>(l.bottomRightCorner(rest, rest), l21);
  multiply_by_own_transpose<Scalar>(l.bottomRightCorner(rest, rest));
}

}  // namespace lae::detail

#pragma once

/// \file
/// In-place kernels on one tile, on one thread, for a lower triangle L (what stands above its
/// diagonal is neither read nor written). Each splits its triangle in two, so that nearly all of
/// its work is a plain product, several times faster than Eigen's triangular kernels; triangles of
/// side smallest_triangle are not split further.
/// There is no solving among them: a triangle is inverted once and multiplied by ever after.

#include <algorithm>
#include <cmath>

#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
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
class SmallSquare {
 public:
  explicit SmallSquare(ConstTile<Scalar> l) : size_(l.rows()) {
    for (Index i = 0; i < size_; ++i) {
      std::copy_n(l.row(i), i + 1, values_ + i * size_);
      std::fill_n(values_ + i * size_ + i + 1, size_ - i - 1, Scalar(0));
    }
  }
  [[nodiscard]] ConstTile<Scalar> tile() const { return {values_, size_, size_, size_}; }

 private:
  Index size_;
  Scalar values_[smallest_triangle * smallest_triangle];
};

/// B <- B Lᵀ.
template <class Scalar>
void multiply_on_right_by_transposed(Tile<Scalar> b, ConstTile<Scalar> l) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, plain(b), transposed(SmallSquare<Scalar>(l).tile()));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_right_by_transposed<Scalar>(b.rightCols(rest), l.rest(half));
  add_product<Scalar>(b.rightCols(rest), 1, plain(b.leftCols(half)), transposed(l.below(half)));
  multiply_on_right_by_transposed<Scalar>(b.leftCols(half), l.first(half));
}

/// B <- B L.
template <class Scalar>
void multiply_on_right(Tile<Scalar> b, ConstTile<Scalar> l) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, plain(b), plain(SmallSquare<Scalar>(l).tile()));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_right<Scalar>(b.leftCols(half), l.first(half));
  add_product<Scalar>(b.leftCols(half), 1, plain(b.rightCols(rest)), plain(l.below(half)));
  multiply_on_right<Scalar>(b.rightCols(rest), l.rest(half));
}

/// B <- L B.
template <class Scalar>
void multiply_on_left(ConstTile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, plain(SmallSquare<Scalar>(l).tile()), plain(b));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_left<Scalar>(l.rest(half), b.bottomRows(rest));
  add_product<Scalar>(b.bottomRows(rest), 1, plain(l.below(half)), plain(b.topRows(half)));
  multiply_on_left<Scalar>(l.first(half), b.topRows(half));
}

/// B <- Lᵀ B.
template <class Scalar>
void multiply_on_left_by_transposed(ConstTile<Scalar> l, Tile<Scalar> b) {
  if (l.rows() <= smallest_triangle) {
    set_product<Scalar>(b, transposed(SmallSquare<Scalar>(l).tile()), plain(b));
    return;
  }
  const Index half = split_point(l.rows());
  const Index rest = l.rows() - half;
  multiply_on_left_by_transposed<Scalar>(l.first(half), b.topRows(half));
  add_product<Scalar>(b.topRows(half), 1, transposed(l.below(half)), plain(b.bottomRows(rest)));
  multiply_on_left_by_transposed<Scalar>(l.rest(half), b.bottomRows(rest));
}

/// B <- -B.
template <class Scalar>
void negate(Tile<Scalar> b) {
  for (Index i = 0; i < b.rows(); ++i) set_scaled(b.cols(), Scalar(-1), b.row(i), b.row(i));
}

/// A <- L⁻¹ with A = L Lᵀ, lower triangles.
/// \return the first row whose pivot is not positive, or -1.
template <class Scalar>
Index invert_cholesky_factor(Tile<Scalar> a) {
  const Index size = a.rows();
  if (size <= smallest_factor) {
    for (Index i = 0; i < size; ++i) {
      for (Index j = 0; j < i; ++j) {
        a(i, j) = (a(i, j) - dot(j, a.row(i), a.row(j))) / a(j, j);
      }
      const Scalar pivot = a(i, i) - dot(i, a.row(i), a.row(i));
      if (!(pivot > 0) || !std::isfinite(pivot)) return i;
      a(i, i) = std::sqrt(pivot);
    }
    for (Index i = 0; i < size; ++i) {
      const Scalar inverse = 1 / a(i, i);
      for (Index j = 0; j < i; ++j) {
        // Entries left of j still belong to L, those right of it are needed as L until used.
        Scalar sum = 0;
        for (Index k = j; k < i; ++k) sum += a(i, k) * a(k, j);
        a(i, j) = -inverse * sum;
      }
      a(i, i) = inverse;
    }
    return -1;
  }
  const Index half = split_point(size);
  Tile<Scalar> a11 = a.first(half);
  Tile<Scalar> a21 = a.below(half);
  Tile<Scalar> a22 = a.rest(half);
  if (const Index failed = invert_cholesky_factor<Scalar>(a11); failed >= 0) return failed;
  multiply_on_right_by_transposed<Scalar>(a21, a11);
  add_lower_product<Scalar>(a22, -1, plain(a21), transposed(a21));
  if (const Index failed = invert_cholesky_factor<Scalar>(a22); failed >= 0) return half + failed;
  // The inverse of [L11 0; L21 L22] has -L22⁻¹ L21 L11⁻¹ below the diagonal.
  multiply_on_right<Scalar>(a21, a11);
  multiply_on_left<Scalar>(a22, a21);
  negate(a21);
  return -1;
}

/// L <- Lᵀ L, lower triangle.
template <class Scalar>
void multiply_by_own_transpose(Tile<Scalar> l) {
  const Index size = l.rows();
  if (size <= smallest_factor) {
    for (Index i = 0; i < size; ++i) {
      for (Index j = 0; j <= i; ++j) {
        Scalar sum = 0;
        for (Index k = i; k < size; ++k) sum += l(k, i) * l(k, j);
        l(i, j) = sum;
      }
    }
    return;
  }
  const Index half = split_point(size);
  Tile<Scalar> l11 = l.first(half);
  Tile<Scalar> l21 = l.below(half);
  multiply_by_own_transpose<Scalar>(l11);
  add_lower_product<Scalar>(l11, 1, transposed(l21), plain(l21));
  multiply_on_left_by_transposed<Scalar>(l.rest(half), l21);
  multiply_by_own_transpose<Scalar>(l.rest(half));
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// The dense products that everything is made of. All of them go through these few functions, on
/// views of one type: each product is compiled once for a Scalar, however many places use it.
///
/// They run on the calling thread; whoever calls them cuts the work into tiles (see parallel.hpp).

#include "lae/core/types.hpp"

namespace lae::detail {

/// A view of a part of a row-major matrix; copying it copies no elements.
template <class Scalar>
using Tile = Eigen::Ref<Matrix<Scalar>, 0, Eigen::OuterStride<>>;
template <class Scalar>
using ConstTile = Eigen::Ref<const Matrix<Scalar>, 0, Eigen::OuterStride<>>;

/// Side of the tiles into which products are cut: large enough for Eigen to run at its full rate,
/// small enough to keep every thread busy.
inline constexpr Index product_tile = 256;

/// C += α A B.
template <class Scalar>
void add_product(Tile<Scalar> c, Scalar alpha, ConstTile<Scalar> a, ConstTile<Scalar> b) {
  c.noalias() += alpha * a * b;
}

/// C += α A Bᵀ.
///
/// Wide ones in parts: Eigen copies as much of B as it believes a cache to hold, which may be all of
/// it, on every thread.
template <class Scalar>
void add_product_nt(Tile<Scalar> c, Scalar alpha, ConstTile<Scalar> a, ConstTile<Scalar> b) {
  const Index width = 4 * product_tile;
  for (Index first = 0; first < c.cols(); first += width) {
    const Index columns = c.cols() - first < width ? c.cols() - first : width;
    c.middleCols(first, columns).noalias() += alpha * a * b.middleRows(first, columns).transpose();
  }
}

/// C += α Aᵀ B.
template <class Scalar>
void add_product_tn(Tile<Scalar> c, Scalar alpha, ConstTile<Scalar> a, ConstTile<Scalar> b) {
  c.noalias() += alpha * a.transpose() * b;
}

/// The lower triangle of C += α A Aᵀ.
template <class Scalar>
void add_square_nt(Tile<Scalar> c, Scalar alpha, ConstTile<Scalar> a) {
  c.template triangularView<Eigen::Lower>() += alpha * a * a.transpose();
}

/// The lower triangle of C += α Aᵀ A.
template <class Scalar>
void add_square_tn(Tile<Scalar> c, Scalar alpha, ConstTile<Scalar> a) {
  c.template triangularView<Eigen::Lower>() += alpha * a.transpose() * a;
}

}  // namespace lae::detail

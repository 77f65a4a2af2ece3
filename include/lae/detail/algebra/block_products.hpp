#pragma once

/// \file
/// Products with blocks of a few vectors, the columns of tall row-major matrices, cut into fixed
/// tiles for threads.

#include <algorithm>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/parallel.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// y <- a x, each row on one thread, sums in the order of the columns of a.
template <class Scalar>
void multiply_block(const Csr<Scalar>& a, ConstTile<Scalar> x, Tile<Scalar> y) {
  parallel_tiles(a.rows(), 64, [&](Index first, Index rows) {
    for (Index row = first; row < first + rows; ++row) {
      Scalar* const sum = y.row(row);
      std::fill_n(sum, y.cols(), Scalar(0));
      for (typename Csr<Scalar>::InnerIterator entry(a, row); entry; ++entry) {
        Run<Scalar>(sum, y.cols()) +=
            entry.value() * ConstRun<Scalar>(x.row(entry.col()), y.cols());
      }
    }
  });
}

/// y <- a x.
template <class Scalar>
void multiply_block(const Matrix<Scalar>& a, ConstTile<Scalar> x, Tile<Scalar> y) {
  parallel_tiles(a.rows(), product_tile, [&](Index first, Index rows) {
    const Tile<Scalar> part = y.middleRows(first, rows);
    part.set_zero();
    add_product<Scalar>(part, 1, plain(a.middleRows(first, rows)), plain(x));
  });
}

/// aᵀ x; each part of a's columns is on one thread.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> transposed_product(ConstTile<Scalar> a, ConstTile<Scalar> x) {
  Matrix<Scalar> product = Matrix<Scalar>::Zero(a.cols(), x.cols());
  parallel_tiles(a.cols(), 96, [&](Index first, Index columns) {
    add_product<Scalar>(product.middleRows(first, columns), 1,
                        transposed(a.middleCols(first, columns)), plain(x));
  });
  return product;
}

/// y -= a x.
template <class Scalar>
void subtract_product(ConstTile<Scalar> a, const Matrix<Scalar>& x, Tile<Scalar> y) {
  parallel_tiles(a.rows(), product_tile, [&](Index first, Index rows) {
    add_product<Scalar>(y.middleRows(first, rows), -1, plain(a.middleRows(first, rows)), plain(x));
  });
}

/// The first x.cols() columns of a <- (the first x.rows() columns of a) x, where x has no more
/// columns than rows.
template <class Scalar>
void rotate_columns(const Matrix<Scalar>& x, Tile<Scalar> a) {
  parallel_tiles(a.rows(), product_tile, [&](Index first, Index rows) {
    Matrix<Scalar> rotated = Matrix<Scalar>::Zero(rows, x.cols());
    add_product<Scalar>(rotated, 1, plain(a.block(first, 0, rows, x.rows())), plain(x));
    as_eigen(a.block(first, 0, rows, x.cols())) = rotated;
  });
}

/// xᵀx in double, which tells directions of a block apart that float would not.
template <class Scalar>
[[nodiscard]] Matrix<double> gram_of_block(ConstTile<Scalar> x) {
  constexpr Index chunk = 1024;
  const Index size = x.cols();
  std::vector<Matrix<double>> parts(static_cast<std::size_t>((x.rows() + chunk - 1) / chunk));
  parallel_tiles(x.rows(), chunk, [&](Index first, Index rows) {
    const Matrix<double> values = as_eigen(x.middleRows(first, rows)).template cast<double>();
    Matrix<double>& part = parts[static_cast<std::size_t>(first / chunk)];
    part = Matrix<double>::Zero(size, size);
    add_product<double>(part, 1, transposed(values), plain(values));
  });
  Matrix<double> gram = Matrix<double>::Zero(size, size);
  for (const Matrix<double>& part : parts) gram += part;
  return gram;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

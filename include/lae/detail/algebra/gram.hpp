#pragma once

/// \file
/// Gram matrices of the columns of a sparse matrix, and of a dense one.

#include <algorithm>
#include <cmath>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// gram += weight * XᵀX, see below; or, with `is_new`, gram <- weight * XᵀX, which clears each row
/// when it is its turn, in the cache.
/// \param stage advances by one for each column
template <class Scalar>
void add_gram_of_columns(const Csr<Scalar>& x, Scalar weight, Tile<Scalar> gram, bool is_new,
                         Stage& stage) {
  const Index n = x.cols();
  const Index* row_start = x.outerIndexPtr();
  const Index* column = x.innerIndexPtr();
  const Scalar* value = x.valuePtr();

  // For every column: where its entries stand in x, and where their rows begin, in row order.
  struct Place {
    Index row_start;
    Index entry;
  };
  std::vector<Index> column_start(static_cast<std::size_t>(n) + 1, 0);
  for (Index entry = 0; entry < x.nonZeros(); ++entry) {
    ++column_start[static_cast<std::size_t>(column[entry]) + 1];
  }
  for (std::size_t j = 1; j < column_start.size(); ++j) column_start[j] += column_start[j - 1];
  std::vector<Place> places(static_cast<std::size_t>(x.nonZeros()));
  std::vector<Index> next(column_start);
  for (Index row = 0; row < x.rows(); ++row) {
    for (Index entry = row_start[row]; entry < row_start[row + 1]; ++entry) {
      const Index place = next[static_cast<std::size_t>(column[entry])]++;
      places[static_cast<std::size_t>(place)] = {row_start[row], entry};
    }
  }

  parallel_tiles(n, 16, [&](Index first, Index items) {
    for (Index i = first; i < first + items; ++i) {
      Scalar* const gram_row = gram.row(i);
      if (is_new) std::fill_n(gram_row, i + 1, Scalar(0));
      const auto begin = column_start[static_cast<std::size_t>(i)];
      const auto end = column_start[static_cast<std::size_t>(i) + 1];
      for (Index p = begin; p < end; ++p) {
        const Place place = places[static_cast<std::size_t>(p)];
        const Scalar scale = weight * value[place.entry];
        // Rows are sorted, so what stands before item i in a row is the part left of the diagonal.
        for (Index entry = place.row_start; entry <= place.entry; ++entry) {
          gram_row[column[entry]] += scale * value[entry];
        }
      }
    }
    stage.advance(static_cast<double>(items));
  });
}

/// gram <- FᵀF, lower triangle only.
template <class Scalar>
void set_gram_of_columns(Tile<Scalar> gram, ConstTile<Scalar> f, const Progress& progress) {
  const auto d = static_cast<double>(f.cols());
  Stage stage(progress, "gram of features", d * d);
  parallel_lower_tiles(f.cols(), product_tile / 2,
                       [&](Index i, Index rows, Index j, Index columns) {
                         const Tile<Scalar> part = gram.block(i, j, rows, columns);
                         part.set_zero();
                         add_product<Scalar>(part, 1, transposed(f.middleCols(i, rows)),
                                             plain(f.middleCols(j, columns)));
                         stage.advance((i == j ? 1 : 2) * static_cast<double>(rows * columns));
                       });
  stage.finish();
}

/// A ridge as one value for each item, checked.
template <class Scalar>
Vector<Scalar> ridge_of_items(Scalar ridge, Index items) {
  require(std::isfinite(ridge) && ridge > 0, "the ridge must be positive, got ", ridge);
  return Vector<Scalar>::Constant(items, ridge);
}
template <class Scalar>
Vector<Scalar> ridge_of_items(const Vector<Scalar>& ridge, Index items) {
  require(ridge.size() == items, "the ridge has ", ridge.size(),
          " values, but the Gram matrix has ", items, " items");
  for (Index item = 0; item < ridge.size(); ++item) {
    require(std::isfinite(ridge[item]) && ridge[item] >= 0, "the ridge of item ", item,
            " must not be negative, got ", ridge[item]);
  }
  return ridge;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

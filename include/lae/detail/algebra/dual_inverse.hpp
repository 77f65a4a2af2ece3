#pragma once

/// \file
/// The dual form of the regularised inverse (see algebra/regularized_inverse.hpp).

#include <algorithm>
#include <vector>

#include "lae/algebra/spd_inverse.hpp"
#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/gram.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The sparse products of the dual form compute as many results at once, so that an index is looked
/// up once for all of them.
inline constexpr Index dual_lanes = 8;

/// T <- Y_Iᵀ M for the items I = [first, first + |I|).
/// \param y rows x items, \param y_items its transpose
/// \param m symmetric, rows x rows, given by its lower triangle
/// \param t |I| x rows
template <class Scalar>
void multiply_sparse_symmetric(const Csr<Scalar>& y, const Csr<Scalar>& y_items, Index first,
                               ConstTile<Scalar> m, Tile<Scalar> t) {
  // M(row, other), left of the diagonal or on it, is added for the items of `row` ...
  t.set_zero();
  for (Index row = 0; row < m.rows(); ++row) {
    const Index* const items = y.innerIndexPtr();
    const Index* const end = items + y.outerIndexPtr()[row + 1];
    const Index* item = std::lower_bound(items + y.outerIndexPtr()[row], end, first);
    for (; item != end && *item < first + t.rows(); ++item) {
      add_scaled(row + 1, y.valuePtr()[item - items], m.row(row), t.row(*item - first));
    }
  }
  // ... and, left of it, for the items of `other`, since it is M(other, row) too.
  std::vector<Index> known(y_items.outerIndexPtr() + first,
                           y_items.outerIndexPtr() + first + t.rows());
  for (Index row = 0; row < m.rows(); row += dual_lanes) {
    const Index lanes = (std::min)(dual_lanes, m.rows() - row);
    const Scalar* m_rows[dual_lanes];
    for (Index lane = 0; lane < dual_lanes; ++lane) {
      m_rows[lane] = m.row(row + (std::min)(lane, lanes - 1));
    }
    for (Index i = 0; i < t.rows(); ++i) {
      Scalar sum[dual_lanes] = {};
      Index& end_of_known = known[static_cast<std::size_t>(i)];  // entries of rows before these
      Index entry = y_items.outerIndexPtr()[first + i];
      for (; entry < end_of_known; ++entry) {
        const Scalar value = y_items.valuePtr()[entry];
        const Index other = y_items.innerIndexPtr()[entry];
        for (Index lane = 0; lane < dual_lanes; ++lane) sum[lane] += value * m_rows[lane][other];
      }
      for (; entry < y_items.outerIndexPtr()[first + i + 1]; ++entry) {
        const Index other = y_items.innerIndexPtr()[entry];
        if (other >= row + lanes) break;
        for (Index lane = other - row + 1; lane < lanes; ++lane) {
          sum[lane] += y_items.valuePtr()[entry] * m_rows[lane][other];
        }
      }
      end_of_known = entry;
      for (Index lane = 0; lane < lanes; ++lane) t(i, row + lane) += sum[lane];
    }
  }
}

/// Calls take(i, j, (T Y)_ij) for the items i = first + row of T and all items j >= i.
template <class Scalar, class Take>
void for_upper_products(ConstTile<Scalar> t, const Csr<Scalar>& y_items, Index first, Take&& take) {
  using Lanes = Eigen::Array<Scalar, 1, dual_lanes>;
  Matrix<Scalar> lanes_of_t(t.cols(), dual_lanes);
  for (Index start = 0; start < t.rows(); start += dual_lanes) {
    const Index lanes = (std::min)(dual_lanes, t.rows() - start);
    const Tile<Scalar> lanes_first = lanes_of_t;
    copy_transposed<Scalar>(t.middleRows(start, lanes), lanes_first.leftCols(lanes));
    for (Index lane = lanes; lane < dual_lanes; ++lane) {
      for (Index row = 0; row < t.cols(); ++row) lanes_first(row, lane) = 0;
    }
    for (Index j = first + start; j < y_items.rows(); ++j) {
      Lanes sum = Lanes::Zero();
      const Index end = y_items.outerIndexPtr()[j + 1];
      for (Index entry = y_items.outerIndexPtr()[j]; entry < end; ++entry) {
        const Scalar* const row = lanes_first.row(y_items.innerIndexPtr()[entry]);
        sum += y_items.valuePtr()[entry] * Eigen::Map<const Lanes>(row);
      }
      const Index upper = (std::min)(lanes, j - (first + start) + 1);
      for (Index lane = 0; lane < upper; ++lane) take(first + start + lane, j, sum[lane]);
    }
  }
}

/// \param ridge positive
template <class Scalar>
Matrix<Scalar> dual_inverse(const Csr<Scalar>& x, const Vector<Scalar>& ridge,
                            const Progress& progress) {
  const Index n = x.cols();
  const Index m = x.rows();
  // With Y = X sqrt(R): P = sqrt(R) (I - Yᵀ M⁻¹ Y) sqrt(R), M = I + Y Yᵀ.
  const Vector<Scalar> root = ridge.cwiseSqrt().cwiseInverse();
  Csr<Scalar> y = x;
  for (Index entry = 0; entry < y.nonZeros(); ++entry) {
    y.valuePtr()[entry] *= root[y.innerIndexPtr()[entry]];
  }
  const Csr<Scalar> y_items = y.transpose();

  // M and its inverse live in the lower triangle of P's storage, while P grows in the upper one.
  Matrix<Scalar> p = large_matrix<Scalar>(n, n);
  Vector<Scalar> p_diagonal(n);
  const Tile<Scalar> inverse = Tile<Scalar>(p).first(m);
  {
    Stage stage(progress, "gram", static_cast<double>(m));
    add_gram_of_columns<Scalar>(y_items, 1, inverse, true, stage);
    stage.finish();
  }
  for (Index i = 0; i < m; ++i) inverse(i, i) += 1;
  SpdTiles<Scalar>(inverse, {Pivot::user, "the matrix of the dual form, I + X diag(1/Λ) Xᵀ,",
                             "row (user or tag)", "raise the ridge or take the primal form"})
      .invert(progress);

  Stage stage(progress, "expand", static_cast<double>(n));
  parallel_tiles(n, dual_panel(n), [&](Index first, Index items) {
    Matrix<Scalar> t(items, m);
    multiply_sparse_symmetric<Scalar>(y, y_items, first, inverse, t);
    for_upper_products<Scalar>(t, y_items, first, [&](Index i, Index j, Scalar product) {
      if (i == j) {
        p_diagonal[i] = root[i] * root[i] * (1 - product);
      } else {
        p(i, j) = -root[i] * root[j] * product;
      }
    });
    stage.advance(static_cast<double>(items));
  });
  stage.finish();

  Index item = 0;
  if (!(p_diagonal.minCoeff(&item) > 0)) {
    throw NotPositiveDefinite(
        Pivot::item, item,
        concat("the dual form lost the diagonal of item ", item, " (of ", n,
               ") in rounding; raise the ridge, compute in double or take the primal form"));
  }
  mirror_upper_triangle(p);
  for (Index i = 0; i < n; ++i) p(i, i) = p_diagonal[i];
  return p;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Products of a sparse matrix with a few vectors at once, side by side in one panel: each entry of
/// the matrix meets a whole row of the panel, which is one or two cache lines. A panel is multiplied
/// on one thread; others take other panels.

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Vectors of a panel: so many that their row fills the registers of a sum, so few that panels as
/// long as users stay in a core's cache.
template <class Scalar>
inline constexpr int panel_width = static_cast<int>(128 / sizeof(Scalar));

/// Vectors as columns.
template <class Scalar>
using Panel = Eigen::Matrix<Scalar, Eigen::Dynamic, panel_width<Scalar>, Eigen::RowMajor>;

/// store(row, sum) for each row of a x. \param a compressed
template <class Scalar, class Store>
void multiply_panel(const Csr<Scalar>& a, const Panel<Scalar>& x, Store&& store) {
  using Sums = Eigen::Array<Scalar, 1, panel_width<Scalar>>;
  const Index* const columns = a.innerIndexPtr();
  const Scalar* const values = a.valuePtr();
  Index entry = 0;
  for (Index row = 0; row < a.rows(); ++row) {
    Sums sum = Sums::Zero();
    for (const Index end = a.outerIndexPtr()[row + 1]; entry < end; ++entry) {
      sum += values[entry] * Eigen::Map<const Sums>(x.data() + columns[entry] * x.cols());
    }
    store(row, sum);
  }
}

/// y <- a x. \param y of the right size
template <class Scalar>
void multiply_panel(const Csr<Scalar>& a, const Panel<Scalar>& x, Panel<Scalar>& y) {
  multiply_panel(a, x, [&](Index row, const auto& sum) { y.row(row) = sum.matrix(); });
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

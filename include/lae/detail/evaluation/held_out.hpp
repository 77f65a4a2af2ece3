#pragma once

/// \file
/// What evaluation and searches measure on, and the means they report.

#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Histories to rank for, and the items that were held out of them: canonical matrices, the
/// caller's where those can be used as they are.
template <class Scalar>
struct HeldOut {
  Borrowed<Csr<Scalar>> histories;  ///< users x items
  Borrowed<Csr<Scalar>> items;      ///< users x items
  std::vector<Index> users{};       ///< rows with a held-out item, rising
};

/// Both are canonical and of the same size.
template <class Scalar>
[[nodiscard]] HeldOut<Scalar> held_out_of(Borrowed<Csr<Scalar>> histories,
                                          Borrowed<Csr<Scalar>> items) {
  HeldOut<Scalar> held_out{std::move(histories), std::move(items)};
  const Index* row_start = held_out.items->outerIndexPtr();
  for (Index user = 0; user < held_out.items->rows(); ++user) {
    if (row_start[user + 1] > row_start[user]) held_out.users.push_back(user);
  }
  return held_out;
}

/// \throws std::invalid_argument if sizes differ, or a value is not finite.
template <class Scalar, class Train, class Test>
[[nodiscard]] HeldOut<Scalar> held_out_of(const Eigen::SparseMatrixBase<Train>& train,
                                          const Eigen::SparseMatrixBase<Test>& test) {
  require(train.rows() == test.rows() && train.cols() == test.cols(), "train is ", train.rows(),
          " x ", train.cols(), ", but test is ", test.rows(), " x ", test.cols());
  return held_out_of(borrow_sparse<Scalar>(train, "train"), borrow_sparse<Scalar>(test, "test"));
}

/// \throws std::invalid_argument if there is none, or one is not positive.
inline void require_cutoffs(const std::vector<Index>& cutoffs) {
  require(!cutoffs.empty(), "cutoffs is empty");
  for (const Index cutoff : cutoffs) {
    require(cutoff > 0, "a cutoff must be positive, got ", cutoff);
  }
}

/// Means over users are sums of the sums of so many users each, in order, so that they have the
/// same bits whether the users' values are kept or added up as they come, a tile by one thread.
inline constexpr Index mean_tile_users = 256;

/// The mean of `users` values, of whose tiles these are the sums.
[[nodiscard]] inline double mean_of_tiles(const Matrix<double>& tile_sums, Index column,
                                          Index users) {
  double sum = 0;
  for (Index tile = 0; tile < tile_sums.rows(); ++tile) sum += tile_sums(tile, column);
  return sum / static_cast<double>(users);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

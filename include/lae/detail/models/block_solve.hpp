#pragma once

/// \file
/// The columns of a block fit: each item's ridge regression on its neighbours.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/pool.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/neighbours.hpp"
#include "lae/detail/models/ranked_rows.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A symmetric positive definite matrix of a few hundred rows, given by its upper triangle, and its
/// factor A = RᵀR in the same place. It is small enough for the second-level cache, so rows are
/// read where they are: nothing is packed, and each strip of rows is written once (left-looking).
template <class Scalar>
class SmallCholesky {
  using Packet = typename Eigen::internal::packet_traits<Scalar>::type;
  static constexpr Index lanes = Eigen::internal::unpacket_traits<Packet>::size;
  static constexpr Index height = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 4;
  static constexpr Index widest = 3;  // packets

 public:
  /// All entries zero, but for the diagonal of rows that only fill up a strip.
  void reset(Index size) {
    const Index strips = (size + height - 1) / height;
    shift_ = strips * height - size;
    size_ = strips * height;
    // Strips begin at multiples of their height, and read whole packets from there.
    stride_ = (size_ + lanes - 1) / lanes * lanes + lanes;
    values_.assign(static_cast<std::size_t>(size_ * stride_), Scalar(0));
    for (Index i = 0; i < shift_; ++i) row_at(i)[i] = 1;
  }

  /// Entry (i, j) at [j], for j >= i.
  Scalar* row(Index i) { return row_at(i + shift_) + shift_; }

  /// \return the first row whose pivot is not positive, or -1
  Index factor() {
    for (Index first = 0; first < size_; first += height) {
      for (Index j = first; j < size_;) {
        const Index left = (size_ - j + lanes - 1) / lanes;
        if (left >= 3) {
          update<3>(first, j);
          j += 3 * lanes;
        } else if (left == 2) {
          update<2>(first, j);
          j += 2 * lanes;
        } else {
          update<1>(first, j);
          j += lanes;
        }
      }
      for (Index i = first; i < first + height; ++i) {
        Scalar* const pivot_row = row_at(i);
        for (Index p = first; p < i; ++p) {
          add_scaled(size_ - i, -row_at(p)[i], row_at(p) + i, pivot_row + i);
        }
        const Scalar pivot = pivot_row[i];
        if (!(pivot > 0) || !std::isfinite(pivot)) return i - shift_;
        set_scaled(size_ - i, 1 / std::sqrt(pivot), pivot_row + i, pivot_row + i);
      }
    }
    return -1;
  }

  /// x <- R⁻¹ x for the leading part of R with as many rows.
  void solve_upper(Index size, Scalar* x) {
    for (Index i = size - 1; i >= 0; --i) {
      const Scalar* const r = row(i);
      x[i] = (x[i] - dot(size - 1 - i, r + i + 1, x + i + 1)) / r[i];
    }
  }

 private:
  Scalar* row_at(Index i) { return values_.data() + i * stride_; }

  /// Rows [first, first + height), columns from j: minus what the rows above say.
  template <int packets>
  EIGEN_DONT_INLINE void update(Index first, Index j) {
    using namespace Eigen::internal;
    Packet sum[height][packets];
    for (Index i = 0; i < height; ++i) {
      for (int p = 0; p < packets; ++p) {
        sum[i][p] = ploadu<Packet>(row_at(first + i) + j + p * lanes);
      }
    }
    const Scalar* left = values_.data() + first;
    const Scalar* right = values_.data() + j;
    for (Index k = 0; k < first; ++k, left += stride_, right += stride_) {
      Packet b[packets];
      for (int p = 0; p < packets; ++p) b[p] = ploadu<Packet>(right + p * lanes);
      for (Index i = 0; i < height; ++i) {
        const Packet a = pset1<Packet>(-left[i]);
        for (int p = 0; p < packets; ++p) sum[i][p] = pmadd(a, b[p], sum[i][p]);
      }
    }
    for (Index i = 0; i < height; ++i) {
      for (int p = 0; p < packets; ++p) pstoreu(row_at(first + i) + j + p * lanes, sum[i][p]);
    }
  }

  Index size_ = 0;
  Index shift_ = 0;
  Index stride_ = 0;
  std::vector<Scalar> values_;
};

/// Items of one block: few enough for 16 bits, so that the table below stays in a cache.
inline constexpr Index most_neighbours = 65535;

/// What the regression of an item is set up with.
template <class Scalar>
struct BlockWorkspace {
  explicit BlockWorkspace(Index items) : row_in_block(static_cast<std::size_t>(items), 0) {}

  /// The row of each item of the block, and 0 for all others: column 0 is below the diagonal and
  /// takes what nobody reads, which is cheaper than a branch that no processor foresees.
  std::vector<std::uint16_t> row_in_block;
  SmallCholesky<Scalar> block;
  std::vector<Scalar> solution;
};

/// Regressions on neighbours: with A = G + diag(Λ), E(N_j, j) = A_NN⁻¹ G_Nj and
/// P_jj ≈ 1 / (A_jj - G_jN E(N_j, j)). That is one factorisation for an item, of A_NN with j itself
/// as its last row: the last pivot is 1 / P_jj.
template <class Scalar>
class BlockSolver {
 public:
  /// \param ridge_name for messages
  BlockSolver(const RankedRows<Scalar>& x, const TiledLines<Scalar>& pairs,
              const Vector<Scalar>& diagonal, const char* ridge_name)
      : x_(x), pairs_(pairs), diagonal_(diagonal), ridge_name_(ridge_name) {}

  /// \param lines N_j and G_Nj of each item, which become E(N_j, j)
  /// \return diag(P), by rank. \throws NotPositiveDefinite, Cancelled
  /// Cost: k³ / 3 flops and k² / 2 look-ups for an item with k neighbours.
  Vector<Scalar> solve(TiledLines<Scalar>& lines, const Progress& progress) const {
    const Index n = x_.items();
    Vector<Scalar> p_diagonal(n);
    Pool<BlockWorkspace<Scalar>> workspaces(n);
    Stage stage(progress, "blocks", static_cast<double>(n));
    parallel_tiles(n, TiledLines<Scalar>::tile / 4, [&](Index first, Index items) {
      workspaces.with([&](BlockWorkspace<Scalar>& workspace) {
        for (Index j = first; j < first + items; ++j) {
          p_diagonal[j] = solve_item(j, lines.at(j), lines.size(j), lines.value(j), workspace);
        }
      });
      stage.advance(static_cast<double>(items));
    });
    stage.finish();
    return p_diagonal;
  }

 private:
  /// \param g G_Nj, becomes E(N_j, j)
  Scalar solve_item(Index j, const Place* at, Index k, Scalar* g,
                    BlockWorkspace<Scalar>& workspace) const {
    auto& block = workspace.block;
    block.reset(k + 1);
    for (Index i = 0; i < k; ++i) workspace.row_in_block[at[i]] = static_cast<std::uint16_t>(i);
    for (Index i = 0; i < k; ++i) {
      Scalar* const row = block.row(i);
      if (pairs_.empty()) {
        add_products_of(at[i], workspace.row_in_block.data(), row);
      } else {
        copy_pairs(at[i], workspace.row_in_block.data(), row);
      }
      row[i] = diagonal_[at[i]];
      row[k] = g[i];
    }
    block.row(k)[k] = diagonal_[j];
    for (Index i = 0; i < k; ++i) workspace.row_in_block[at[i]] = 0;
    if (const Index failed = block.factor(); failed >= 0) {
      const Place item = x_.item_at[static_cast<std::size_t>(failed < k ? at[failed] : j)];
      throw NotPositiveDefinite(
          Pivot::item, static_cast<Index>(item),
          concat("the Gram matrix of the neighbours of item ",
                 x_.item_at[static_cast<std::size_t>(j)], " is numerically singular at item ", item,
                 " (of ", x_.items(), "); raise the ridge (", ridge_name_,
                 ") or compute in double"));
    }
    for (Index i = 0; i < k; ++i) g[i] = block.row(i)[k];
    block.solve_upper(k, g);
    const Scalar root = block.row(k)[k];
    return 1 / (root * root);
  }

  /// Pairs of an item with more popular ones, which stand in later rows of the block.
  void copy_pairs(Place item, const std::uint16_t* row_in_block, Scalar* row) const {
    const Index size = pairs_.size(item);
    const Place* const at = pairs_.at(item);
    const Scalar* const value = pairs_.value(item);
    for (Index p = 0; p < size; ++p) row[row_in_block[at[p]]] = value[p];
  }

  /// The same from X; sums over users in their order, as where pairs are kept.
  void add_products_of(Place item, const std::uint16_t* row_in_block, Scalar* row) const {
    for (Index entry = x_.columns.begin(item); entry < x_.columns.end(item); ++entry) {
      const Scalar scale = x_.columns.value[static_cast<std::size_t>(entry)];
      const auto user = static_cast<Index>(x_.columns.at[static_cast<std::size_t>(entry)]);
      for (auto k = static_cast<std::size_t>(x_.rows.begin(user)); x_.rows.at[k] < item; ++k) {
        row[row_in_block[x_.rows.at[k]]] += scale * x_.rows.value[k];
      }
    }
  }

  const RankedRows<Scalar>& x_;
  const TiledLines<Scalar>& pairs_;
  const Vector<Scalar>& diagonal_;
  const char* ridge_name_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

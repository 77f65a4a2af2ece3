#pragma once

/// \file
/// Orthonormal vectors that more are added to, a block at a time.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lae/core/random.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/block_products.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/large_matrix.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Orthonormal columns. A block is added by taking the others off it and making it orthonormal by
/// the Cholesky factor of its Gram matrix, again and again while that lets rounding errors grow: a
/// Gram matrix tells directions apart down to the root of the rounding error, so nearly dependent
/// blocks take a pass or two more than others. (Stathopoulos, Wu, A block orthogonalization
/// procedure with constant synchronization requirements, SISC 2002.)
template <class Scalar>
class OrthonormalBasis {
 public:
  /// The largest block: a block is multiplied in place.
  static constexpr Index largest_block = smallest_triangle;

  OrthonormalBasis(Index dimension, Index capacity)
      : columns_(large_matrix<Scalar>(dimension, capacity)) {}

  [[nodiscard]] Index dimension() const { return columns_.rows(); }
  [[nodiscard]] Index size() const { return size_; }
  [[nodiscard]] ConstTile<Scalar> columns(Index first, Index count) const {
    return ConstTile<Scalar>(columns_).middleCols(first, count);
  }

  /// Adds as many vectors as `y` has columns, or as there is room for in the space, so that all of
  /// `y` is spanned. What `y` does not determine is random.
  /// \return the coefficients of y: size() (after) x y.cols().
  Matrix<Scalar> add(ConstTile<Scalar> y, Random& random) {
    const Index width = (std::min)(y.cols(), dimension() - size_);
    Matrix<Scalar> coefficients(size_ + width, y.cols());
    coefficients.topRows(size_) = transposed_product<Scalar>(columns(0, size_), y);
    if (width == 0) return coefficients;
    Tile<Scalar> block = Tile<Scalar>(columns_).middleCols(size_, width);
    if (width == y.cols()) {
      as_eigen(block) = as_eigen(y);
      subtract_product<Scalar>(columns(0, size_), coefficients.topRows(size_), block);
      orthonormalize(block, coefficients.topRows(size_).colwise().squaredNorm(), random);
    } else {
      // These complete the space, whatever they are.
      randomize(block, random);
    }
    coefficients.bottomRows(width) = transposed_product<Scalar>(block, y);
    size_ += width;
    return coefficients;
  }

  /// Drops all vectors.
  void clear() { size_ = 0; }

  /// Adds random vectors.
  void add_random(Index count, Random& random) {
    const Index width = (std::min)(count, dimension() - size_);
    randomize(columns_.middleCols(size_, width), random);
    size_ += width;
  }

  /// Keeps the combinations x of the first x.rows() vectors, and the last `tail` vectors behind
  /// them. \param x orthonormal columns.
  void rotate(const Matrix<Scalar>& x, Index tail) {
    const Index old_size = size_;
    rotate_columns<Scalar>(x, columns_);
    if (old_size - tail != x.cols()) {
      for (Index row = 0; row < dimension(); ++row) {
        Scalar* const values = columns_.row(row).data();
        std::copy_n(values + old_size - tail, tail, values + x.cols());
      }
    }
    size_ = x.cols() + tail;
  }

 private:
  using RowVector = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

  static void randomize_column(Tile<Scalar>& block, Index column, Random& random) {
    for (Index row = 0; row < block.rows(); ++row) {
      block(row, column) = static_cast<Scalar>(2 * random.uniform() - 1);
    }
  }

  /// Fills a block with random vectors, orthonormal to the others.
  void randomize(Tile<Scalar> block, Random& random) {
    for (Index column = 0; column < block.cols(); ++column) randomize_column(block, column, random);
    const Matrix<Scalar> overlap = project(block);
    orthonormalize(block, overlap.colwise().squaredNorm(), random);
  }

  /// Takes the other vectors off a block. \return how much of each there was.
  Matrix<Scalar> project(Tile<Scalar>& block) {
    Matrix<Scalar> overlap = transposed_product<Scalar>(columns(0, size_), block);
    subtract_product<Scalar>(columns(0, size_), overlap, block);
    return overlap;
  }

  /// Makes a block that was projected off the others orthonormal, too.
  /// \param taken for each column, the square of the length that was taken off by that. What the
  /// others are short of being orthogonal, a share of it, stays in the block, and grows as that is
  /// made longer.
  void orthonormalize(Tile<Scalar> block, RowVector taken, Random& random) {
    constexpr int most_passes = 12;
    constexpr double nearly = 0.05;
    // Not more, or errors would grow from block to block.
    constexpr double most_growth = 1.5;
    for (int pass = 0; pass < most_passes; ++pass) {
      const Matrix<double> gram = gram_of_block<Scalar>(block);
      const bool was_orthonormal =
          (gram - Matrix<double>::Identity(gram.rows(), gram.cols())).cwiseAbs().maxCoeff() <
          nearly;
      // Squares of lengths up to this are nothing beside the others.
      constexpr double share = 1e-3 * std::numeric_limits<Scalar>::epsilon();
      const double nothing = (std::max)(
          share * share * (gram.diagonal().transpose() + taken.template cast<double>()).maxCoeff(),
          double((std::numeric_limits<Scalar>::min)()));
      std::vector<Index> lost;
      double smallest_pivot = 1;
      const Matrix<Scalar> factor =
          inverse_factor(gram, nothing, smallest_pivot, lost).template cast<Scalar>();
      parallel_tiles(block.rows(), product_tile, [&](Index first, Index rows) {
        Tile<Scalar> part = block.middleRows(first, rows);
        set_product<Scalar>(part, plain(part), plain(factor));
      });
      double growth = 0;  // of the square of what stays
      for (Index column = 0; column < block.cols(); ++column) {
        const double left = gram(column, column);
        growth = (std::max)(growth, (left + double(taken[column])) / (left * smallest_pivot));
        // What is left after passes of this kind is rounding error, or nothing at all.
        const bool is_lost = std::find(lost.begin(), lost.end(), column) != lost.end();
        if (is_lost && (pass >= 2 || left <= nothing)) randomize_column(block, column, random);
      }
      const bool is_clean = growth <= most_growth;
      if (was_orthonormal && is_clean && lost.empty()) return;
      taken.setZero();
      if (!is_clean || !lost.empty()) taken = project(block).colwise().squaredNorm();
    }
  }

  /// An upper triangle R⁻¹ with RᵀR = gram. Pivots that are lost in rounding are set to where it
  /// begins, and named.
  static Matrix<double> inverse_factor(const Matrix<double>& gram, double nothing,
                                       double& smallest_pivot, std::vector<Index>& lost) {
    const Index size = gram.rows();
    constexpr double smallest = 64 * std::numeric_limits<double>::epsilon();
    Vector<double> scale = gram.diagonal();
    for (Index i = 0; i < size; ++i) scale[i] = scale[i] > nothing ? 1 / std::sqrt(scale[i]) : 0;
    Matrix<double> r = Matrix<double>::Zero(size, size);
    for (Index i = 0; i < size; ++i) {
      double pivot = gram(i, i) * scale[i] * scale[i] - r.col(i).head(i).squaredNorm();
      const bool is_lost = !(pivot > smallest);
      if (is_lost) {
        pivot = smallest;
        lost.push_back(i);
      }
      smallest_pivot = (std::min)(smallest_pivot, pivot);
      r(i, i) = std::sqrt(pivot);
      if (is_lost) continue;  // It is noise: the next pass takes it off the others.
      for (Index j = i + 1; j < size; ++j) {
        r(i, j) =
            (gram(i, j) * scale[i] * scale[j] - r.col(i).head(i).dot(r.col(j).head(i))) / r(i, i);
      }
    }
    Matrix<double> inverse = Matrix<double>::Zero(size, size);
    for (Index j = 0; j < size; ++j) {
      inverse(j, j) = 1 / r(j, j);
      for (Index i = j - 1; i >= 0; --i) {
        inverse(i, j) =
            -r.row(i).segment(i + 1, j - i).dot(inverse.col(j).segment(i + 1, j - i)) / r(i, i);
      }
    }
    return scale.asDiagonal() * inverse;
  }

  Matrix<Scalar> columns_;
  Index size_ = 0;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

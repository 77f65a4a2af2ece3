#pragma once

/// \file
/// Block Golub–Kahan–Lanczos bidiagonalisation with full reorthogonalisation and thick restarts.

#include <Eigen/SVD>
#include <algorithm>
#include <cstdint>
#include <limits>

#include "lae/core/random.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/block_products.hpp"
#include "lae/detail/algebra/orthonormal_basis.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A matrix and its transpose, as what multiplies blocks.
template <class Scalar>
struct SparseFactor {
  const Csr<Scalar>& matrix;
  const Csr<Scalar>& transpose;

  [[nodiscard]] Index rows() const { return matrix.rows(); }
  [[nodiscard]] Index cols() const { return matrix.cols(); }
  void multiply(ConstTile<Scalar> x, Tile<Scalar> y) const { multiply_block(matrix, x, y); }
  void multiply_transposed(ConstTile<Scalar> x, Tile<Scalar> y) const {
    multiply_block(transpose, x, y);
  }
};
template <class Scalar>
struct DenseFactor {
  const Matrix<Scalar>& matrix;

  explicit DenseFactor(const Matrix<Scalar>& of) : matrix(of) {}
  [[nodiscard]] Index rows() const { return matrix.rows(); }
  [[nodiscard]] Index cols() const { return matrix.cols(); }
  void multiply(ConstTile<Scalar> x, Tile<Scalar> y) const { multiply_block(matrix, x, y); }
  void multiply_transposed(ConstTile<Scalar> x, Tile<Scalar> y) const {
    as_eigen(y) = transposed_product<Scalar>(matrix, x);
  }
};

/// Vectors that are multiplied at once: enough for products to pay, few enough for many steps.
inline constexpr Index largest_svd_block = 24;

/// How large the subspaces of a decomposition are.
struct SvdPlan {
  Index rank;      ///< singular triplets that are asked for
  Index block;     ///< vectors that are multiplied at once
  Index kept;      ///< triplets that a restart keeps
  Index capacity;  ///< vectors when the next restart comes

  SvdPlan(Index rank_, Index rows, Index columns) : rank(rank_) {
    const Index smaller = (std::min)(rows, columns);
    block = (std::min)(largest_svd_block, smaller);
    kept = (std::min)(rank + (std::max)(block, rank / 8), smaller);
    capacity = (std::min)(rank + rank * 5 / 8 + 4 * block, smaller);
  }
};

/// Two orthonormal bases U and V with A V = U B. The last block of V, with that of U, is what is
/// added in a step; a Rayleigh–Ritz step turns both so that B becomes diagonal.
template <class Scalar, class Factor>
class GolubKahan {
 public:
  GolubKahan(const Factor& a, const SvdPlan& plan, std::uint64_t seed)
      : a_(a),
        plan_(plan),
        random_(seed),
        u_(a.rows(), plan.capacity + plan.block),
        v_(a.cols(), plan.capacity + 2 * plan.block),
        b_(Matrix<double>::Zero(plan.capacity + plan.block, plan.capacity + 2 * plan.block)) {
    v_.add_random(plan.block, random_);
  }

  /// Adds blocks until V has `size` vectors, or A maps V into U and Aᵀ maps U into V.
  /// \return the number of steps
  template <class AfterStep>
  Index extend(Index size, AfterStep&& after_step) {
    for (Index steps = 1;; ++steps) {
      const Index width = v_.size() - multiplied_;
      Matrix<Scalar> image = large_matrix<Scalar>(a_.rows(), width);
      a_.multiply(v_.columns(multiplied_, width), image);
      const Index u_before = u_.size();
      const Matrix<Scalar> of_u = u_.add(image, random_);
      b_.block(0, multiplied_, of_u.rows(), width) = of_u.template cast<double>();
      multiplied_ = v_.size();
      last_block_ = u_.size() - u_before;
      is_complete_ = last_block_ == 0 || v_.size() == v_.dimension();
      if (!is_complete_) {
        image = large_matrix<Scalar>(a_.cols(), last_block_);
        a_.multiply_transposed(u_.columns(u_before, last_block_), image);
        const Matrix<Scalar> of_v = v_.add(image, random_);
        outside_ = of_v.bottomRows(v_.size() - multiplied_).template cast<double>();
      }
      after_step();
      if (is_complete_ || v_.size() > size) return steps;
    }
  }

  /// The singular values of B and its vectors; how far each triplet is from one of A.
  void decompose() {
    // Inside a region, where Eigen's products do not go parallel: their bits depend on threads.
    parallel_for(2, [&](Index which) {
      if (which != 0) return;
      Eigen::MatrixXd b = b_.topLeftCorner(u_.size(), multiplied_);
      // BDCSVD cannot cope with entries that are hundreds of orders of magnitude apart.
      const double nothing =
          1e-3 * std::numeric_limits<double>::epsilon() * b.cwiseAbs().maxCoeff();
      b = (b.array().abs() > nothing).select(b, 0.0);
      const Eigen::BDCSVD<Eigen::MatrixXd> svd(b, Eigen::ComputeThinU | Eigen::ComputeThinV);
      values_ = svd.singularValues();
      left_ = svd.matrixU();
      right_ = svd.matrixV();
    });
    residuals_ = Vector<double>::Zero(values_.size());
    if (!is_complete_) {
      residuals_ = (outside_ * left_.bottomRows(last_block_)).colwise().norm().transpose();
    }
  }

  [[nodiscard]] const Vector<double>& values() const { return values_; }
  [[nodiscard]] const Vector<double>& residuals() const { return residuals_; }
  [[nodiscard]] bool is_complete() const { return is_complete_; }

  /// Turns the bases to the first `count` triplets. What was to be multiplied next stays, or, with
  /// `at_random`, gives way to random vectors, which find what the others might have missed.
  void restart(Index count, bool at_random) {
    const Index tail = at_random ? 0 : v_.size() - multiplied_;
    u_.rotate(left_.leftCols(count).template cast<Scalar>(), 0);
    v_.rotate(right_.leftCols(count).template cast<Scalar>(), tail);
    if (at_random) v_.add_random(plan_.block, random_);
    multiplied_ = count;
    b_.setZero();
    b_.diagonal().head(count) = values_.head(count);
  }

  [[nodiscard]] Matrix<Scalar> left(Index count) const { return as_eigen(u_.columns(0, count)); }
  [[nodiscard]] Matrix<Scalar> right(Index count) const { return as_eigen(v_.columns(0, count)); }

 private:
  const Factor& a_;
  SvdPlan plan_;
  Random random_;
  OrthonormalBasis<Scalar> u_;
  OrthonormalBasis<Scalar> v_;
  Matrix<double> b_;
  Index multiplied_ = 0;  ///< vectors of V whose images are in B
  Index last_block_ = 0;  ///< vectors of U from the last step
  bool is_complete_ = false;
  Matrix<double> outside_;  ///< what Aᵀ maps the last block of U to outside of V
  Vector<double> values_;
  Vector<double> residuals_;
  Matrix<double> left_;
  Matrix<double> right_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

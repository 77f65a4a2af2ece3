#pragma once

/// \file
/// Subspace iteration with Chebyshev polynomials, for the largest singular values of a matrix so
/// sparse that many products with it cost less than keeping a long basis orthogonal.

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "lae/core/random.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/block_products.hpp"
#include "lae/detail/algebra/orthonormal_basis.hpp"
#include "lae/detail/algebra/sparse_panels.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The dominant eigenvectors of M = AᵀA, of which A and Aᵀ are given. A block of more vectors than
/// are wanted is multiplied by a Chebyshev polynomial of M that stays small up to the block's least
/// Ritz value and grows beyond it as fast as a polynomial can; then it is made orthonormal and
/// turned to its Ritz vectors, and so on. (Rutishauser, Simultaneous iteration method for symmetric
/// matrices, 1970; Zhou, Saad, Tiago, Chelikowsky, Self-consistent-field calculations using
/// Chebyshev-filtered subspace iteration, JCP 2006.)
template <class Scalar>
class FilteredSubspace {
 public:
  /// \param a, transpose compressed, the columns of a no more than its rows, for the least work
  /// \param block how many vectors, more than are wanted, and no more than a has columns
  FilteredSubspace(const Csr<Scalar>& a, const Csr<Scalar>& transpose, Index block,
                   std::uint64_t seed)
      : a_(a),
        transpose_(transpose),
        random_(seed),
        x_(a.cols(), block),
        image_(large_matrix<Scalar>(a.cols(), block)) {
    for (Index left = block; left > 0; left -= largest_part) {
      x_.add_random((std::min)(left, largest_part), random_);
    }
  }

  /// Turns the block to its Ritz vectors. Their values fall.
  /// \return false if M is too large or too small for its numbers
  [[nodiscard]] bool project() {
    apply_polynomial(1, 0, [] {});
    const Matrix<double> small =
        transposed_product<Scalar>(columns(), image_).template cast<double>();
    if (!small.allFinite()) return false;
    // Inside a region, where Eigen's products do not go parallel: their bits depend on threads.
    Matrix<Scalar> turn;
    parallel_for(2, [&](Index which) {
      if (which != 0) return;
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(
          Eigen::MatrixXd(0.5 * (small + small.transpose())));
      // Largest first.
      values_.resize(small.rows());
      turn.resize(small.rows(), small.rows());
      for (Index i = 0; i < small.rows(); ++i) {
        values_[i] = eigen.eigenvalues()[small.rows() - 1 - i];
        turn.col(i) = eigen.eigenvectors().col(small.rows() - 1 - i).template cast<Scalar>();
      }
    });
    x_.rotate(turn, 0);
    rotate_columns<Scalar>(turn, image_);
    residuals_.resize(values_.size());
    constexpr Index part = 32;
    parallel_tiles(values_.size(), part, [&](Index first, Index count) {
      Vector<double> squares = Vector<double>::Zero(count);
      const ConstTile<Scalar> x = columns();
      for (Index row = 0; row < image_.rows(); ++row) {
        for (Index i = 0; i < count; ++i) {
          const double difference =
              double(image_(row, first + i)) - values_[first + i] * double(x(row, first + i));
          squares[i] += difference * difference;
        }
      }
      residuals_.segment(first, count) = squares.cwiseSqrt();
    });
    constexpr double large = std::is_same_v<Scalar, float> ? 1e20 : 1e150;
    return values_[0] < large && values_[0] > 1 / large;
  }

  /// Multiplies by the polynomial of that degree which is at most 1 on [0, cut].
  /// \param after_part called so many times as there are `parts()`, from any thread
  void filter(Index degree, double cut, const Body<>& after_part) {
    apply_polynomial(degree, cut, after_part);
    x_.clear();
    for (Index first = 0; first < image_.cols(); first += largest_part) {
      const Index count = (std::min)(largest_part, image_.cols() - first);
      x_.add(ConstTile<Scalar>(image_).middleCols(first, count), random_);
    }
  }

  [[nodiscard]] Index parts() const {
    return (image_.cols() + panel_width<Scalar> - 1) / panel_width<Scalar>;
  }

  /// Ritz values, falling, and the lengths |M x − λ x|.
  [[nodiscard]] const Vector<double>& values() const { return values_; }
  [[nodiscard]] const Vector<double>& residuals() const { return residuals_; }
  [[nodiscard]] ConstTile<Scalar> columns() const { return x_.columns(0, x_.size()); }

 private:
  /// Vectors that are made orthonormal at once.
  static constexpr Index largest_part = OrthonormalBasis<Scalar>::largest_block;

  /// image <- T(2 M / cut − 1) x for the Chebyshev polynomial T of that degree; M x for cut = 0.
  void apply_polynomial(Index degree, double cut, const Body<>& after_part) {
    const ConstTile<Scalar> x = columns();
    constexpr Index width = panel_width<Scalar>;
    parallel_tiles(x.cols(), width, [&](Index first, Index count) {
      Panel<Scalar> before = Panel<Scalar>::Zero(x.rows(), width);
      Panel<Scalar> now = Panel<Scalar>::Zero(x.rows(), width);
      Panel<Scalar> between(a_.rows(), width);
      for (Index row = 0; row < x.rows(); ++row) {
        std::copy_n(x.row(row) + first, count, now.row(row).data());
      }
      for (Index step = 1; step <= degree; ++step) {
        // before <- c M now − d now − e before
        const auto c = static_cast<Scalar>(cut == 0 ? 1 : (step == 1 ? 2 : 4) / cut);
        const auto d = static_cast<Scalar>(cut == 0 ? 0 : step == 1 ? 1 : 2);
        const auto e = static_cast<Scalar>(cut == 0 || step == 1 ? 0 : 1);
        multiply_panel(a_, now, between);
        multiply_panel(transpose_, between, [&](Index row, const auto& sum) {
          before.row(row) = c * sum.matrix() - d * now.row(row) - e * before.row(row);
        });
        before.swap(now);
      }
      for (Index row = 0; row < x.rows(); ++row) {
        std::copy_n(now.row(row).data(), count, &image_(row, first));
      }
      after_part();
    });
  }

  const Csr<Scalar>& a_;
  const Csr<Scalar>& transpose_;
  Random random_;
  OrthonormalBasis<Scalar> x_;
  Matrix<Scalar> image_;
  Vector<double> values_;
  Vector<double> residuals_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Z = (XᵀX + diag(Λ))⁻¹ V by conjugate gradients (Hestenes and Stiefel 1952), without XᵀX.
///
/// Columns of V go in chunks, whose rows are as long as a few registers. A chunk is solved by one
/// thread from beginning to end, so that a product with XᵀX takes one pass over X: the rows of P
/// that a user's history gathers are those that X p is added to a moment later, while they are in
/// the cache.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/pool.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/ranked_rows.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// How a solve went.
struct SolveReport {
  Index most_iterations = 0;  ///< of any chunk
  double worst_residual = 0;  ///< the largest |A z - v| / |v| of any column, measured at the end
  Index worst_column = -1;
};

template <class Scalar>
class GramSolver {
 public:
  static constexpr Index width = 32;  ///< columns of a chunk

  /// \param ridge, diagonal Λ and diag(A), by rank; all of them > 0
  GramSolver(const RankedRows<Scalar>& x, const Vector<Scalar>& ridge,
             const Vector<Scalar>& diagonal)
      : x_(x), ridge_(ridge), inverse_diagonal_(diagonal.cwiseInverse()) {}

  /// \param v items x columns, by item
  /// \return Z, likewise
  /// Cost: 4 nnz + 12 n flops a column and iteration. Memory: Z and 4 n scalars a column of the
  /// chunks that run at once. \throws Cancelled
  Matrix<Scalar> solve(const Matrix<Scalar>& v, double tolerance, Index max_iterations,
                       SolveReport& report, const Progress& progress) const {
    const Index n = x_.items();
    const Index chunks = (v.cols() + width - 1) / width;
    Matrix<Scalar> z = large_matrix<Scalar>(n, v.cols());
    std::vector<SolveReport> reports(static_cast<std::size_t>(chunks));
    Pool<Workspace> workspaces(n);
    Stage stage(progress, "semantic products", static_cast<double>(chunks));
    parallel_for(chunks, [&](Index chunk) {
      workspaces.with([&](Workspace& workspace) {
        const Index first = chunk * width;
        const Index columns = std::min(width, v.cols() - first);
        SolveReport& of_chunk = reports[static_cast<std::size_t>(chunk)];
        load(ConstTile<Scalar>(v).middleCols(first, columns), workspace);
        of_chunk.most_iterations = iterate(tolerance, max_iterations, workspace, stage);
        store(Tile<Scalar>(z).middleCols(first, columns), workspace);
        measure(ConstTile<Scalar>(v).middleCols(first, columns), first, workspace, of_chunk);
      });
    });
    stage.finish();
    for (const SolveReport& of_chunk : reports) {
      report.most_iterations = std::max(report.most_iterations, of_chunk.most_iterations);
      if (of_chunk.worst_residual > report.worst_residual || report.worst_column < 0) {
        report.worst_residual = of_chunk.worst_residual;
        report.worst_column = of_chunk.worst_column;
      }
    }
    return z;
  }

 private:
  using Row = Eigen::Array<Scalar, width, 1>;
  using RowMap = Eigen::Map<Row>;
  using Sums = Eigen::Array<double, width, 1>;

  /// Sums over items are in Scalar within so many rows, and in double from there on.
  static constexpr Index run = 256;

  struct Workspace {
    explicit Workspace(Index items)
        : p(large_matrix<Scalar>(items, 2 * width)),
          r(large_matrix<Scalar>(items, width)),
          z(large_matrix<Scalar>(items, width)) {}

    /// p, and beside it A p: a history needs both.
    Matrix<Scalar> p;
    Matrix<Scalar> r;
    Matrix<Scalar> z;
    Sums norm;  ///< |v|²
  };

  static RowMap row(Matrix<Scalar>& matrix, Index i) { return RowMap(&matrix(i, 0)); }
  static RowMap product_row(Matrix<Scalar>& p, Index i) { return RowMap(&p(i, width)); }

  /// r <- v, z <- 0, p <- D⁻¹ v.
  void load(ConstTile<Scalar> v, Workspace& w) const {
    w.norm.setZero();
    for (Index i = 0; i < x_.items(); ++i) {
      const auto item = static_cast<Index>(x_.item_at[static_cast<std::size_t>(i)]);
      row(w.r, i).setZero();
      std::copy_n(v.row(item), v.cols(), &w.r(i, 0));
      row(w.z, i).setZero();
      row(w.p, i) = inverse_diagonal_[i] * row(w.r, i);
      w.norm += row(w.r, i).template cast<double>().square();
    }
  }

  void store(Tile<Scalar> z, Workspace& w) const {
    for (Index i = 0; i < x_.items(); ++i) {
      const auto item = static_cast<Index>(x_.item_at[static_cast<std::size_t>(i)]);
      std::copy_n(&w.z(i, 0), z.cols(), z.row(item));
    }
  }

  /// The half of w.p beside p <- A p. \return pᵀ A p of each column
  Sums multiply(Workspace& w) const {
    Sums sums = Sums::Zero();
    for (Index first = 0; first < x_.items(); first += run) {
      Row sum = Row::Zero();
      for (Index i = first; i < std::min(first + run, x_.items()); ++i) {
        const Row scaled = ridge_[i] * row(w.p, i);
        product_row(w.p, i) = scaled;
        sum += scaled * row(w.p, i);
      }
      sums += sum.template cast<double>();
    }
    const Place* const at = x_.rows.at.data();
    const Scalar* const value = x_.rows.value.data();
    Scalar* const p = w.p.data();
    const Index users = x_.rows.lines();
    for (Index first = 0; first < users; first += run) {
      Row sum = Row::Zero();
      for (Index user = first; user < std::min(first + run, users); ++user) {
        const Index begin = x_.rows.begin(user);
        const Index end = x_.rows.end(user);
        Row y = Row::Zero();
        for (Index k = begin; k < end; ++k) {
          y += value[k] * RowMap(p + static_cast<Index>(at[k]) * (2 * width));
        }
        for (Index k = begin; k < end; ++k) {
          RowMap(p + static_cast<Index>(at[k]) * (2 * width) + width) += value[k] * y;
        }
        sum += y.square();
      }
      sums += sum.template cast<double>();
    }
    return sums;
  }

  /// \return how many iterations it took
  Index iterate(double tolerance, Index max_iterations, Workspace& w, Stage& stage) const {
    const Index n = x_.items();
    const Sums goal = tolerance * tolerance * w.norm;
    Sums rz = Sums::Zero();
    for (Index i = 0; i < n; ++i) {
      rz += (row(w.r, i) * row(w.p, i)).template cast<double>();
    }
    double done = 0;  // of this chunk: the residual falls about as the tolerance is taken in steps
    Index iteration = 0;
    while (iteration < max_iterations) {
      ++iteration;
      const Sums curvature = multiply(w);
      // Columns of zeros stay as they are.
      const Row step = (curvature > 0).select(rz / curvature, 0.0).template cast<Scalar>();
      Sums next_rz = Sums::Zero();
      Sums rest = Sums::Zero();
      for (Index first = 0; first < n; first += run) {
        Row rz_part = Row::Zero();
        Row rest_part = Row::Zero();
        for (Index i = first; i < std::min(first + run, n); ++i) {
          row(w.z, i) += step * row(w.p, i);
          const Row r = row(w.r, i) - step * product_row(w.p, i);
          row(w.r, i) = r;
          const Row square = r.square();
          rest_part += square;
          rz_part += inverse_diagonal_[i] * square;
        }
        next_rz += rz_part.template cast<double>();
        rest += rest_part.template cast<double>();
      }
      if ((rest <= goal).all()) break;
      const Row turn = (rz > 0).select(next_rz / rz, 0.0).template cast<Scalar>();
      rz = next_rz;
      for (Index i = 0; i < n; ++i) {
        row(w.p, i) = inverse_diagonal_[i] * row(w.r, i) + turn * row(w.p, i);
      }
      const double worst = (goal > 0).select(rest / goal, 0.0).maxCoeff() * tolerance * tolerance;
      const double share = std::clamp(std::log(worst) / (2 * std::log(tolerance)), done, 1.0);
      stage.advance(share - done);
      done = share;
    }
    stage.advance(1 - done);
    return iteration;
  }

  /// |A z - v| / |v| from z itself: what the iteration holds for its residual drifts.
  void measure(ConstTile<Scalar> v, Index first, Workspace& w, SolveReport& report) const {
    const Index n = x_.items();
    for (Index i = 0; i < n; ++i) row(w.p, i) = row(w.z, i);
    multiply(w);
    Sums rest = Sums::Zero();
    for (Index i = 0; i < n; ++i) {
      const auto item = static_cast<Index>(x_.item_at[static_cast<std::size_t>(i)]);
      Row target = Row::Zero();
      std::copy_n(v.row(item), v.cols(), target.data());
      rest += (target - product_row(w.p, i)).template cast<double>().square();
    }
    for (Index column = 0; column < v.cols(); ++column) {
      const double residual = w.norm[column] > 0 ? std::sqrt(rest[column] / w.norm[column]) : 0;
      if (residual > report.worst_residual || report.worst_column < 0) {
        report.worst_residual = residual;
        report.worst_column = first + column;
      }
    }
  }

  const RankedRows<Scalar>& x_;
  const Vector<Scalar>& ridge_;
  Vector<Scalar> inverse_diagonal_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

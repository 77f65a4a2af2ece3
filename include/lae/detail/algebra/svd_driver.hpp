#pragma once

/// \file
/// Restarts of a bidiagonalisation until enough singular triplets have converged, and a measure of
/// what was reached.

#include <algorithm>
#include <limits>
#include <string_view>
#include <type_traits>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/golub_kahan.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Options>
void require_svd_arguments(const Options& options) {
  require(options.rank > 0, "rank must be positive, got ", options.rank);
  require(options.max_iterations > 0, "max_iterations must be positive, got ",
          options.max_iterations);
  require_positive(options.tolerance, "tolerance");
}

template <class Scalar>
void require_finite_entries(const Csr<Scalar>& matrix, std::string_view name) {
  for (Index row = 0; row < matrix.rows(); ++row) {
    for (typename Csr<Scalar>::InnerIterator entry(matrix, row); entry; ++entry) {
      require_finite(entry.value(), name, row, entry.col());
    }
  }
}
template <class Scalar>
void require_finite_entries(const Matrix<Scalar>& matrix, std::string_view name) {
  if (matrix.allFinite()) return;
  for (Index row = 0; row < matrix.rows(); ++row) {
    for (Index column = 0; column < matrix.cols(); ++column) {
      require_finite(matrix(row, column), name, row, column);
    }
  }
}

/// Lets the largest entry of each u be positive: the sign of a pair of vectors is free.
template <class Scalar>
void fix_signs(Matrix<Scalar>& u, Matrix<Scalar>& v) {
  for (Index i = 0; i < u.cols(); ++i) {
    Index largest = 0;
    u.col(i).cwiseAbs().maxCoeff(&largest);
    if (u(largest, i) < 0) {
      u.col(i) *= -1;
      v.col(i) *= -1;
    }
  }
}

/// The largest |multiply(x_i) − s_i y_i|.
template <class Scalar, class Multiply>
[[nodiscard]] double largest_residual(const Matrix<Scalar>& x, const Vector<double>& values,
                                      const Matrix<Scalar>& y, Multiply&& multiply) {
  double largest = 0;
  for (Index first = 0; first < x.cols(); first += largest_svd_block) {
    const Index count = (std::min)(largest_svd_block, x.cols() - first);
    Matrix<Scalar> image(y.rows(), count);
    multiply(x.middleCols(first, count), image);
    for (Index i = 0; i < count; ++i) {
      const double residual = (image.col(i).template cast<double>() -
                               values[first + i] * y.col(first + i).template cast<double>())
                                  .norm();
      largest = (std::max)(largest, residual);
    }
  }
  return largest;
}

template <class Result, class Scalar, class Factor, class Options>
[[nodiscard]] Result truncated_svd_of(const Factor& a, const Options& options,
                                      const Progress& progress) {
  constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();
  constexpr double least_tolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-12;
  const double tolerance = (std::max)(options.tolerance, least_tolerance);
  Result result;
  const Index rank = (std::min)({options.rank, a.rows(), a.cols()});
  if (rank == 0) {
    result.u.resize(a.rows(), 0);
    result.v.resize(a.cols(), 0);
    return result;
  }

  const SvdPlan plan(rank, a.rows(), a.cols());
  Stage stage(progress, "singular vectors", 1);
  GolubKahan<Scalar, Factor> search(a, plan, options.seed);
  // How many passes there will be is not known: the first gets half of the stage, and each one
  // after it half of what is left.
  double share = 0.5;
  Index size = plan.capacity;
  Index in_place = 0;  ///< vectors that are there already
  Vector<double> before;
  while (true) {
    const auto blocks = static_cast<double>((size - in_place) / plan.block + 1);
    result.iterations += search.extend(size, [&] { stage.advance(share / blocks); });
    search.decompose();
    share /= 2;
    const Index found = (std::min)(rank, search.values().size());
    const double allowed = tolerance * search.values()[0];
    const bool has_converged =
        found == rank && (search.residuals().head(found).array() <= allowed).all();
    const bool is_confirmed = has_converged && before.size() == rank &&
                              (search.values().head(rank) - before).maxCoeff() <= allowed;
    if (search.is_complete() || is_confirmed || result.iterations >= options.max_iterations) break;
    if (has_converged) {
      constexpr Index confirming_blocks = 3;
      before = search.values().head(rank);
      search.restart(rank, true);
      size = (std::min)(rank + confirming_blocks * plan.block, plan.capacity);
      in_place = rank;
    } else {
      before.resize(0);
      in_place = (std::min)(plan.kept, search.values().size());
      search.restart(in_place, false);
      size = plan.capacity;
    }
  }

  const double zero = 1000 * epsilon * search.values()[0];
  const Index found = (std::min)(rank, search.values().size());
  const Index kept = (search.values().head(found).array() > zero).count();
  search.restart(kept, false);
  result.values = search.values().head(kept);
  result.u = search.left(kept);
  result.v = search.right(kept);
  fix_signs(result.u, result.v);
  if (kept > 0) {
    result.right_residual =
        largest_residual<Scalar>(result.v, result.values, result.u,
                                 [&](const auto& x, auto& y) { a.multiply(x, y); }) /
        result.values[0];
    result.left_residual =
        largest_residual<Scalar>(result.u, result.values, result.v,
                                 [&](const auto& x, auto& y) { a.multiply_transposed(x, y); }) /
        result.values[0];
  }
  stage.finish();
  return result;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

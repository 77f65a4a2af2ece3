#pragma once

/// \file
/// Restarts of a bidiagonalisation, or rounds of filtered subspace iteration, until enough singular
/// triplets have converged, and a measure of what was reached.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/filtered_subspace.hpp"
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

/// Measures a result on the matrix.
template <class Scalar, class Factor, class Result>
void set_residuals(const Factor& a, Result& result) {
  result.right_residual =
      largest_residual<Scalar>(result.v, result.values, result.u,
                               [&](const auto& x, auto& y) { a.multiply(x, y); }) /
      result.values[0];
  result.left_residual =
      largest_residual<Scalar>(result.u, result.values, result.v,
                               [&](const auto& x, auto& y) { a.multiply_transposed(x, y); }) /
      result.values[0];
}

/// The tolerance that can be reached.
template <class Scalar, class Options>
[[nodiscard]] double svd_tolerance(const Options& options) {
  constexpr double least = std::is_same_v<Scalar, float> ? 1e-5 : 1e-12;
  return (std::max)(options.tolerance, least);
}

/// By bidiagonalisation.
template <class Result, class Scalar, class Factor, class Options>
[[nodiscard]] Result lanczos_svd(const Factor& a, const Options& options, Stage& stage) {
  constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();
  const double tolerance = svd_tolerance<Scalar>(options);
  Result result;
  const Index rank = (std::min)({options.rank, a.rows(), a.cols()});
  if (rank == 0) {
    result.u.resize(a.rows(), 0);
    result.v.resize(a.cols(), 0);
    return result;
  }

  const SvdPlan plan(rank, a.rows(), a.cols());
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
  if (kept > 0) set_residuals<Scalar>(a, result);
  return result;
}

/// Singular vectors of one side: those of A's columns, or, where A has fewer rows, of its rows.
template <class Scalar>
struct DominantVectors {
  Matrix<Scalar> vectors;
  Vector<double> values;  ///< singular values, falling
  double residual = 0;    ///< the largest |M v − s² v| / (s s_1), M being AᵀA or AAᵀ
  Index iterations = 0;
};

/// Vectors that are filtered: half as many again as wanted, since those beyond the wanted ones
/// decide how fast these are told apart from what is left.
inline Index filtered_block(Index rank) {
  return rank + (std::max)(largest_svd_block, rank / 2);
}

/// Whether so many products with the matrix cost less than orthogonal bases. Measured on
/// interactions with 3 to 60 entries for each user and item.
inline bool filtering_pays(Index rank, Index rows, Index columns, Index entries) {
  constexpr Index most_entries = 40;
  return 2 * filtered_block(rank) <= (std::min)(rows, columns) &&
         entries <= most_entries * (rows + columns);
}

/// By filtered subspace iteration. Nothing if that does not lead there: the singular values fall
/// too low for their squares, or are too flat.
template <class Scalar, class Options>
[[nodiscard]] std::optional<DominantVectors<Scalar>> filtered_vectors(const SparseFactor<Scalar>& a,
                                                                      const Options& options,
                                                                      Stage& stage) {
  constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();
  const double tolerance = svd_tolerance<Scalar>(options);
  const bool is_wide = a.rows() < a.cols();
  const Csr<Scalar>& first = is_wide ? a.transpose : a.matrix;
  const Csr<Scalar>& second = is_wide ? a.matrix : a.transpose;
  const Index k = options.rank;
  const Index block = filtered_block(k);
  // Squares of singular values below this share of the largest are lost in rounding.
  const double least = (std::max)(1e-12, std::pow(16 * epsilon / tolerance, 2));

  FilteredSubspace<Scalar> subspace(first, second, block, options.seed);
  Index iterations = 0;
  double before = std::numeric_limits<double>::infinity();
  int idle_rounds = 0;
  double share = 0.5;  // of the stage, for the next round
  while (true) {
    if (!subspace.project()) return std::nullopt;
    ++iterations;
    const Vector<double>& values = subspace.values();
    const double cut = values[block - 1];
    if (!(cut > least * values[0])) return std::nullopt;
    const double residual =
        (subspace.residuals().head(k).array() / (values.head(k).array() * values[0]).sqrt())
            .maxCoeff();
    if (residual <= tolerance || iterations >= options.max_iterations) {
      DominantVectors<Scalar> found;
      found.vectors = as_eigen(subspace.columns().leftCols(k));
      found.values = values.head(k).cwiseSqrt();
      found.residual = residual;
      found.iterations = iterations;
      return found;
    }
    idle_rounds = residual < before / 2 ? 0 : idle_rounds + 1;
    if (idle_rounds > 4) return std::nullopt;
    before = residual;

    // T grows on λ > cut like cosh(degree · rate(λ)).
    const auto rate = [&](double value) {
      return std::acosh((std::max)(1.0, 2 * value / cut - 1));
    };
    const double least_rate = (std::max)(rate(values[k - 1]), 1e-3);
    const double wanted = std::acosh(2 + 2 * residual / tolerance) / least_rate;
    // The last of the wanted vectors must stand out from the rounding of the first.
    const double spread = (std::max)(rate(values[0]) - least_rate, 1e-3);
    const double bearable = std::log(0.1 / epsilon) / spread;
    constexpr double most = 60;
    Index degree = static_cast<Index>((std::min)({wanted + 1, bearable, most}));
    degree =
        std::clamp(degree, Index(1), (std::max)(Index(1), options.max_iterations - iterations));
    subspace.filter(degree, cut, [&, part = share / static_cast<double>(subspace.parts())] {
      stage.advance(part);
    });
    iterations += degree;
    share /= 2;
  }
}

/// Vectors of the other side: A v / s, and what their residuals are.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> other_side(const Csr<Scalar>& a, const Matrix<Scalar>& vectors,
                                        const Vector<double>& values) {
  Matrix<Scalar> images(a.rows(), vectors.cols());
  multiply_block<Scalar>(a, vectors, images);
  images *= values.cwiseInverse().template cast<Scalar>().asDiagonal();
  return images;
}

template <class Result, class Scalar, class Options>
[[nodiscard]] Result sparse_svd(const SparseFactor<Scalar>& a, const Options& options,
                                const Progress& progress) {
  Stage stage(progress, "singular vectors", 1);
  Result result;
  std::optional<DominantVectors<Scalar>> found;
  if (filtering_pays(options.rank, a.rows(), a.cols(), a.matrix.nonZeros())) {
    found = filtered_vectors(a, options, stage);
  }
  if (found) {
    const bool is_wide = a.rows() < a.cols();
    Matrix<Scalar>& near = is_wide ? result.u : result.v;
    Matrix<Scalar>& far = is_wide ? result.v : result.u;
    near.swap(found->vectors);
    far = other_side(is_wide ? a.transpose : a.matrix, near, found->values);
    result.values = found->values;
    result.iterations = found->iterations;
    fix_signs(result.u, result.v);
    set_residuals<Scalar>(a, result);
  } else {
    result = lanczos_svd<Result, Scalar>(a, options, stage);
  }
  stage.finish();
  return result;
}

template <class Result, class Scalar, class Options>
[[nodiscard]] Result dense_svd(const Matrix<Scalar>& matrix, const Options& options,
                               const Progress& progress) {
  Stage stage(progress, "singular vectors", 1);
  Result result = lanczos_svd<Result, Scalar>(DenseFactor<Scalar>(matrix), options, stage);
  stage.finish();
  return result;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

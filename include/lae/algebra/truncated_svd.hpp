#pragma once

/// \file
/// The largest singular values of a matrix and their vectors.
///
///     lae::TruncatedSvd<float> svd = lae::truncated_svd(train, {/*rank=*/256});
///     svd.values[0];  // the largest; svd.u and svd.v hold its vectors in their first columns

#include <cstdint>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/svd_driver.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"

namespace lae {
inline namespace LAE_ABI {

struct TruncatedSvdOptions {
  /// How many singular values: 1 or more. There are fewer if the matrix has fewer rows, columns, or
  /// independent ones.
  Index rank = 1;

  /// How far the result may be off, as a share of the largest singular value s_1:
  /// |Aᵀ u_i − s_i v_i| <= tolerance · s_1 for all i. Singular values are then off by about the
  /// square of that, relative to the gaps between them. In float, no less than 1e-5 is asked for.
  double tolerance = 1e-6;

  /// The most steps; each multiplies a block of vectors by A and by Aᵀ.
  Index max_iterations = 2000;

  /// Of the vectors to start from.
  std::uint64_t seed = 1;
};

/// A ≈ U diag(s) Vᵀ.
template <class Scalar>
struct TruncatedSvd {
  Matrix<Scalar> u;       ///< rows of A x k, orthonormal columns
  Vector<double> values;  ///< k singular values, falling, all above zero
  Matrix<Scalar> v;       ///< columns of A x k, orthonormal columns

  /// What was reached, measured on the result: the largest |A v_i − s_i u_i| / s_1, and the largest
  /// |Aᵀ u_i − s_i v_i| / s_1. Above the tolerance if there were too few iterations.
  double right_residual = 0;
  double left_residual = 0;
  Index iterations = 0;  ///< steps taken
};

/// The largest singular values of a sparse matrix, and their vectors, the largest entry of each u_i
/// positive. Singular values below 1000 ε s_1 (ε: the rounding error of Scalar) count as zero and
/// are left out.
///
/// Two ways. A matrix with some 40 entries a row and column or less, as interactions have, is
/// multiplied at little cost: subspace iteration on p = 1.5 k vectors of its shorter side, filtered
/// by Chebyshev polynomials (Zhou, Saad, Tiago, Chelikowsky, JCP 2006). A denser one, one of less
/// than 3 k rows or columns, or with singular values so small or so flat that the first way does
/// not lead there, is bidiagonalised: block Golub–Kahan–Lanczos with full reorthogonalisation
/// (Golub, Luk, Overton, A block Lanczos method for computing the singular values, ACM TOMS 1981)
/// and thick restarts (Baglama, Reichel, Augmented implicitly restarted Lanczos bidiagonalization
/// methods, SISC 2005); when it has converged, fresh random vectors look for equal singular values
/// that the Krylov space of the first ones did not hold. The same matrix and seed give the same bits
/// for any number of threads.
///
/// Cost: filtered, 4 nnz p flops for each of some 30 to 70 steps and 14 d p² for each of some 5
/// rounds, d being the shorter side; memory 2 d p + k (rows + columns) scalars, a transposed copy
/// of the matrix, and panels of 128 bytes for each row and column on each thread. Bidiagonalised,
/// with c = 1.6 k + O(100) vectors in a subspace, 4 nnz c + 8 (rows + columns) c² flops a pass, of
/// which there are two to ten; memory (rows + columns) c scalars, the transposed copy, and some 6 c²
/// doubles. \throws std::invalid_argument if rank < 1, max_iterations < 1, the tolerance is not
/// positive, or a value is not finite; Cancelled.
template <class Scalar>
[[nodiscard]] TruncatedSvd<Scalar> truncated_svd(const Csr<Scalar>& matrix,
                                                 const TruncatedSvdOptions& options,
                                                 const Progress& progress = {}) {
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");
  detail::require_svd_arguments(options);
  detail::require_finite_entries(matrix, "the matrix");
  const auto rows = detail::compressed(matrix);
  const Csr<Scalar> transpose = rows->transpose();
  return detail::sparse_svd<TruncatedSvd<Scalar>, Scalar>({*rows, transpose}, options, progress);
}

/// The same for a dense matrix. Cost: as above with rows · columns instead of nnz. Memory: as above
/// without a copy of the matrix.
template <class Scalar>
[[nodiscard]] TruncatedSvd<Scalar> truncated_svd(const Matrix<Scalar>& matrix,
                                                 const TruncatedSvdOptions& options,
                                                 const Progress& progress = {}) {
  static_assert(detail::is_supported_scalar<Scalar>, "lae: Scalar must be float or double");
  detail::require_svd_arguments(options);
  detail::require_finite_entries(matrix, "the matrix");
  return detail::dense_svd<TruncatedSvd<Scalar>, Scalar>(matrix, options, progress);
}

}  // namespace LAE_ABI
}  // namespace lae

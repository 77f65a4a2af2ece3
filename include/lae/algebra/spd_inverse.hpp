#pragma once

/// \file
/// The inverse of a symmetric positive definite matrix, or of its Cholesky factor, in its own
/// storage.
///
///     lae::invert_spd(gram);  // gram becomes its inverse; its lower triangle is read

#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/spd_tiles.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Copies the lower triangle over the upper one.
template <class Scalar>
void mirror_lower_triangle(Matrix<Scalar>& matrix) {
  detail::require_square(matrix);
  detail::transpose_triangle<Scalar>(detail::Triangle::lower, matrix, matrix);
}

/// Copies the upper triangle over the lower one.
template <class Scalar>
void mirror_upper_triangle(Matrix<Scalar>& matrix) {
  detail::require_square(matrix);
  detail::transpose_triangle<Scalar>(detail::Triangle::upper, matrix, matrix);
}

/// Replaces the lower triangle of a symmetric positive definite A by that of L⁻¹, A = L Lᵀ. The
/// strict upper triangle is neither read nor written.
/// Cost: 2 n^3 / 3 flops, no memory besides the matrix.
/// \throws std::invalid_argument if A is not square; NotPositiveDefinite naming the pivot (A is
/// then spoilt); Cancelled.
template <class Scalar>
void invert_cholesky_factor(Matrix<Scalar>& a, const Progress& progress = {}) {
  detail::require_square(a);
  detail::SpdTiles<Scalar>(a).invert_factor(progress);
}

/// Replaces a symmetric positive definite A, given by its lower triangle, by A⁻¹ (both triangles).
/// Cost: n^3 flops, no memory besides the matrix.
/// \throws as invert_cholesky_factor.
template <class Scalar>
void invert_spd(Matrix<Scalar>& a, const Progress& progress = {}) {
  detail::require_square(a);
  detail::SpdTiles<Scalar>(a).invert(progress);
  mirror_lower_triangle(a);
}

}  // namespace LAE_ABI
}  // namespace lae

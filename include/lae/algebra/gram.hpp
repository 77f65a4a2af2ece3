#pragma once

/// \file
/// Gram matrices and weighted sums of them, in the lower triangle of an n x n matrix.
///
///     lae::Matrix<double> gram = lae::interaction_gram(train);  // XᵀX
///     lae::add_gram_of_rows(embeddings, 0.5, gram);             // + 0.5 FFᵀ
///     lae::add_ridge(gram, 100.0);                              // + 100 I

#include <algorithm>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/gram.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {

/// A size x size matrix whose lower triangle is zero; the rest is not initialised.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> zero_lower_triangle(Index size) {
  Matrix<Scalar> matrix = detail::large_matrix<Scalar>(size, size);
  detail::parallel_tiles(size, 64, [&](Index first, Index rows) {
    for (Index i = first; i < first + rows; ++i) std::fill_n(&matrix(i, 0), i + 1, Scalar(0));
  });
  return matrix;
}

/// gram += weight * XᵀX, lower triangle only, for X users x items (sorted rows, no duplicates).
///
/// Each row of the result belongs to one thread and sums over users in their order.
/// Cost: sum over users of (length of history)^2 flops; 16 bytes an interaction besides the result.
/// \throws std::invalid_argument if gram is not X.cols() x X.cols(); Cancelled.
template <class Scalar>
void add_gram_of_columns(const Csr<Scalar>& x, Scalar weight, Matrix<Scalar>& gram,
                         const Progress& progress = {}) {
  detail::require(gram.rows() == x.cols() && gram.cols() == x.cols(), "gram is ", gram.rows(),
                  " x ", gram.cols(), ", but the matrix has ", x.cols(), " columns");
  detail::Stage stage(progress, "gram", static_cast<double>(x.cols()));
  detail::add_gram_of_columns<Scalar>(*detail::compressed(x), weight, gram, false, stage);
  stage.finish();
}

/// gram += weight * FFᵀ, lower triangle only, for dense F items x features.
/// Cost: n^2 d flops, no memory besides the result.
/// \throws std::invalid_argument if gram is not F.rows() x F.rows(); Cancelled.
template <class Scalar>
void add_gram_of_rows(const Matrix<Scalar>& f, Scalar weight, Matrix<Scalar>& gram,
                      const Progress& progress = {}) {
  detail::require(gram.rows() == f.rows() && gram.cols() == f.rows(), "gram is ", gram.rows(),
                  " x ", gram.cols(), ", but the matrix has ", f.rows(), " rows");
  const auto n = static_cast<double>(f.rows());
  detail::Stage stage(progress, "gram of features", n * n);
  const detail::Tile<Scalar> sum = gram;
  const detail::ConstTile<Scalar> factor = f;
  detail::parallel_lower_tiles(
      f.rows(), detail::product_tile, [&](Index i, Index rows, Index j, Index columns) {
        const auto add = i == j ? detail::add_lower_product<Scalar> : detail::add_product<Scalar>;
        add(sum.block(i, j, rows, columns), weight, detail::plain(factor.middleRows(i, rows)),
            detail::transposed(factor.middleRows(j, columns)));
        stage.advance((i == j ? 1 : 2) * static_cast<double>(rows * columns));
      });
  stage.finish();
}

/// gram += weight * TTᵀ, lower triangle only, for sparse T items x tags.
/// Cost: sum over tags of (items with that tag)^2 flops, and one transposed copy of T.
/// \throws std::invalid_argument if gram is not T.rows() x T.rows(); Cancelled.
template <class Scalar>
void add_gram_of_rows(const Csr<Scalar>& t, Scalar weight, Matrix<Scalar>& gram,
                      const Progress& progress = {}) {
  add_gram_of_columns(Csr<Scalar>(t.transpose()), weight, gram, progress);
}

/// FᵀF for dense F items x features: d x d, lower triangle only, the rest not initialised.
/// Cost: n d^2 flops.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> gram_of_columns(const Matrix<Scalar>& f,
                                             const Progress& progress = {}) {
  Matrix<Scalar> gram(f.cols(), f.cols());
  detail::set_gram_of_columns<Scalar>(gram, f, progress);
  return gram;
}

/// XᵀX for users x items interactions: n x n, lower triangle, the rest not initialised.
/// Cost: as add_gram_of_columns. \throws Cancelled
template <class Scalar>
[[nodiscard]] Matrix<Scalar> interaction_gram(const Csr<Scalar>& interactions,
                                              const Progress& progress = {}) {
  const Index n = interactions.cols();
  detail::Stage stage(progress, "gram", static_cast<double>(n));
  Matrix<Scalar> gram = detail::large_matrix<Scalar>(n, n);
  detail::add_gram_of_columns<Scalar>(*detail::compressed(interactions), 1, gram, true, stage);
  stage.finish();
  return gram;
}

/// gram += diag(ridge), one value for each item.
/// \throws std::invalid_argument if there is not one value for each item, or one is negative or
/// not finite.
template <class Scalar>
void add_ridge(Matrix<Scalar>& gram, const Vector<Scalar>& ridge) {
  const Vector<Scalar> values = detail::ridge_of_items<Scalar>(ridge, gram.rows());
  for (Index i = 0; i < values.size(); ++i) gram(i, i) += values[i];
}

/// gram += ridge * I.
/// \throws std::invalid_argument if the ridge is not a positive number.
template <class Scalar>
void add_ridge(Matrix<Scalar>& gram, Scalar ridge) {
  add_ridge(gram, detail::ridge_of_items<Scalar>(ridge, gram.rows()));
}

}  // namespace LAE_ABI
}  // namespace lae

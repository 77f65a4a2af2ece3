#pragma once

/// \file
/// From P and Q of a recipe to its weights.

#include <utility>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// B = P diag(c) + Q diag(e) with its own diagonal, in the storage of P, or of a whole Q where
/// there is no P. Cost: 2 n^2 r flops for a Q of rank r, else n^2; a panel of rows for each thread.
/// \param p empty if there is no part on interactions; used up
/// \param term nullptr if there is no semantic phase; spoilt
/// \throws Cancelled
template <class Scalar>
Matrix<Scalar> weights_of(Matrix<Scalar>& p, SemanticTerm<Scalar>* term,
                          const ColumnFactors<Scalar>& factors, const Progress& progress) {
  const Index n = factors.diagonal.size();
  const bool has_p = p.size() > 0;
  Stage stage(progress, "weights", static_cast<double>(n));
  const auto finish_rows = [&](Matrix<Scalar>& b, Index first, Index rows) {
    for (Index i = first; i < first + rows; ++i) b(i, i) = factors.diagonal[i];
    stage.advance(static_cast<double>(rows));
  };
  const Scalar* const of_p = factors.of_p.data();
  const Scalar* const of_q = factors.of_q.data();

  if (!term || term->is_whole()) {
    Matrix<Scalar> q;
    if (term) q = term->take_whole();
    Matrix<Scalar>& b = has_p ? p : q;
    parallel_tiles(n, 64, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        multiply_by(n, has_p ? of_p : of_q, &b(i, 0));
        if (has_p && term) add_products(n, of_q, &q(i, 0), &b(i, 0));
      }
      finish_rows(b, first, rows);
    });
    stage.finish();
    return std::move(b);
  }

  const bool is_product_with_p = term->is_product_with(p);
  const Matrix<Scalar> right = term->take_scaled_right(factors.of_q);
  if (!has_p) p = large_matrix<Scalar>(n, n);
  parallel_tiles(n, product_tile, [&](Index first, Index rows) {
    const Tile<Scalar> part = Tile<Scalar>(p).middleRows(first, rows);
    const auto scale_by_c = [&] {
      for (Index i = 0; i < rows; ++i) multiply_by(n, of_p, part.row(i));
    };
    if (is_product_with_p) {
      Matrix<Scalar> product = Matrix<Scalar>::Zero(rows, n);
      add_product<Scalar>(product, 1, plain(part), transposed(right));
      scale_by_c();
      for (Index i = 0; i < rows; ++i) add_scaled(n, Scalar(1), &product(i, 0), part.row(i));
    } else {
      if (has_p) {
        scale_by_c();
      } else {
        part.set_zero();
      }
      add_product<Scalar>(part, 1, plain(term->left_rows(first, rows)), transposed(right));
    }
    finish_rows(p, first, rows);
  });
  stage.finish();
  return std::move(p);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

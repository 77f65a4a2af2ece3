#pragma once

/// \file
/// P for the points of a grid, from Gram matrices that are computed once.

#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "lae/algebra/gram.hpp"
#include "lae/algebra/regularized_inverse.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/refinements.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/tuning/grid_point.hpp"

namespace lae::detail {

/// Canonical side information: none, dense embeddings or sparse tags.
template <class Scalar>
using SideInformation = std::variant<std::monostate, Matrix<Scalar>, Csr<Scalar>>;

/// diag(FFᵀ).
template <class Scalar>
Vector<Scalar> row_squares(const Matrix<Scalar>& features) {
  return features.rowwise().squaredNorm();
}
template <class Scalar>
Vector<Scalar> row_squares(const Csr<Scalar>& features) {
  Vector<Scalar> squares(features.rows());
  for (Index row = 0; row < features.rows(); ++row) squares[row] = features.row(row).squaredNorm();
  return squares;
}

template <class Scalar>
class GridInverse {
 public:
  /// \param side what CEASE adds to the Gram matrix; none for other models
  /// \param keep_grams whether an n x n matrix may be spent on Gram matrices
  GridInverse(const Csr<Scalar>& x, const SideInformation<Scalar>& side, FitForm form,
              bool keep_grams)
      : x_(x), side_(side), form_(form), keep_grams_(keep_grams) {
    std::visit(
        [&](const auto& features) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(features)>, std::monostate>) {
            side_diagonal_ = row_squares(features);
          }
        },
        side);
  }

  /// The form of P for this data.
  FitForm form() const { return cost().form; }

  /// Peak memory, without kept Gram matrices, and flops of one P.
  FitCost cost() const {
    Index rows = x_.rows();
    Index entries = x_.nonZeros();
    FitForm form = form_;
    if (const auto* tags = std::get_if<Csr<Scalar>>(&side_)) {
      rows += tags->cols();
      entries += tags->nonZeros();
    } else if (std::holds_alternative<Matrix<Scalar>>(side_)) {
      require(form != FitForm::dual, "CEASE on dense embeddings has no dual form");
      form = FitForm::primal;
    }
    return inverse_cost<Scalar>(rows, x_.cols(), entries, form);
  }

  /// P of the points alike in `inverse_key`, and their regularization but for what is their own.
  /// \throws NotPositiveDefinite, Cancelled
  std::pair<Matrix<Scalar>, Regularization<Scalar>> operator()(const GridPoint& point,
                                                               const Progress& progress) {
    const auto alpha = static_cast<Scalar>(point.side_weight);
    Csr<Scalar> x = x_;
    Vector<Scalar> side_diagonal;
    if (side_diagonal_.size() > 0) side_diagonal = alpha * side_diagonal_;
    auto regularization = refine(x, point.ridge, point.refinements, side_diagonal);
    Matrix<Scalar> p;
    if (form() == FitForm::dual) {
      if (const auto* tags = std::get_if<Csr<Scalar>>(&side_)) {
        x = stacked<Scalar>(std::move(x), std::sqrt(alpha) * Csr<Scalar>(tags->transpose()));
      }
      p = regularized_inverse(std::move(x), regularization.ridge, FitForm::dual, progress);
    } else {
      p = keep_grams_ ? sum_of_kept_grams(std::move(x), point) : new_gram(x, alpha);
      p = regularized_inverse(std::move(p), regularization.ridge, progress);
    }
    return {std::move(p), std::move(regularization)};
  }

 private:
  /// XᵀX + α FFᵀ, lower triangle.
  Matrix<Scalar> new_gram(const Csr<Scalar>& x, Scalar alpha) const {
    Matrix<Scalar> gram = interaction_gram(x);
    add_side_gram(alpha, gram);
    return gram;
  }

  void add_side_gram(Scalar alpha, Matrix<Scalar>& gram) const {
    std::visit(
        [&](const auto& features) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(features)>, std::monostate>) {
            add_gram_of_rows(features, alpha, gram);
          }
        },
        side_);
  }

  bool has_side() const { return side_diagonal_.size() > 0; }

  /// The same from `kept_`: XᵀX in its lower triangle, for the latest weights of users, and FFᵀ in
  /// its strict upper one.
  Matrix<Scalar> sum_of_kept_grams(Csr<Scalar> x, const GridPoint& point) {
    const Index n = x.cols();
    if (kept_.size() == 0) {
      kept_ = large_matrix<Scalar>(n, n);
      if (has_side()) {
        Matrix<Scalar> side_gram = zero_lower_triangle<Scalar>(n);
        add_side_gram(1, side_gram);
        transpose_lower_triangle(side_gram, kept_);
      }
    }
    if (!kept_for_ || user_key(*kept_for_) != user_key(point)) {
      add_gram_of_columns<Scalar>(x, 1, kept_, true);
      kept_for_ = point;
    }
    const auto alpha = static_cast<Scalar>(point.side_weight);
    Matrix<Scalar> gram = large_matrix<Scalar>(n, n);
    parallel_lower_tiles(n, 64, [&](Index i, Index rows, Index j, Index columns) {
      const auto kept = kept_.block(i, j, rows, columns);
      auto tile = gram.block(i, j, rows, columns);
      if (!has_side()) {
        tile = kept;
      } else if (i != j) {
        tile = kept + alpha * kept_.block(j, i, columns, rows).transpose();
      } else {
        for (Index row = 0; row < rows; ++row) {
          tile.row(row).head(row) =
              kept.row(row).head(row) + alpha * kept.col(row).head(row).transpose();
          tile(row, row) = kept(row, row) + alpha * side_diagonal_[i + row];
        }
      }
    });
    return gram;
  }

  const Csr<Scalar>& x_;
  const SideInformation<Scalar>& side_;
  FitForm form_;
  bool keep_grams_;
  Vector<Scalar> side_diagonal_;  // of FFᵀ; empty without side information
  Matrix<Scalar> kept_;
  std::optional<GridPoint> kept_for_;  // whose weights of users `kept_` has
};

}  // namespace lae::detail

#pragma once

/// \file
/// P = (G + diag(Λ))⁻¹ of a recipe, for one fit or for many points of a grid.

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "lae/algebra/gram.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/fit_form.hpp"
#include "lae/core/fit_summary.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/dual_inverse.hpp"
#include "lae/detail/algebra/elimination.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/regularization.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Recipes alike in this have the same P, up to the target scale and the bound of the diagonal.
inline std::array<double, 6> inverse_key(const Recipe& r) {
  return {r.refinements.user_exponent, r.gram_weight.value,   r.gram_weight.is_relative ? 1.0 : 0.0,
          static_cast<double>(r.form), r.refinements.dropout, r.ridge};
}

/// P, and what it was made with.
template <class Scalar>
struct Inverse {
  Matrix<Scalar> p;      ///< n x n, both triangles
  Vector<Scalar> ridge;  ///< Λ
};

/// What a recipe adds to P's own n x n matrix is counted in recipe/cost.hpp.
template <class Scalar>
class InversePhase {
 public:
  /// \param data must outlive this
  /// \param keep_grams whether an n x n matrix may be spent on Gram matrices that points share
  InversePhase(const FitData<Scalar>& data, const FeatureScale& scale, bool keep_grams)
      : data_(data), scale_(scale), keep_grams_(keep_grams) {
    if (!data.in_gram.empty()) {
      side_squares_ = data.in_gram.row_squares();
      require_no_overflow(side_squares_, "features");
    }
  }

  /// The form of P for this data.
  FitForm form(const Recipe& recipe) const {
    return inverse_form<Scalar>(
        recipe.form, data_.x->rows() + data_.in_gram.sparse_columns(), data_.x->cols(),
        data_.x->nonZeros() + data_.in_gram.sparse_entries(), data_.in_gram.is_sparse());
  }

  /// Λ.
  /// \param x interactions of weighed users
  /// \throws std::invalid_argument (overflow)
  Vector<Scalar> ridge(const Recipe& recipe, const Csr<Scalar>& x) const {
    Vector<Scalar> squares = gram_diagonal(x);
    require_no_overflow(squares, "interactions");
    if (has_side()) {
      const auto alpha = static_cast<Scalar>(recipe.gram_weight.at(scale_));
      add_scaled(squares.size(), alpha, side_squares_.data(), squares.data());
      require_no_overflow(squares, "interactions and features");
    }
    return ridge_with_dropout(squares, recipe.ridge, recipe.refinements.dropout);
  }

  /// \throws std::invalid_argument (overflow), NotPositiveDefinite, Cancelled
  Inverse<Scalar> operator()(const Recipe& recipe, const FitControl& control) {
    const Progress& progress = control.progress;
    FitSummary summary;
    summary.form = form(recipe);
    const auto alpha = static_cast<Scalar>(recipe.gram_weight.at(scale_));
    const double exponent = recipe.refinements.user_exponent;
    const Borrowed<Csr<Scalar>> x = weigh_users(*data_.x, data_.user_weights, exponent);
    Inverse<Scalar> inverse;
    inverse.ridge = ridge(recipe, *x);
    if (summary.form == FitForm::dual) {
      inverse.p = has_side() ? dual_inverse(stacked_rows(*x, data_.in_gram.tag_rows(alpha)),
                                            inverse.ridge, progress)
                             : dual_inverse(*x, inverse.ridge, progress);
      if (control.summary) *control.summary = summary;
      return inverse;
    }
    inverse.p = keep_grams_ ? sum_of_kept_grams(*x, exponent, alpha, progress)
                            : new_gram(*x, alpha, progress);
    add_ridge(inverse.p, inverse.ridge);
    const Index rest = invert_gram<Scalar>(inverse.p, recipe.form,
                                           {Pivot::item,
                                            "the Gram matrix",
                                            "item",
                                            concat("raise the ridge (", recipe.ridge_name, ")"),
                                            {}},
                                           progress);
    if (rest < inverse.p.rows()) {
      const Index n = inverse.p.rows();
      summary = {FitForm::eliminated, n - rest, volume(rest, rest, rest) / volume(n, n, n)};
    }
    if (control.summary) *control.summary = summary;
    return inverse;
  }

 private:
  bool has_side() const { return side_squares_.size() > 0; }

  /// XᵀX + α F Fᵀ, lower triangle.
  Matrix<Scalar> new_gram(const Csr<Scalar>& x, Scalar alpha, const Progress& progress) const {
    Matrix<Scalar> gram = interaction_gram(x, progress);
    if (has_side()) data_.in_gram.add_gram_of_rows(alpha, gram, progress);
    return gram;
  }

  /// The same from `kept_`: XᵀX in its lower triangle, for the latest weights of users, and F Fᵀ in
  /// its strict upper one.
  Matrix<Scalar> sum_of_kept_grams(const Csr<Scalar>& x, double exponent, Scalar alpha,
                                   const Progress& progress) {
    const Index n = x.cols();
    if (kept_.size() == 0) {
      kept_ = large_matrix<Scalar>(n, n);
      if (has_side()) {
        Matrix<Scalar> side_gram = zero_lower_triangle<Scalar>(n);
        data_.in_gram.add_gram_of_rows(1, side_gram, progress);
        transpose_triangle<Scalar>(Triangle::lower, side_gram, kept_);
      }
    }
    if (kept_for_ != exponent) {
      Stage stage(progress, "gram", static_cast<double>(n));
      add_gram_of_columns<Scalar>(x, 1, kept_, true, stage);
      stage.finish();
      kept_for_ = exponent;
    }
    Matrix<Scalar> gram = large_matrix<Scalar>(n, n);
    parallel_lower_tiles(n, 64, [&](Index i, Index rows, Index j, Index columns) {
      for (Index row = i; row < i + rows; ++row) {
        const Index end = (std::min)(j + columns, row + 1);
        std::copy_n(&kept_(row, j), end - j, &gram(row, j));
        if (!has_side()) continue;
        for (Index column = j; column < (std::min)(end, row); ++column) {
          gram(row, column) += alpha * kept_(column, row);
        }
        if (end > row) gram(row, row) += alpha * side_squares_[row];
      }
    });
    return gram;
  }

  const FitData<Scalar>& data_;
  FeatureScale scale_;
  bool keep_grams_;
  Vector<Scalar> side_squares_;  // diag(F Fᵀ); empty without sources in the Gram matrix
  Matrix<Scalar> kept_;
  std::optional<double> kept_for_;  // the user exponent that `kept_` has
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// The state of an updatable model (see lae/models/updatable.hpp): data, P, and what follows from
/// both; how it is fitted, and how other data are folded in.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/fit_control.hpp"
#include "lae/core/fit_form.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/random.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/block_products.hpp"
#include "lae/detail/algebra/inverse_change.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/algebra/triangular.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/updatable_data.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/feature_set.hpp"
#include "lae/detail/recipe/fit.hpp"
#include "lae/detail/recipe/fit_data.hpp"
#include "lae/detail/recipe/inverse_phase.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/detail/recipe/weights.hpp"
#include "lae/models/update.hpp"
#include "lae/ranking/history.hpp"
#include "lae/recipe/recipe.hpp"
#include "lae/recipe/scaled.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// What follows from data and P.
template <class Scalar>
struct UpdatableTerms {
  FeatureScale scale{};
  Vector<Scalar> ridge{};  ///< Λ
  Vector<Scalar> peaks{};  ///< the largest that each P_ii has been since the last fit
  std::shared_ptr<const SemanticSolution<Scalar>> semantics{};  ///< of low rank; null: none
  Matrix<Scalar> z{};                                           ///< P V of a prior; else empty
  ColumnFactors<Scalar> factors{};
  Vector<Scalar> excess{};  ///< diag(B) - diag(P diag(c) + Q diag(e))
};

/// Sparse rows, one by one.
template <class Scalar>
class RowStack {
 public:
  void add(const History<Scalar>& row) {
    for (const auto& [item, value] : row) put(item, value);
    end();
  }
  void add_entry(Index item, Scalar value) {
    put(item, value);
    end();
  }

  Csr<Scalar> matrix(Index columns) const {
    Csr<Scalar> rows(static_cast<Index>(start_.size()) - 1, columns);
    rows.resizeNonZeros(static_cast<Index>(items_.size()));
    std::copy(start_.begin(), start_.end(), rows.outerIndexPtr());
    std::copy(items_.begin(), items_.end(), rows.innerIndexPtr());
    std::copy(values_.begin(), values_.end(), rows.valuePtr());
    return rows;
  }

 private:
  void put(Index item, Scalar value) {
    items_.push_back(item);
    values_.push_back(value);
  }
  void end() { start_.push_back(static_cast<Index>(items_.size())); }

  std::vector<Index> start_{0};
  std::vector<Index> items_;
  std::vector<Scalar> values_;
};

template <class Scalar>
bool is_same(const History<Scalar>& a, const History<Scalar>& b) {
  return a.size() == b.size() && std::equal(a.items(), a.items() + a.size(), b.items()) &&
         std::equal(a.values(), a.values() + a.size(), b.values());
}

template <class Scalar>
class UpdatableState {
 public:
  using Data = UpdatableData<Scalar>;
  using Terms = UpdatableTerms<Scalar>;

  /// Fits. \throws as fits do
  UpdatableState(const Recipe& recipe, Data data, const FitControl& control)
      : data_(std::move(data)) {
    const Progress& progress = control.progress;
    set_recipe(recipe);
    FitData<Scalar> fit = data_.for_fit(recipe_);
    terms_.scale = fit.scale();
    terms_.semantics = solve_semantics(fit, terms_.scale, progress);
    Inverse<Scalar> inverse = InversePhase<Scalar>(fit, terms_.scale, false)(recipe_, control);
    terms_.ridge = std::move(inverse.ridge);
    p_ = std::move(inverse.p);
    terms_.peaks = p_.diagonal();
    if (is_prior()) terms_.z = product_of(p_, terms_.semantics->v, "product", progress);
    set_factors(p_.diagonal(), data_, terms_);
    drift_of_fit_ = drift();
  }

  /// Goes on where another state was: its Λ, P, peaks and Z. \throws NotPositiveDefinite
  UpdatableState(const Recipe& recipe, Data data, Vector<Scalar> ridge, Matrix<Scalar> p,
                 Vector<Scalar> peaks, Matrix<Scalar> z, double drift_of_fit)
      : data_(std::move(data)), p_(std::move(p)), drift_of_fit_(drift_of_fit) {
    set_recipe(recipe);
    FitData<Scalar> fit = data_.for_fit(recipe_);
    terms_.scale = fit.scale();
    terms_.semantics = solve_semantics(fit, terms_.scale, {});
    terms_.ridge = std::move(ridge);
    terms_.peaks = std::move(peaks);
    terms_.z = std::move(z);
    set_factors(p_.diagonal(), data_, terms_);
  }

  const Recipe& recipe() const { return recipe_; }
  const Data& data() const { return data_; }
  const Terms& terms() const { return terms_; }
  const Matrix<Scalar>& p() const { return p_; }
  double drift_of_fit() const { return drift_of_fit_; }

  bool is_prior() const { return recipe_.semantic_use == SemanticUse::prior; }

  /// The left factor of Q = left Vᵀ. There must be a semantic phase.
  const Matrix<Scalar>& left() const { return left_of(terms_); }

  /// Below it rounding errors may pass the square root of what a single one is.
  static double least_trusted_pivot() {
    return std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
  }

  /// Becomes the state of other data. All that can fail does so before anything is changed.
  /// \param users those whose rows or weights differ, and new ones, without duplicates
  /// \return nothing if rounding would take too much; nothing is changed then
  /// \throws Cancelled, NotPositiveDefinite (of the semantic phase)
  std::optional<UpdateReport> fold_in(Data next, const std::vector<Index>& users,
                                      const Progress& progress) {
    const Index before = p_.rows();
    const Index n = next.x->cols();
    FitData<Scalar> fit = next.for_fit(recipe_);
    Terms terms;
    terms.scale = fit.scale();
    const Borrowed<Csr<Scalar>> rows = next.rows(recipe_);
    terms.ridge = InversePhase<Scalar>(fit, terms.scale, false).ridge(recipe_, *rows);

    const bool has_border = n > before && !fit.in_gram.empty();
    Matrix<Scalar> grown;
    if (n > before) grown = enlarged(terms.ridge, has_border);
    Matrix<Scalar>& p = n > before ? grown : p_;
    Vector<Scalar> peaks = terms.ridge.cwiseInverse();
    peaks.head(before) = terms_.peaks;
    InverseChange<Scalar> change(p, peaks);
    try {
      if (has_border) add_border(fit.in_gram, terms, change, progress);
      change_rows(*rows, terms.ridge, users, change, progress);
    } catch (const NotPositiveDefinite&) {
      return std::nullopt;
    }
    const auto least_pivot = static_cast<double>(change.least_pivot());
    const Vector<Scalar> diagonal = change.diagonal();
    if (least_pivot < least_trusted_pivot() || !(diagonal.array() > 0).all()) return std::nullopt;

    terms.peaks = peaks.cwiseMax(diagonal);
    terms.semantics = n > before ? solve_semantics(fit, terms.scale, progress) : terms_.semantics;
    if (is_prior()) {
      terms.z = n > before ? rotated_z(*terms.semantics, p.diagonal(), progress) : terms_.z;
      change.change_product(terms.semantics->v, terms.z, progress);
    }
    set_factors(diagonal, next, terms);

    change.apply(diagonal, p);
    if (n > before) p_.swap(grown);
    data_ = std::move(next);
    terms_ = std::move(terms);
    return UpdateReport{change.rank(), false, least_pivot};
  }

  /// How far P (and Z) are from what they stand for: the largest of ||A y - b|| / ||b|| over some
  /// random b, y being P b (or Z b of V b).
  double drift() const {
    constexpr Index probes = 4;
    const Index n = p_.rows();
    const Index count = is_prior() ? 2 * probes : probes;
    const FitData<Scalar> fit = data_.for_fit(recipe_);
    Random random(1);
    Matrix<Scalar> b(n, count);
    Matrix<Scalar> y(n, count);
    {
      const Matrix<Scalar> r = normal(n, probes, random);
      b.leftCols(probes) = r;
      multiply_block<Scalar>(p_, r, Tile<Scalar>(y).leftCols(probes));
    }
    if (is_prior()) {
      const Matrix<Scalar> r = normal(terms_.z.cols(), probes, random);
      multiply_block<Scalar>(terms_.semantics->v, r, Tile<Scalar>(b).rightCols(probes));
      multiply_block<Scalar>(terms_.z, r, Tile<Scalar>(y).rightCols(probes));
    }
    const Matrix<Scalar> ay = times_a(fit, y);
    double worst = 0;
    for (Index k = 0; k < count; ++k) {
      const double norm = b.col(k).template cast<double>().norm();
      if (norm == 0) continue;
      worst = (std::max)(worst, (ay - b).col(k).template cast<double>().norm() / norm);
    }
    return worst;
  }

  /// B.
  Matrix<Scalar> weights(const Progress& progress) const {
    Matrix<Scalar> b = p_;
    if (!terms_.semantics) {
      return weights_of<Scalar>(b, nullptr, terms_.factors, progress);
    }
    SemanticSolution<Scalar> solution;
    solution.factors = terms_.semantics->factors;
    solution.v = terms_.semantics->v;
    SemanticTerm<Scalar> term =
        is_prior() ? SemanticTerm<Scalar>::of_prior(std::move(solution), b, &terms_.z, progress)
                   : SemanticTerm<Scalar>::of_sum(std::move(solution));
    return weights_of<Scalar>(b, &term, terms_.factors, progress);
  }

 private:
  /// With names of its own, and in whichever form is faster.
  void set_recipe(const Recipe& recipe) {
    names_ = std::make_shared<const std::array<std::string, 2>>(
        std::array<std::string, 2>{recipe.ridge_name, recipe.semantic_ridge_name});
    recipe_ = recipe;
    recipe_.form = FitForm::automatic;
    recipe_.ridge_name = (*names_)[0].c_str();
    recipe_.semantic_ridge_name = (*names_)[1].c_str();
  }

  const Matrix<Scalar>& left_of(const Terms& terms) const {
    return is_prior() ? terms.z : terms.semantics->v;
  }

  /// Null if there is no semantic phase.
  std::shared_ptr<const SemanticSolution<Scalar>> solve_semantics(FitData<Scalar>& fit,
                                                                  const FeatureScale& scale,
                                                                  const Progress& progress) const {
    if (recipe_.semantic_use == SemanticUse::none) return nullptr;
    SemanticPhase<Scalar> phase(std::move(fit.in_semantics), recipe_, scale, true, progress, true);
    return std::make_shared<const SemanticSolution<Scalar>>(phase.solve(recipe_, progress));
  }

  void set_factors(const Vector<Scalar>& p_diagonal, const Data& data, Terms& terms) const {
    SemanticFactors<Scalar> semantic;
    if (terms.semantics) {
      semantic = terms.semantics->factors;
      const Matrix<Scalar>& left = left_of(terms);
      const Matrix<Scalar>& right = terms.semantics->v;
      semantic.q_diagonal.resize(left.rows());
      parallel_tiles(left.rows(), 64, [&](Index first, Index rows) {
        for (Index i = first; i < first + rows; ++i) {
          semantic.q_diagonal[i] = dot(left.cols(), &left(i, 0), &right(i, 0));
        }
      });
    }
    terms.factors = factors_of<Scalar>(recipe_, *data.x, terms.ridge, p_diagonal,
                                       terms.semantics ? &semantic : nullptr);
    terms.excess = terms.factors.diagonal - terms.factors.of_p.cwiseProduct(p_diagonal);
    if (terms.semantics) {
      terms.excess -= terms.factors.of_q.cwiseProduct(semantic.q_diagonal);
    }
  }

  /// P with rows and columns for new items: of items apart from all others, or zeros.
  Matrix<Scalar> enlarged(const Vector<Scalar>& ridge, bool with_zeros) const {
    const Index n = ridge.size();
    const Index before = p_.rows();
    Matrix<Scalar> p = large_matrix<Scalar>(n, n);
    parallel_tiles(n, 64, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        Scalar* const row = &p(i, 0);
        const Index known = i < before ? before : 0;
        if (known > 0) std::copy_n(&p_(i, 0), known, row);
        std::fill_n(row + known, n - known, Scalar(0));
        if (i >= before && !with_zeros) row[i] = 1 / ridge[i];
      }
    });
    return p;
  }

  Scalar gram_weight(const Terms& terms) const {
    return static_cast<Scalar>(recipe_.gram_weight.at(terms.scale));
  }

  /// What new items have in common with all by their features, and what their lengths change in the
  /// weight of all features.
  void add_border(const FeatureSet<Scalar>& side, const Terms& terms, InverseChange<Scalar>& change,
                  const Progress& progress) const {
    const Index before = p_.rows();
    const Index added = terms.ridge.size() - before;
    const Matrix<Scalar> gram = side.gram_rows_from(before, gram_weight(terms_));
    Matrix<Scalar> corner = gram.rightCols(added);
    for (Index i = 0; i < added; ++i) corner(i, i) += terms.ridge[before + i];
    change.add_items(gram.leftCols(before), std::move(corner), progress);

    const Scalar more = gram_weight(terms) - gram_weight(terms_);
    if (more == 0) return;
    const Scalar sign = more > 0 ? Scalar(1) : Scalar(-1);
    const FeatureSet<Scalar> dense = side.dense_part();
    if (!dense.empty()) {
      const Borrowed<Matrix<Scalar>> f = dense.lend_side_by_side();
      Matrix<Scalar> rows = f->transpose();
      set_scaled(rows.size(), std::sqrt(std::abs(more)), rows.data(), rows.data());
      change.add(sign, rows, progress);
    }
    change.add(sign, side.tag_rows(std::abs(more)), progress);
  }

  /// What the rows of these users, and Λ, change.
  /// \param rows weighed
  void change_rows(const Csr<Scalar>& rows, const Vector<Scalar>& ridge,
                   const std::vector<Index>& users, InverseChange<Scalar>& change,
                   const Progress& progress) const {
    const Borrowed<Csr<Scalar>> old_rows = data_.rows(recipe_);
    RowStack<Scalar> more;
    RowStack<Scalar> less;
    for (const Index user : users) {
      const History<Scalar> now(rows, user);
      if (user >= old_rows->rows()) {
        if (!now.empty()) more.add(now);
        continue;
      }
      const History<Scalar> then(*old_rows, user);
      if (is_same(now, then)) continue;
      if (!now.empty()) more.add(now);
      if (!then.empty()) less.add(then);
    }
    for (Index item = 0; item < p_.rows(); ++item) {
      const Scalar difference = ridge[item] - terms_.ridge[item];
      if (difference > 0) more.add_entry(item, std::sqrt(difference));
      if (difference < 0) less.add_entry(item, std::sqrt(-difference));
    }
    // What comes is added before anything is taken away, so that what is left stays far from
    // singular.
    change.add(1, more.matrix(rows.cols()), progress);
    change.add(-1, less.matrix(rows.cols()), progress);
  }

  /// P V for new factors of FᵀF + λ_F I, and for new items that are apart from all others:
  /// V <- V R with R = Lᵀ L'⁻ᵀ, L and L' being the old factor and the new one.
  Matrix<Scalar> rotated_z(const SemanticSolution<Scalar>& semantics,
                           const Vector<Scalar>& p_diagonal, const Progress& progress) const {
    const Matrix<Scalar>& old_v = terms_.semantics->v;
    const Matrix<Scalar>& v = semantics.v;
    const Index before = old_v.rows();
    const Index d = v.cols();
    Stage stage(progress, "rotation", static_cast<double>(v.rows()));
    // Lᵀ = L⁻¹ (FᵀF + λ_F I) = VᵀF + λ_F L⁻¹, with F L'⁻ᵀ = V'.
    const auto lambda = static_cast<Scalar>(recipe_.semantic_ridge.at(terms_.scale));
    Matrix<Scalar> rotation = terms_.semantics->core_factor.template triangularView<Eigen::Lower>();
    parallel_tiles(d, product_tile, [&](Index first, Index rows) {
      const Tile<Scalar> part = Tile<Scalar>(rotation).middleRows(first, rows);
      multiply_on_right_by_transposed<Scalar>(part, semantics.core_factor);
      for (Index i = 0; i < rows; ++i) set_scaled(d, lambda, part.row(i), part.row(i));
    });
    const ConstTile<Scalar> known = ConstTile<Scalar>(v).topRows(before);
    parallel_tiles(d, 96, [&](Index first, Index rows) {
      add_product<Scalar>(Tile<Scalar>(rotation).middleRows(first, rows), 1,
                          transposed(ConstTile<Scalar>(old_v).middleCols(first, rows)),
                          plain(known));
    });
    Matrix<Scalar> z = large_matrix<Scalar>(v.rows(), d);
    multiply_block<Scalar>(terms_.z, rotation, Tile<Scalar>(z).topRows(before));
    for (Index i = before; i < v.rows(); ++i) set_scaled(d, p_diagonal[i], &v(i, 0), &z(i, 0));
    stage.finish();
    return z;
  }

  /// (G + diag(Λ)) y, G never being formed.
  Matrix<Scalar> times_a(const FitData<Scalar>& fit, const Matrix<Scalar>& y) const {
    Matrix<Scalar> product = terms_.ridge.asDiagonal() * y;
    Matrix<Scalar> part(y.rows(), y.cols());
    const auto add_rows = [&](const Csr<Scalar>& rows) {
      Matrix<Scalar> inner(rows.rows(), y.cols());
      multiply_block<Scalar>(rows, y, inner);
      multiply_block<Scalar>(Csr<Scalar>(rows.transpose()), inner, part);
      product += part;
    };
    add_rows(*data_.rows(recipe_));
    const Scalar alpha = gram_weight(terms_);
    if (const FeatureSet<Scalar> dense = fit.in_gram.dense_part(); !dense.empty()) {
      const Borrowed<Matrix<Scalar>> f = dense.lend_side_by_side();
      multiply_block<Scalar>(*f, transposed_product<Scalar>(*f, y), part);
      product += alpha * part;
    }
    if (fit.in_gram.sparse_columns() > 0) add_rows(fit.in_gram.tag_rows(alpha));
    return product;
  }

  static Matrix<Scalar> normal(Index rows, Index columns, Random& random) {
    Matrix<Scalar> values(rows, columns);
    for (Index i = 0; i < values.size(); ++i) {
      values.data()[i] = static_cast<Scalar>(random.normal());
    }
    return values;
  }

  std::shared_ptr<const std::array<std::string, 2>> names_;
  Recipe recipe_;
  Data data_;
  Terms terms_;
  Matrix<Scalar> p_;  // both triangles
  double drift_of_fit_ = 0;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

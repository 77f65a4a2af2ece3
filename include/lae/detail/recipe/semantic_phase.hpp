#pragma once

/// \file
/// The semantic phase S of a recipe: EASE on item features (eq. 10 of the L3AE paper), or their
/// similarity, in the form S = diag(own) + Q_S diag(scale).
///
/// With few features for the items (see `is_low_rank`), FᵀF + λ_F I = L Lᵀ and V = F L⁻ᵀ give
/// (F Fᵀ + λ_F I)⁻¹ = (I - V Vᵀ) / λ_F by Woodbury's identity: no n x n inverse, Q_S = V Vᵀ,
/// scale_i = 1 / s_i and own_i = 1 - 1 / s_i with s_i = 1 - ||v_i||². Else P_F itself is inverted:
/// Q_S = P_F, scale_i = -1 / P_F(i, i) and own_i = 1.

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "lae/algebra/gram.hpp"
#include "lae/algebra/regularized_inverse.hpp"
#include "lae/algebra/spd_inverse.hpp"
#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/recipe/factors.hpp"
#include "lae/detail/recipe/feature_set.hpp"
#include "lae/recipe/recipe.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Up to d = 2n/3 the low-rank form costs no more flops than the dense one, 11/3 n^3 for all of
/// L3AE but P itself, and hardly more memory.
inline bool is_low_rank(Index items, Index features) {
  return 3 * features <= 2 * items;
}

/// a b, in panels of rows.
template <class Scalar>
Matrix<Scalar> product_of(const Matrix<Scalar>& a, const Matrix<Scalar>& b, const char* name,
                          const Progress& progress) {
  Stage stage(progress, name, static_cast<double>(a.rows()));
  Matrix<Scalar> product = large_matrix<Scalar>(a.rows(), b.cols());
  parallel_tiles(a.rows(), product_tile, [&](Index first, Index rows) {
    const Tile<Scalar> part = Tile<Scalar>(product).middleRows(first, rows);
    part.set_zero();
    add_product<Scalar>(part, 1, plain(ConstTile<Scalar>(a).middleRows(first, rows)), plain(b));
    stage.advance(static_cast<double>(rows));
  });
  stage.finish();
  return product;
}

/// S for one ridge: its factors, and Q_S as V Vᵀ or as a whole.
template <class Scalar>
struct SemanticSolution {
  SemanticFactors<Scalar> factors;
  Matrix<Scalar> v;      ///< n x d; empty if Q_S is whole
  Matrix<Scalar> whole;  ///< n x n; empty if it is not
  /// How V came about, where F is kept: V = F core with core = factorᵀ, a lower triangle's, or
  /// diag(scale); both empty: it is not known.
  Matrix<Scalar> core_factor{};
  Vector<Scalar> core_scale{};
};

/// Q of a recipe for one P: as a whole, or as left · core · rightᵀ.
template <class Scalar>
class SemanticTerm {
 public:
  SemanticFactors<Scalar> factors;

  /// Q = Q_S.
  static SemanticTerm of_sum(SemanticSolution<Scalar> solution) {
    SemanticTerm term;
    term.factors = std::move(solution.factors);
    term.whole_ = std::move(solution.whole);
    term.right_ = std::move(solution.v);
    return term;
  }

  /// Q = P Q_S.
  /// \param p must stay as it is while the term is in use, but for `write_weights`
  /// \param p_features P F, if the solution knows how V came from F: must outlive the term
  static SemanticTerm of_prior(SemanticSolution<Scalar> solution, const Matrix<Scalar>& p,
                               const Matrix<Scalar>* p_features, const Progress& progress) {
    SemanticTerm term;
    if (solution.whole.size() > 0) {
      term.left_ = &p;
      term.right_ = std::move(solution.whole);
    } else if (p_features) {
      term.left_ = p_features;
      term.right_ = std::move(solution.v);
      term.core_factor_ = std::move(solution.core_factor);
      term.core_scale_ = std::move(solution.core_scale);
    } else {
      term.own_left_ = product_of(p, solution.v, "product", progress);
      term.right_ = std::move(solution.v);
    }
    term.factors = std::move(solution.factors);
    Vector<Scalar>& q_diagonal = term.factors.q_diagonal;
    q_diagonal.resize(term.right_.rows());
    parallel_tiles(q_diagonal.size(), product_tile, [&](Index first, Index rows) {
      const Matrix<Scalar>& right = term.right_;
      Matrix<Scalar> with_core;
      if (term.has_core()) with_core = term.left_rows(first, rows);
      for (Index i = first; i < first + rows; ++i) {
        const Scalar* const left = term.has_core() ? &with_core(i - first, 0) : &term.left()(i, 0);
        q_diagonal[i] = dot(right.cols(), left, &right(i, 0));
      }
    });
    return term;
  }

  bool is_whole() const { return whole_.size() > 0; }
  Index items() const { return is_whole() ? whole_.cols() : right_.rows(); }

  /// Q, if it is whole.
  const Matrix<Scalar>& whole() const { return whole_; }
  Matrix<Scalar> take_whole() { return std::move(whole_); }

  /// Whether the left factor is P itself.
  bool is_product_with(const Matrix<Scalar>& p) const { return left_ == &p; }

  /// The factor that rows of Q, or sums of them, begin with, before the core.
  const Matrix<Scalar>& left() const {
    return own_left_.size() > 0 ? own_left_ : left_ ? *left_ : right_;
  }

  /// left · core, for rows [first, first + rows) of Q.
  Matrix<Scalar> left_rows(Index first, Index rows) const {
    return with_core(left().middleRows(first, rows));
  }

  /// rows · core
  Matrix<Scalar> with_core(Matrix<Scalar> rows) const {
    if (core_factor_.size() > 0) {
      multiply_on_right_by_transposed<Scalar>(rows, core_factor_);
    } else if (core_scale_.size() > 0) {
      for (Index i = 0; i < rows.rows(); ++i) {
        multiply_by(rows.cols(), core_scale_.data(), &rows(i, 0));
      }
    }
    return rows;
  }

  /// Columns [begin, begin + q.cols()) of the rows of Q, or sums of them, that `left` stands for.
  void set_columns(const Matrix<Scalar>& left, Index begin, Tile<Scalar> q) const {
    q.set_zero();
    const ConstTile<Scalar> right = right_;
    add_product<Scalar>(q, 1, plain(left), transposed(right.middleRows(begin, q.cols())));
  }

  /// Computes Q once, for 2 n^2 r flops and n^2 scalars. \throws Cancelled
  void make_whole(const Progress& progress) {
    const Index n = items();
    Stage stage(progress, "semantic products", static_cast<double>(n));
    Matrix<Scalar> q = large_matrix<Scalar>(n, n);
    parallel_tiles(n, product_tile, [&](Index first, Index rows) {
      set_columns(left_rows(first, rows), 0, Tile<Scalar>(q).middleRows(first, rows));
      stage.advance(static_cast<double>(rows));
    });
    stage.finish();
    whole_ = std::move(q);
  }

  /// The right factor with its rows, which are columns of Q, scaled. The term is spoilt.
  Matrix<Scalar> take_scaled_right(const Vector<Scalar>& scale) {
    const bool is_left_too = own_left_.size() == 0 && !left_;
    Matrix<Scalar> scaled;
    if (is_left_too) {
      scaled = right_;
    } else {
      scaled = std::move(right_);
    }
    parallel_tiles(scaled.rows(), 64, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        set_scaled(scaled.cols(), scale[i], &scaled(i, 0), &scaled(i, 0));
      }
    });
    return scaled;
  }

 private:
  bool has_core() const { return core_factor_.size() > 0 || core_scale_.size() > 0; }

  Matrix<Scalar> whole_;
  const Matrix<Scalar>* left_ = nullptr;
  Matrix<Scalar> own_left_;
  Matrix<Scalar> right_;
  Matrix<Scalar> core_factor_;
  Vector<Scalar> core_scale_;
};

/// The eigenvalues of a symmetric matrix given by its lower triangle, rising, and its eigenvectors
/// as columns. In double, on one thread: the same bits for any number of them.
template <class Scalar>
std::pair<Vector<double>, Matrix<double>> eigendecomposition(const Matrix<Scalar>& symmetric) {
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  // Inside a parallel loop Eigen starts no threads.
  parallel_for(2, [&](Index i) {
    if (i == 0) solver.compute(symmetric.template cast<double>());
  });
  return {solver.eigenvalues(), solver.eigenvectors()};
}

/// Recipes alike in this have the same S.
inline std::array<double, 3> semantic_key(const Recipe& r) {
  return {r.semantic_ridge.value, r.semantic_ridge.is_relative ? 1.0 : 0.0,
          r.unit_length ? 1.0 : 0.0};
}

/// S for any number of ridges λ_F. FᵀF = E diag(e) Eᵀ gives V = F E diag(1 / √(e + λ_F)) for all of
/// them at the cost of a scaling, once F E is known; where a Cholesky factor for each λ_F is
/// cheaper than that, it is taken instead.
template <class Scalar>
class SemanticPhase {
 public:
  /// A flop of Eigen's eigensolver takes as long as this many of a product.
  static constexpr double eigen_flop_price = 20;

  /// \param recipe any of those that will be solved: what they have in common is its use of S
  /// \param scale of the features
  /// \param keeps_f if not, V takes the storage of F, and `solve` can be called once
  /// \param is_always_low_rank whether Q_S is V Vᵀ however many features there are
  SemanticPhase(FeatureSet<Scalar> features, const Recipe& recipe, const FeatureScale& scale,
                bool keeps_f, const Progress& progress, bool is_always_low_rank = false)
      : features_(std::move(features)),
        use_(recipe.semantic_use),
        scale_(scale),
        keeps_f_(keeps_f) {
    require_no_overflow(features_.row_squares(), "features");
    const bool is_solved = recipe.semantic_use != SemanticUse::similarity;
    if (!is_solved) return;
    if (!is_always_low_rank && !is_low_rank(features_.items(), features_.columns())) return;
    if (keeps_f) {
      f_ = features_.lend_side_by_side();
    } else {
      f_ = std::move(features_).take_side_by_side();
    }
    gram_ = features_.gram_of_columns(*f_, progress);
  }

  /// S of one recipe.
  /// \throws NotPositiveDefinite, Cancelled
  SemanticSolution<Scalar> solve(const Recipe& recipe, const Progress& progress) {
    if (use_ == SemanticUse::similarity) return similarity(recipe.unit_length, progress);
    const Ridge ridge{static_cast<Scalar>(recipe.semantic_ridge.at(scale_)),
                      recipe.semantic_ridge_name};
    return f_->size() > 0 ? low_rank_solution(ridge, progress) : dense_solution(ridge, progress);
  }

  /// What S is to P.
  /// \param p stays as it is while the term is in use
  SemanticTerm<Scalar> term(SemanticSolution<Scalar> solution, const Matrix<Scalar>& p,
                            const Progress& progress) const {
    if (use_ != SemanticUse::prior) {
      return SemanticTerm<Scalar>::of_sum(std::move(solution));
    }
    const Matrix<Scalar>* shared = p_features_.size() > 0 ? &p_features_ : nullptr;
    return SemanticTerm<Scalar>::of_prior(std::move(solution), p, shared, progress);
  }

  /// For each P that terms of several ridges share: P F once. \throws Cancelled
  void set_inverse(const Matrix<Scalar>& p, const Progress& progress) {
    if (f_->size() == 0 || use_ != SemanticUse::prior) return;
    p_features_.resize(0, 0);
    p_features_ = product_of(p, *f_, "product", progress);
  }

  /// Tells how many different ridges will be asked for, if F is kept: many are worth the
  /// eigenvectors of FᵀF. (Not in the constructor, since a fit has no use for them, and they take
  /// long to compile.) \throws Cancelled
  void prepare_for(Index ridges, const Progress& progress) {
    if (f_->size() > 0 && is_worth_eigenvectors(f_->rows(), f_->cols(), ridges)) rotate(progress);
  }

  /// F <- F E: with it FᵀF is diagonal, and V of each ridge is F E diag(core_scale). To be called
  /// once, if F is kept and S is of low rank. \throws Cancelled
  void rotate(const Progress& progress) {
    auto [values, vectors] = eigendecomposition(gram_);
    eigenvalues_ = std::move(values);
    gram_.resize(0, 0);
    f_ = product_of(*f_, Matrix<Scalar>(vectors.template cast<Scalar>()), "rotation", progress);
  }

  /// F, or F E.
  const Matrix<Scalar>& features() const { return *f_; }

  SemanticPhase(const SemanticPhase&) = delete;
  SemanticPhase& operator=(const SemanticPhase&) = delete;

  static bool is_worth_eigenvectors(Index items, Index dimensions, Index ridges) {
    const double cube = volume(dimensions, dimensions, dimensions);
    const double v = volume(items, dimensions, dimensions);
    return 9 * cube * eigen_flop_price + 2 * v < static_cast<double>(ridges) * (v + 2 * cube / 3);
  }

 private:
  struct Ridge {
    Scalar value;
    const char* name;

    std::string remedy() const {
      return concat("raise ", name, " (", value, ") or compute in double");
    }
  };

  SemanticSolution<Scalar> low_rank_solution(const Ridge& ridge, const Progress& progress) {
    SemanticSolution<Scalar> solution;
    if (eigenvalues_.size() > 0) {
      solution.core_scale.resize(eigenvalues_.size());
      for (Index k = 0; k < eigenvalues_.size(); ++k) {
        // Rounding may leave eigenvalues a little below zero.
        const double shifted = (std::max)(eigenvalues_[k], 0.0) + double(ridge.value);
        solution.core_scale[k] = static_cast<Scalar>(1 / std::sqrt(shifted));
      }
      solution.v = *f_;
      for (Index i = 0; i < solution.v.rows(); ++i) {
        multiply_by(solution.v.cols(), solution.core_scale.data(), &solution.v(i, 0));
      }
      set_low_rank_factors(solution, ridge);
      return solution;
    }
    Matrix<Scalar> factor = keeps_f_ ? gram_ : std::move(gram_);
    add_to_diagonal(factor, ridge.value);
    SpdTiles<Scalar>(factor, {Pivot::dimension, concat("FᵀF + ", ridge.name, " I"),
                              "feature dimension", ridge.remedy()})
        .invert_factor(progress);
    solution.v = keeps_f_ ? Matrix<Scalar>(*f_) : std::move(f_).take();
    Stage stage(progress, "semantics", static_cast<double>(solution.v.rows()));
    parallel_tiles(solution.v.rows(), product_tile, [&](Index first, Index rows) {
      multiply_on_right_by_transposed<Scalar>(Tile<Scalar>(solution.v).middleRows(first, rows),
                                              factor);
      stage.advance(static_cast<double>(rows));
    });
    stage.finish();
    set_low_rank_factors(solution, ridge);
    if (keeps_f_) solution.core_factor = std::move(factor);
    return solution;
  }

  static void add_to_diagonal(Matrix<Scalar>& matrix, Scalar ridge) {
    for (Index i = 0; i < matrix.rows(); ++i) matrix(i, i) += ridge;
  }

  /// \throws NotPositiveDefinite naming the item whose part of S rounding took.
  void set_low_rank_factors(SemanticSolution<Scalar>& solution, const Ridge& ridge) const {
    const Matrix<Scalar>& v = solution.v;
    Vector<Scalar> slack(v.rows());
    parallel_tiles(slack.size(), 64, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        slack[i] = 1 - dot(v.cols(), &v(i, 0), &v(i, 0));
      }
    });
    Index item = 0;
    if (!(slack.minCoeff(&item) > 0)) {
      throw NotPositiveDefinite(
          Pivot::item, item,
          concat("the semantic matrix FFᵀ + ", ridge.name, " I is numerically singular at item ",
                 item, " (of ", slack.size(), "); ", ridge.remedy()));
    }
    solution.factors.own.resize(slack.size());
    for (Index i = 0; i < slack.size(); ++i) {
      slack[i] = 1 / slack[i];
      solution.factors.own[i] = 1 - slack[i];
    }
    solution.factors.scale = std::move(slack);
  }

  SemanticSolution<Scalar> dense_solution(const Ridge& ridge, const Progress& progress) const {
    SemanticSolution<Scalar> solution;
    if (features_.is_sparse()) {
      solution.whole =
          regularized_inverse(features_.tag_rows(1), ridge.value, FitForm::automatic, progress);
    } else {
      solution.whole = zero_lower_triangle<Scalar>(features_.items());
      features_.add_gram_of_rows(1, solution.whole, progress);
      add_to_diagonal(solution.whole, ridge.value);
      SpdTiles<Scalar>(solution.whole,
                       {Pivot::item, concat("FFᵀ + ", ridge.name, " I"), "item", ridge.remedy()})
          .invert(progress);
      mirror_lower_triangle(solution.whole);
    }
    const Index n = solution.whole.rows();
    solution.factors.scale.resize(n);
    for (Index i = 0; i < n; ++i) solution.factors.scale[i] = -1 / solution.whole(i, i);
    solution.factors.own = Vector<Scalar>::Ones(n);
    return solution;
  }

  SemanticSolution<Scalar> similarity(bool unit_length, const Progress& progress) const {
    const Index n = features_.items();
    SemanticSolution<Scalar> solution;
    solution.whole = zero_lower_triangle<Scalar>(n);
    Matrix<Scalar>& s = solution.whole;
    features_.add_gram_of_rows(1, s, progress);
    if (unit_length) {
      Vector<Scalar> scale(n);
      for (Index i = 0; i < n; ++i) scale[i] = s(i, i) > 0 ? 1 / std::sqrt(s(i, i)) : Scalar(0);
      parallel_tiles(n, 64, [&](Index first, Index rows) {
        for (Index i = first; i < first + rows; ++i) {
          multiply_by(i + 1, scale.data(), &s(i, 0));
          set_scaled(i + 1, scale[i], &s(i, 0), &s(i, 0));
        }
      });
    }
    mirror_lower_triangle(s);
    solution.factors.scale = Vector<Scalar>::Ones(n);
    solution.factors.own = Vector<Scalar>::Zero(n);
    return solution;
  }

  FeatureSet<Scalar> features_;
  SemanticUse use_;
  FeatureScale scale_;
  bool keeps_f_;
  Borrowed<Matrix<Scalar>> f_{Matrix<Scalar>()};  // n x d, F or F E; empty if S is dense
  Matrix<Scalar> gram_;                           // FᵀF, lower; empty if there are eigenvalues
  Vector<double> eigenvalues_;
  Matrix<Scalar> p_features_;  // P F or P F E
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

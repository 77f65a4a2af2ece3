#pragma once

/// \file
/// Q for the points of a grid (see tuning/grid_point.hpp), from what all semantic ridges share.

#include <Eigen/Eigenvalues>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "lae/algebra/gram.hpp"
#include "lae/core/semantic_prior.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/large_matrix.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/ranking/recommend.hpp"
#include "lae/tuning/grid_inverse.hpp"
#include "lae/tuning/grid_point.hpp"

namespace lae::detail {

/// Q for one semantic ridge: as a whole, or as left · core · rightᵀ with fewer columns than rows.
template <class Scalar>
class SemanticTerm {
 public:
  SemanticFactors<Scalar> factors;

  /// Q itself.
  static SemanticTerm whole(SemanticFactors<Scalar> factors, Matrix<Scalar> q) {
    SemanticTerm term;
    term.factors = std::move(factors);
    term.whole_ = std::move(q);
    return term;
  }

  /// \param left must outlive the term; nullptr: `right` itself
  /// \param factor the core is its transpose, a lower triangle; empty: none
  /// \param scale the core is diagonal; empty: none
  static SemanticTerm product(SemanticFactors<Scalar> factors, const Matrix<Scalar>* left,
                              Matrix<Scalar> right, Matrix<Scalar> factor = {},
                              Vector<Scalar> scale = {}) {
    SemanticTerm term;
    term.factors = std::move(factors);
    term.left_ = left;
    term.right_ = std::move(right);
    term.core_factor_ = std::move(factor);
    term.core_scale_ = std::move(scale);
    return term;
  }

  bool is_whole() const { return whole_.size() > 0; }
  Index items() const { return is_whole() ? whole_.cols() : right_.rows(); }

  /// left · core, for rows [first, first + rows) of Q.
  Matrix<Scalar> left_rows(Index first, Index rows) const {
    return with_core(left().middleRows(first, rows));
  }

  /// x · left · core, for the rows of x Q that belong to `batch` users.
  Matrix<Scalar> left_rows(const HeldOut<Scalar>& held_out, Index first, Index batch) const {
    Matrix<Scalar> sums = Matrix<Scalar>::Zero(batch, left().cols());
    for (Index b = 0; b < batch; ++b) {
      const Index user = held_out.users[static_cast<std::size_t>(first + b)];
      add_history_rows(held_out.histories, user, left(), 0, sums.row(b));
    }
    return with_core(std::move(sums));
  }

  /// Columns [begin, begin + q.cols()) of the rows of Q, or of x Q, that `left` stands for.
  void set_columns(const Matrix<Scalar>& left, Index begin, Tile<Scalar> q) const {
    q.setZero();
    add_product<Scalar>(q, 1, plain(left), transposed(right_.middleRows(begin, q.cols())));
  }

  /// Rows [first, first + rows) of Q.
  Matrix<Scalar> q_rows(Index first, Index rows) const {
    if (is_whole()) return whole_.middleRows(first, rows);
    Matrix<Scalar> q(rows, items());
    set_columns(left_rows(first, rows), 0, q);
    return q;
  }

  /// Q, if it is whole.
  const Matrix<Scalar>& q() const { return whole_; }

  /// Rows of the right factor, if it is not.
  auto right_rows(Index first, Index rows) const { return right_.middleRows(first, rows); }

  /// Computes Q once, for 2 n^2 r flops and n^2 scalars.
  void make_whole() {
    const Index n = items();
    Matrix<Scalar> q = large_matrix<Scalar>(n, n);
    parallel_tiles(n, product_tile, [&](Index first, Index rows) {
      set_columns(left_rows(first, rows), 0, q.middleRows(first, rows));
    });
    whole_ = std::move(q);
  }

 private:
  const Matrix<Scalar>& left() const { return left_ ? *left_ : right_; }

  Matrix<Scalar> with_core(Matrix<Scalar> rows) const {
    if (core_factor_.size() > 0) {
      multiply_on_right_by_transposed<Scalar>(rows, core_factor_);
    } else if (core_scale_.size() > 0) {
      rows.array().rowwise() *= core_scale_.transpose().array();
    }
    return rows;
  }

  Matrix<Scalar> whole_;
  const Matrix<Scalar>* left_ = nullptr;
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

/// The semantic phase for any number of ridges λ_F.
///
/// With few features for the items (see `has_low_rank_prior`), FᵀF = E diag(e) Eᵀ gives
/// V = F E diag(1 / √(e + λ_F)) for all of them at the cost of a scaling, once F E is known. Where
/// a Cholesky factor for each λ_F is cheaper than that, it is taken instead.
template <class Scalar>
class GridSemantics {
 public:
  /// A flop of Eigen's eigensolver takes as long as this many of a product.
  static constexpr double eigen_flop_price = 20;

  GridSemantics(const SideInformation<Scalar>& side, Index ridges) : side_(side) {
    std::visit(
        [&](const auto& features) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(features)>, std::monostate>) {
            if (!has_low_rank_prior(features.rows(), features.cols())) return;
            gram_ = gram_of_features(features);
            features_ = Matrix<Scalar>(features);
          }
        },
        side);
    if (is_low_rank() && is_worth_eigenvectors(features_.rows(), features_.cols(), ridges)) {
      rotate();
    }
  }

  bool is_low_rank() const { return features_.size() > 0; }

  /// To be called for each P, which must stay as it is while terms with it are in use.
  void set_inverse(const Matrix<Scalar>& p) {
    p_ = &p;
    if (!is_low_rank()) return;
    p_features_ = large_matrix<Scalar>(p.rows(), features_.cols());
    parallel_tiles(p.rows(), product_tile, [&](Index first, Index rows) {
      auto part = p_features_.middleRows(first, rows);
      part.setZero();
      add_product<Scalar>(part, 1, plain(p.middleRows(first, rows)), plain(features_));
    });
  }

  /// \param distils whether Q is P's product (after `set_inverse`) or S's own
  /// \throws NotPositiveDefinite, Cancelled
  SemanticTerm<Scalar> term(double lambda_f, bool distils, const Progress& progress) const {
    const auto lambda = static_cast<Scalar>(lambda_f);
    return is_low_rank() ? low_rank_term(lambda, distils, progress)
                         : dense_term(lambda, distils, progress);
  }

  /// What it takes at its peak, with one term.
  static std::uint64_t bytes(const SideInformation<Scalar>& side) {
    Index items = 0;
    Index columns = 0;
    std::visit(
        [&](const auto& features) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(features)>, std::monostate>) {
            items = features.rows();
            columns = features.cols();
          }
        },
        side);
    if (!has_low_rank_prior(items, columns)) return dense_bytes<Scalar>(items, items);
    return 3 * dense_bytes<Scalar>(items, columns) + 3 * dense_bytes<double>(columns, columns);
  }

  static bool is_worth_eigenvectors(Index items, Index dimensions, Index ridges) {
    const double cube = volume(dimensions, dimensions, dimensions);
    const double v = volume(items, dimensions, dimensions);
    return 9 * cube * eigen_flop_price + 2 * v < static_cast<double>(ridges) * (v + 2 * cube / 3);
  }

 private:
  static Matrix<Scalar> gram_of_features(const Matrix<Scalar>& f) { return gram_of_columns(f); }
  static Matrix<Scalar> gram_of_features(const Csr<Scalar>& tags) { return interaction_gram(tags); }

  /// F <- F E, and with it FᵀF is diagonal.
  void rotate() {
    auto [values, vectors] = eigendecomposition(gram_);
    eigenvalues_ = std::move(values);
    const Matrix<Scalar> rotation = vectors.template cast<Scalar>();
    gram_.resize(0, 0);
    Matrix<Scalar> rotated = large_matrix<Scalar>(features_.rows(), features_.cols());
    parallel_tiles(features_.rows(), product_tile, [&](Index first, Index rows) {
      auto part = rotated.middleRows(first, rows);
      part.setZero();
      add_product<Scalar>(part, 1, plain(features_.middleRows(first, rows)), plain(rotation));
    });
    features_ = std::move(rotated);
  }

  SemanticTerm<Scalar> low_rank_term(Scalar lambda, bool distils, const Progress& progress) const {
    LowRankPrior<Scalar> prior;
    Matrix<Scalar> factor;
    Vector<Scalar> scale;
    if (eigenvalues_.size() > 0) {
      // Rounding may leave eigenvalues a little below zero.
      scale = (eigenvalues_.array().max(0) + double(lambda)).rsqrt().template cast<Scalar>();
      prior.v = features_ * scale.asDiagonal();
      prior.slack = Scalar(1) - prior.v.rowwise().squaredNorm().array();
      require_positive_slack(prior.slack, lambda);
    } else {
      factor = gram_;
      add_ridge(factor, lambda);
      lae::invert_cholesky_factor(factor, progress);
      prior = low_rank_prior_of(Matrix<Scalar>(features_), factor, lambda);
    }
    SemanticFactors<Scalar> factors;
    factors.scale = prior.slack.cwiseInverse();
    factors.own = Scalar(1) - factors.scale.array();
    if (!distils) {
      return SemanticTerm<Scalar>::product(std::move(factors), nullptr, std::move(prior.v));
    }
    factors.q_diagonal.resize(prior.v.rows());
    auto term = SemanticTerm<Scalar>::product({}, &p_features_, std::move(prior.v),
                                              std::move(factor), std::move(scale));
    parallel_tiles(factors.scale.size(), product_tile, [&](Index first, Index rows) {
      factors.q_diagonal.segment(first, rows) =
          term.left_rows(first, rows).cwiseProduct(term.right_rows(first, rows)).rowwise().sum();
    });
    term.factors = std::move(factors);
    return term;
  }

  SemanticTerm<Scalar> dense_term(Scalar lambda, bool distils, const Progress& progress) const {
    Matrix<Scalar> inverse = std::visit(
        [&](const auto& features) -> Matrix<Scalar> {
          if constexpr (std::is_same_v<std::decay_t<decltype(features)>, std::monostate>) {
            return {};
          } else {
            return std::get<DensePrior<Scalar>>(semantic_prior(features, lambda, progress)).inverse;
          }
        },
        side_);
    SemanticFactors<Scalar> factors;
    factors.scale = -inverse.diagonal().cwiseInverse();
    factors.own = Vector<Scalar>::Ones(inverse.rows());
    if (!distils) return SemanticTerm<Scalar>::whole(std::move(factors), std::move(inverse));
    factors.q_diagonal.resize(inverse.rows());
    parallel_tiles(inverse.rows(), 64, [&](Index first, Index rows) {
      for (Index j = first; j < first + rows; ++j) {
        factors.q_diagonal[j] = p_->row(j).dot(inverse.row(j));
      }
    });
    return SemanticTerm<Scalar>::product(std::move(factors), p_, std::move(inverse));
  }

  const SideInformation<Scalar>& side_;
  Matrix<Scalar> features_;  // n x d, F or F E; empty if the prior is dense
  Matrix<Scalar> gram_;      // FᵀF, lower triangle; empty if there are eigenvalues
  Vector<double> eigenvalues_;
  const Matrix<Scalar>* p_ = nullptr;
  Matrix<Scalar> p_features_;  // P F or P F E
};

}  // namespace lae::detail

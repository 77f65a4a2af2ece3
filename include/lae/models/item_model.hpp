#pragma once

/// \file
/// What every solver returns: an item-to-item weight matrix and how to score with it.
///
///     lae::Vector<double> scores = model.score({3, 17});  // of all items, for someone with two
///     double from_3 = model.weights()(3, 5);              // what having 3 adds to the score of 5

#include <utility>
#include <vector>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"

namespace lae {

/// An owning, immutable item-to-item model.
///
/// The score of item j for a history x is sum_i x_i * B(i, j): row i of `weights()` is what item i
/// of the history contributes. B is not symmetric.
template <class Scalar_>
class ItemModel {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;

  /// Takes over an n x n weight matrix (move it in: it is not copied then).
  /// \throws std::invalid_argument if it is empty or not square.
  explicit ItemModel(Matrix<Scalar> weights) : weights_(std::move(weights)) {
    detail::require(weights_.rows() == weights_.cols() && weights_.rows() > 0,
                    "weights must be a non-empty square matrix, got ", weights_.rows(), " x ",
                    weights_.cols());
  }

  /// Number of items, n.
  Index items() const { return weights_.rows(); }

  /// B, n x n: row = item of the history, column = item scored. The diagonal is exactly zero,
  /// unless Refinements::diagonal_bound relaxes it.
  const Matrix<Scalar>& weights() const& { return weights_; }

  /// Gives B away without a copy: `auto b = std::move(model).weights();`
  Matrix<Scalar> weights() && { return std::move(weights_); }

  /// Scores of all items for one history, a list of distinct item indices that each count 1.
  /// Cost: n flops an item of the history.
  /// \throws std::invalid_argument for an index outside [0, items()).
  Vector<Scalar> score(const std::vector<Index>& history) const {
    Vector<Scalar> scores = Vector<Scalar>::Zero(items());
    for (const Index item : history) {
      detail::require(item >= 0 && item < items(), "history holds item ", item,
                      ", but the model has ", items(), " items");
      scores += weights_.row(item).transpose();
    }
    return scores;
  }

  /// Scores of all items for each row of `histories` (users x items, sparse; users the model never
  /// saw are fine): a dense users x items matrix. Meant for a few users; `recommend` ranks any
  /// number of them without holding the scores.
  /// \throws std::invalid_argument if histories.cols() != items() or a value is not finite.
  template <class Derived>
  Matrix<Scalar> score(const Eigen::SparseMatrixBase<Derived>& histories) const {
    const Csr<Scalar> rows = detail::canonical_sparse<Scalar>(histories, "histories");
    detail::require(rows.cols() == items(), "histories has ", rows.cols(),
                    " columns, but the model has ", items(), " items");
    Matrix<Scalar> scores = Matrix<Scalar>::Zero(rows.rows(), items());
    for (Index user = 0; user < rows.rows(); ++user) {
      for (typename Csr<Scalar>::InnerIterator entry(rows, user); entry; ++entry) {
        scores.row(user) += entry.value() * weights_.row(entry.col());
      }
    }
    return scores;
  }

 private:
  Matrix<Scalar> weights_;
};

}  // namespace lae

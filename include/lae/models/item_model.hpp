#pragma once

/// \file
/// What every solver returns: an item-to-item weight matrix and how to score with it.
///
/// \code
/// lae::ItemModel<float> model = lae::Ease<float>({200}).fit(train);
/// auto lists = lae::recommend(model, train, {20});
/// auto scores = model.score({4, 9});                  // of all items, for who has items 4 and 9
/// lae::Matrix<float> b = std::move(model).weights();  // gives the matrix away
/// \endcode

#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/models/item_model_view.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// An owning, immutable item-to-item model, and a scorer (see lae/ranking/scorer.hpp). It is moved,
/// not copied, since it may be most of what fits into memory; `clone` copies it.
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

  ItemModel(ItemModel&&) noexcept = default;
  ItemModel& operator=(ItemModel&&) noexcept = default;
  ItemModel(const ItemModel&) = delete;
  ItemModel& operator=(const ItemModel&) = delete;

  /// A copy, n^2 weights.
  [[nodiscard]] ItemModel clone() const { return ItemModel(Matrix<Scalar>(weights_)); }

  /// Number of items, n.
  [[nodiscard]] Index items() const { return weights_.rows(); }

  /// B, n x n: row = item of the history, column = item scored. The diagonal is exactly zero,
  /// unless Refinements::diagonal_bound relaxes it.
  [[nodiscard]] const Matrix<Scalar>& weights() const& { return weights_; }

  /// Gives B away without a copy: `auto b = std::move(model).weights();`
  [[nodiscard]] Matrix<Scalar> weights() && { return std::move(weights_); }

  /// Adds the scores of items [begin, begin + scores.size()) for one history.
  /// Cost: 2 flops for each of them and each item of the history. Nothing is checked.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    detail::add_history_rows(history, weights_, begin, scores);
  }

  /// The same scorer on this model's memory, which must outlive it: for what takes a view.
  [[nodiscard]] ItemModelView<Scalar> view() const {
    return ItemModelView<Scalar>(weights_.data(), items());
  }

  /// Scores of all items for one history, a list of distinct item indices that each count 1.
  /// Cost: n flops an item of the history.
  /// \throws std::invalid_argument for an index outside [0, items()).
  [[nodiscard]] Vector<Scalar> score(const std::vector<Index>& history) const {
    return view().score(history);
  }

  /// As `lae::score`: a dense users x items matrix, one row for each row of `histories`.
  /// \throws std::invalid_argument if histories.cols() != items() or a value is not finite.
  template <class Derived>
  [[nodiscard]] Matrix<Scalar> score(const Eigen::SparseMatrixBase<Derived>& histories) const {
    return lae::score(*this, histories);
  }

 private:
  Matrix<Scalar> weights_;
};

}  // namespace LAE_ABI
}  // namespace lae

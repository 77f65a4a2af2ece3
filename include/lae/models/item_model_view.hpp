#pragma once

/// \file
/// An item-to-item model on memory of somebody else: of a file, above all.
///
/// \code
/// const auto model = lae::view_model<float>("shop.lae");  // a lae::ItemModelView<float>
/// auto lists = lae::recommend(model, histories, {20});    // a scorer as any other
/// lae::Matrix<float> b = model.weights();                 // a copy, if you need one
/// \endcode

#include <memory>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/detail/ranking/score_rows.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What an ItemModel is, but for its memory: an immutable scorer (see lae/ranking/scorer.hpp) of
/// the same scores, bit for bit. Copies look at the same memory.
template <class Scalar_>
class ItemModelView {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;

  /// \param weights n x n, row after row
  /// \param owner is kept as long as this or a copy is there; empty: the memory outlives them
  /// \throws std::invalid_argument unless n > 0.
  ItemModelView(const Scalar* weights, Index items, std::shared_ptr<const void> owner = {})
      : weights_(weights), items_(items), owner_(std::move(owner)) {
    detail::require(items_ > 0, "the model has no items");
  }

  /// Number of items, n.
  [[nodiscard]] Index items() const { return items_; }

  /// B, n x n: row = item of the history, column = item scored.
  [[nodiscard]] Eigen::Map<const Matrix<Scalar>> weights() const {
    return {weights_, items_, items_};
  }

  /// Adds the scores of items [begin, begin + scores.size()) for one history.
  /// Cost: 2 flops for each of them and each item of the history. Nothing is checked.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    detail::add_history_rows(history, weights(), begin, scores);
  }

  /// Scores of all items for one history, a list of distinct item indices that each count 1.
  /// Cost: n flops an item of the history.
  /// \throws std::invalid_argument for an index outside [0, items()).
  [[nodiscard]] Vector<Scalar> score(const std::vector<Index>& history) const {
    Vector<Scalar> scores = Vector<Scalar>::Zero(items());
    for (const Index item : history) {
      detail::require(item >= 0 && item < items(), "history holds item ", item,
                      ", but the model has ", items(), " items");
      scores += weights().row(item).transpose();
    }
    return scores;
  }

  /// As `lae::score`: a dense users x items matrix, one row for each row of `histories`.
  /// \throws std::invalid_argument if histories.cols() != items() or a value is not finite.
  template <class Derived>
  [[nodiscard]] Matrix<Scalar> score(const Eigen::SparseMatrixBase<Derived>& histories) const {
    return lae::score(*this, histories);
  }

 private:
  const Scalar* weights_;
  Index items_;
  std::shared_ptr<const void> owner_;
};

}  // namespace LAE_ABI
}  // namespace lae

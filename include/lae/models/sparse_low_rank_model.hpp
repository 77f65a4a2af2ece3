#pragma once

/// \file
/// An item-to-item model that needs no n x n matrix: sparse weights, and a product of two thin
/// factors. What `fit_blocks` returns (see lae/models/blocks.hpp).
///
/// \code
/// const lae::SparseLowRankModel<float>& model = fit.model;
/// auto lists = lae::recommend(model, train, {20});    // a scorer as any other
/// auto why = model.parts_of(4, 9);                    // what 4 in a history says for 9
/// std::cout << why.from_interactions << " + " << why.from_features;
/// \endcode

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
#include "lae/models/sparse_low_rank_view.hpp"
#include "lae/ranking/scorer.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Sparse rows of weights, one behind the other, with 32 bits for an item: half of what Csr takes.
template <class Scalar>
struct WeightRows {
  std::vector<Index> start{0};       ///< where each row begins, and where the last one ends: n + 1
  std::vector<std::uint32_t> items;  ///< rising in each row
  std::vector<Scalar> values;
};

/// An owning, immutable scorer: B = E + L Rᵀ, E sparse, L and R items x rank. It is moved, not
/// copied. The score of item j for a history x is sum_i x_i · B(i, j).
///
/// The diagonal of B is that of the model (zero, unless Refinements::diagonal_bound relaxes it): E
/// holds an entry for each item that takes away what L Rᵀ has there.
///
/// Cost: for a user with r items, entries of E in their r rows and 2 n rank flops; in batches, at
/// the rate of dense products.
template <class Scalar_>
class SparseLowRankModel {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;

  /// \param sparse E, n rows
  /// \param left, right L and R, n x rank each; rank may be 0
  /// \param diagonal of B; empty: zeros
  /// \throws std::invalid_argument if sizes differ, or rows of E are not within bounds and rising.
  SparseLowRankModel(WeightRows<Scalar> sparse, Matrix<Scalar> left, Matrix<Scalar> right,
                     Vector<Scalar> diagonal = {})
      : sparse_(std::move(sparse)),
        left_(std::move(left)),
        right_(std::move(right)),
        diagonal_(std::move(diagonal)) {
    const Index n = left_.rows();
    detail::require(n > 0, "left must have a row for each item, and has none");
    detail::require(right_.rows() == n && right_.cols() == left_.cols(), "left is ", n, " x ",
                    left_.cols(), ", but right is ", right_.rows(), " x ", right_.cols());
    detail::require(diagonal_.size() == 0 || diagonal_.size() == n, "diagonal has ",
                    diagonal_.size(), " values, but there are ", n, " items");
    const auto& [start, items, values] = sparse_;
    detail::require(static_cast<Index>(start.size()) == n + 1 && start.front() == 0 &&
                        start.back() == static_cast<Index>(items.size()) &&
                        items.size() == values.size(),
                    "sparse does not have ", n, " rows, one behind the other");
    for (Index i = 0; i < n; ++i) {
      const Index end = start[static_cast<std::size_t>(i) + 1];
      Index before = -1;
      detail::require(start[static_cast<std::size_t>(i)] <= end, "row ", i,
                      " of sparse ends before it begins");
      for (Index entry = start[static_cast<std::size_t>(i)]; entry < end; ++entry) {
        const auto item = static_cast<Index>(items[static_cast<std::size_t>(entry)]);
        detail::require(item > before && item < n, "row ", i, " of sparse has item ", item,
                        " after item ", before, ", and there are ", n, " items");
        before = item;
      }
    }
  }

  SparseLowRankModel(SparseLowRankModel&&) noexcept = default;
  SparseLowRankModel& operator=(SparseLowRankModel&&) noexcept = default;
  SparseLowRankModel(const SparseLowRankModel&) = delete;
  SparseLowRankModel& operator=(const SparseLowRankModel&) = delete;

  /// Number of items, n.
  [[nodiscard]] Index items() const { return left_.rows(); }
  /// Columns of L and R.
  [[nodiscard]] Index rank() const { return left_.cols(); }

  /// What it is made of, to be given to the constructor again.
  [[nodiscard]] const WeightRows<Scalar>& sparse() const { return sparse_; }
  [[nodiscard]] const Matrix<Scalar>& left() const { return left_; }
  [[nodiscard]] const Matrix<Scalar>& right() const { return right_; }
  [[nodiscard]] const Vector<Scalar>& diagonal() const { return diagonal_; }

  /// The same scorer on this model's memory, which must outlive it: how this model scores, and for
  /// what takes a view.
  [[nodiscard]] SparseLowRankView<Scalar> view() const {
    return SparseLowRankView<Scalar>({items(), rank(), static_cast<Index>(sparse_.items.size()),
                                      sparse_.start.data(), sparse_.items.data(),
                                      sparse_.values.data(), left_.data(), right_.data(),
                                      diagonal_.size() > 0 ? diagonal_.data() : nullptr});
  }

  /// B as one n x n matrix, for a look at small models: 2 n² rank flops.
  [[nodiscard]] Matrix<Scalar> weights() const { return view().weights(); }

  /// B(from, to) by where it comes from; the two add up to it. (On the diagonal, where they only
  /// cancel each other, all is from interactions.)
  /// \throws std::invalid_argument for an item out of range.
  [[nodiscard]] WeightParts<Scalar> parts_of(Index from, Index to) const {
    return view().parts_of(from, to);
  }

  /// Items with a weight from interactions for this history, rising, without those in it: a few
  /// hundred to a few thousand, among which most of a list comes from.
  [[nodiscard]] std::vector<Index> candidates(const History<Scalar>& history) const {
    return view().candidates(history);
  }

  /// Adds the scores of items [begin, begin + scores.size()) for one history. Nothing is checked.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    view().add_scores(history, begin, scores);
  }

  /// The scores of some items, given by rising indices: for a candidate stage.
  /// Cost: 2 rank flops an item, and the entries of E in the rows of the history.
  [[nodiscard]] Vector<Scalar> scores_of(const History<Scalar>& history,
                                         const std::vector<Index>& items) const {
    return view().scores_of(history, items);
  }

  /// What users of a batch share (see lae/ranking/scorer.hpp).
  using Batch = typename SparseLowRankView<Scalar>::Batch;
  [[nodiscard]] Batch batch(const HistoryBatch<Scalar>& histories) const {
    return view().batch(histories);
  }

 private:
  WeightRows<Scalar> sparse_;
  Matrix<Scalar> left_;
  Matrix<Scalar> right_;
  Vector<Scalar> diagonal_;
};

}  // namespace LAE_ABI
}  // namespace lae

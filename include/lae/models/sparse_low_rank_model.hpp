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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/core/scalar.hpp"
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

/// Where a weight comes from.
template <class Scalar>
struct WeightParts {
  Scalar from_interactions;  ///< who has one item tends to have the other
  Scalar from_features;      ///< their texts (or other features) are alike
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

  /// What it is made of: to be written to a file, and given to the constructor again.
  [[nodiscard]] const WeightRows<Scalar>& sparse() const { return sparse_; }
  [[nodiscard]] const Matrix<Scalar>& left() const { return left_; }
  [[nodiscard]] const Matrix<Scalar>& right() const { return right_; }
  [[nodiscard]] const Vector<Scalar>& diagonal() const { return diagonal_; }

  /// B as one n x n matrix, for a look at small models: 2 n² rank flops.
  [[nodiscard]] Matrix<Scalar> weights() const {
    const Index n = items();
    Matrix<Scalar> b = Matrix<Scalar>::Zero(n, n);
    detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
      if (rank() > 0) {
        detail::add_product<Scalar>(detail::Tile<Scalar>(b).middleRows(first, rows), 1,
                                    detail::plain(left_.middleRows(first, rows)),
                                    detail::transposed(right_));
      }
      for (Index i = first; i < first + rows; ++i) {
        for (auto [entry, end] = row_of(i); entry < end; ++entry) {
          b(i, static_cast<Index>(sparse_.items[entry])) += sparse_.values[entry];
        }
        b(i, i) = diagonal_.size() > 0 ? diagonal_[i] : Scalar(0);
      }
    });
    return b;
  }

  /// B(from, to) by where it comes from; the two add up to it. (On the diagonal, where they only
  /// cancel each other, all is from interactions.)
  /// \throws std::invalid_argument for an item out of range.
  [[nodiscard]] WeightParts<Scalar> parts_of(Index from, Index to) const {
    for (const Index item : {from, to}) {
      detail::require(item >= 0 && item < items(), "the item is ", item, ", but the model has ",
                      items(), " items");
    }
    if (from == to) return {diagonal_.size() > 0 ? diagonal_[from] : Scalar(0), Scalar(0)};
    const auto [begin, end] = row_of(from);
    const std::size_t entry = first_at_or_after(begin, end, to);
    const bool is_there = entry < end && static_cast<Index>(sparse_.items[entry]) == to;
    return {is_there ? sparse_.values[entry] : Scalar(0),
            detail::dot(rank(), left_.data() + from * rank(), right_.data() + to * rank())};
  }

  /// Items with a weight from interactions for this history, rising, without those in it: a few
  /// hundred to a few thousand, among which most of a list comes from.
  [[nodiscard]] std::vector<Index> candidates(const History<Scalar>& history) const {
    std::vector<Index> found;
    for (const auto& [item, value] : history) {
      for (auto [entry, end] = row_of(item); entry < end; ++entry) {
        found.push_back(static_cast<Index>(sparse_.items[entry]));
      }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    const auto is_seen = [&](Index item) {
      return std::binary_search(history.items(), history.items() + history.size(), item);
    };
    found.erase(std::remove_if(found.begin(), found.end(), is_seen), found.end());
    return found;
  }

  /// Adds the scores of items [begin, begin + scores.size()) for one history. Nothing is checked.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    if (rank() > 0) {
      const Matrix<Scalar> x = latent(history);
      scores.noalias() += x.row(0) * right_.middleRows(begin, scores.size()).transpose();
    }
    const Index end_item = begin + scores.size();
    for (const auto& [item, value] : history) {
      const auto [first, end] = row_of(item);
      for (std::size_t entry = first_at_or_after(first, end, begin); entry < end; ++entry) {
        const auto scored = static_cast<Index>(sparse_.items[entry]);
        if (scored >= end_item) break;
        scores[scored - begin] += value * sparse_.values[entry];
      }
    }
  }

  /// The scores of some items, given by rising indices: for a candidate stage.
  /// Cost: 2 rank flops an item, and the entries of E in the rows of the history.
  [[nodiscard]] Vector<Scalar> scores_of(const History<Scalar>& history,
                                         const std::vector<Index>& items) const {
    Vector<Scalar> scores = Vector<Scalar>::Zero(static_cast<Index>(items.size()));
    const Matrix<Scalar> x = latent(history);
    for (std::size_t place = 0; place < items.size() && rank() > 0; ++place) {
      scores[static_cast<Index>(place)] =
          detail::dot(rank(), x.data(), right_.data() + items[place] * rank());
    }
    for (const auto& [item, value] : history) {
      std::size_t place = 0;
      for (auto [entry, end] = row_of(item); entry < end; ++entry) {
        const auto scored = static_cast<Index>(sparse_.items[entry]);
        while (place < items.size() && items[place] < scored) ++place;
        if (place == items.size()) break;
        if (items[place] == scored) {
          scores[static_cast<Index>(place)] += value * sparse_.values[entry];
        }
      }
    }
    return scores;
  }

  /// What users of a batch share (see lae/ranking/scorer.hpp).
  class Batch {
   public:
    Batch(const SparseLowRankModel& model, const HistoryBatch<Scalar>& histories)
        : model_(model), x_(histories.size(), model.rank()) {
      for (Index user = 0; user < histories.size(); ++user) {
        if (model.rank() > 0) x_.row(user) = model.latent(histories[user]).row(0);
        const std::size_t begin = entries_.size();
        for (const auto& [item, value] : histories[user]) {
          for (auto [entry, end] = model.row_of(item); entry < end; ++entry) {
            entries_.push_back({model.sparse_.items[entry], value * model.sparse_.values[entry]});
          }
        }
        std::stable_sort(entries_.begin() + static_cast<std::ptrdiff_t>(begin), entries_.end(),
                         [](const Entry& a, const Entry& b) { return a.item < b.item; });
        start_.push_back(entries_.size());
      }
    }

    void add_scores(Index begin, ScoreTile<Scalar> scores) const {
      if (model_.rank() > 0) {
        detail::add_product<Scalar>(
            scores, 1, detail::plain(x_),
            detail::transposed(model_.right_.middleRows(begin, scores.cols())));
      }
      const auto end_item = static_cast<std::uint64_t>(begin + scores.cols());
      for (Index user = 0; user < scores.rows(); ++user) {
        const auto end = entries_.begin() +
                         static_cast<std::ptrdiff_t>(start_[static_cast<std::size_t>(user) + 1]);
        auto entry = std::lower_bound(
            entries_.begin() + static_cast<std::ptrdiff_t>(start_[static_cast<std::size_t>(user)]),
            end, begin,
            [](const Entry& e, Index item) { return static_cast<Index>(e.item) < item; });
        for (; entry != end && entry->item < end_item; ++entry) {
          scores(user, static_cast<Index>(entry->item) - begin) += entry->value;
        }
      }
    }

   private:
    struct Entry {
      std::uint32_t item;
      Scalar value;
    };

    const SparseLowRankModel& model_;
    Matrix<Scalar> x_;            // users x rank: histories times L
    std::vector<Entry> entries_;  // of each user, by item
    std::vector<std::size_t> start_{0};
  };
  [[nodiscard]] Batch batch(const HistoryBatch<Scalar>& histories) const {
    return Batch(*this, histories);
  }

 private:
  std::pair<std::size_t, std::size_t> row_of(Index item) const {
    const auto i = static_cast<std::size_t>(item);
    return {static_cast<std::size_t>(sparse_.start[i]),
            static_cast<std::size_t>(sparse_.start[i + 1])};
  }

  std::size_t first_at_or_after(std::size_t begin, std::size_t end, Index item) const {
    const auto first = sparse_.items.begin();
    return static_cast<std::size_t>(
        std::lower_bound(first + static_cast<std::ptrdiff_t>(begin),
                         first + static_cast<std::ptrdiff_t>(end), item,
                         [](std::uint32_t a, Index b) { return static_cast<Index>(a) < b; }) -
        first);
  }

  /// The history times L, 1 x rank.
  Matrix<Scalar> latent(const History<Scalar>& history) const {
    Matrix<Scalar> x = Matrix<Scalar>::Zero(1, rank());
    for (const auto& [item, value] : history) {
      detail::add_scaled(rank(), value, left_.data() + item * rank(), x.data());
    }
    return x;
  }

  WeightRows<Scalar> sparse_;
  Matrix<Scalar> left_;
  Matrix<Scalar> right_;
  Vector<Scalar> diagonal_;
};

}  // namespace LAE_ABI
}  // namespace lae

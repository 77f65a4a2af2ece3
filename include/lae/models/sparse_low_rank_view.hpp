#pragma once

/// \file
/// A model of sparse weights and two thin factors on memory of somebody else: of a file, above all.
///
/// \code
/// using Model = lae::SparseLowRankModel<float>;
/// const auto model = lae::view_model<Model>("shop.lae");  // a lae::SparseLowRankView<float>
/// auto lists = lae::recommend(model, histories, {20});    // a scorer as any other
/// \endcode

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
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

/// Where a weight comes from.
template <class Scalar>
struct WeightParts {
  Scalar from_interactions;  ///< who has one item tends to have the other
  Scalar from_features;      ///< their texts (or other features) are alike
};

/// The arrays that a SparseLowRankView looks at: B = E + L Rᵀ of n items.
template <class Scalar>
struct SparseLowRankArrays {
  Index items = 0;                         ///< n > 0
  Index rank = 0;                          ///< of L and R; may be 0
  Index entries = 0;                       ///< of E
  const Index* row_starts = nullptr;       ///< n + 1: where each row of E begins and the last ends
  const std::uint32_t* columns = nullptr;  ///< of the entries of E, rising in each row
  const Scalar* values = nullptr;          ///< of the entries of E
  const Scalar* left = nullptr;            ///< L, n x rank, row after row
  const Scalar* right = nullptr;           ///< R, n x rank, row after row
  const Scalar* diagonal = nullptr;        ///< of B, n values; none: zeros
};

/// What a SparseLowRankModel is, but for its memory: an immutable scorer (see
/// lae/ranking/scorer.hpp) of the same scores, bit for bit; that model scores by it. Copies look at
/// the same memory.
///
/// What the arrays hold is not looked at before it is used, so that a view is made in no time, and
/// used as far as it makes sense: where rows of E are out of bounds or not rising, scores are
/// wrong, but no memory besides the arrays is read or written.
template <class Scalar_>
class SparseLowRankView {
  static_assert(detail::is_supported_scalar<Scalar_>, "lae: Scalar must be float or double");

 public:
  using Scalar = Scalar_;
  using Factor = Eigen::Map<const Matrix<Scalar>>;

  /// \param owner is kept as long as this or a copy is there; empty: the memory outlives them
  /// \throws std::invalid_argument unless there are items.
  explicit SparseLowRankView(const SparseLowRankArrays<Scalar>& arrays,
                             std::shared_ptr<const void> owner = {})
      : arrays_(arrays), owner_(std::move(owner)) {
    detail::require(arrays_.items > 0, "the model has no items");
  }

  /// Number of items, n.
  [[nodiscard]] Index items() const { return arrays_.items; }
  /// Columns of L and R.
  [[nodiscard]] Index rank() const { return arrays_.rank; }
  [[nodiscard]] const SparseLowRankArrays<Scalar>& arrays() const { return arrays_; }
  [[nodiscard]] Factor left() const { return {arrays_.left, items(), rank()}; }
  [[nodiscard]] Factor right() const { return {arrays_.right, items(), rank()}; }

  /// B as one n x n matrix, for a look at small models: 2 n² rank flops.
  [[nodiscard]] Matrix<Scalar> weights() const {
    const Index n = items();
    Matrix<Scalar> b = Matrix<Scalar>::Zero(n, n);
    detail::parallel_tiles(n, detail::product_tile, [&](Index first, Index rows) {
      if (rank() > 0) {
        detail::add_product<Scalar>(detail::Tile<Scalar>(b).middleRows(first, rows), 1,
                                    detail::plain(left().middleRows(first, rows)),
                                    detail::transposed(right()));
      }
      for (Index i = first; i < first + rows; ++i) {
        for (auto [entry, end] = row_of(i); entry < end; ++entry) {
          if (column(entry) < n) b(i, column(entry)) += arrays_.values[entry];
        }
        b(i, i) = diagonal_at(i);
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
    if (from == to) return {diagonal_at(from), Scalar(0)};
    const auto [begin, end] = row_of(from);
    const Index entry = first_at_or_after(begin, end, to);
    const bool is_there = entry < end && column(entry) == to;
    return {is_there ? arrays_.values[entry] : Scalar(0),
            detail::dot(rank(), arrays_.left + from * rank(), arrays_.right + to * rank())};
  }

  /// Items with a weight from interactions for this history, rising, without those in it: a few
  /// hundred to a few thousand, among which most of a list comes from.
  [[nodiscard]] std::vector<Index> candidates(const History<Scalar>& history) const {
    std::vector<Index> found;
    for (const auto& [item, value] : history) {
      for (auto [entry, end] = row_of(item); entry < end; ++entry) {
        if (column(entry) < items()) found.push_back(column(entry));
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

  /// Adds the scores of items [begin, begin + scores.size()) for one history.
  /// Cost: as the model's.
  void add_scores(const History<Scalar>& history, Index begin, ScoreRow<Scalar> scores) const {
    if (rank() > 0) {
      const Matrix<Scalar> x = latent(history);
      scores.noalias() += x.row(0) * right().middleRows(begin, scores.size()).transpose();
    }
    for (const auto& [item, value] : history) {
      const auto [first, end] = row_of(item);
      for (Index entry = first_at_or_after(first, end, begin); entry < end; ++entry) {
        const Index place = column(entry) - begin;
        if (place < 0 || place >= scores.size()) break;
        scores[place] += value * arrays_.values[entry];
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
          detail::dot(rank(), x.data(), arrays_.right + items[place] * rank());
    }
    for (const auto& [item, value] : history) {
      std::size_t place = 0;
      for (auto [entry, end] = row_of(item); entry < end; ++entry) {
        const Index scored = column(entry);
        while (place < items.size() && items[place] < scored) ++place;
        if (place == items.size()) break;
        if (items[place] == scored) {
          scores[static_cast<Index>(place)] += value * arrays_.values[entry];
        }
      }
    }
    return scores;
  }

  /// What users of a batch share (see lae/ranking/scorer.hpp).
  class Batch {
   public:
    Batch(SparseLowRankView model, const HistoryBatch<Scalar>& histories)
        : model_(std::move(model)),
          x_(histories.size(), model_.rank()),
          groups_(model_.items() / group + 1) {
      std::vector<std::size_t> next(static_cast<std::size_t>(groups_));
      for (Index user = 0; user < histories.size(); ++user) {
        if (model_.rank() > 0) x_.row(user) = model_.latent(histories[user]).row(0);
        std::fill(next.begin(), next.end(), 0);
        for_each_entry(histories[user], [&](const Entry& entry) { ++next[group_of(entry)]; });
        std::size_t total = entries_.size();
        for (std::size_t& count : next) {
          start_.push_back(total);
          total += std::exchange(count, total);
        }
        entries_.resize(total);
        for_each_entry(histories[user],
                       [&](const Entry& entry) { entries_[next[group_of(entry)]++] = entry; });
      }
      start_.push_back(entries_.size());
    }

    void add_scores(Index begin, ScoreTile<Scalar> scores) const {
      if (model_.rank() > 0) {
        detail::add_product<Scalar>(
            scores, 1, detail::plain(x_),
            detail::transposed(model_.right().middleRows(begin, scores.cols())));
      }
      const Index end = begin + scores.cols();
      for (Index user = 0; user < scores.rows(); ++user) {
        const std::size_t* const start = start_.data() + user * groups_;
        const std::size_t last = start[(end + group - 1) / group];
        for (std::size_t e = start[begin / group]; e < last; ++e) {
          const auto item = static_cast<Index>(entries_[e].item);
          if (item >= begin && item < end) scores(user, item - begin) += entries_[e].value;
        }
      }
    }

   private:
    struct Entry {
      std::uint32_t item;
      Scalar value;
    };
    /// Entries stand in groups of so many items each, which is as good for ranges of scores as if
    /// they were sorted, and faster to do.
    static constexpr Index group = 1024;

    /// Within bounds whatever the array says.
    std::size_t group_of(const Entry& entry) const {
      return static_cast<std::size_t>((std::min)(Index(entry.item) / group, groups_ - 1));
    }

    template <class Visit>
    void for_each_entry(const History<Scalar>& history, Visit&& visit) const {
      for (const auto& [item, value] : history) {
        for (auto [entry, end] = model_.row_of(item); entry < end; ++entry) {
          visit(Entry{model_.arrays_.columns[entry], value * model_.arrays_.values[entry]});
        }
      }
    }

    SparseLowRankView model_;
    Matrix<Scalar> x_;  // users x rank: histories times L
    Index groups_;
    std::vector<Entry> entries_;      // of each user, by group, in the order of the history
    std::vector<std::size_t> start_;  // of each user and group
  };
  [[nodiscard]] Batch batch(const HistoryBatch<Scalar>& histories) const {
    return Batch(*this, histories);
  }

 private:
  /// The entries of a row, within bounds whatever the array says.
  std::pair<Index, Index> row_of(Index item) const {
    const Index end = std::clamp(arrays_.row_starts[item + 1], Index(0), arrays_.entries);
    return {std::clamp(arrays_.row_starts[item], Index(0), end), end};
  }

  Index column(Index entry) const { return static_cast<Index>(arrays_.columns[entry]); }

  Scalar diagonal_at(Index item) const {
    return arrays_.diagonal != nullptr ? arrays_.diagonal[item] : Scalar(0);
  }

  Index first_at_or_after(Index begin, Index end, Index item) const {
    return std::lower_bound(arrays_.columns + begin, arrays_.columns + end, item,
                            [](std::uint32_t a, Index b) { return static_cast<Index>(a) < b; }) -
           arrays_.columns;
  }

  /// The history times L, 1 x rank.
  Matrix<Scalar> latent(const History<Scalar>& history) const {
    Matrix<Scalar> x = Matrix<Scalar>::Zero(1, rank());
    for (const auto& [item, value] : history) {
      detail::add_scaled(rank(), value, arrays_.left + item * rank(), x.data());
    }
    return x;
  }

  SparseLowRankArrays<Scalar> arrays_;
  std::shared_ptr<const void> owner_;
};

}  // namespace LAE_ABI
}  // namespace lae

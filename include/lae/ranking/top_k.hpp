#pragma once

/// \file
/// Selection of the best k of a stream of scored items, without sorting them all.
///
/// \code
/// lae::TopK<float> top(10);
/// for (lae::Index item = 0; item < scores.size(); ++item) {
///   if (top.admits(scores[item])) top.enter(item, scores[item]);
/// }
/// top.take(items, best_scores);  // 10 each
/// \endcode

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Stands in a ranked list where there are fewer candidates than places.
inline constexpr Index no_item = -1;

/// Keeps the k highest scores among items offered in rising index order. Of equal scores the lower
/// index wins; a score that is NaN is never kept. Cost of n offers: O(n), plus O(log k) for each
/// that enters.
template <class Scalar>
class TopK {
 public:
  /// \param minimum lower scores are not kept
  /// \throws std::invalid_argument if k < 1.
  explicit TopK(Index k, Scalar minimum = -std::numeric_limits<Scalar>::infinity())
      : capacity_(static_cast<std::size_t>(k)), minimum_(minimum) {
    detail::require(k > 0, "k must be positive, got ", k);
  }

  /// Whether an item with this score would enter, a test to make before any other.
  [[nodiscard]] bool admits(Scalar score) const {
    return score > threshold_ || (!full() && score == threshold_);
  }

  /// Enters an item that `admits` let pass; its index is above all earlier ones.
  void enter(Index item, Scalar score) {
    if (full()) {
      std::pop_heap(entries_.begin(), entries_.end(), better);
      entries_.back() = {score, item};
    } else {
      entries_.push_back({score, item});
    }
    std::push_heap(entries_.begin(), entries_.end(), better);
    if (full()) threshold_ = entries_.front().score;
  }

  /// Writes the items, best first, and their scores to k places each. Places that stay empty get
  /// `no_item` and -infinity. Call it last: the selection is emptied for reuse.
  void take(Index* items, Scalar* scores) {
    std::sort(entries_.begin(), entries_.end(), better);
    for (std::size_t place = 0; place < capacity_; ++place) {
      const bool taken = place < entries_.size();
      items[place] = taken ? entries_[place].item : no_item;
      scores[place] = taken ? entries_[place].score : -std::numeric_limits<Scalar>::infinity();
    }
    entries_.clear();
    threshold_ = minimum_;
  }

 private:
  struct Entry {
    Scalar score;
    Index item;
  };

  [[nodiscard]] static bool better(const Entry& a, const Entry& b) {
    return a.score > b.score || (a.score == b.score && a.item < b.item);
  }

  [[nodiscard]] bool full() const { return entries_.size() == capacity_; }

  std::size_t capacity_;
  std::vector<Entry> entries_;  // a heap whose front is the worst
  Scalar minimum_;
  Scalar threshold_ = minimum_;  // what an item must reach, or exceed where the heap is full
};

}  // namespace LAE_ABI
}  // namespace lae

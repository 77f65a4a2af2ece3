#pragma once

/// \file
/// What a scorer is given of a user: the items of their history, and how much each counts.
///
/// \code
/// for (const auto& [item, value] : history) sum += value * weight_of(item);
/// \endcode

#include <cstddef>
#include <iterator>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// One user's history: a view that owns nothing, cheap to copy. The items are distinct, rising and
/// within the model's; the values are finite and not zero. Those that `recommend`, `evaluate` and
/// the like hand to a scorer are valid while it is called.
template <class Scalar>
class History {
 public:
  struct Entry {
    Index item;
    Scalar value;
  };

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry*;
    using reference = Entry;

    Iterator(const Index* item, const Scalar* value) : item_(item), value_(value) {}

    [[nodiscard]] Entry operator*() const { return {*item_, *value_}; }
    Iterator& operator++() {
      ++item_;
      ++value_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const { return item_ == other.item_; }
    [[nodiscard]] bool operator!=(const Iterator& other) const { return item_ != other.item_; }

   private:
    const Index* item_;
    const Scalar* value_;
  };

  /// \param items, values `size` of each, which outlive the view; neither is checked
  History(const Index* items, const Scalar* values, Index size)
      : items_(items), values_(values), size_(size) {}

  /// A row of a compressed matrix (users x items) with sorted rows.
  History(const Csr<Scalar>& histories, Index user)
      : items_(histories.innerIndexPtr() + histories.outerIndexPtr()[user]),
        values_(histories.valuePtr() + histories.outerIndexPtr()[user]),
        size_(histories.outerIndexPtr()[user + 1] - histories.outerIndexPtr()[user]) {}

  /// How many items it has.
  [[nodiscard]] Index size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// `size()` item indices, rising.
  [[nodiscard]] const Index* items() const { return items_; }
  /// `size()` values, one for each item.
  [[nodiscard]] const Scalar* values() const { return values_; }

  [[nodiscard]] Entry operator[](Index place) const { return {items_[place], values_[place]}; }
  [[nodiscard]] Iterator begin() const { return {items_, values_}; }
  [[nodiscard]] Iterator end() const { return {items_ + size_, values_ + size_}; }

 private:
  const Index* items_;
  const Scalar* values_;
  Index size_;
};

/// The histories of some users that are scored together: a view, too.
template <class Scalar>
class HistoryBatch {
 public:
  /// \param histories compressed, users x items, with sorted rows
  /// \param users `size` rows of it
  HistoryBatch(const Csr<Scalar>& histories, const Index* users, Index size)
      : histories_(&histories), users_(users), size_(size) {}

  /// How many users it has.
  [[nodiscard]] Index size() const { return size_; }

  /// \param place in [0, size())
  [[nodiscard]] History<Scalar> operator[](Index place) const {
    return {*histories_, users_[place]};
  }

 private:
  const Csr<Scalar>* histories_;
  const Index* users_;
  Index size_;
};

/// Where one user's scores of a range of items go: a view of contiguous memory.
template <class Scalar>
using ScoreRow = Eigen::Ref<Eigen::Matrix<Scalar, 1, Eigen::Dynamic>>;

/// Where the scores of a batch of users go, users x items of the range: a view of rows that lie
/// apart.
template <class Scalar>
using ScoreTile = Eigen::Ref<Matrix<Scalar>, 0, Eigen::OuterStride<>>;

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Which weights of a matrix are kept when it is pruned.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/models/ranked_rows.hpp"
#include "lae/models/item_model_view.hpp"
#include "lae/models/sparse_low_rank_model.hpp"
#include "lae/models/sparse_low_rank_view.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The weights of a dense model, without the diagonal and without zeros.
template <class Scalar>
class DenseWeights {
 public:
  explicit DenseWeights(const ItemModelView<Scalar>& model) : b_(model.weights()) {}

  Index items() const { return b_.rows(); }
  /// Calls body(item, weight) for those of a row in [begin, end), rising.
  template <class Function>
  void for_each(Index row, Index begin, Index end, Function&& body) const {
    const Scalar* const weights = b_.data() + row * b_.cols();
    for (Index j = begin; j < end; ++j) {
      if (weights[j] != 0 && j != row) body(j, weights[j]);
    }
  }
  Scalar at(Index row, Index item) const { return b_(row, item); }

 private:
  Eigen::Map<const Matrix<Scalar>> b_;
};

/// The sparse weights of a model that has also others, without the diagonal and without zeros.
template <class Scalar>
class SparseWeights {
 public:
  explicit SparseWeights(const SparseLowRankView<Scalar>& model) : arrays_(model.arrays()) {}

  Index items() const { return arrays_.items; }
  template <class Function>
  void for_each(Index row, Index begin, Index end, Function&& body) const {
    const std::uint32_t* const last = arrays_.columns + arrays_.row_starts[row + 1];
    for (const std::uint32_t* at = find(row, begin); at != last && Index(*at) < end; ++at) {
      const Scalar weight = arrays_.values[at - arrays_.columns];
      if (weight != 0 && Index(*at) != row) body(Index(*at), weight);
    }
  }
  Scalar at(Index row, Index item) const {
    const std::uint32_t* const found = find(row, item);
    const bool is_there =
        found != arrays_.columns + arrays_.row_starts[row + 1] && Index(*found) == item;
    return is_there ? arrays_.values[found - arrays_.columns] : Scalar(0);
  }

 private:
  const std::uint32_t* find(Index row, Index item) const {
    return std::lower_bound(arrays_.columns + arrays_.row_starts[row],
                            arrays_.columns + arrays_.row_starts[row + 1], item,
                            [](std::uint32_t a, Index b) { return Index(a) < b; });
  }

  SparseLowRankArrays<Scalar> arrays_;
};

/// The largest of what is offered, by absolute value; of equals, what was offered first.
template <class Scalar>
class LargestWeights {
 public:
  struct Kept {
    std::uint32_t place;
    Scalar weight;
  };

  explicit LargestWeights(Index count) : count_(static_cast<std::size_t>(count)) {}

  /// \param place rising from offer to offer
  void offer(Index place, Scalar weight) {
    if (kept_.size() == count_) {
      if (!(std::abs(weight) > std::abs(kept_.front().weight))) return;
      std::pop_heap(kept_.begin(), kept_.end(), comes_before);
      kept_.pop_back();
    }
    kept_.push_back({static_cast<std::uint32_t>(place), weight});
    std::push_heap(kept_.begin(), kept_.end(), comes_before);
  }

  /// By place, rising. Nothing is left.
  std::vector<Kept> take() {
    std::vector<Kept> kept;
    kept.swap(kept_);
    std::sort(kept.begin(), kept.end(),
              [](const Kept& a, const Kept& b) { return a.place < b.place; });
    return kept;
  }

  std::vector<std::uint32_t> take_places() {
    std::vector<std::uint32_t> places;
    for (const Kept& each : take()) places.push_back(each.place);
    return places;
  }

 private:
  static bool comes_before(const Kept& a, const Kept& b) {
    const Scalar of_a = std::abs(a.weight);
    const Scalar of_b = std::abs(b.weight);
    return of_a > of_b || (of_a == of_b && a.place < b.place);
  }

  std::size_t count_;
  std::vector<Kept> kept_;  // a heap, the worst in front
};

/// Of each row its items, rising.
using KeptItems = std::vector<std::vector<std::uint32_t>>;

template <class Weights>
KeptItems largest_of_rows(const Weights& weights, Index count) {
  using Scalar = decltype(weights.at(0, 0));
  const Index n = weights.items();
  KeptItems kept(static_cast<std::size_t>(n));
  parallel_tiles(n, 16, [&](Index first, Index rows) {
    for (Index row = first; row < first + rows; ++row) {
      LargestWeights<Scalar> largest(count);
      weights.for_each(row, 0, n, [&](Index j, Scalar weight) { largest.offer(j, weight); });
      kept[static_cast<std::size_t>(row)] = largest.take_places();
    }
  });
  return kept;
}

inline KeptItems transposed_items(const KeptItems& items) {
  KeptItems other(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const std::uint32_t j : items[i]) other[j].push_back(static_cast<std::uint32_t>(i));
  }
  return other;
}

template <class Weights>
KeptItems largest_of_columns(const Weights& weights, Index count) {
  using Scalar = decltype(weights.at(0, 0));
  const Index n = weights.items();
  KeptItems of_columns(static_cast<std::size_t>(n));
  parallel_tiles(n, 256, [&](Index begin, Index columns) {
    std::vector<LargestWeights<Scalar>> largest(static_cast<std::size_t>(columns),
                                                LargestWeights<Scalar>(count));
    for (Index row = 0; row < n; ++row) {
      weights.for_each(row, begin, begin + columns, [&](Index j, Scalar weight) {
        largest[static_cast<std::size_t>(j - begin)].offer(row, weight);
      });
    }
    for (Index j = 0; j < columns; ++j) {
      of_columns[static_cast<std::size_t>(begin + j)] =
          largest[static_cast<std::size_t>(j)].take_places();
    }
  });
  return transposed_items(of_columns);
}

/// The largest of all: by 16 bits of their size after the other, the value is found that so many
/// reach; of those that are equal to it, the first, row by row, are kept.
template <class Weights>
KeptItems largest_of_all(const Weights& weights, Index count) {
  using Scalar = decltype(weights.at(0, 0));
  using Key = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
  constexpr int digits = 8 * sizeof(Key) / 16;
  const Index n = weights.items();
  const Index tile = (std::max)((n + 15) / 16, Index(1));
  const auto tiles = static_cast<std::size_t>((n + tile - 1) / tile);
  // Sizes are ordered as the bits that make them, without that of the sign.
  const auto key_of = [](Scalar weight) {
    const Scalar size = std::abs(weight);
    Key key;
    std::memcpy(&key, &size, sizeof(key));
    return key;
  };
  Key least = 0;
  Index wanted = count;
  for (int digit = digits - 1; digit >= 0; --digit) {
    const int shift = 16 * digit;
    const auto head = [&](Key key) { return digit + 1 < digits ? key >> (shift + 16) : Key(0); };
    std::vector<std::vector<Index>> counts(tiles, std::vector<Index>(std::size_t(1) << 16, 0));
    parallel_tiles(n, tile, [&](Index first, Index rows) {
      std::vector<Index>& mine = counts[static_cast<std::size_t>(first / tile)];
      for (Index row = first; row < first + rows; ++row) {
        weights.for_each(row, 0, n, [&](Index, Scalar weight) {
          const Key key = key_of(weight);
          if (head(key) == head(least)) ++mine[(key >> shift) & 0xffff];
        });
      }
    });
    Key value = 0xffff;
    for (;; --value) {
      Index at_value = 0;
      for (const std::vector<Index>& each : counts) at_value += each[value];
      if (at_value >= wanted || value == 0) break;
      wanted -= at_value;
    }
    least |= value << shift;
  }

  // Those above `least`, and the first `wanted` equal to it.
  std::vector<Index> equal(static_cast<std::size_t>(n) + 1, 0);
  parallel_tiles(n, tile, [&](Index first, Index rows) {
    for (Index row = first; row < first + rows; ++row) {
      weights.for_each(row, 0, n, [&](Index, Scalar weight) {
        if (key_of(weight) == least) ++equal[static_cast<std::size_t>(row) + 1];
      });
    }
  });
  for (std::size_t i = 1; i < equal.size(); ++i) equal[i] += equal[i - 1];
  KeptItems kept(static_cast<std::size_t>(n));
  parallel_tiles(n, tile, [&](Index first, Index rows) {
    for (Index row = first; row < first + rows; ++row) {
      Index before = equal[static_cast<std::size_t>(row)];
      weights.for_each(row, 0, n, [&](Index j, Scalar weight) {
        const Key key = key_of(weight);
        if (key > least || (key == least && before++ < wanted)) {
          kept[static_cast<std::size_t>(row)].push_back(static_cast<std::uint32_t>(j));
        }
      });
    }
  });
  return kept;
}

/// With (j, i) for each (i, j), unless that is zero.
template <class Weights>
KeptItems symmetric_items(const Weights& weights, const KeptItems& items) {
  const KeptItems other = transposed_items(items);
  KeptItems both(items.size());
  parallel_tiles(static_cast<Index>(items.size()), 256, [&](Index first, Index rows) {
    for (Index row = first; row < first + rows; ++row) {
      const auto i = static_cast<std::size_t>(row);
      both[i].resize(items[i].size() + other[i].size());
      both[i].erase(std::set_union(items[i].begin(), items[i].end(), other[i].begin(),
                                   other[i].end(), both[i].begin()),
                    both[i].end());
      const auto is_zero = [&](std::uint32_t item) { return weights.at(row, Index(item)) == 0; };
      both[i].erase(std::remove_if(both[i].begin(), both[i].end(), is_zero), both[i].end());
    }
  });
  return both;
}

template <class Weights, class Options>
KeptItems kept_items(const Weights& weights, const Options& options) {
  KeptItems kept = options.per_column > 0 ? largest_of_columns(weights, options.per_column)
                   : options.per_row > 0  ? largest_of_rows(weights, options.per_row)
                                          : largest_of_all(weights, options.total);
  return options.symmetric ? symmetric_items(weights, kept) : kept;
}

/// \param weights of which some are kept, and the diagonal
template <class Scalar, class Weights, class Options>
WeightRows<Scalar> kept_rows(const Weights& weights, const Options& options) {
  for (const auto& [name, count] : {std::pair<const char*, Index>("per_column", options.per_column),
                                    std::pair<const char*, Index>("per_row", options.per_row),
                                    std::pair<const char*, Index>("total", options.total)}) {
    require(count >= 0, name, " must not be negative, got ", count);
  }
  require((options.per_column > 0) + (options.per_row > 0) + (options.total > 0) == 1,
          "one of per_column, per_row and total must be positive");
  const Index n = weights.items();
  require_places(n, "items");
  const KeptItems kept = kept_items(weights, options);
  WeightRows<Scalar> rows;
  rows.start.resize(static_cast<std::size_t>(n) + 1);
  for (Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    rows.start[row + 1] =
        rows.start[row] + static_cast<Index>(kept[row].size()) + (weights.at(i, i) != 0 ? 1 : 0);
  }
  rows.items.resize(static_cast<std::size_t>(rows.start.back()));
  rows.values.resize(rows.items.size());
  parallel_tiles(n, 256, [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      auto entry = static_cast<std::size_t>(rows.start[static_cast<std::size_t>(i)]);
      const auto add = [&](Index item) {
        rows.items[entry] = static_cast<std::uint32_t>(item);
        rows.values[entry++] = weights.at(i, item);
      };
      bool has_diagonal = weights.at(i, i) == 0;
      for (const std::uint32_t item : kept[static_cast<std::size_t>(i)]) {
        if (!has_diagonal && Index(item) > i) {
          add(i);
          has_diagonal = true;
        }
        add(item);
      }
      if (!has_diagonal) add(i);
    }
  });
  return rows;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

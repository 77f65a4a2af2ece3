#pragma once

/// \file
/// The neighbours of each item, and with them the pairs of G = XᵀX, row by row (Gustavson, Two fast
/// algorithms for sparse matrices, ACM TOMS 1978).

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/pool.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/ranked_rows.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Items are named by their ranks throughout.
template <class Scalar>
struct Neighbourhoods {
  /// N_j of each item, ranks falling, with G_ij.
  TiledLines<Scalar> neighbours;
  /// The pairs of each item with more popular ones, ranks falling, with G_ij: half of G. Empty if
  /// it would have taken more bytes than there were.
  TiledLines<Scalar> pairs;
};

/// One row of G at a time.
template <class Scalar>
class GramRow {
 public:
  struct Entry {
    Scalar score;  ///< G_ij / √A_ii
    Scalar value;  ///< G_ij
    Place rank;
  };

  explicit GramRow(Index items) : sums_(static_cast<std::size_t>(items), Scalar(0)) {}

  std::vector<Entry> entries;  ///< all i ≠ j with G_ij ≠ 0, in no order

  /// Sums over users in their order.
  void set(const RankedRows<Scalar>& x, Index j, const Vector<Scalar>& root) {
    touched_.clear();
    for (Index entry = x.columns.begin(j); entry < x.columns.end(j); ++entry) {
      const Scalar scale = x.columns.value[static_cast<std::size_t>(entry)];
      const auto row = static_cast<Index>(x.columns.at[static_cast<std::size_t>(entry)]);
      const auto end = static_cast<std::size_t>(x.rows.end(row));
      for (auto k = static_cast<std::size_t>(x.rows.begin(row)); k < end; ++k) {
        Scalar& sum = sums_[x.rows.at[k]];
        if (sum == Scalar(0)) touched_.push_back(x.rows.at[k]);
        sum += scale * x.rows.value[k];
      }
    }
    sums_[static_cast<std::size_t>(j)] = 0;
    entries.clear();
    for (const Place rank : touched_) {
      // An item whose sum was zero in between stands there twice, the second time with nothing.
      const Scalar value = std::exchange(sums_[rank], Scalar(0));
      if (value != Scalar(0)) entries.push_back({value / root[rank], value, rank});
    }
  }

 private:
  std::vector<Scalar> sums_;
  std::vector<Place> touched_;
};

/// Of more than k entries those with the largest scores, of equal ones the lower items.
template <class Entry, class Scalar>
void keep_nearest(std::vector<Entry>& entries, const RankedRows<Scalar>& x, Index k) {
  if (static_cast<Index>(entries.size()) <= k) return;
  std::nth_element(
      entries.begin(), entries.begin() + k, entries.end(), [&](const Entry& a, const Entry& b) {
        return a.score != b.score ? a.score > b.score : x.item_at[a.rank] < x.item_at[b.rank];
      });
  entries.resize(static_cast<std::size_t>(k));
}

/// Adds entries as a line, ranks falling.
template <class Entries, class Tile>
void add_line(Entries begin, Entries end, Tile& tile) {
  std::sort(begin, end, [](const auto& a, const auto& b) { return a.rank > b.rank; });
  for (; begin != end; ++begin) {
    tile.at.push_back(begin->rank);
    tile.value.push_back(begin->value);
  }
  tile.end_line();
}

/// N_j are the k items with the largest G_ij / √A_ii, of equal ones the lower index, among those
/// that occur with j; with k >= n - 1 all items.
/// \param diagonal of A, by rank
/// \param bytes for the pairs
/// Cost: 2 Σ r² flops, r the lengths of the rows.
template <class Scalar>
Neighbourhoods<Scalar> find_neighbours(const RankedRows<Scalar>& x, const Vector<Scalar>& diagonal,
                                       Index k, Bytes bytes, const Progress& progress) {
  const Index n = x.items();
  using Lines = TiledLines<Scalar>;
  using Entry = typename GramRow<Scalar>::Entry;
  Neighbourhoods<Scalar> result{Lines(n), Lines(n)};
  std::atomic<Bytes> taken{0};
  Vector<Scalar> root(n);
  for (Index i = 0; i < n; ++i) root[i] = std::sqrt(diagonal[i]);
  Pool<GramRow<Scalar>> workspaces(n);
  Stage stage(progress, "neighbours", static_cast<double>(n));
  // The most popular items come first: theirs are the longest rows.
  parallel_tiles(n, Lines::tile, [&](Index first, Index items) {
    workspaces.with([&](GramRow<Scalar>& row) {
      auto& neighbours = result.neighbours.tile_of(first);
      auto& pairs = result.pairs.tile_of(first);
      for (Index j = first; j < first + items; ++j) {
        row.set(x, j, root);
        auto& entries = row.entries;
        if (taken.load(std::memory_order_relaxed) <= bytes) {
          const auto end = std::partition(entries.begin(), entries.end(), [&](const Entry& entry) {
            return static_cast<Index>(entry.rank) < j;
          });
          add_line(entries.begin(), end, pairs);
        }
        if (k >= n - 1) {
          std::vector<Entry> all;
          for (Index i = 0; i < n; ++i) all.push_back({0, 0, static_cast<Place>(i)});
          for (const Entry& entry : entries) all[entry.rank] = entry;
          all.erase(all.begin() + j);
          entries.swap(all);
        } else {
          keep_nearest(entries, x, k);
        }
        add_line(entries.begin(), entries.end(), neighbours);
      }
      neighbours.trim();
      pairs.trim();
      taken += pairs.at.size() * (sizeof(Place) + sizeof(Scalar));
    });
    stage.advance(static_cast<double>(items));
  });
  stage.finish();
  if (taken > bytes) result.pairs = Lines();
  return result;
}

/// The neighbours of each item, k of those that were found: what would have been found for k alone.
template <class Scalar>
TiledLines<Scalar> nearest_of(const TiledLines<Scalar>& lines, const RankedRows<Scalar>& x,
                              const Vector<Scalar>& diagonal, Index k) {
  const Index n = x.items();
  if (k >= n - 1) return lines;
  using Lines = TiledLines<Scalar>;
  using Entry = typename GramRow<Scalar>::Entry;
  Lines nearest(n);
  parallel_tiles(n, Lines::tile, [&](Index first, Index items) {
    auto& tile = nearest.tile_of(first);
    std::vector<Entry> entries;
    for (Index j = first; j < first + items; ++j) {
      entries.clear();
      for (Index i = 0; i < lines.size(j); ++i) {
        const Place rank = lines.at(j)[i];
        const Scalar value = lines.value(j)[i];
        // Where there was room for all items, some have nothing to do with this one.
        if (value == Scalar(0)) continue;
        entries.push_back({value / std::sqrt(diagonal[static_cast<Index>(rank)]), value, rank});
      }
      keep_nearest(entries, x, k);
      add_line(entries.begin(), entries.end(), tile);
    }
    tile.trim();
  });
  return nearest;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// The rows whose Gram matrix a block fit works on, with items renamed by how often they occur.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// An item, a user or a tag, or an item's rank: lists of them are most of what a block fit holds,
/// so they have 32 bits. Sizes and offsets have 64.
using Place = std::uint32_t;

/// \throws std::invalid_argument
inline void require_places(Index size, const char* what) {
  require(size < static_cast<Index>((std::numeric_limits<Place>::max)()), "there are ", size, " ",
          what, ", but a block fit takes fewer than 4294967295");
}

/// Sparse lines, one behind the other.
template <class Scalar>
struct SparseLines {
  std::vector<Index> start;  ///< lines + 1
  std::vector<Place> at;
  std::vector<Scalar> value;

  Index lines() const { return static_cast<Index>(start.size()) - 1; }
  Index begin(Index line) const { return start[static_cast<std::size_t>(line)]; }
  Index end(Index line) const { return start[static_cast<std::size_t>(line) + 1]; }

  void resize_entries(Index entries) {
    at.resize(static_cast<std::size_t>(entries));
    value.resize(static_cast<std::size_t>(entries));
  }
};

template <class Scalar>
Bytes lines_bytes(Index lines, Index entries) {
  return static_cast<Bytes>(entries) * (sizeof(Scalar) + sizeof(Place)) +
         static_cast<Bytes>(lines + 1) * sizeof(Index);
}

/// X, then the rows of tags, by rows and by columns. An item's rank is its place among the items,
/// those with the most entries first, of equal ones the lower index: memory that popular items
/// share stays in caches, and each pair is kept with the less popular item, whose list is short.
template <class Scalar>
struct RankedRows {
  std::vector<Place> item_at;   ///< rank -> item
  std::vector<Place> rank_of;   ///< item -> rank
  SparseLines<Scalar> rows;     ///< ranks, rising in each row
  SparseLines<Scalar> columns;  ///< by rank; rows rise in each column

  Index items() const { return static_cast<Index>(item_at.size()); }

  /// \param x users x items, canonical
  /// \param tags rows of tags x items, canonical; may have no rows
  RankedRows(const Csr<Scalar>& x, const Csr<Scalar>& tags) {
    const Index n = x.cols();
    const auto size = static_cast<std::size_t>(n);
    require_places(n, "items");
    require_places(x.rows() + tags.rows(), "users and tags");
    std::vector<Index> counts = column_counts(x);
    if (tags.rows() > 0) {
      const std::vector<Index> more = column_counts(tags);
      for (std::size_t item = 0; item < size; ++item) counts[item] += more[item];
    }
    item_at.resize(size);
    std::iota(item_at.begin(), item_at.end(), Place(0));
    std::stable_sort(item_at.begin(), item_at.end(),
                     [&](Place a, Place b) { return counts[a] > counts[b]; });
    rank_of.resize(size);
    for (std::size_t rank = 0; rank < size; ++rank) rank_of[item_at[rank]] = Place(rank);

    columns.start.assign(size + 1, 0);
    for (std::size_t rank = 0; rank < size; ++rank) {
      columns.start[rank + 1] = columns.start[rank] + counts[item_at[rank]];
    }
    columns.resize_entries(columns.start.back());
    rows.start.reserve(static_cast<std::size_t>(x.rows() + tags.rows()) + 1);
    rows.start.push_back(0);
    rows.resize_entries(columns.start.back());
    std::vector<Index> next(columns.start.begin(), columns.start.end() - 1);
    add_to_columns(x, 0, next);
    add_to_columns(tags, x.rows(), next);
    // Columns in the order of ranks leave the ranks of each row rising.
    std::vector<Index> next_in_row(rows.start.begin(), rows.start.end() - 1);
    for (Index rank = 0; rank < n; ++rank) {
      for (Index entry = columns.begin(rank); entry < columns.end(rank); ++entry) {
        const auto from = static_cast<std::size_t>(entry);
        const auto to = static_cast<std::size_t>(next_in_row[columns.at[from]]++);
        rows.at[to] = static_cast<Place>(rank);
        rows.value[to] = columns.value[from];
      }
    }
  }

  /// Multiplications and additions of all rows of the Gram matrix: Σ r², r the lengths of the rows.
  double gram_products() const {
    double products = 0;
    for (Index row = 0; row < rows.lines(); ++row) {
      const auto length = static_cast<double>(rows.end(row) - rows.begin(row));
      products += length * length;
    }
    return products;
  }

  Index longest_row() const {
    Index longest = 0;
    for (Index row = 0; row < rows.lines(); ++row) {
      longest = (std::max)(longest, rows.end(row) - rows.begin(row));
    }
    return longest;
  }

 private:
  void add_to_columns(const Csr<Scalar>& part, Index first_row, std::vector<Index>& next) {
    for (Index row = 0; row < part.rows(); ++row) {
      const Index begin = part.outerIndexPtr()[row];
      const Index end = part.outerIndexPtr()[row + 1];
      for (Index entry = begin; entry < end; ++entry) {
        const auto item = static_cast<std::size_t>(part.innerIndexPtr()[entry]);
        const auto to = static_cast<std::size_t>(next[rank_of[item]]++);
        columns.at[to] = static_cast<Place>(first_row + row);
        columns.value[to] = part.valuePtr()[entry];
      }
      rows.start.push_back(rows.start.back() + end - begin);
    }
  }
};

/// Sparse lists in tiles of neighbouring lines, each filled by one thread.
template <class Scalar>
class TiledLines {
 public:
  static constexpr Index tile = 128;

  struct Tile {
    std::vector<Index> start{0};  ///< of the lines within the tile
    std::vector<Place> at;
    std::vector<Scalar> value;

    void end_line() { start.push_back(static_cast<Index>(at.size())); }
    /// To be called when all its lines are there.
    void trim() {
      at.shrink_to_fit();
      value.shrink_to_fit();
    }
  };

  TiledLines() = default;
  explicit TiledLines(Index lines) : tiles_(static_cast<std::size_t>((lines + tile - 1) / tile)) {}

  bool empty() const { return tiles_.empty(); }
  Tile& tile_of(Index line) { return tiles_[static_cast<std::size_t>(line / tile)]; }
  const Tile& tile_of(Index line) const { return tiles_[static_cast<std::size_t>(line / tile)]; }

  Index size(Index line) const {
    const Tile& t = tile_of(line);
    const auto l = static_cast<std::size_t>(line % tile);
    return t.start[l + 1] - t.start[l];
  }
  const Place* at(Index line) const {
    return tile_of(line).at.data() + tile_of(line).start[static_cast<std::size_t>(line % tile)];
  }
  const Scalar* value(Index line) const {
    return tile_of(line).value.data() + tile_of(line).start[static_cast<std::size_t>(line % tile)];
  }
  Scalar* value(Index line) {
    return tile_of(line).value.data() + tile_of(line).start[static_cast<std::size_t>(line % tile)];
  }

  Index entries() const {
    Index entries = 0;
    for (const Tile& t : tiles_) entries += static_cast<Index>(t.at.size());
    return entries;
  }

 private:
  std::vector<Tile> tiles_;
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

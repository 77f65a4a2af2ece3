#pragma once

/// \file
/// From the columns of a block fit, by rank, to rows of weights, by item.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/models/ranked_rows.hpp"
#include "lae/models/sparse_low_rank_model.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Calls body(j, size, at, value) for each line, in parallel.
template <class Scalar, class Body>
void for_each_line(TiledLines<Scalar>& lines, Index count, Body&& body) {
  parallel_tiles(count, TiledLines<Scalar>::tile, [&](Index first, Index items) {
    for (Index j = first; j < first + items; ++j) {
      body(j, lines.size(j), lines.at(j), lines.value(j));
    }
  });
}

/// P_ij and P_ji, where both are there, become their mean.
template <class Scalar>
void symmetrise(TiledLines<Scalar>& p, Index n) {
  const auto find = [&](Index line, Place other) -> Scalar* {
    const Place* const begin = p.at(line);
    const Place* const end = begin + p.size(line);
    const Place* const found =
        std::lower_bound(begin, end, other, [](Place a, Place b) { return a > b; });
    return found != end && *found == other ? p.value(line) + (found - begin) : nullptr;
  };
  // A pair belongs to the item of the higher rank, on whatever thread that is.
  for_each_line(p, n, [&](Index j, Index size, const Place* at, Scalar* value) {
    for (Index i = 0; i < size; ++i) {
      const auto other = static_cast<Index>(at[i]);
      if (other > j) continue;
      if (Scalar* const twin = find(other, static_cast<Place>(j))) {
        value[i] = *twin = (value[i] + *twin) / 2;
      }
    }
  });
}

/// Sets all but the `most` largest absolute values to zero; of equal ones, the first are kept.
template <class Scalar>
void keep_largest(Scalar* value, Index size, Index most, std::vector<Scalar>& buffer) {
  if (size <= most) return;
  buffer.resize(static_cast<std::size_t>(size));
  for (Index i = 0; i < size; ++i) buffer[static_cast<std::size_t>(i)] = std::abs(value[i]);
  std::nth_element(buffer.begin(), buffer.begin() + most, buffer.end(), std::greater<Scalar>());
  const Scalar largest_cut = buffer[static_cast<std::size_t>(most)];
  Index ties = most;
  for (Index i = 0; i < size; ++i) ties -= std::abs(value[i]) > largest_cut ? 1 : 0;
  for (Index i = 0; i < size; ++i) {
    const Scalar magnitude = std::abs(value[i]);
    if (magnitude < largest_cut || (magnitude == largest_cut && ties-- <= 0)) value[i] = 0;
  }
}

/// The same for all values together: `mean` of them an item are kept.
template <class Scalar>
void keep_largest_of_all(TiledLines<Scalar>& lines, Index n, Index mean) {
  const Index entries = lines.entries();
  const Index most = mean * n;
  if (entries <= most) return;
  std::vector<Scalar> magnitudes;
  magnitudes.reserve(static_cast<std::size_t>(entries));
  for (Index j = 0; j < n; ++j) {
    const Scalar* const value = lines.value(j);
    for (Index i = 0; i < lines.size(j); ++i) magnitudes.push_back(std::abs(value[i]));
  }
  std::nth_element(magnitudes.begin(), magnitudes.begin() + most, magnitudes.end(),
                   std::greater<Scalar>());
  const Scalar largest_cut = magnitudes[static_cast<std::size_t>(most)];
  for_each_line(lines, n, [&](Index, Index size, const Place*, Scalar* value) {
    for (Index i = 0; i < size; ++i) {
      if (std::abs(value[i]) <= largest_cut) value[i] = 0;
    }
  });
}

/// Rows of the weights in `lines`, which are columns by rank; entries that are zero are left out.
/// \param diagonal of the sparse part, by item; empty: it has no entries there
template <class Scalar>
WeightRows<Scalar> rows_of(const TiledLines<Scalar>& lines, const RankedRows<Scalar>* x,
                           const Vector<Scalar>& diagonal, Index n) {
  WeightRows<Scalar> rows;
  rows.start.assign(static_cast<std::size_t>(n) + 1, diagonal.size() > 0 ? 1 : 0);
  rows.start[0] = 0;
  const auto for_column = [&](Index item, auto&& visit) {
    if (!x) return;
    const auto rank = static_cast<Index>(x->rank_of[static_cast<std::size_t>(item)]);
    const Place* const at = lines.at(rank);
    const Scalar* const value = lines.value(rank);
    for (Index i = 0; i < lines.size(rank); ++i) {
      if (value[i] != Scalar(0)) visit(x->item_at[at[i]], value[i]);
    }
  };
  for (Index item = 0; item < n; ++item) {
    for_column(item, [&](Place row, Scalar) { ++rows.start[row + 1]; });
  }
  for (std::size_t i = 1; i < rows.start.size(); ++i) rows.start[i] += rows.start[i - 1];
  rows.items.resize(static_cast<std::size_t>(rows.start.back()));
  rows.values.resize(rows.items.size());
  std::vector<Index> next(rows.start.begin(), rows.start.end() - 1);
  const auto add = [&](Place row, Index item, Scalar value) {
    const auto to = static_cast<std::size_t>(next[row]++);
    rows.items[to] = static_cast<Place>(item);
    rows.values[to] = value;
  };
  for (Index item = 0; item < n; ++item) {
    for_column(item, [&](Place row, Scalar value) { add(row, item, value); });
    if (diagonal.size() > 0) add(static_cast<Place>(item), item, diagonal[item]);
  }
  return rows;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// How alike the neighbours of users and items are: of the pairs of a user's items, the share that
/// other users have, too. (Peng et al., SGFCF, section 4.2.)

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"
#include "lae/detail/models/normalized.hpp"
#include "lae/ranking/history.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// The share of shared pairs; 0 where there is no pair.
[[nodiscard]] inline double homophily_of(Index shared_pairs, Index size) {
  if (size < 2) return 0;
  const auto n = static_cast<double>(size);
  return static_cast<double>(shared_pairs) / (n * (n - 1) / 2);
}

/// Of the pairs of entries in each row, the share that another row has, too. The Gram matrix of the
/// columns is counted one row at a time, and never held. Counts are integers, so they are the same
/// in any order.
/// Cost: three times the sum over rows of their entries squared. Memory: 4 bytes a column and
/// thread, 8 a row.
/// \param transpose of `matrix`; both compressed, with sorted rows
template <class Scalar>
[[nodiscard]] Vector<double> homophily(const Csr<Scalar>& matrix, const Csr<Scalar>& transpose,
                                       Stage& stage) {
  const Index columns = matrix.cols();
  const Index* const start = matrix.outerIndexPtr();
  const Index* const column_of = matrix.innerIndexPtr();
  std::vector<std::atomic<Index>> shared(static_cast<std::size_t>(matrix.rows()));
  for (auto& count : shared) count.store(0, std::memory_order_relaxed);

  // Every part takes columns that lie far apart, since those with most entries may lie together.
  const Index parts = (std::min)(Index(256), columns);
  parallel_for(parts, [&](Index part) {
    std::vector<std::uint32_t> together(static_cast<std::size_t>(columns), 0);
    for (Index column = part; column < columns; column += parts) {
      const Index begin = transpose.outerIndexPtr()[column];
      const Index end = transpose.outerIndexPtr()[column + 1];
      if (end - begin < 2) continue;
      // Each pair once: the entries behind this column's.
      const auto for_each_later = [&](Index row, auto&& body) {
        for (Index e = start[row + 1]; e > start[row] && column_of[e - 1] > column; --e) {
          body(together[static_cast<std::size_t>(column_of[e - 1])]);
        }
      };
      const Index* const rows = transpose.innerIndexPtr();
      for (Index r = begin; r < end; ++r) {
        for_each_later(rows[r], [](std::uint32_t& count) { ++count; });
      }
      for (Index r = begin; r < end; ++r) {
        Index pairs = 0;
        for_each_later(rows[r], [&](std::uint32_t count) { pairs += count > 1 ? 1 : 0; });
        shared[static_cast<std::size_t>(rows[r])].fetch_add(pairs, std::memory_order_relaxed);
      }
      for (Index r = begin; r < end; ++r) {
        for_each_later(rows[r], [](std::uint32_t& count) { count = 0; });
      }
    }
    stage.advance(1 / static_cast<double>(parts));
  });

  Vector<double> shares(matrix.rows());
  for (Index row = 0; row < matrix.rows(); ++row) {
    shares[row] =
        homophily_of(shared[static_cast<std::size_t>(row)].load(std::memory_order_relaxed),
                     start[row + 1] - start[row]);
  }
  return shares;
}

/// The homophily of histories, for one after the other, on one thread.
template <class Scalar>
class HistoryHomophily {
 public:
  explicit HistoryHomophily(const NormalizedInteractions<Scalar>& n)
      : n_(n), place_(static_cast<std::size_t>(n.users.rows()), none) {}

  /// The share of its pairs that a user has. A history of just the items of a training user is taken
  /// for that user's own, and so counts pairs that another one has besides.
  [[nodiscard]] double operator()(const History<Scalar>& history) {
    const Index size = history.size();
    if (size < 2) return 0;
    const Csr<Scalar>& items = n_.items;
    const auto begin_of = [&](Index p) { return items.outerIndexPtr()[history.items()[p]]; };
    const auto end_of = [&](Index p) { return items.outerIndexPtr()[history.items()[p] + 1]; };
    const auto place_of = [&](Index e) -> Index& {
      return place_[static_cast<std::size_t>(items.innerIndexPtr()[e])];
    };
    // Which items of the history each user has, in order: first how many, then which.
    std::vector<Index> users;
    std::vector<Index> start(1, 0);
    for (Index p = 0; p < size; ++p) {
      for (Index e = begin_of(p); e < end_of(p); ++e) {
        Index& place = place_of(e);
        if (place == none) {
          place = static_cast<Index>(users.size());
          users.push_back(items.innerIndexPtr()[e]);
          start.push_back(0);
        }
        ++start[static_cast<std::size_t>(place) + 1];
      }
    }
    std::uint32_t needed = 1;
    for (std::size_t u = 0; u < users.size(); ++u) {
      const Index* const row = n_.users.outerIndexPtr() + users[u];
      if (start[u + 1] == size && row[1] - row[0] == size) needed = 2;
      start[u + 1] += start[u];
    }
    std::vector<Index> next(start.begin(), start.end() - 1);
    std::vector<Index> held(static_cast<std::size_t>(start.back()));
    for (Index p = 0; p < size; ++p) {
      for (Index e = begin_of(p); e < end_of(p); ++e) {
        held[static_cast<std::size_t>(next[static_cast<std::size_t>(place_of(e))]++)] = p;
      }
    }
    Index shared = 0;
    std::vector<std::uint32_t> together(static_cast<std::size_t>(size), 0);
    for (Index p = 0; p < size; ++p) {
      for (Index e = begin_of(p); e < end_of(p); ++e) {
        const auto u = static_cast<std::size_t>(place_of(e));
        for (Index h = start[u + 1]; h > start[u]; --h) {
          const Index q = held[static_cast<std::size_t>(h - 1)];
          if (q <= p) break;
          ++together[static_cast<std::size_t>(q)];
        }
      }
      for (Index q = p + 1; q < size; ++q) {
        shared += together[static_cast<std::size_t>(q)] >= needed ? 1 : 0;
        together[static_cast<std::size_t>(q)] = 0;
      }
    }
    for (const Index user : users) place_[static_cast<std::size_t>(user)] = none;
    return homophily_of(shared, size);
  }

 private:
  static constexpr Index none = -1;

  const NormalizedInteractions<Scalar>& n_;
  std::vector<Index> place_;  ///< of a user among those of this history
};

/// From a homophily to the exponent of singular values: least at `lowest`, largest at `highest`.
struct HomophilyRange {
  double lowest = 0;
  double highest = 0;

  explicit HomophilyRange() = default;
  explicit HomophilyRange(const Vector<double>& values)
      : lowest(values.minCoeff()), highest(values.maxCoeff()) {}

  /// \param low, high the exponents at either end; what lies beyond them is taken for them, and if
  /// all are equal, `low` holds
  [[nodiscard]] double exponent(double homophily, double low, double high) const {
    if (!(highest > lowest)) return low;
    const double share = (homophily - lowest) / (highest - lowest);
    return low + (high - low) * std::clamp(share, 0.0, 1.0);
  }
};

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

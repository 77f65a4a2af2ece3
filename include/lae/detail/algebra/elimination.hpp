#pragma once

/// \file
/// The inverse of a symmetric positive definite matrix with many zeros, such as XᵀX + diag(Λ), by
/// eliminating first the items that occur with few others. With d, a: what stands on the diagonal
/// and beside it when an item is eliminated, and S the rest,
///
///     S <- S - a aᵀ / d,   then, backwards,   p = -P_S a / d,   p_own = (1 - aᵀp) / d,
///
/// which costs 2 |a| n flops with sparse a instead of the 3 n^2 that one more item costs a dense
/// inverse. Items are taken by minimum degree in the graph of what occurs together, which grows by
/// the pairs that each elimination fills in, and as long as that is cheaper; the rest is inverted
/// densely. On sparse data that leaves 0.3 to 0.8 of n^3.
///
/// Source: George, Liu, Computer Solution of Large Sparse Positive Definite Systems, 1981, ch. 5
/// (minimum degree); Takahashi, Fagan, Chen, 1973 (the inverse, backwards).

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "lae/core/fit_form.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/costs.hpp"
#include "lae/detail/algebra/spd_tiles.hpp"
#include "lae/detail/algebra/tile.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/stage.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Which entries of a symmetric matrix are not zero, a bit each.
///
/// The bits take the place of elements above the diagonal, which nobody needs before the inverse is
/// written there: n^2 / 8 bytes would be a noticeable part of a matrix of floats.
class SparsityGraph {
 public:
  /// \param matrix its lower triangle is read, and what is above becomes unspecified
  template <class Scalar>
  explicit SparsityGraph(Tile<Scalar> matrix)
      : size_(matrix.rows()), words_((size_ + bits - 1) / bits) {
    take_place(matrix);
    parallel_lower_tiles(size_, bits, [&](Index i, Index rows, Index j, Index columns) {
      Word of_columns[bits] = {};
      for (Index r = 0; r < rows; ++r) {
        const Scalar* const row = &matrix(i + r, j);
        const Index end = (std::min)(columns, i + r - j);  // strictly below the diagonal
        Word of_row = 0;
        for (Index c = 0; c < end; ++c) {
          const Word is_set = row[c] != Scalar(0);
          of_row |= is_set << c;
          of_columns[c] |= is_set << r;
        }
        if (i != j) set_word(this->row(i + r), j / bits, of_row);
        if (i == j) of_columns[r] |= of_row;
      }
      for (Index c = 0; c < columns; ++c) set_word(this->row(j + c), i / bits, of_columns[c]);
    });
  }

  [[nodiscard]] Index size() const { return size_; }

  [[nodiscard]] Index degree(Index item) const {
    const unsigned char* const row = this->row(item);
    Index count = 0;
    for (Index w = 0; w < words_; ++w) count += count_ones(word(row, w));
    return count;
  }

  /// Items beside `item`, ascending.
  void neighbours(Index item, std::vector<Index>& list) const {
    const unsigned char* const row = this->row(item);
    list.clear();
    for (Index w = 0; w < words_; ++w) {
      for (Word rest = word(row, w); rest != 0; rest &= rest - 1) {
        list.push_back(w * bits + count_ones((rest & (~rest + 1)) - 1));
      }
    }
  }

  /// `item` is from now on beside all those that `other`, beside it, is beside, but no more beside
  /// `other` itself.
  /// \return its degree
  Index merge(Index item, Index other) {
    unsigned char* const row = this->row(item);
    const unsigned char* const from = this->row(other);
    Index degree = 0;
    for (Index w = 0; w < words_; ++w) {
      const Word both = word(row, w) | word(from, w);
      set_word(row, w, both);
      degree += count_ones(both);
    }
    for (const Index gone : {item, other}) {
      set_word(row, gone / bits, word(row, gone / bits) & ~(Word(1) << gone % bits));
    }
    return degree - 2;
  }

 private:
  using Word = std::uint64_t;
  static constexpr Index bits = 64;

  static Index count_ones(Word word) {
#if defined(__GNUC__)
    return __builtin_popcountll(word);
#else
    word -= (word >> 1) & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + ((word >> 2) & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return static_cast<Index>((word * 0x0101010101010101u) >> 56);
#endif
  }

  /// Several rows of bits in each row of the upper right quarter, or, for a small matrix, where
  /// there is room.
  template <class Scalar>
  void take_place(Tile<Scalar> matrix) {
    const Index half = size_ / 2;
    const auto row_bytes = static_cast<Index>(sizeof(Word)) * words_;
    rows_in_line_ = (size_ - half) * static_cast<Index>(sizeof(Scalar)) / row_bytes;
    line_bytes_ = matrix.stride() * static_cast<Index>(sizeof(Scalar));
    if (rows_in_line_ * half >= size_) {
      place_ = reinterpret_cast<unsigned char*>(matrix.data() + half);
    } else {
      own_.resize(static_cast<std::size_t>(row_bytes * size_));
      place_ = own_.data();
      rows_in_line_ = size_;
    }
  }

  [[nodiscard]] unsigned char* row(Index item) const {
    return place_ + item / rows_in_line_ * line_bytes_ +
           item % rows_in_line_ * words_ * static_cast<Index>(sizeof(Word));
  }
  static Word word(const unsigned char* row, Index w) {
    Word value;
    std::memcpy(&value, row + w * static_cast<Index>(sizeof(Word)), sizeof(value));
    return value;
  }
  static void set_word(unsigned char* row, Index w, Word value) {
    std::memcpy(row + w * static_cast<Index>(sizeof(Word)), &value, sizeof(value));
  }

  Index size_;
  Index words_;  ///< of a row
  Index rows_in_line_ = 1;
  Index line_bytes_ = 0;
  unsigned char* place_ = nullptr;
  std::vector<unsigned char> own_;
};

/// Flops of elimination cost as much as so many of the dense inverse: sums of rows of the inverse
/// (2 |a| n) are bound by the reading of memory, updates of single elements (|a|^2) by its latency.
/// Measured on games-llm-profiles; a half or twice of them changes the time of a fit by 2 %.
inline constexpr double sparse_row_price = 16;
inline constexpr double single_element_price = 150;

/// Whether an item with so many neighbours should go, of `rest` that remain.
inline bool is_worth_elimination(Index degree, Index rest) {
  const auto a = static_cast<double>(degree);
  const auto q = static_cast<double>(rest);
  return 2 * sparse_row_price * a * q + single_element_price * a * a < 3 * q * q;
}

/// Items in the order of elimination: of least degree first, and of least index among those.
inline std::vector<Index> elimination_order(SparsityGraph& graph) {
  constexpr Index is_gone = (std::numeric_limits<Index>::max)();
  const Index n = graph.size();
  std::vector<Index> degree(static_cast<std::size_t>(n));
  parallel_tiles(n, 64, [&](Index first, Index items) {
    for (Index i = first; i < first + items; ++i) {
      degree[static_cast<std::size_t>(i)] = graph.degree(i);
    }
  });
  std::vector<Index> order;
  std::vector<Index> beside;
  // A quarter of the items costs a dense inverse next to nothing.
  for (Index rest = n; rest > (n + 3) / 4; --rest) {
    const auto least = std::min_element(degree.begin(), degree.end());
    if (!is_worth_elimination(*least, rest)) break;
    const Index item = least - degree.begin();
    order.push_back(item);
    *least = is_gone;
    graph.neighbours(item, beside);
    for (const Index other : beside) {
      degree[static_cast<std::size_t>(other)] = graph.merge(other, item);
    }
  }
  return order;
}

/// The inverse of one matrix; see above.
template <class Scalar>
class EliminatingInverse {
 public:
  /// \param matrix its lower triangle is read
  EliminatingInverse(Tile<Scalar> matrix, PivotFailure failure)
      : matrix_(matrix), failure_(std::move(failure)) {
    SparsityGraph graph(matrix_);
    const std::vector<Index> order = elimination_order(graph);
    rest_ = matrix_.rows() - static_cast<Index>(order.size());
    find_swaps(order);
  }

  /// How many rows are left for the dense inverse.
  [[nodiscard]] Index rest() const { return rest_; }

  /// A <- A⁻¹, both triangles. \throws NotPositiveDefinite, Cancelled
  void invert(const Progress& progress) {
    if (rest_ < matrix_.rows()) {
      transpose_triangle<Scalar>(Triangle::lower, matrix_, matrix_);
      swap_all();
      eliminate(progress);
    }
    SpdTiles<Scalar>(matrix_.first(rest_), failure_).invert(progress);
    transpose_triangle<Scalar>(Triangle::lower, matrix_.first(rest_), matrix_.first(rest_));
    if (rest_ < matrix_.rows()) {
      restore(progress);
      std::reverse(swaps_.begin(), swaps_.end());
      swap_all();
    }
  }

 private:
  /// Columns that are restored together: few enough for those of all rows to stay in the cache.
  static constexpr Index strip = 256 / static_cast<Index>(sizeof(Scalar));

  struct Swap {
    Index one;
    Index other;
  };
  /// An element of a row, by its column.
  struct Element {
    Index column;
    Scalar value;
  };

  /// What brings the items to be eliminated to the end, the first of them last.
  void find_swaps(const std::vector<Index>& order) {
    std::vector<Index>& item_at = failure_.row_names;
    item_at.resize(static_cast<std::size_t>(matrix_.rows()));
    std::iota(item_at.begin(), item_at.end(), Index(0));
    std::vector<Index> place_of(item_at);
    Index end = matrix_.rows();
    for (const Index item : order) {
      const Index one = place_of[static_cast<std::size_t>(item)];
      const Index other = --end;
      if (one == other) continue;
      swaps_.push_back({one, other});
      std::swap(item_at[static_cast<std::size_t>(one)], item_at[static_cast<std::size_t>(other)]);
      std::swap(place_of[static_cast<std::size_t>(item_at[static_cast<std::size_t>(one)])],
                place_of[static_cast<std::size_t>(item)]);
    }
  }

  /// Swaps rows and columns, of both triangles.
  void swap_all() {
    parallel_tiles(matrix_.rows(), 16, [&](Index first, Index rows) {
      for (Index i = first; i < first + rows; ++i) {
        Scalar* const row = matrix_.row(i);
        for (const Swap swap : swaps_) std::swap(row[swap.one], row[swap.other]);
      }
    });
    parallel_tiles(matrix_.cols(), 1024, [&](Index first, Index columns) {
      for (const Swap swap : swaps_) {
        Scalar* const one = matrix_.row(swap.one) + first;
        std::swap_ranges(one, one + columns, matrix_.row(swap.other) + first);
      }
    });
  }

  /// Schur complements, in the lower triangle. Rows of eliminated items keep what they had then.
  void eliminate(const Progress& progress) {
    Stage stage(progress, "eliminate", static_cast<double>(matrix_.rows() - rest_));
    std::vector<Element> a;
    for (Index p = matrix_.rows() - 1; p >= rest_; --p) {
      const Scalar pivot = matrix_(p, p);
      if (!(pivot > 0)) failure_.raise<Scalar>(p, matrix_.rows());
      a.clear();
      append_nonzeros(p, 1, a);
      for (std::size_t i = 0; i < a.size(); ++i) {
        const Scalar factor = a[i].value / pivot;
        Scalar* const row = matrix_.row(a[i].column);
        for (std::size_t j = 0; j <= i; ++j) row[a[j].column] -= factor * a[j].value;
      }
      stage.advance(1);
    }
    stage.finish();
  }

  /// What is left of the diagonal in row `p`, times a factor.
  void append_nonzeros(Index p, Scalar factor, std::vector<Element>& list) const {
    const Scalar* const row = matrix_.row(p);
    for (Index j = 0; j < p; ++j) {
      if (row[j] != Scalar(0)) list.push_back({j, factor * row[j]});
    }
  }

  /// Rows and columns of eliminated items, from the last one eliminated to the first, by blocks of
  /// many rows, since each block reads all of the inverse once, but in memory that grows with n.
  void restore(const Progress& progress) {
    Stage stage(progress, "restore", static_cast<double>(matrix_.rows() - rest_));
    for (Index first = rest_; first < matrix_.rows();) {
      Sums sums{first, {}, {0}};
      Index end = first;
      while (end < matrix_.rows() && end - first < 1024 &&
             static_cast<Index>(sums.elements.size()) < 16 * matrix_.rows()) {
        append_nonzeros(end, -1 / matrix_(end, end), sums.elements);
        sums.ends.push_back(sums.elements.size());
        ++end;
      }
      restore(sums, first, end, 0, first);
      for (Index row = first; row < end; row += 128) {
        const Index row_end = (std::min)(row + 128, end);
        restore(sums, row, row_end, first, row);
        restore_square(sums, row, row_end);
      }
      stage.advance(static_cast<double>(end - first));
      first = end;
    }
    stage.finish();
  }

  /// What rows of the inverse are sums of: for each row p from `first` on, -a / d.
  struct Sums {
    Index first;
    std::vector<Element> elements;
    std::vector<std::size_t> ends;  ///< before row `first`, of that row, of the next ...

    const Element* begin_of(Index p) const {
      return elements.data() + ends[static_cast<std::size_t>(p - first)];
    }
    const Element* end_of(Index p) const { return begin_of(p + 1); }
  };

  /// Some columns of rows, and their mirror images. All rows before `end` that their sums are of
  /// have these columns.
  void restore(const Sums& sums, Index first, Index end, Index first_column, Index end_column) {
    parallel_tiles(end_column - first_column, strip, [&](Index shift, Index columns) {
      const Index column = first_column + shift;
      for (Index p = first; p < end; ++p) add_up(sums, p, column, columns);
      copy_transposed<Scalar>(matrix_.block(first, column, end - first, columns),
                              matrix_.block(column, first, columns, end - first));
    });
  }

  /// The square of rows and columns on the diagonal, with the rows to its left complete.
  void restore_square(const Sums& sums, Index first, Index end) {
    for (Index p = first; p < end; ++p) {
      for (Index column = first; column < p; column += strip) {
        add_up(sums, p, column, (std::min)(strip, p - column));
      }
      for (Index column = first; column < p; ++column) matrix_(column, p) = matrix_(p, column);
      Scalar own = 1 / matrix_(p, p);
      for (const Element* a = sums.begin_of(p); a != sums.end_of(p); ++a) {
        own += a->value * matrix_(p, a->column);
      }
      matrix_(p, p) = own;
    }
  }

  /// Columns of row p.
  void add_up(const Sums& sums, Index p, Index first_column, Index columns) {
    const Element* a = sums.begin_of(p);
    const Element* const end = sums.end_of(p);
    Scalar* const target = &matrix_(p, first_column);
    if (columns == strip) {
      using Strip = Eigen::Array<Scalar, strip, 1>;
      Strip sum = Strip::Zero();
      for (; a != end; ++a) {
        sum += a->value * Eigen::Map<const Strip>(&matrix_(a->column, first_column));
      }
      std::copy_n(sum.data(), strip, target);
    } else {
      std::fill_n(target, columns, Scalar(0));
      for (; a != end; ++a) {
        add_scaled<Scalar>(columns, a->value, &matrix_(a->column, first_column), target);
      }
    }
  }

  Tile<Scalar> matrix_;
  PivotFailure failure_;
  Index rest_;
  std::vector<Swap> swaps_;
};

/// A <- A⁻¹, both triangles, of a Gram matrix with its ridge, given by its lower triangle.
/// Elimination is automatic where it saves more than it costs: small matrices are inverted before
/// their graph is known.
/// \return how many rows were inverted densely \throws NotPositiveDefinite, Cancelled
template <class Scalar>
Index invert_gram(Tile<Scalar> a, FitForm form, PivotFailure failure, const Progress& progress) {
  const Index n = a.rows();
  const bool is_automatic = form == FitForm::automatic;
  if (form == FitForm::eliminated || (is_automatic && n >= 512)) {
    EliminatingInverse<Scalar> inverse(a, failure);
    if (!is_automatic ||
        volume(inverse.rest(), inverse.rest(), inverse.rest()) < 0.85 * volume(n, n, n)) {
      inverse.invert(progress);
      return inverse.rest();
    }
  }
  SpdTiles<Scalar>(a, std::move(failure)).invert(progress);
  transpose_triangle<Scalar>(Triangle::lower, a, a);
  return n;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

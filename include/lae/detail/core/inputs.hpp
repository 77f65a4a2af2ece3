#pragma once

/// \file
/// Any Eigen expression a caller passes becomes one canonical matrix here, once, and is checked;
/// the code that does the work is not templated on expressions.

#include <algorithm>
#include <cmath>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/borrowed.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

template <class Scalar>
void require_finite(Scalar value, std::string_view name, Index row, Index column) {
  require(std::isfinite(value), name, " holds a value that is not finite (", value, ") in row ",
          row, ", column ", column);
}

/// A compressed copy with sorted rows; entries that stand twice in a row keep their order.
template <class Scalar, class Derived>
Csr<Scalar> sorted_rows(const Eigen::SparseMatrixBase<Derived>& matrix) {
  if constexpr (!Derived::IsRowMajor ||
                !std::is_base_of_v<Eigen::SparseCompressedBase<Derived>, Derived>) {
    return sorted_rows<Scalar>(Csr<typename Derived::Scalar>(matrix.derived()));
  } else {
    // Entry by entry, since Eigen's own copy takes rows to be sorted already. Each row is sorted by
    // itself: transposing twice would take memory for the columns, of which a file may claim any
    // number.
    Csr<Scalar> rows(matrix.rows(), matrix.cols());
    rows.resizeNonZeros(matrix.derived().nonZeros());
    std::vector<std::pair<Index, Scalar>> entries;
    Index count = 0;
    for (Index row = 0; row < matrix.rows(); ++row) {
      entries.clear();
      bool is_sorted = true;
      for (typename Derived::InnerIterator entry(matrix.derived(), row); entry; ++entry) {
        if (!entries.empty() && entry.col() < entries.back().first) is_sorted = false;
        entries.emplace_back(entry.col(), static_cast<Scalar>(entry.value()));
      }
      if (!is_sorted) {
        std::stable_sort(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
      }
      for (const auto& [column, value] : entries) {
        rows.innerIndexPtr()[count] = column;
        rows.valuePtr()[count++] = value;
      }
      rows.outerIndexPtr()[row + 1] = count;
    }
    return rows;
  }
}

/// Adds up entries that stand twice in a row. \param rows compressed and sorted
template <class Scalar>
void sum_duplicates(Csr<Scalar>& rows, bool keeps_zeros) {
  Index* const columns = rows.innerIndexPtr();
  Scalar* const values = rows.valuePtr();
  Index kept = 0;
  Index entry = 0;
  for (Index row = 0; row < rows.rows(); ++row) {
    const Index end = rows.outerIndexPtr()[row + 1];
    while (entry < end) {
      const Index column = columns[entry];
      Scalar sum = 0;
      for (; entry < end && columns[entry] == column; ++entry) sum += values[entry];
      if (sum == Scalar(0) && !keeps_zeros) continue;
      columns[kept] = column;
      values[kept++] = sum;
    }
    rows.outerIndexPtr()[row + 1] = kept;
  }
  rows.resizeNonZeros(kept);
}

/// A compressed copy with sorted rows and no duplicates (they are added up).
template <class Scalar, class Derived>
Csr<Scalar> sorted_unique(const Eigen::SparseMatrixBase<Derived>& matrix) {
  Csr<Scalar> rows = sorted_rows<Scalar>(matrix);
  sum_duplicates(rows, true);
  return rows;
}

/// The same without explicit zeros.
/// \throws std::invalid_argument if a value is not finite (before or after conversion to Scalar).
template <class Scalar, class Derived>
Csr<Scalar> canonical_sparse(const Eigen::SparseMatrixBase<Derived>& matrix,
                             std::string_view name) {
  Csr<Scalar> rows = sorted_rows<Scalar>(matrix);
  sum_duplicates(rows, false);
  for (Index row = 0; row < rows.rows(); ++row) {
    for (typename Csr<Scalar>::InnerIterator entry(rows, row); entry; ++entry) {
      require_finite(entry.value(), name, row, entry.col());
    }
  }
  return rows;
}

/// A mean squared length to scale by; 1 where there is nothing but zeros.
inline double scale_or_one(double mean_square) {
  return mean_square > 0 ? mean_square : 1;
}

/// Whether a matrix is already what `canonical_sparse` would make of it: compressed, sorted rows,
/// no duplicates, no zeros, all finite.
template <class Scalar>
bool is_canonical(const Csr<Scalar>& matrix) {
  if (!matrix.isCompressed()) return false;
  for (Index row = 0; row < matrix.rows(); ++row) {
    Index before = -1;
    for (typename Csr<Scalar>::InnerIterator entry(matrix, row); entry; ++entry) {
      if (entry.col() <= before || entry.value() == Scalar(0) || !std::isfinite(entry.value())) {
        return false;
      }
      before = entry.col();
    }
  }
  return true;
}

/// The matrix itself if it is canonical, else a canonical copy.
/// \throws std::invalid_argument as canonical_sparse.
template <class Scalar, class Derived>
Borrowed<Csr<Scalar>> borrow_sparse(const Eigen::SparseMatrixBase<Derived>& matrix,
                                    std::string_view name) {
  if constexpr (std::is_same_v<Derived, Csr<Scalar>>) {
    if (is_canonical(matrix.derived())) return Borrowed<Csr<Scalar>>::of(matrix.derived());
  }
  return canonical_sparse<Scalar>(matrix, name);
}

/// The matrix itself if its rows lie one behind the other, as loops over its arrays take them to,
/// else a copy.
template <class Scalar>
Borrowed<Csr<Scalar>> compressed(const Csr<Scalar>& matrix) {
  if (matrix.isCompressed()) return Borrowed<Csr<Scalar>>::of(matrix);
  return Csr<Scalar>(matrix);
}

/// Users x items, with at least one interaction.
/// \throws std::invalid_argument as above, and if there is nothing to learn from.
template <class Scalar, class Derived>
Borrowed<Csr<Scalar>> borrow_interactions(const Eigen::SparseMatrixBase<Derived>& matrix,
                                          std::string_view name = "interactions") {
  Borrowed<Csr<Scalar>> rows = borrow_sparse<Scalar>(matrix, name);
  require(rows->nonZeros() > 0, name, " (", rows->rows(), " users x ", rows->cols(),
          " items) is empty");
  return rows;
}

/// \throws std::invalid_argument if there are no rows or columns, or a value is not finite.
template <class Scalar>
void require_features(const Matrix<Scalar>& features, std::string_view name) {
  require(features.size() > 0, name, " is empty: ", features.rows(), " x ", features.cols());
  if (features.allFinite()) return;
  for (Index row = 0; row < features.rows(); ++row) {
    for (Index column = 0; column < features.cols(); ++column) {
      require_finite(features(row, column), name, row, column);
    }
  }
}

/// Items x features, dense: one row-major copy in Scalar. An item whose features are all zero is
/// valid.
/// \throws std::invalid_argument as require_features.
template <class Scalar, class Derived>
Matrix<Scalar> canonical_features(const Eigen::MatrixBase<Derived>& matrix,
                                  std::string_view name = "features") {
  Matrix<Scalar> features = matrix.derived().template cast<Scalar>();
  require_features(features, name);
  return features;
}

/// Items x tags, sparse.
template <class Scalar, class Derived>
Csr<Scalar> canonical_features(const Eigen::SparseMatrixBase<Derived>& matrix,
                               std::string_view name = "features") {
  require(matrix.rows() > 0 && matrix.cols() > 0, name, " is empty: ", matrix.rows(), " x ",
          matrix.cols());
  return canonical_sparse<Scalar>(matrix, name);
}

/// The features themselves if they can be used as they are, else a canonical copy.
/// \throws std::invalid_argument as canonical_features.
template <class Scalar, class Derived>
Borrowed<Matrix<Scalar>> borrow_features(const Eigen::MatrixBase<Derived>& matrix,
                                         std::string_view name) {
  if constexpr (std::is_same_v<Derived, Matrix<Scalar>>) {
    require_features(matrix.derived(), name);
    return Borrowed<Matrix<Scalar>>::of(matrix.derived());
  } else {
    return canonical_features<Scalar>(matrix, name);
  }
}
template <class Scalar, class Derived>
Borrowed<Csr<Scalar>> borrow_features(const Eigen::SparseMatrixBase<Derived>& matrix,
                                      std::string_view name) {
  if constexpr (std::is_same_v<Derived, Csr<Scalar>>) {
    if (matrix.rows() > 0 && matrix.cols() > 0 && is_canonical(matrix.derived())) {
      return Borrowed<Csr<Scalar>>::of(matrix.derived());
    }
  }
  return canonical_features<Scalar>(matrix, name);
}

/// sizeof the scalars of a type that the library can use as it is; 0 for all other types.
template <class Derived>
inline constexpr std::size_t plain_scalar =
    std::is_same_v<Derived, Matrix<typename Derived::Scalar>> ||
            std::is_same_v<Derived, Csr<typename Derived::Scalar>>
        ? sizeof(typename Derived::Scalar)
        : 0;

/// The number of stored entries.
template <class Derived>
Index count_entries(const Eigen::SparseMatrixBase<Derived>& matrix) {
  if constexpr (std::is_base_of_v<Eigen::SparseCompressedBase<Derived>, Derived>) {
    return matrix.derived().nonZeros();
  } else {
    return typename Derived::PlainObject(matrix.derived()).nonZeros();
  }
}

/// The number of stored entries in each column.
template <class Scalar>
std::vector<Index> column_counts(const Csr<Scalar>& x) {
  std::vector<Index> counts(static_cast<std::size_t>(x.cols()), 0);
  for (Index entry = 0; entry < x.nonZeros(); ++entry) {
    ++counts[static_cast<std::size_t>(x.innerIndexPtr()[entry])];
  }
  return counts;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

#pragma once

/// \file
/// Any Eigen expression a caller passes becomes one canonical matrix here, once, and is checked;
/// the code that does the work is not templated on expressions.

#include <cmath>
#include <string_view>

#include "lae/core/errors.hpp"
#include "lae/core/types.hpp"

namespace lae::detail {

template <class Scalar>
void require_finite(Scalar value, std::string_view name, Index row, Index column) {
  require(std::isfinite(value), name, " holds a value that is not finite (", value, ") in row ",
          row, ", column ", column);
}

/// A compressed copy with sorted rows, no duplicates (they are added up) and no explicit zeros.
/// \throws std::invalid_argument if a value is not finite (before or after conversion to Scalar).
template <class Scalar, class Derived>
Csr<Scalar> canonical_sparse(const Eigen::SparseMatrixBase<Derived>& matrix,
                             std::string_view name) {
  using Value = typename Derived::Scalar;
  // Each change of storage order sorts; an assignment without one keeps the order it finds.
  Csr<Value> sorted;
  if constexpr (Derived::IsRowMajor) {
    sorted = Eigen::SparseMatrix<Value, Eigen::ColMajor, Index>(matrix.derived());
  } else {
    sorted = matrix.derived();
  }
  Csr<Scalar> rows(sorted.rows(), sorted.cols());
  rows.reserve(sorted.nonZeros());
  for (Index row = 0; row < sorted.rows(); ++row) {
    rows.startVec(row);
    for (typename Csr<Value>::InnerIterator entry(sorted, row); entry;) {
      const Index column = entry.col();
      Scalar sum = 0;
      for (; entry && entry.col() == column; ++entry) sum += static_cast<Scalar>(entry.value());
      require_finite(sum, name, row, column);
      if (sum != Scalar(0)) rows.insertBack(row, column) = sum;
    }
  }
  rows.finalize();
  return rows;
}

/// Users x items, with at least one interaction.
/// \throws std::invalid_argument as above, and if there is nothing to learn from.
template <class Scalar, class Derived>
Csr<Scalar> canonical_interactions(const Eigen::SparseMatrixBase<Derived>& matrix,
                                   std::string_view name = "interactions") {
  Csr<Scalar> rows = canonical_sparse<Scalar>(matrix, name);
  require(rows.nonZeros() > 0, name, " (", rows.rows(), " users x ", rows.cols(),
          " items) is empty");
  return rows;
}

/// Items x features, dense: one row-major copy in Scalar. An item whose features are all zero is
/// valid.
/// \throws std::invalid_argument if it has no rows or columns or a value is not finite.
template <class Scalar, class Derived>
Matrix<Scalar> canonical_features(const Eigen::MatrixBase<Derived>& matrix,
                                  std::string_view name = "features") {
  require(matrix.rows() > 0 && matrix.cols() > 0, name, " is empty: ", matrix.rows(), " x ",
          matrix.cols());
  Matrix<Scalar> features = matrix.derived().template cast<Scalar>();
  if (!features.allFinite()) {
    for (Index row = 0; row < features.rows(); ++row) {
      for (Index column = 0; column < features.cols(); ++column) {
        require_finite(features(row, column), name, row, column);
      }
    }
  }
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

template <class Derived>
void require_features_of(Index items, const Eigen::EigenBase<Derived>& features,
                         std::string_view name = "features") {
  require(features.rows() == items, name, " has ", features.rows(), " rows, but interactions has ",
          items, " items (columns)");
}

}  // namespace lae::detail

#pragma once

/// \file
/// What a source of item features may need before a model uses it. Each function returns a new
/// matrix and leaves its argument as it is; they can follow one another.
///
///     auto embeddings = lae::unit_length(lae::centered(lae::load_npy<float>("embeddings.npy")));
///     auto tags = lae::tf_idf(lae::load_npz<float>("tags.npz"));

#include <cmath>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/inputs.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/data/features.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Takes the mean off each column. Embeddings of language models share a large common part, which
/// tells items apart no better than a constant would.
/// \param features items x dimensions, dense: centring would make a sparse matrix dense.
/// Cost: 2 n d flops; a copy of the matrix. Means are summed in double.
/// \throws std::invalid_argument if a value is not finite.
template <class Derived>
[[nodiscard]] Matrix<typename Derived::Scalar> centered(
    const Eigen::MatrixBase<Derived>& features) {
  Matrix<typename Derived::Scalar> values = detail::finite_copy(features);
  detail::subtract_column_means(values);
  return values;
}

/// Scales each row to length 1, so that all items weigh the same and F Fᵀ holds cosines. Rows of
/// zeros stay.
/// \param features items x dimensions, dense.
/// Cost: 3 n d flops; a copy of the matrix.
/// \throws std::invalid_argument if a value is not finite.
template <class Derived>
[[nodiscard]] Matrix<typename Derived::Scalar> unit_length(
    const Eigen::MatrixBase<Derived>& features) {
  Matrix<typename Derived::Scalar> values = detail::finite_copy(features);
  for (Index row = 0; row < values.rows(); ++row) {
    detail::scale_to_unit_length(values.row(row).data(), values.cols());
  }
  return values;
}

/// The same for items x tags, sparse. Returns rows sorted, without explicit zeros.
template <class Derived>
[[nodiscard]] Csr<typename Derived::Scalar> unit_length(
    const Eigen::SparseMatrixBase<Derived>& features) {
  using Scalar = typename Derived::Scalar;
  Csr<Scalar> values = detail::canonical_sparse<Scalar>(features, "features");
  for (Index row = 0; row < values.rows(); ++row) {
    const Index begin = values.outerIndexPtr()[row];
    detail::scale_to_unit_length(values.valuePtr() + begin,
                                 values.outerIndexPtr()[row + 1] - begin);
  }
  return values;
}

/// Weights terms by tf-idf and gives each document (row) length 1: a count c becomes
/// (1 + ln c) (1 + ln((1 + documents) / (1 + documents that hold the term))). Tags are counts of 1:
/// rare ones gain. Rows without terms stay empty.
/// \param counts documents x terms, sparse: 0, 1 and above. Returns rows sorted, without explicit
/// zeros.
/// \throws std::invalid_argument if a value is not finite, or stored and neither 0 nor 1 or more.
template <class Derived>
[[nodiscard]] Csr<typename Derived::Scalar> tf_idf(const Eigen::SparseMatrixBase<Derived>& counts) {
  using Scalar = typename Derived::Scalar;
  Csr<Scalar> weights = detail::canonical_sparse<Scalar>(counts, "counts");
  Vector<double> documents_with = Vector<double>::Zero(weights.cols());
  for (Index entry = 0; entry < weights.nonZeros(); ++entry) {
    documents_with[weights.innerIndexPtr()[entry]] += 1;
  }
  const auto documents = static_cast<double>(weights.rows());
  const Vector<double> idf = 1 + ((1 + documents) / (1 + documents_with.array())).log();
  for (Index row = 0; row < weights.rows(); ++row) {
    double squares = 0;
    for (typename Csr<Scalar>::InnerIterator entry(weights, row); entry; ++entry) {
      detail::require(entry.value() >= 1, "tf_idf takes counts of 0, 1 and above, got ",
                      entry.value(), " in row ", row, ", column ", entry.col());
      const double weight = (1 + std::log(double(entry.value()))) * idf[entry.col()];
      squares += weight * weight;
      entry.valueRef() = static_cast<Scalar>(weight);
    }
    const auto scale = static_cast<Scalar>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (typename Csr<Scalar>::InnerIterator entry(weights, row); entry; ++entry) {
      entry.valueRef() *= scale;
    }
  }
  return weights;
}

}  // namespace LAE_ABI
}  // namespace lae

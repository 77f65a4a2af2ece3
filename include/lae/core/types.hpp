#pragma once

/// \file
/// The matrix types that every part of the library shares.
///
///     std::vector<Eigen::Triplet<double, lae::Index>> entries{{0, 3, 1.0}, {1, 2, 1.0}};
///     lae::Csr<double> train(users, items);
///     train.setFromTriplets(entries.begin(), entries.end());
///     lae::Matrix<double> embeddings(items, dimensions);

#include <Eigen/Core>
#include <Eigen/SparseCore>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

using Eigen::Index;

/// Dense, row-major. Items are rows: of an embedding matrix (n x d), and of a weight matrix, where
/// row i holds what item i in a history adds to the score of every item. Scoring therefore reads
/// contiguous memory, and a C-order NumPy array has the same layout.
template <class Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Scalar>
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// Compressed sparse rows with 64-bit indices: users x items, or items x tags.
template <class Scalar>
using Csr = Eigen::SparseMatrix<Scalar, Eigen::RowMajor, Index>;

}  // namespace LAE_ABI
}  // namespace lae

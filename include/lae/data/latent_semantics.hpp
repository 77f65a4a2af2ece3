#pragma once

/// \file
/// Embeddings of items from the words of their texts, without a language model. Not part of
/// lae/lae.hpp: the decomposition takes long to compile.
///
///     auto embeddings = lae::latent_semantic_embeddings(lae::tf_idf(terms.counts), 256);

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "lae/algebra/truncated_svd.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Embeddings by latent semantic analysis (Deerwester and others, Indexing by latent semantic
/// analysis, JASIS 1990): rows of U Σ, for the largest singular values of the matrix, scaled to
/// length 1. Documents without terms get zeros, and so do those that have nothing to do with the
/// directions that are kept. There are fewer dimensions than asked for if the matrix has a lower
/// rank; singular values below a thousandth of the largest count as zero.
///
/// By truncated_svd, to a ten-thousandth of the largest singular value; the same seed gives the
/// same embeddings. Cost and memory: those of truncated_svd.
/// \param weights documents x terms, see tf_idf
/// \throws std::invalid_argument if dimensions < 1; Cancelled.
template <class Scalar>
[[nodiscard]] Matrix<Scalar> latent_semantic_embeddings(const Csr<Scalar>& weights,
                                                        Index dimensions, std::uint64_t seed = 1,
                                                        const Progress& progress = {}) {
  constexpr double smallest = 1e-3;
  detail::require(dimensions > 0, "dimensions must be positive, got ", dimensions);
  const Index n = weights.rows();
  Progress renamed;
  if (progress) {
    renamed = [&](std::string_view, double fraction) {
      return progress("latent semantic analysis", fraction);
    };
  }
  TruncatedSvdOptions options;
  options.rank = dimensions;
  options.tolerance = 1e-4;
  options.seed = seed;
  const TruncatedSvd<Scalar> svd = truncated_svd(weights, options, renamed);
  const Index kept =
      svd.values.size() > 0 ? (svd.values.array() > smallest * svd.values[0]).count() : 0;
  if (kept == 0) return Matrix<Scalar>::Zero(n, 0);
  Matrix<Scalar> embeddings =
      svd.u.leftCols(kept) * svd.values.head(kept).template cast<Scalar>().asDiagonal();
  for (Index row = 0; row < n; ++row) {
    // What rounding leaves of a document is not to be made as long as the others.
    const Scalar whole = weights.row(row).norm();
    const Scalar length = embeddings.row(row).norm();
    embeddings.row(row) *= whole > 0 && length > Scalar(1e-4) * whole ? 1 / length : Scalar(0);
  }
  return embeddings;
}

}  // namespace LAE_ABI
}  // namespace lae

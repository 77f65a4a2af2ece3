#pragma once

/// \file
/// Features as one dense matrix of few dimensions.

#include <algorithm>
#include <cmath>
#include <utility>

#include "lae/algebra/truncated_svd.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/recipe/feature_set.hpp"
#include "lae/detail/recipe/semantic_phase.hpp"
#include "lae/models/block_fit.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Tags that are taken as they are, each as a dimension.
inline constexpr Index most_plain_tags = 8192;

/// Dimensions that are left of features by BlockOptions::rank alone.
inline Index reduced_columns(Index dense, Index sparse, Index rank) {
  if (rank == 0) return dense + sparse;
  return (std::min)(dense + (std::min)(sparse, rank), rank);
}

/// \throws std::invalid_argument if there are too many tags to be dimensions.
inline void require_few_tags(Index tags, Index items, const BlockOptions& options) {
  require(options.rank > 0 || tags <= most_plain_tags, "features: ", tags, " tags of ", items,
          " items would become as many dense dimensions; set BlockOptions::rank, which reduces "
          "them by a truncated SVD, or let them stand in the Gram matrix (SourceRole::gram), where "
          "they stay sparse");
}

/// Of FᵀF, or F Fᵀ.
template <class Scalar>
double trace_of(const FeatureSet<Scalar>& features) {
  const Vector<Scalar> squares = features.row_squares();
  double trace = 0;
  for (Index i = 0; i < squares.size(); ++i) trace += static_cast<double>(squares[i]);
  return trace;
}

/// F with FᵀF of as many dimensions as the options let be; F itself where they let all.
/// \param kept the share of the trace of FᵀF that is left
/// \throws std::invalid_argument as above; Cancelled
template <class Scalar>
FeatureSet<Scalar> reduced_features(FeatureSet<Scalar> features, const BlockOptions& options,
                                    double& kept, const Progress& progress) {
  require_few_tags(features.sparse_columns(), features.items(), options);
  const bool has_many_tags = options.rank > 0 && features.sparse_columns() > options.rank;
  if (!has_many_tags && options.spectrum == 1 &&
      (options.rank == 0 || features.columns() <= options.rank)) {
    return features;
  }
  const double trace = trace_of(features);
  FeatureSet<Scalar> dense = features.dense_part();
  if (has_many_tags) {
    // F ≈ U diag(s) Wᵀ, and U diag(s) has the same Gram matrix of rows.
    TruncatedSvdOptions svd_options;
    svd_options.rank = options.rank;
    svd_options.tolerance = 1e-3;
    const Csr<Scalar> tags = features.sparse_part().tag_rows(1);
    TruncatedSvd<Scalar> svd = truncated_svd(tags, svd_options, progress);
    for (Index i = 0; i < svd.v.rows(); ++i) {
      for (Index c = 0; c < svd.values.size(); ++c) {
        svd.v(i, c) *= static_cast<Scalar>(svd.values[c]);
      }
    }
    dense.add(Borrowed<Matrix<Scalar>>(std::move(svd.v)), 1);
  } else if (features.sparse_columns() > 0) {
    dense.add(Borrowed<Matrix<Scalar>>(std::move(features).sparse_part().take_side_by_side()), 1);
  }
  if (options.spectrum == 1 && dense.columns() <= options.rank) {
    kept = trace > 0 ? (std::min)(1.0, trace_of(dense) / trace) : 1;
    return dense;
  }
  Borrowed<Matrix<Scalar>> f = dense.lend_side_by_side();
  auto [values, vectors] = eigendecomposition(dense.gram_of_columns(*f, progress));
  const Index d = values.size();  // rising
  Index first = options.rank > 0 ? (std::max)(Index(0), d - options.rank) : 0;
  double left = 0;
  for (Index c = first; c < d; ++c) left += (std::max)(values[c], 0.0);
  while (first + 1 < d && left - (std::max)(values[first], 0.0) >= options.spectrum * trace) {
    left -= (std::max)(values[first++], 0.0);
  }
  kept = trace > 0 ? (std::min)(1.0, left / trace) : 1;
  const Matrix<Scalar> leading = vectors.rightCols(d - first).template cast<Scalar>();
  FeatureSet<Scalar> reduced;
  reduced.add(Borrowed<Matrix<Scalar>>(product_of(*f, leading, "rotation", progress)), 1);
  return reduced;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

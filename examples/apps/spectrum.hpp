#pragma once

/// \file
/// Singular values.

#include <lae/algebra/truncated_svd.hpp>
#include <vector>

namespace example {

/// The largest singular values of a matrix, sparse or dense, falling; fewer if it has no more above
/// zero.
template <class AnyMatrix>
std::vector<double> largest_singular_values(const AnyMatrix& matrix, lae::Index count) {
  lae::TruncatedSvdOptions options;
  options.rank = count;
  const auto svd = lae::truncated_svd(matrix, options);
  return {svd.values.data(), svd.values.data() + svd.values.size()};
}

}  // namespace example

#pragma once

/// \file
/// Sparse matrices of model files, which are looked at before they are used.

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"
#include "lae/detail/io/model_reader.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// \param entries for which there is room; Eigen takes their number from where rows begin
/// \param what the matrix is
/// \throws FileError unless rows are compressed, and sorted
template <class Scalar>
void require_sorted_rows(const ModelReader& reader, const Csr<Scalar>& n, Index entries,
                         const char* what) {
  const Index* const start = n.outerIndexPtr();
  bool is_valid = start[0] == 0 && start[n.rows()] == entries;
  for (Index row = 0; is_valid && row < n.rows(); ++row) {
    is_valid = start[row] <= start[row + 1] && start[row + 1] <= entries;
    for (Index e = start[row]; is_valid && e < start[row + 1]; ++e) {
      const Index column = n.innerIndexPtr()[e];
      is_valid = column < n.cols() && column > (e > start[row] ? n.innerIndexPtr()[e - 1] : -1);
    }
  }
  if (!is_valid) reader.fail(concat("holds ", what, " that are no matrix"));
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

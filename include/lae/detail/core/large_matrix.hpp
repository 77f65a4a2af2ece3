#pragma once

/// \file
/// Memory for the matrices that a fit is made of.

#include <cstddef>
#include <cstdint>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A matrix, not initialised, in huge pages if the system has some to spare. Tiles of a large
/// row-major matrix touch a page for each of their rows: with huge pages they stay within reach of
/// the translation cache, and fresh memory costs a fraction of the page faults. Measured at
/// n = 4,000: the Gram step takes half the time or less, the inversion in float 5 % less.
template <class Scalar>
Matrix<Scalar> large_matrix(Index rows, Index cols) {
  Matrix<Scalar> matrix(rows, cols);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t huge_page = std::uintptr_t(1) << 21;
  const auto begin = reinterpret_cast<std::uintptr_t>(matrix.data());
  const std::uintptr_t end = begin + static_cast<std::size_t>(matrix.size()) * sizeof(Scalar);
  const std::uintptr_t first = (begin + huge_page - 1) / huge_page * huge_page;
  // Whole huge pages alone, so that no memory is taken beyond the matrix. A refusal costs nothing.
  if (first + huge_page <= end) {
    madvise(reinterpret_cast<void*>(first), (end - first) / huge_page * huge_page, MADV_HUGEPAGE);
  }
#endif
  return matrix;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

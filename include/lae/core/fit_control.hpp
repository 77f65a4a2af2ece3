#pragma once

/// \file
/// What a fit will cost, known from sizes alone before anything is allocated, and how a caller
/// watches, limits or cancels it.

#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include "lae/core/errors.hpp"
#include "lae/core/progress.hpp"
#include "lae/core/types.hpp"
#include "lae/detail/algebra/product.hpp"
#include "lae/detail/core/parallel.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {

/// The sizes that the cost of a fit depends on.
struct ProblemSize {
  Index users = 0;
  Index items = 0;
  Index interactions = 0;
  Index features = 0;                      ///< columns of the side information
  std::optional<Index> feature_entries{};  ///< stored entries, if the side information is sparse
};

/// Which inverse a fit on interactions takes: of items x items (primal) or of users x users (dual,
/// see core/regularized_inverse.hpp). The model is the same to rounding.
enum class FitForm { automatic, primal, dual };

/// Estimate of a fit. Flops count a multiplication and an addition as two. Bytes agree with what is
/// measured to 5 % once they are some 50 MB; below, stacks and what malloc keeps make a few MB
/// more.
struct FitCost {
  double flops = 0;
  std::uint64_t bytes = 0;  ///< peak, beyond what the caller holds; the model is part of it
  FitForm form = FitForm::primal;
};

/// The fit would need more memory than its budget. Nothing was allocated.
class MemoryBudgetExceeded : public std::runtime_error {
 public:
  MemoryBudgetExceeded(std::uint64_t needed, std::uint64_t budget)
      : std::runtime_error(detail::concat("the fit needs ", needed,
                                          " bytes of memory, the budget is ", budget, " bytes")),
        needed_(needed) {}

  std::uint64_t needed_bytes() const { return needed_; }

 private:
  std::uint64_t needed_;
};

/// The machine's memory in bytes; no limit where the system does not tell.
inline std::uint64_t physical_memory() {
#if __has_include(<unistd.h>) && defined(_SC_PHYS_PAGES)
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  }
#endif
  return std::numeric_limits<std::uint64_t>::max();
}

/// How a caller watches and limits a fit.
struct FitControl {
  Progress progress{};
  std::uint64_t memory_budget = physical_memory();  ///< bytes
  FitForm form = FitForm::automatic;                ///< automatic: the faster one

  /// \throws MemoryBudgetExceeded
  void check(const FitCost& cost) const {
    if (cost.bytes > memory_budget) throw MemoryBudgetExceeded(cost.bytes, memory_budget);
  }
};

namespace detail {

template <class Derived>
Index count_entries(const Eigen::SparseMatrixBase<Derived>& matrix) {
  if constexpr (std::is_base_of_v<Eigen::SparseCompressedBase<Derived>, Derived>) {
    return matrix.derived().nonZeros();
  } else {
    return typename Derived::PlainObject(matrix.derived()).nonZeros();
  }
}

}  // namespace detail

/// The sizes of a fit on interactions (users x items) alone.
template <class Derived>
ProblemSize problem_size(const Eigen::SparseMatrixBase<Derived>& interactions) {
  ProblemSize size;
  size.users = interactions.rows();
  size.items = interactions.cols();
  size.interactions = detail::count_entries(interactions);
  return size;
}

/// The sizes of a fit on item features (items x features) alone.
template <class Derived>
ProblemSize feature_size(const Eigen::MatrixBase<Derived>& features) {
  ProblemSize size;
  size.items = features.rows();
  size.features = features.cols();
  return size;
}
template <class Derived>
ProblemSize feature_size(const Eigen::SparseMatrixBase<Derived>& features) {
  ProblemSize size;
  size.items = features.rows();
  size.features = features.cols();
  size.feature_entries = detail::count_entries(features);
  return size;
}

/// The sizes of a fit on interactions and item features.
template <class Interactions, class Features>
ProblemSize problem_size(const Eigen::SparseMatrixBase<Interactions>& interactions,
                         const Eigen::EigenBase<Features>& features) {
  ProblemSize size = problem_size(interactions);
  const ProblemSize side = feature_size(features.derived());
  size.features = side.features;
  size.feature_entries = side.feature_entries;
  return size;
}

namespace detail {

// Bytes and flops of the parts that fits are made of. Bytes are 64 bits wide throughout: n^2 passes
// 32 bits at n = 46,341.

template <class Scalar>
std::uint64_t dense_bytes(Index rows, Index columns) {
  return static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns) * sizeof(Scalar);
}

template <class Scalar>
std::uint64_t csr_bytes(Index rows, Index entries) {
  return static_cast<std::uint64_t>(entries) * (sizeof(Scalar) + sizeof(Index)) +
         static_cast<std::uint64_t>(rows + 1) * sizeof(Index);
}

/// X in CSR form and what `add_gram_of_columns` needs to know where its columns are.
template <class Scalar>
std::uint64_t sparse_gram_bytes(Index rows, Index columns, Index entries) {
  return csr_bytes<Scalar>(rows, entries) +
         static_cast<std::uint64_t>(entries + columns + 1) * 2 * sizeof(Index);
}

/// With rows of equal length; longer ones among shorter ones cost more.
inline double sparse_gram_flops(Index rows, Index entries) {
  return rows > 0 ? static_cast<double>(entries) * static_cast<double>(entries) /
                        static_cast<double>(rows)
                  : 0;
}

/// The product kernel's buffers on all threads.
template <class Scalar>
std::uint64_t product_bytes() {
  return static_cast<std::uint64_t>(thread_count()) * product_buffer_bytes<Scalar>();
}

/// a * b * c as a floating-point number.
inline double volume(Index a, Index b, Index c) {
  return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

/// The canonical copy of the side information, and what summing its n x n Gram matrix adds to it.
template <class Scalar>
std::uint64_t feature_gram_bytes(const ProblemSize& size) {
  if (!size.feature_entries) return dense_bytes<Scalar>(size.items, size.features);
  return csr_bytes<Scalar>(size.items, *size.feature_entries) +
         sparse_gram_bytes<Scalar>(size.features, size.items, *size.feature_entries);
}

inline double feature_gram_flops(const ProblemSize& size) {
  return size.feature_entries ? sparse_gram_flops(size.features, *size.feature_entries)
                              : volume(size.items, size.items, size.features);
}

}  // namespace detail
}  // namespace lae

#pragma once

/// \file
/// What the library throws, besides `std::invalid_argument` (a wrong argument, named in the
/// message with the sizes or values that clash) and `FileError` (see io/file.hpp).
///
///     try {
///       model = solver.fit(train);
///     } catch (const lae::NotPositiveDefinite& error) {
///       std::cerr << error.what() << "\n";  // names what to raise
///       if (error.pivot() == lae::Pivot::item) look_at(error.index());
///     }

#include <cstdint>
#include <stdexcept>
#include <string>

#include "lae/core/types.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What a row of a matrix that could not be factored stands for.
enum class Pivot {
  item,       ///< a row of the Gram matrix of items
  user,       ///< a row of the dual form's matrix, of users (and tags)
  dimension,  ///< a column of the item features
};

/// A regularised Gram matrix has no Cholesky factor in the chosen Scalar.
class NotPositiveDefinite : public std::runtime_error {
 public:
  NotPositiveDefinite(Pivot pivot, Index index, const std::string& message)
      : std::runtime_error(message), pivot_(pivot), index_(index) {}

  /// What the row stands for whose pivot was not positive, and its zero-based index.
  [[nodiscard]] Pivot pivot() const { return pivot_; }
  [[nodiscard]] Index index() const { return index_; }

  /// Zero-based index of the item whose pivot was not positive; -1 if it was no item's.
  [[nodiscard]] Index item() const { return pivot_ == Pivot::item ? index_ : -1; }

 private:
  Pivot pivot_;
  Index index_;
};

/// A fit or a search would need more memory than its budget. Nothing was allocated.
class MemoryBudgetExceeded : public std::runtime_error {
 public:
  /// \param what "fit", "search"
  MemoryBudgetExceeded(const std::string& what, std::uint64_t needed, std::uint64_t budget)
      : std::runtime_error(detail::concat("the ", what, " needs ", needed,
                                          " bytes of memory, the budget is ", budget, " bytes")),
        needed_(needed) {}

  [[nodiscard]] std::uint64_t needed_bytes() const { return needed_; }

 private:
  std::uint64_t needed_;
};

/// The caller's progress callback asked to stop.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled by the progress callback") {}
};

}  // namespace LAE_ABI
}  // namespace lae

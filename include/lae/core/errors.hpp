#pragma once

/// \file
/// What the library throws, besides `std::invalid_argument` (a wrong argument, named in the
/// message with the sizes or values that clash) and `FileError` (see io/file.hpp).

#include <stdexcept>
#include <string>

#include "lae/core/types.hpp"

namespace lae {

/// The regularised Gram matrix has no Cholesky factor in the chosen Scalar.
class NotPositiveDefinite : public std::runtime_error {
 public:
  NotPositiveDefinite(Index item, const std::string& message)
      : std::runtime_error(message), item_(item) {}

  /// Zero-based index of the item (row of the matrix) whose pivot was not positive.
  Index item() const { return item_; }

 private:
  Index item_;
};

/// The caller's progress callback asked to stop.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled by the progress callback") {}
};

}  // namespace lae

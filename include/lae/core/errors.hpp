#pragma once

/// \file
/// What the library throws, besides `std::invalid_argument` (a wrong argument, named in the
/// message with the sizes or values that clash) and `FileError` (see io/file.hpp).

#include <cmath>
#include <sstream>
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

namespace detail {

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Input checks are exceptions, never asserts: they hold under NDEBUG too.
template <class... Parts>
void require(bool holds, const Parts&... parts) {
  if (!holds) throw std::invalid_argument(concat(parts...));
}

inline void require_positive(double value, const char* name) {
  require(std::isfinite(value) && value > 0, name, " must be positive and finite, got ", value);
}

}  // namespace detail
}  // namespace lae

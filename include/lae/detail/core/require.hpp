#pragma once

/// \file
/// Checks of what callers pass, as exceptions.

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
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
}  // namespace LAE_ABI
}  // namespace lae

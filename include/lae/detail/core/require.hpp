#pragma once

/// \file
/// Checks of what callers pass, as exceptions.

#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

// Text is put together without streams, which every message would compile anew.
inline void append(std::string& text, std::string_view part) {
  text.append(part);
}
inline void append(std::string& text, char part) {
  text.push_back(part);
}
/// Six significant digits.
inline void append_number(std::string& text, double number) {
  char digits[32];
  char* const end =
      std::to_chars(digits, digits + sizeof(digits), number, std::chars_format::general, 6).ptr;
  text.append(digits, end);
}
template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
void append(std::string& text, Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    append_number(text, static_cast<double>(number));
  } else {
    text.append(std::to_string(number));
  }
}

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (append(text, parts), ...);
  return text;
}

inline std::string text_of(double value) {
  return concat(value);
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

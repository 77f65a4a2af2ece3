#pragma once

/// \file
/// Texts and numbers as CSV and JSON write them.

#include <charconv>
#include <string>
#include <string_view>

#include "lae/detail/core/abi.hpp"
#include "lae/detail/data/unicode.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// A field of CSV, in quotes if it has to be.
inline void append_csv(std::string_view field, std::string& text) {
  if (field.find_first_of(",\"\r\n") == field.npos) {
    text += field;
    return;
  }
  text += '"';
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  text += '"';
}

/// A text of JSON, in quotes; bytes that are no UTF-8 become U+FFFD.
inline void append_json(std::string_view value, std::string& text) {
  constexpr const char* digits = "0123456789abcdef";
  text += '"';
  for (const char c : repaired_utf8(std::string(value))) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (code < 0x20) {
      text += "\\u00";
      text += digits[code >> 4];
      text += digits[code & 0xf];
    } else {
      text += c;
    }
  }
  text += '"';
}

/// The shortest digits that are read as the same number.
template <class Scalar>
void append_shortest(Scalar number, std::string& text) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

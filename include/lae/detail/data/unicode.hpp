#pragma once

/// \file
/// Characters that stand in a text by their number, and bytes that are no characters.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// U+FFFD, which stands for what is no character.
inline constexpr std::string_view replacement_character = "\xef\xbf\xbd";

[[nodiscard]] inline bool is_high_surrogate(std::uint32_t code) {
  return code >= 0xd800 && code < 0xdc00;
}
[[nodiscard]] inline bool is_low_surrogate(std::uint32_t code) {
  return code >= 0xdc00 && code < 0xe000;
}

/// Appends a character in UTF-8; U+FFFD for half a surrogate pair, or what Unicode does not have.
inline void append_utf8(std::uint32_t code, std::string& text) {
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  const auto rest = [&](int shift) { byte(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    rest(0);
  } else if (is_high_surrogate(code) || is_low_surrogate(code) || code > 0x10ffff) {
    text += replacement_character;
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    rest(6);
    rest(0);
  } else {
    byte(0xf0 | code >> 18);
    rest(12);
    rest(6);
    rest(0);
  }
}

/// The number that `digits` hexadecimal digits at the beginning of `text` are. \return whether they
/// are there.
[[nodiscard]] inline bool parse_hex(std::string_view text, std::size_t digits,
                                    std::uint32_t& number) {
  if (text.size() < digits) return false;
  number = 0;
  for (const char c : text.substr(0, digits)) {
    const std::uint32_t digit = c >= '0' && c <= '9'   ? static_cast<std::uint32_t>(c - '0')
                                : c >= 'a' && c <= 'f' ? static_cast<std::uint32_t>(c - 'a' + 10)
                                : c >= 'A' && c <= 'F' ? static_cast<std::uint32_t>(c - 'A' + 10)
                                                       : 16;
    if (digit == 16) return false;
    number = number << 4 | digit;
  }
  return true;
}

/// Reads what follows "\u" at the beginning of `text`: four digits, and the second half of a pair
/// that the first half begins, an escape of its own.
/// \return how many bytes that took; 0 if it is not there.
[[nodiscard]] inline std::size_t append_utf16_escape(std::string_view text, std::string& to) {
  std::uint32_t code = 0;
  if (!parse_hex(text, 4, code)) return 0;
  std::uint32_t second = 0;
  const bool is_pair = is_high_surrogate(code) && text.substr(4, 2) == "\\u" &&
                       parse_hex(text.substr(6), 4, second) && is_low_surrogate(second);
  if (is_pair) code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
  append_utf8(code, to);
  return is_pair ? 10 : 4;
}

/// How many bytes the character takes that `text`, which is not empty, begins with; 0 if it begins
/// with none.
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Longer than need be, half a surrogate pair, or beyond Unicode.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
      (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

/// How many bytes at the beginning of a text are characters in UTF-8.
[[nodiscard]] inline std::size_t valid_utf8_bytes(std::string_view text) {
  std::size_t valid = 0;
  while (valid < text.size()) {
    std::uint64_t eight = 0;
    constexpr std::uint64_t not_ascii = 0x8080808080808080;
    if (text.size() - valid >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + valid, sizeof(eight));
      if ((eight & not_ascii) == 0) {
        valid += sizeof(eight);
        continue;
      }
    }
    const std::size_t length = utf8_length(text.substr(valid));
    if (length == 0) break;
    valid += length;
  }
  return valid;
}

/// The text in UTF-8: each byte that belongs to no character becomes U+FFFD.
[[nodiscard]] inline std::string repaired_utf8(std::string text) {
  std::size_t begin = valid_utf8_bytes(text);
  if (begin == text.size()) return text;
  std::string repaired = text.substr(0, begin);
  while (begin < text.size()) {
    repaired += replacement_character;
    ++begin;
    const std::size_t valid = valid_utf8_bytes(std::string_view(text).substr(begin));
    repaired.append(text, begin, valid);
    begin += valid;
  }
  return repaired;
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

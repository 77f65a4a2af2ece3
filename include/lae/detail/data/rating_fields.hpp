#pragma once

/// \file
/// The fields of a rating.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "lae/data/interactions.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/core/require.hpp"

namespace lae {
inline namespace LAE_ABI {
namespace detail {

/// Says what is wrong with a rating; nothing, if it is fine.
/// \param has_stars whether ratings lie in 0 ... 5
[[nodiscard]] inline std::string problem_of(const RatingLine& line, bool has_stars = true) {
  const auto has_line_break = [](std::string_view id) {
    // Two searches: find_first_of of libstdc++ makes a call for each character.
    return id.find('\n') != id.npos || id.find('\r') != id.npos;
  };
  if (line.user.empty()) return "the user id is empty";
  if (line.item.empty()) return "the item id is empty";
  if (has_line_break(line.user) || has_line_break(line.item)) return "an id holds a line break";
  if (has_stars && !(line.rating >= 0 && line.rating <= 5)) {
    return concat("the rating must be in 0 ... 5, got ", line.rating);
  }
  if (!std::isfinite(line.rating)) return concat("the rating is not finite: ", line.rating);
  return "";
}

/// The number that `text` is, all of it. \return whether it is one.
template <class Number>
[[nodiscard]] bool parse_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

/// The whole number that `text` is in any notation of a decimal number, all of it and exactly:
/// 1588687728923, 1588687728923.0, 1.588687728923e12. \return whether it is one that 64 bits hold.
[[nodiscard]] inline bool parse_whole_number(std::string_view text, std::int64_t& number) {
  if (parse_number(text, number)) return true;
  const std::size_t exponent_sign = text.find_first_of("eE");
  std::int64_t exponent = 0;
  if (exponent_sign != text.npos) {
    std::string_view digits = text.substr(exponent_sign + 1);
    if (digits.substr(0, 1) == "+" && digits.substr(1, 1) != "-") digits.remove_prefix(1);
    if (!parse_number(digits, exponent)) return false;
    text = text.substr(0, exponent_sign);
  }
  const bool is_negative = text.substr(0, 1) == "-";
  if (is_negative) text.remove_prefix(1);
  const std::size_t point = (std::min)(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  if (point < text.size()) digits += text.substr(point + 1);
  const bool are_digits = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
  if (!are_digits) return false;
  const std::size_t last = digits.find_last_not_of('0');
  if (last == digits.npos) {
    number = 0;
    return true;
  }
  // The number is `digits` times ten to the power of `zeros`, and ends in no zero: it is whole if
  // that power is.
  exponent = std::clamp<std::int64_t>(exponent, -1'000'000'000, 1'000'000'000);
  const std::int64_t zeros =
      exponent + static_cast<std::int64_t>(point) - static_cast<std::int64_t>(last) - 1;
  digits.resize(last + 1);
  digits.erase(0, digits.find_first_not_of('0'));
  constexpr std::int64_t most_digits = std::numeric_limits<std::int64_t>::digits10 + 1;
  if (zeros < 0 || zeros > most_digits) return false;
  digits.append(static_cast<std::size_t>(zeros), '0');
  return parse_number((is_negative ? "-" : "") + digits, number);
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

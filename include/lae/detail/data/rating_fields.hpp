#pragma once

/// \file
/// The fields of a rating and of an item as text.

#include <charconv>
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
[[nodiscard]] inline std::string problem_of(const RatingLine& line) {
  const auto has_line_break = [](std::string_view id) {
    // Two searches: find_first_of of libstdc++ makes a call for each character.
    return id.find('\n') != id.npos || id.find('\r') != id.npos;
  };
  if (line.user.empty()) return "the user id is empty";
  if (line.item.empty()) return "the item id is empty";
  if (has_line_break(line.user) || has_line_break(line.item)) return "an id holds a line break";
  if (!(line.rating >= 0 && line.rating <= 5)) {
    return concat("the rating must be in 0 ... 5, got ", line.rating);
  }
  if (line.timestamp < 0) return concat("the timestamp must not be negative, got ", line.timestamp);
  return "";
}

/// The number that `text` is, all of it. \return whether it is one.
template <class Number>
[[nodiscard]] bool parse_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

/// The value of a key in a Python dictionary of strings, as str() writes it; empty if there is
/// none.
[[nodiscard]] inline std::string python_dict_value(std::string_view dict, std::string_view key) {
  std::string last;
  bool is_value = false;
  for (std::size_t i = 0; i < dict.size(); ++i) {
    if (dict[i] == ':') is_value = true;
    if (dict[i] == ',') is_value = false;
    if (dict[i] != '\'' && dict[i] != '"') continue;
    const char quote = dict[i];
    std::string text;
    for (++i; i < dict.size() && dict[i] != quote; ++i) {
      if (dict[i] == '\\' && i + 1 < dict.size()) ++i;
      text += dict[i];
    }
    if (is_value && last == key) return text;
    last = is_value ? "" : text;
  }
  return "";
}

}  // namespace detail
}  // namespace LAE_ABI
}  // namespace lae

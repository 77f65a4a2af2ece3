#pragma once

/// \file
/// What is written about an item, and the prompt that a text encoder gets to read.
///
///     lae::ItemText item;
///     item.title = "Chess clock";
///     item.brand = "DGT";
///     std::string text = lae::item_prompt(item);  // "Title: Chess clock; Brand: DGT"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// What is known of an item in words; anything may be empty.
struct ItemText {
  std::string id;
  std::string title;
  std::string category;
  std::string brand;
  std::string description;
};

/// A text in one line: each run of white space and control characters becomes one space, none at
/// the ends.
[[nodiscard]] inline std::string one_line(std::string_view text) {
  std::string line;
  bool gap = false;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code <= ' ' || code == 0x7f) {
      gap = !line.empty();
      continue;
    }
    if (gap) line += ' ';
    gap = false;
    line += c;
  }
  return line;
}

/// The prompt of the L3AE paper (section 4.1):
/// "Title: <title>; Category: <category>; Brand: <brand>; Description: <description>".
///
/// A part of which nothing is known is left out with its name; the prompt of an item of which
/// nothing at all is known is empty. The parts are in one line each, and so is the
/// prompt.
[[nodiscard]] inline std::string item_prompt(const ItemText& text) {
  std::string prompt;
  const std::pair<const char*, const std::string*> parts[] = {{"Title: ", &text.title},
                                                              {"Category: ", &text.category},
                                                              {"Brand: ", &text.brand},
                                                              {"Description: ", &text.description}};
  for (const auto& [name, value] : parts) {
    const std::string line = one_line(*value);
    if (line.empty()) continue;
    if (!prompt.empty()) prompt += "; ";
    prompt += name + line;
  }
  return prompt;
}

}  // namespace LAE_ABI
}  // namespace lae

#pragma once

// Items in either format: prompts are one line of UTF-8.

#include <lae/data/item_text.hpp>
#include <lae/detail/data/unicode.hpp>
#include <lae/io/text.hpp>

#include "fuzz.hpp"

namespace fuzz {

inline void check_item(const lae::ItemText& item) {
  require(!item.id.empty());
  const std::string prompt = lae::item_prompt(item);
  require(lae::detail::repaired_utf8(prompt) == prompt);
  require(lae::one_line(prompt) == prompt);
}

/// \param read calls read_items_csv or read_items_json.
template <class Read>
void read_items(std::string_view bytes, Read&& read) {
  lae::SkippedLines skipped;
  for (lae::SkippedLines* counter : {static_cast<lae::SkippedLines*>(nullptr), &skipped}) {
    try_to([&] { read(text(bytes), check_item, counter); });
  }
}

}  // namespace fuzz

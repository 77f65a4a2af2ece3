#pragma once

/// \file
/// Tags of items from what is written about them.
///
///     lae::ItemTags tags = lae::item_tags(texts);
///     auto model = lae::Cease<float>({/*lambda=*/100, /*alpha=*/1}).fit(train, tags.matrix);

#include <string>
#include <utility>
#include <vector>

#include "lae/core/types.hpp"
#include "lae/data/item_text.hpp"
#include "lae/data/text_features.hpp"
#include "lae/detail/core/abi.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Which items have which tags.
struct ItemTags {
  Csr<float> matrix;               ///< items x tags, 1 where an item has a tag
  std::vector<std::string> names;  ///< of the tags: "category: Games", or a word
};

/// An item's tags are its category and its brand as a whole, and the words of its title, category
/// and brand; of those, the ones that at least `min_items` items have, to learn something from
/// them, and at most half of all, since a tag that most items have says little.
[[nodiscard]] inline ItemTags item_tags(const std::vector<ItemText>& texts, Index min_items = 5) {
  std::vector<std::vector<std::string>> tags_of_items;
  for (const ItemText& text : texts) {
    std::vector<std::string>& tags = tags_of_items.emplace_back();
    for (const std::string* part : {&text.title, &text.category, &text.brand}) {
      for (std::string& word : words_of(*part)) tags.push_back(std::move(word));
    }
    const auto add_whole = [&](const char* kind, const std::string& value) {
      const std::string line = one_line(value);
      if (!line.empty()) tags.push_back(kind + line);
    };
    add_whole("category: ", text.category);
    add_whole("brand: ", text.brand);
  }
  TermCounts terms = count_terms(tags_of_items, min_items, static_cast<Index>(texts.size() / 2));
  ItemTags tags{std::move(terms.counts), std::move(terms.terms)};
  tags.matrix.coeffs().setOnes();
  return tags;
}

}  // namespace LAE_ABI
}  // namespace lae

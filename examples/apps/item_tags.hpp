#pragma once

/// \file
/// Tags of items from what is written about them.

#include <lae/data/item_text.hpp>
#include <lae/data/text_features.hpp>
#include <string>
#include <vector>

namespace example {

/// items x tags, 1 where an item has a tag, and the names of the tags, one a line.
struct ItemTags {
  lae::Csr<float> matrix;
  std::string names;
};

/// An item's tags are its category and its brand as a whole, and the words of its title, category
/// and brand; of those, the ones that enough items have to learn from, and no more than half of
/// all, since a tag that most items have says little.
inline ItemTags make_item_tags(const std::vector<lae::ItemText>& texts, lae::Index min_items) {
  std::vector<std::vector<std::string>> tags_of_items;
  for (const lae::ItemText& text : texts) {
    std::vector<std::string>& tags = tags_of_items.emplace_back();
    for (const std::string* part : {&text.title, &text.category, &text.brand}) {
      for (const std::string& word : lae::words_of(*part)) tags.push_back(word);
    }
    const auto add_whole = [&](const char* kind, const std::string& value) {
      const std::string line = lae::one_line(value);
      if (!line.empty()) tags.push_back(kind + line);
    };
    add_whole("category: ", text.category);
    add_whole("brand: ", text.brand);
  }
  lae::TermCounts terms =
      lae::count_terms(tags_of_items, min_items, static_cast<lae::Index>(texts.size() / 2));
  ItemTags tags{std::move(terms.counts), ""};
  tags.matrix.coeffs().setOnes();
  for (const std::string& name : terms.terms) tags.names += name + "\n";
  return tags;
}

}  // namespace example

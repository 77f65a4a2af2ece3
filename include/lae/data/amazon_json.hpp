#pragma once

/// \file
/// The JSON files of Amazon Reviews 2023 (Hou et al., arXiv 2403.03952,
/// amazon-reviews-2023.github.io), one object a line: reviews `X.jsonl` and items `meta_X.jsonl`.
/// Needs simdjson (CMake target lae::json).
///
///     lae::read_items_json(lae::open_gzip("meta_X.jsonl.gz"),
///                          [&](const lae::ItemText& item) { texts.push_back(item); });

#include <string>
#include <string_view>
#include <utility>

#include "lae/data/interactions.hpp"
#include "lae/data/item_text.hpp"
#include "lae/detail/core/abi.hpp"
#include "lae/detail/data/json_lines.hpp"
#include "lae/detail/data/meta_value.hpp"
#include "lae/detail/data/rating_fields.hpp"
#include "lae/detail/io/read_each.hpp"
#include "lae/io/text.hpp"

namespace lae {
inline namespace LAE_ABI {

/// Calls take(const RatingLine&) for each review of `X.jsonl`; what it is given lasts until it
/// returns. Of a review it reads user_id, parent_asin, rating and timestamp.
/// \param skipped counts lines that cannot be read; without it, the first one is an error.
/// \throws BadLine, FileError; whatever take throws.
template <class Take>
void read_reviews_json(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  detail::JsonLines lines(std::move(source));
  const auto next = [&](RatingLine& line) {
    bool has_rating = false;
    bool has_timestamp = false;
    const bool found = lines.next([&](std::string_view key, detail::JsonValue value) {
      if (key == "user_id") {
        line.user = lines.id(value);
      } else if (key == "parent_asin") {
        line.item = lines.id(value);
      } else if (key == "rating") {
        line.rating = static_cast<float>(lines.number(value));
        has_rating = true;
      } else if (key == "timestamp") {
        line.timestamp = lines.whole_number(value);
        has_timestamp = true;
      }
    });
    if (!found) return false;
    if (!has_rating) lines.fail("there is no rating");
    if (!has_timestamp) lines.fail("there is no timestamp");
    const std::string problem = detail::problem_of(line);
    if (!problem.empty()) lines.fail(problem);
    return true;
  };
  detail::read_each<RatingLine>(next, take, skipped);
}

/// Calls take(const ItemText&) for each item of `meta_X.jsonl`, read from
/// - id: parent_asin
/// - title: title
/// - category: categories, joined by ", "; or, if there are none, main_category
/// - brand: details.Brand; or, if there is none, store
/// - description: description, its paragraphs joined by " "; or, if there is none, features.
///
/// Lists and dictionaries may also be texts that hold them, as JSON or as Python or NumPy print
/// them. Half a surrogate pair and bytes that are no UTF-8 become U+FFFD in all but the id.
/// \throws as read_reviews_json.
template <class Take>
void read_items_json(TextSourcePtr source, Take&& take, SkippedLines* skipped = nullptr) {
  detail::JsonLines lines(std::move(source));
  const auto next = [&](ItemText& item) {
    detail::ItemFields fields;
    const bool found = lines.next([&](std::string_view key, detail::JsonValue value) {
      if (key == detail::item_id_name) {
        fields.id = std::string(lines.id(value));
        return;
      }
      for (const detail::ItemFieldName& name : detail::item_field_names) {
        if (key != name.name) continue;
        detail::MetaValue read = lines.meta_value(value);
        const bool is_text = read.kind == detail::MetaValue::Kind::text;
        fields.*name.field = is_text ? name.value_of(read.text) : std::move(read);
      }
    });
    if (!found) return false;
    if (fields.id.empty()) lines.fail("there is no parent_asin");
    item = detail::item_text(std::move(fields));
    return true;
  };
  detail::read_each<ItemText>(next, take, skipped);
}

}  // namespace LAE_ABI
}  // namespace lae
